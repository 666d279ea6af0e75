"""PNG, TIFF, BMP and WebP, through Pillow."""

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from fundus_core.errors import say
from fundus_core.images.codestream import claimed_size
from fundus_core.images.colour import over_black, stack, to_srgb
from fundus_core.images.deep import bits_of, decode_16, reduced_to_8
from fundus_core.images.faults import check_size, unsupported
from fundus_core.images.found import Found
from fundus_core.images.metadata import dropped_from, open_header, orientation_of, upright
from fundus_core.records import Pixels

_KINDS: dict[str, type[ImageFile]] = {
    "png": PngImageFile,
    "tiff": TiffImageFile,
    "bmp": BmpImageFile,
    "webp": WebPImageFile,
}
_GREY = frozenset({"1", "L", "LA", "I;16", "I;16B", "I;16L", "I;16N"})
_COLOUR = frozenset({"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "P", "PA", "RGBa"})


def read(data: bytes, kind: str) -> Found:
    """Decode a PNG, TIFF, BMP or WebP.

    Raises:
        PhotographError: ``damaged``, ``truncated``, ``too_large`` or ``unsupported``.
        DAMAGE: What the libraries raise on a damaged file.
    """
    if kind == "webp":
        check_size(*(claimed_size(data) or (0, 0)), kind.upper())  # opening it would allocate its canvas
    header = open_header(_KINDS[kind], data)
    check_size(*header.size, kind.upper())
    if header.mode not in _GREY | _COLOUR:
        what = say("pixels of the kind {mode}", mode=header.mode)
        raise unsupported(kind.upper(), what, "Export it with 8 or 16 bits a channel.")
    # Pillow and OpenCV turn a TIFF upright themselves.
    orientation = 1 if kind == "tiff" else orientation_of(header)
    page_note = _pages(header)
    pixels, single, notes = _deep(data, header) if bits_of(header, data) == 16 else _shallow(header)
    pixels = upright(pixels, orientation)
    return Found(
        pixels=pixels,
        width=pixels.shape[1],
        height=pixels.shape[0],
        single_channel=single,
        notes=tuple(note for note in (page_note, *notes) if note),
        dropped=dropped_from(header),
    )


def _pages(header: ImageFile) -> str:
    """A note where the file holds more than one picture."""
    several = header.tag_v2.next if isinstance(header, TiffImageFile) else getattr(header, "n_frames", 1) > 1
    return "The file holds several pictures; the first one was read." if several else ""


def _shallow(header: ImageFile) -> tuple[Pixels, bool, tuple[str, ...]]:
    """Decode with Pillow: pixels, whether the file has one channel, notes."""
    header.load()
    if header.mode in {"1", "L"} and "transparency" not in header.info:
        return stack(np.array(header.convert("L"))), True, ()
    single = header.mode in _GREY
    image, alpha_note = _without_alpha(header)
    image, colour_note = to_srgb(image, header.info.get("icc_profile"))
    return np.array(image.convert("RGB")), single, (alpha_note, colour_note)


def _without_alpha(image: Image.Image) -> tuple[Image.Image, str]:
    if image.mode in {"LA", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        return over_black(image)
    return (image, "") if image.mode == "CMYK" else (image.convert("RGB"), "")


def _deep(data: bytes, header: ImageFile) -> tuple[Pixels, bool, tuple[str, ...]]:
    """Decode 16 bits a channel: pixels, whether the file has one channel, notes."""
    pixels, note = reduced_to_8(decode_16(data, header))
    if pixels.shape[2] <= 2:
        return stack(pixels[:, :, 0]), True, (note,)
    image, alpha_note = _without_alpha(Image.fromarray(pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]))
    image, colour_note = to_srgb(image, header.info.get("icc_profile"))
    return np.array(image), False, (note, alpha_note, colour_note)
