"""Sixteen bits a channel, reduced to eight."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fundus_core.errors import say
from fundus_core.images.faults import damaged
from fundus_core.records import Pixels

# OpenCV prints what it finds wrong in a file; the caller is told by an error instead.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_BITS_PER_SAMPLE = 258
_PNG_DEPTH_BYTE = 24
_MIN_IS_WHITE = 0
_PHOTOMETRIC = 262


def bits_of(header: ImageFile, data: bytes) -> int:
    """Return the bits of a channel that a PNG or TIFF says it has; 8 for any other format."""
    if isinstance(header, PngImageFile):
        return data[_PNG_DEPTH_BYTE]
    if isinstance(header, TiffImageFile):
        bits = header.tag_v2.get(_BITS_PER_SAMPLE, (8,))
        return int(max(bits)) if isinstance(bits, tuple) else int(bits)
    return 8


def decode_16(data: bytes, header: ImageFile, page: int = 0) -> NDArray[np.uint16]:
    """Decode a 16-bit PNG, or a page of a TIFF, with OpenCV, for Pillow keeps only the high byte of each channel.

    Returns:
        Height x width x channels (1 grey, 3 BGR, 4 BGR and alpha), 0..65535; a TIFF already upright.

    Raises:
        PhotographError: ``damaged``.
    """
    kind = header.format or ""
    held = np.frombuffer(data, np.uint8)
    if page:
        _, pages = cv2.imdecodemulti(held, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
        found = pages[0] if pages else None
    else:
        found = cv2.imdecode(held, cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape[0] * found.shape[1] != np.prod(header.size):
        raise damaged(kind)
    deep = found if found.ndim == 3 else found[:, :, None]
    if isinstance(header, TiffImageFile) and header.tag_v2.get(_PHOTOMETRIC) == _MIN_IS_WHITE:
        deep = 65535 - deep
    return np.asarray(deep, np.uint16)


def reduced_to_8(deep: NDArray[np.uint16]) -> tuple[Pixels, str]:
    """Drop the low bits of a 16-bit picture.

    Cameras store 10, 12 or 14 bits in the low end of 16; a picture that never reaches a quarter
    of full scale is taken for one of these, or it would come out black.

    Returns:
        The same shape in 0..255, and a note.

    >>> reduced_to_8(np.array([[0, 4095]], np.uint16))[0].tolist()
    [[0, 255]]
    """
    used = int(deep.max()).bit_length()
    depth = next(bits for bits in (10, 12, 14, 16) if used <= bits)
    reduced = (deep >> (depth - 8)).astype(np.uint8)
    said = "16 bits a channel" if depth == 16 else say("16 bits a channel, {depth} of them used,", depth=depth)
    return reduced, say("Reduced from {said} to 8.", said=say(said))
