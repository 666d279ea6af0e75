"""How much of a JPEG that stops early is there."""

from collections.abc import Callable

import numpy as np

from fundus_core.errors import say
from fundus_core.images.faults import truncated
from fundus_core.images.limits import MAX_MISSING_ROWS
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
