"""Colour: profiles to sRGB, alpha to black, sixteen bits to eight, and whether there is colour at all."""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fundus_core.errors import say
from fundus_core.images.faults import DAMAGE, damaged
from fundus_core.records import Pixels

_LOOK_PX = 128
"""A strided copy of about this size is looked at; colour needs no detail."""
_LIT = 24
"""Pixels darker than this carry no colour that could be told from noise."""
_GREY_SPREAD = 6
"""Largest difference of two channels that the chroma of a JPEG adds to a grey photograph."""
_TINTED_SHARE = 0.05
"""Writing or a logo in colour, over a grey photograph, covers less."""
_RED_FREE = 0.5
"""Red as a share of green or blue: a retina is far more red, but under a green or blue filter hardly red at all."""


def has_colour(pixels: Pixels) -> bool:
    """Whether a photograph (height x width x 3, RGB, 0..255) is in colour: no three equal channels, and no filter.

    True also for a photograph too dark to tell, which the quality checks refuse for its darkness.

    >>> has_colour(np.full((8, 8, 3), (180, 90, 40), np.uint8))
    True
    >>> has_colour(np.full((8, 8, 3), 128, np.uint8))
    False
    """
    step = max(1, min(pixels.shape[:2]) // _LOOK_PX)
    red, green, blue = (pixels[::step, ::step, channel].ravel() for channel in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    lit = highest > _LIT
    count = np.count_nonzero(lit)
    if count < 0.01 * len(lit):
        return True
    spread = (highest - np.minimum(np.minimum(red, green), blue))[lit]
    red, green, blue = red[lit], green[lit], blue[lit]
    tinted = np.count_nonzero(spread > _GREY_SPREAD) > _TINTED_SHARE * count
    return bool(tinted and red.mean() >= _RED_FREE * max(green.mean(), blue.mean()))


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """Convert an RGB or CMYK picture to RGB in sRGB, by its colour profile where it has a sensible one.

    The note is empty where there was nothing to say.
    """
    if not profile or image.mode not in {"RGB", "CMYK"}:
        return image.convert("RGB"), ""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        name = ImageCms.getProfileDescription(source)
        if image.mode == "RGB" and "srgb" in name.lower():
            return image, ""
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, *DAMAGE):
        return image.convert("RGB"), "The colour profile could not be used; the values were taken as sRGB."
    if converted is None:
        return image.convert("RGB"), ""
    return converted, "Converted to sRGB from the colour profile in the file."


def over_black(image: Image.Image) -> tuple[Image.Image, str]:
    """Lay a picture with transparency over black, as the surround of a fundus photograph is, in mode RGB.

    The note is empty where nothing was transparent.
    """
    full = image.convert("RGBA")
    alpha = full.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return full.convert("RGB"), ""
    black = Image.new("RGB", full.size)
    black.paste(full.convert("RGB"), mask=alpha)
    return black, "Transparent parts were set to black."


def stack(grey: Pixels) -> Pixels:
    """Turn height x width into height x width x 3 of equal channels."""
    return np.repeat(grey[:, :, None], 3, axis=2)


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
