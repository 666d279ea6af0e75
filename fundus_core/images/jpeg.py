"""JPEG through libjpeg-turbo: at reduced scale where that is enough, and although slightly cut off."""

from collections.abc import Callable

import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from fundus_core.errors import say
from fundus_core.images.colour import stack, to_srgb
from fundus_core.images.faults import MAX_MISSING_ROWS, check_size, damaged, truncated, unsupported
from fundus_core.images.metadata import Found, dropped_from, open_header, orientation_of, upright
from fundus_core.records import Pixels

_FILL = 128
"""libjpeg leaves the blocks that it has no data for at zero coefficients: middle grey in every channel."""
_COEFFICIENTS = 64
_DARK = 24
"""Rows without anything brighter are border, where there is nothing to refine."""
_JPEG = "JPEG"
_NO_DETAIL = "passes that hold its detail are missing"


def fill_missing_rows(pixels: Pixels) -> tuple[Pixels, str]:
    """Set the rows that the file no longer holds to black, and say so in a note.

    The pixels (height x width x channels) are as libjpeg fills a baseline file that stops early.

    Raises:
        PhotographError: ``truncated``, where more than ``MAX_MISSING_ROWS`` are missing.
    """
    present = np.flatnonzero((pixels != _FILL).any(axis=(1, 2)))
    height = len(pixels)
    kept = int(present[-1]) + 1 if len(present) else 0
    missing = 1 - kept / height
    _check_missing(missing)
    whole = pixels.copy()
    whole[kept:] = 0  # black also for inks, which JPEG stores inverted
    if kept == height:
        return whole, "The file was cut off within its last rows; what is there was read."
    return (
        whole,
        say(
            "The file was cut off: the lowest {missing:.1%} of the rows are missing and were set to black.",
            missing=missing,
        ),
    )


def check_progressive(data: bytes, pixels: Pixels, decode: Callable[[bytes], Pixels]) -> str:
    """Return a note where a progressive JPEG lacks only the last bit of some coefficients.

    A progressive file refines the whole picture (height x width x channels) scan by scan. Where a first pass is
    missing, detail is missing everywhere, which no eye would notice and no model was trained on. How far the last scan
    came is seen by comparing with the picture without it, decoded the same way.

    Raises:
        PhotographError: ``truncated``, where more is missing.
    """
    *whole, last = _scans(data)
    components = {component for scan in whole for component in scan.components}
    seen = {(c, k) for scan in whole if not scan.refines for c in scan.components for k in scan.coefficients}
    if not last.is_final or len(seen) < _COEFFICIENTS * len(components):
        raise truncated(_JPEG, _NO_DETAIL)
    refined = np.flatnonzero((pixels != decode(data[: last.at])).any(axis=(1, 2)))
    lit = np.flatnonzero((pixels > _DARK).any(axis=(1, 2)))
    _check_missing(np.count_nonzero(lit > max(refined, default=-1)) / len(pixels))
    return "The file was cut off within its last refinement; what is there was read."


def _check_missing(share: float) -> None:
    if share > MAX_MISSING_ROWS:
        said = say(
            "{share:.1%} of the rows are missing, at most {max_missing_rows:.0%} may be",
            share=share,
            max_missing_rows=MAX_MISSING_ROWS,
        )
        raise truncated(_JPEG, said)


class _Scan:
    """The header of one scan of a progressive JPEG (ITU-T T.81, B.2.3)."""

    def __init__(self, at: int, header: bytes) -> None:
        self.at = at
        count = header[0]
        first, end, bits = header[1 + 2 * count : 4 + 2 * count]
        self.components = tuple(header[1 : 1 + 2 * count : 2])
        self.coefficients = range(first, end + 1)
        self.refines = bits >> 4 > 0
        self.is_final = self.refines and bits & 15 == 0


def _scans(data: bytes) -> list[_Scan]:
    """Every scan, in the order of the file; at least one, for something was decoded, and each with a whole header."""
    scans = []
    at = _first_scan(data)
    while at >= 0:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        header = data[at + 4 : at + 2 + length]
        if len(header) < 6 or len(header) < 4 + 2 * header[0]:
            raise truncated(_JPEG, "its end is missing")
        scans.append(_Scan(at, header))
        at = data.find(b"\xff\xda", at + 2 + length)
    if not scans:
        raise truncated(_JPEG, "its end is missing")
    return scans


def _first_scan(data: bytes) -> int:
    """Walk the segments before the first scan: the thumbnail inside an EXIF segment has scans of its own."""
    at = 2
    while 0 <= at < len(data) - 4:
        if data[at] != 0xFF:
            return data.find(b"\xff\xda", at)
        if data[at + 1] == 0xDA:
            return at
        filler = data[at + 1] == 0xFF
        at += 1 if filler else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return -1


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
