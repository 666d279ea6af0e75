"""Every format but JPEG and DICOM, through Pillow."""

from contextlib import suppress

import cv2
import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # no wheel for this machine: Pillow reads the same, more slowly, and sees less damage
    decode_image_png_u8 = None

from fundus_core.errors import say
from fundus_core.images.colour import bits_of, decode_16, over_black, reduced_to_8, stack, to_srgb
from fundus_core.images.faults import check_size, damaged, unsupported
from fundus_core.images.formats import Format
from fundus_core.images.metadata import Found, claimed_size, dropped_from, open_header, orientation_of, upright
from fundus_core.records import Pixels

_GREY = frozenset({"1", "L", "LA", "I;16", "I;16B", "I;16L", "I;16N"})
_COLOUR = frozenset({"RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "P", "PA", "RGBa"})
_AVERAGED = frozenset({"L", "RGB", "RGBA", "CMYK", "YCbCr", "RGBX"})
_PLAIN = "Export it uncompressed, or as JPEG."
_ORIENTED = (b"eXIf", b"Raw profile type")
"""What stands in a PNG that may be turned; it may follow the pixels, so that Pillow would decode them to see."""
_MOST_PAGES = 64
"""Of a file with several pictures so many are looked at."""
_COLOUR_FIRST = 5
"""Times that a grey picture must be larger than one in colour to be taken for the photograph."""
_METHODS = {33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 50002: "JPEG XL", 52546: "JPEG XL"}
"""Compressions of a TIFF that are not read, by their number (Library of Congress, fdd000022)."""


def read(data: bytes, form: Format, at_least: int) -> Found:
    """Decode a file that Pillow reads, at reduced scale as long as the shorter side keeps ``at_least`` pixels.

    Raises:
        PhotographError: ``damaged``, ``truncated``, ``too_large`` or ``unsupported``.
        DAMAGE: What the libraries raise on a damaged file.
    """
    if form.code == "webp":
        check_size(*(claimed_size(data) or (0, 0)), form.name)  # opening it would allocate its canvas
    header = _opened(data, form)
    check_size(*header.size, form.name)
    page, page_note = _largest(header)
    check_size(*header.size, form.name)
    if header.mode not in _GREY | _COLOUR:
        what = say("pixels of the kind {mode}", mode=header.mode)
        raise unsupported(form.name, what, "Export it with 8 or 16 bits a channel.")
    # Pillow and OpenCV turn a TIFF upright themselves.
    quick = _quickly(data, header, at_least)
    orientation = 1 if form.code == "tiff" or quick else orientation_of(header)
    width, height = header.size
    deep = bits_of(header, data) == 16
    pixels, single, notes = _deep(data, header, page, at_least) if deep else _shallow(header, quick, at_least)
    if form.code == "tiff" and (pixels.shape[1] > pixels.shape[0]) != (width > height):
        width, height = height, width
    turned = orientation > 4
    return Found(
        pixels=upright(pixels, orientation),
        width=height if turned else width,
        height=width if turned else height,
        single_channel=single,
        notes=tuple(note for note in (page_note, *notes) if note),
        dropped=dropped_from(header),
    )


def _opened(data: bytes, form: Format) -> ImageFile:
    try:
        return open_header(form.opener(), data)
    except SyntaxError as error:
        method = _METHODS.get(error.args[0].args[0]) if isinstance(error.args[0], KeyError) else None
        if method is None:
            raise
        raise unsupported(form.name, say("pixels compressed as {method}", method=method), _PLAIN) from None


def _largest(header: ImageFile) -> tuple[int, str]:
    """Turn to the largest picture of a file that holds several, the first of equals; return its place and a note.

    Microscopes and cameras put a thumbnail before or behind the photograph; others add masks or a grey copy, so that
    colour comes first where it is no thumbnail.
    """
    several = header.tag_v2.next if isinstance(header, TiffImageFile) else getattr(header, "n_frames", 1) > 1
    if not several or not isinstance(header, TiffImageFile):
        return 0, "The file holds several pictures; the first one was read." if several else ""
    areas = []
    for page in range(_MOST_PAGES):
        try:
            header.seek(page)
        except EOFError:
            break
        areas.append(header.width * header.height * (1 if header.mode in _GREY else _COLOUR_FIRST))
    page = areas.index(max(areas))
    header.seek(page)
    if page == 0:
        return page, "The file holds several pictures; the first one was read."
    return page, say("The file holds {count:,} pictures; number {page:,} was read.", count=len(areas), page=page + 1)


def _shallow(header: ImageFile, quick: Image.Image | None, at_least: int) -> tuple[Pixels, bool, tuple[str, ...]]:
    """Decode with Pillow: pixels, whether the file has one channel, notes."""
    image = quick or _loaded(header)
    if header.mode in {"1", "L"} and "transparency" not in header.info:
        return stack(np.array(_reduced(header.convert("L"), at_least))), True, ()
    single = header.mode in _GREY
    image, alpha_note = _without_alpha(_reduced(image, at_least), transparent="transparency" in header.info)
    image, colour_note = to_srgb(image, header.info.get("icc_profile"))
    return np.array(image.convert("RGB")), single, (alpha_note, colour_note)


def _loaded(header: ImageFile) -> Image.Image:
    header.load()
    return header


def _quickly(data: bytes, header: ImageFile, at_least: int) -> Image.Image | None:
    """Decode an ordinary, upright PNG, reduced, in a third of Pillow's time; ``None`` where anything is unusual.

    Unlike Pillow it holds the pixels against the checksums in the file.

    Raises:
        PhotographError: ``damaged``.
        DAMAGE: What Pillow raises on a file that is cut off or damaged.
    """
    if decode_image_png_u8 is None or header.format != "PNG":
        return None
    if header.mode != "RGB" or "transparency" in header.info:
        return None
    if bits_of(header, data) != 8 or any(mark in data for mark in _ORIENTED):
        return None
    pixels: Pixels | None = None
    with suppress(Exception):  # it raises nothing narrower
        pixels = decode_image_png_u8(data, (header.height, header.width), "rgb")
    if pixels is None:
        header.load()  # says what is wrong, or sees nothing of it
        raise damaged(header.format)
    factor = max(min(header.size) // at_least, 1) if at_least else 1
    while factor % 2 == 0:  # OpenCV halves in a third of the time in which Pillow reduces
        pixels, factor = _averaged(pixels, 2), factor // 2
    return Image.fromarray(_averaged(pixels, factor))


def _averaged(pixels: Pixels, factor: int) -> Pixels:
    """Average blocks of a whole number of pixels, those at the edges too."""
    if factor == 1:
        return pixels
    height, width = (side // factor * factor for side in pixels.shape[:2])
    size, half = (width // factor, height // factor), factor // 2
    if factor % 2:  # the same mean, taken everywhere, costs less
        mean = cv2.blur(pixels, (factor, factor))[half:height:factor, half:width:factor]
        return np.ascontiguousarray(mean, np.uint8)
    return np.asarray(cv2.resize(pixels[:height, :width], size, interpolation=cv2.INTER_AREA), np.uint8)


def _reduced(image: Image.Image, at_least: int) -> Image.Image:
    """Average blocks of pixels as far as the shorter side stays long enough, as libjpeg does for a JPEG.

    Everything after it then costs what it costs for a JPEG. What holds a palette or 16 bits is left as it is.
    """
    factor = min(image.size) // at_least if at_least else 1
    if factor < 2 or image.mode not in _AVERAGED or "transparency" in image.info:
        return image
    return image.reduce(factor)


def _without_alpha(image: Image.Image, *, transparent: bool = False) -> tuple[Image.Image, str]:
    if image.mode in {"LA", "PA", "RGBA", "RGBa"} or transparent:
        return over_black(image)
    return (image, "") if image.mode == "CMYK" else (image.convert("RGB"), "")


def _deep(data: bytes, header: ImageFile, page: int, at_least: int) -> tuple[Pixels, bool, tuple[str, ...]]:
    """Decode 16 bits a channel: pixels, whether the file has one channel, notes."""
    pixels, note = reduced_to_8(decode_16(data, header, page))
    if pixels.shape[2] <= 2:
        return stack(np.array(_reduced(Image.fromarray(pixels[:, :, 0]), at_least))), True, (note,)
    image = Image.fromarray(pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]])
    image, alpha_note = _without_alpha(_reduced(image, at_least))
    image, colour_note = to_srgb(image, header.info.get("icc_profile"))
    return np.array(image), False, (note, alpha_note, colour_note)
