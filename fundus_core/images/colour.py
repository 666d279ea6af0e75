"""Colour: profiles to sRGB, alpha to black, and whether there is colour at all."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from fundus_core.images.faults import DAMAGE
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
    red, green, blue = np.ascontiguousarray(pixels[::step, ::step].reshape(-1, 3).T)
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
