"""DICOM."""

from __future__ import annotations

from collections.abc import Callable

from fundus_core.images.faults import unsupported
from fundus_core.images.found import Found

_KIND = "DICOM"


def read(data: bytes, pseudonymise: Callable[[str], str] | None) -> Found:
    """Refuse."""
    raise unsupported(_KIND, "a picture", "Export it as a JPEG.")
