"""Photographs in: decoding, DICOM, and the files, folders, archives and manifests they come from."""

from fundus_core.images.decoding import decode
from fundus_core.images.jpeg import encode
from fundus_core.images.sources import exists, source_at, sources, stamp_at
