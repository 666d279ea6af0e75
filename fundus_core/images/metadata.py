"""What Pillow reads before any pixel: size, orientation, and which kinds of metadata there are."""

from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import ExifTags
from PIL.ImageFile import ImageFile

from fundus_core.images.faults import DAMAGE, unsupported
from fundus_core.records import Pixels

_Kind = TypeVar("_Kind", bound=ImageFile)

_UNUSUAL = "pixels of an unusual layout"
_AS_RGB = "Export it in RGB with 8 or 16 bits a channel."
_DROPPED = {
    "exif": "EXIF",
    "icc_profile": "colour profile",
    "xmp": "XMP",
    "XML:com.adobe.xmp": "XMP",
    "photoshop": "IPTC",
    "comment": "comment",
    "mp": "further pictures",
}


def open_header(kind: type[_Kind], data: bytes) -> _Kind:
    """Open a file as the format that its content says, reading nothing but the header.

    ``PIL.Image.open`` would warn about size before we can refuse it, and try formats that we do not allow.

    Raises:
        PhotographError: ``unsupported``.
        DAMAGE: What Pillow raises on a broken header.
    """
    try:
        return kind(BytesIO(data))
    except SyntaxError as error:
        if "unknown pixel mode" not in str(error):
            raise
        raise unsupported(kind.format or "", _UNUSUAL, _AS_RGB) from None


def orientation_of(header: ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        found = header.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGE:
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror pixels (height x width x channels) as the EXIF orientation 1 to 8 says (CIPA DC-008, tag 274).

    >>> upright(np.arange(6).reshape(2, 3, 1), 6)[:, :, 0].tolist()
    [[3, 0], [4, 1], [5, 2]]
    """
    if orientation > 4:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def dropped_from(header: ImageFile) -> tuple[str, ...]:
    """Name the kinds of metadata in a file, never their values nor the keys that its writer chose."""
    kinds = {_DROPPED[key] for key in header.info if key in _DROPPED}
    worded = any(isinstance(value, str) for key, value in header.info.items() if key not in _DROPPED)
    if worded and header.format != "TIFF":
        kinds.add("text")
    if header.format == "TIFF":
        kinds.add("TIFF tags")
    return tuple(sorted(kinds))
