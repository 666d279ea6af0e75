"""JPEG through libjpeg-turbo: at reduced scale where that is enough, and although slightly cut off."""

import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from fundus_core.errors import say
from fundus_core.images.colour import stack, to_srgb
from fundus_core.images.decoded import Found
from fundus_core.images.faults import check_size, damaged, unsupported
from fundus_core.images.metadata import dropped_from, open_header, orientation_of, upright
from fundus_core.images.truncated_jpeg import check_progressive, fill_missing_rows
from fundus_core.records import Pixels

_KIND = "JPEG"
_SHORT = "premature end of jpeg file"
"""libjpeg's words for a file without its end; a segment without its end is a gap further up."""
_BEFORE_END = "extraneous bytes before marker 0xd9"
"""libjpeg's words; some cameras leave such bytes. Before any other marker they mean a gap in the picture."""
_SPACE = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
"""Pillow's word for what the header says, and simplejpeg's for what we want of it."""


def read(data: bytes, at_least: int) -> Found:
    """Decode a JPEG, at reduced scale as long as the shorter side keeps ``at_least`` pixels; 0 for full size.

    Raises:
        PhotographError: ``damaged``, ``truncated``, ``too_large`` or ``unsupported``.
        DAMAGE: What the libraries raise on a damaged file.
    """
    header = open_header(JpegImageFile, data)
    check_size(*header.size, _KIND)
    if header.mode not in _SPACE:
        raise unsupported(_KIND, say("colours of the kind {mode}", mode=header.mode), "Export it in RGB.")
    raw, cut_note = _decode(data, header, at_least)
    pixels, colour_note = _to_rgb(raw, header)
    orientation = orientation_of(header)
    turned = orientation > 4
    width, height = header.size[::-1] if turned else header.size
    return Found(
        pixels=upright(pixels, orientation),
        width=width,
        height=height,
        single_channel=header.mode == "L",
        notes=tuple(note for note in (cut_note, colour_note) if note),
        dropped=dropped_from(header),
    )


def encode(pixels: Pixels, quality: int) -> bytes:
    """Encode height x width x 3 (RGB, 0..255) as a JPEG of a quality from 1 to 100, with colour at half the size."""
    jpeg: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, colorsubsampling="420")
    return jpeg


def _decode(data: bytes, header: JpegImageFile, at_least: int) -> tuple[Pixels, str]:
    """Return height x width x channels as the file has them, and a note where it is not whole."""
    try:
        return _turbo(data, header, at_least, strict=True), ""
    except ValueError as error:
        complaint = str(error).lower()
    if _SHORT in complaint:
        return _cut_off(data, header, at_least)
    if _BEFORE_END in complaint:
        return _loose(data, header, at_least), "The file holds bytes before its end that belong to nothing."
    if "corrupt" in complaint:
        raise damaged(_KIND)
    return _plain(header), ""


def _turbo(data: bytes, header: JpegImageFile, at_least: int, *, strict: bool) -> Pixels:
    """Decode with libjpeg-turbo; a ``ValueError`` where the file is damaged, or only Pillow knows its kind."""
    reduced = at_least if 0 < 2 * at_least <= min(header.size) else 0
    pixels = simplejpeg.decode_jpeg(data, _SPACE[header.mode], min_height=reduced, min_width=reduced, strict=strict)
    return np.asarray(pixels, np.uint8)


def _loose(data: bytes, header: JpegImageFile, at_least: int) -> Pixels:
    return _turbo(data, header, at_least, strict=False)


def _cut_off(data: bytes, header: JpegImageFile, at_least: int) -> tuple[Pixels, str]:
    """Read a file that stops early, if little is missing."""
    pixels = _loose(data, header, at_least)
    if "progressive" in header.info:
        return pixels, check_progressive(data, pixels, lambda other: _loose(other, header, at_least))
    return fill_missing_rows(pixels)


def _plain(header: JpegImageFile) -> Pixels:
    """Decode with Pillow what libjpeg-turbo's short interface does not take (uncommon subsampling)."""
    pixels = np.asarray(header, np.uint8)
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return 255 - pixels if header.mode == "CMYK" else pixels


def _to_rgb(raw: Pixels, header: JpegImageFile) -> tuple[Pixels, str]:
    profile = header.info.get("icc_profile")
    if header.mode == "L":
        return stack(raw[:, :, 0]), ""
    if header.mode == "RGB" and not profile:
        return raw, ""
    # Adobe stores inks inverted, and every CMYK file met in practice follows it.
    size = (raw.shape[1], raw.shape[0])
    image = Image.fromarray(raw) if header.mode == "RGB" else Image.frombytes("CMYK", size, (255 - raw).tobytes())
    converted, note = to_srgb(image, profile)
    return np.array(converted), note
