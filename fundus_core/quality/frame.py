"""What lies around the field: the whole picture at a small size, without the bars and labels beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality.view import quantiles
from fundus_core.records import Floats, Pixels, RetinaBounds

_BLACK = 24.0
"""Brightness of what is lit; less counts where the whole picture is dark."""
_FRAME_PX = 192
"""Longer side of the copy on which the frame is looked at."""
_STEP = 14.0
"""Grey levels between neighbouring rows that make an edge, and within a row that make it more than a gap."""
_LIT = 30.0
"""Grey levels by which a pixel of the frame differs from what surrounds the field."""
_STROKE = np.ones((5, 5), np.uint8)
"""What is narrower is writing or a line, no picture."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Numbers about the picture around a field."""

    ratio: float
    """Width over height."""
    white: float
    """Share that is white."""
    dark: float
    """Share that is black."""
    parts: int
    """Number of large lit parts, white labels left out; 1 where the field alone can be lit."""
    waist: float
    """Least share of a row or column that is lit, of the wider ones on its two sides; 1 where one side has none."""
    edge: float
    """Greatest share of a row or column along which the picture changes at once; rim and flat cuts left out."""
    gaps: float
    """Share of rows or columns of one colour between others; 0 where all are faint."""
    around: float
    """Share beyond the circle that is neither border nor writing nor a white label; 0 without room beyond it."""
    tints: float
    """Range of blue less red beyond the circle, 0..510: a border has one colour. 0 without room, or for tissue."""


def look_around(pixels: Pixels, bounds: RetinaBounds) -> Frame:
    """Measure a picture (height x width x 3, RGB), small and without the bars beside it; labels turn black."""
    small = _small(pixels)
    fx, fy = small.shape[1] / bounds.width, small.shape[0] / bounds.height
    there = bounds.in_copy(0.0, 0.0, fx, fy, (small.shape[1], small.shape[0]))
    left, top, right, bottom = (round(edge) for edge in there.window)
    for x0, y0, x1, y1 in there.beside:
        small[max(round(y0), 0) : round(y1), max(round(x0), 0) : round(x1)] = 0
    small = np.ascontiguousarray(small[top:bottom, left:right])
    there = there.in_copy(left, top, 1.0, 1.0, (right - left, bottom - top))
    both = (small, np.asarray(cv2.transpose(small), np.uint8))
    red, green, blue = (np.asarray(channel, np.uint8) for channel in cv2.split(small))
    brightest = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
    white = np.asarray(cv2.min(cv2.min(red, green), blue) >= 236)
    gaps, (around, tints) = max(map(_gaps, both)), _beyond(small, there, white)
    alone = not there.whole_frame and around <= 0.0 and gaps <= 0.0
    return Frame(
        ratio=small.shape[1] / small.shape[0],
        white=float(np.count_nonzero(white) / white.size),
        dark=float(np.count_nonzero(brightest <= _BLACK) / brightest.size),
        parts=1 if alone else _parts((brightest > _BLACK) & ~white),
        waist=_waist(brightest),
        edge=max(map(_edges, both, ((there.top, there.bottom), (there.left, there.right)))),
        gaps=gaps,
        around=around,
        tints=tints,
    )


def _parts(there: NDArray[np.bool_]) -> int:
    opened = cv2.morphologyEx(there.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    areas = np.asarray(cv2.connectedComponentsWithStats(opened)[2])[1:, cv2.CC_STAT_AREA]
    return int(np.count_nonzero(areas > 0.25 * areas.max(initial=0)))


def _waist(brightest: NDArray[np.uint8]) -> float:
    """One field is widest once; where several stand side by side there is a seam."""
    level = min(_BLACK, 0.15 * _quantile(brightest[::2], 0.98))
    lit = np.asarray(cv2.morphologyEx((brightest > level).view(np.uint8), cv2.MORPH_OPEN, _STROKE), np.uint8)
    least = 1.0
    for axis in (0, 1):
        share = _means(lit, axis)
        wider = np.minimum(np.maximum.accumulate(share), np.maximum.accumulate(share[::-1])[::-1])
        seam = wider >= max(0.5 * float(share.max()), 0.1)
        least = min(least, float((share[seam] / wider[seam]).min(initial=1.0)))
    return least


def _gaps(lines: Pixels) -> float:
    """The outer seventh of the others does not count: a line of text beside the field makes no panel."""
    ranges = (lines.max(axis=0) - lines.min(axis=0)).max(axis=1)
    used = np.flatnonzero(ranges >= _STEP / 2)  # a hazy retina changes by more
    used = used[len(used) // 7 : len(used) - len(used) // 7]
    if len(used) and np.median(ranges[used]) >= 4 * _STEP:
        return float(int(used[-1]) - int(used[0]) + 1 - len(used)) / len(ranges)
    return 0.0


def _beyond(pixels: Pixels, bounds: RetinaBounds, white: NDArray[np.bool_]) -> tuple[float, float]:
    """Return what is ``around`` clearly beyond the field's ellipse, and how it is tinted."""
    height, width = pixels.shape[:2]
    x = (np.arange(width) + 0.5 - bounds.cx) / bounds.radius
    y = (np.arange(height) + 0.5 - bounds.cy) / bounds.radius_y
    beyond = np.flatnonzero((x**2)[None, :] + (y**2)[:, None] > 1.1**2)
    if bounds.whole_frame or len(beyond) <= 0.03 * height * width:
        return 0.0, 0.0
    away = _brightest(np.asarray(cv2.absdiff(pixels, np.append(_commonest(pixels, beyond), 0.0)), np.uint8))
    differs = np.zeros(away.size, np.uint8)
    differs[beyond] = (away.take(beyond) > _LIT) & ~white.take(beyond)
    opened = cv2.morphologyEx(differs.reshape(away.shape), cv2.MORPH_OPEN, _STROKE)
    soft = cv2.blur(pixels, (5, 5)).reshape(-1, 3).take(beyond, axis=0).astype(np.float32)
    low, high = quantiles(soft[:, 2] - soft[:, 0], 0.05, 0.95)
    return float(np.count_nonzero(opened) / len(beyond)), high - low if high > 0.0 else 0.0


def _small(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    factor = min(_FRAME_PX / max(height, width), 1.0)
    size = (max(round(width * factor), 8), max(round(height * factor), 8))
    if factor < 0.4:
        pixels = np.asarray(cv2.resize(pixels, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _brightest(pixels: Pixels) -> NDArray[np.uint8]:
    red, green, blue = cv2.split(pixels)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _edges(lines: Pixels, cuts: tuple[float, float]) -> float:
    """Return the greatest share of a row along which it differs from the next, but for the rim and the cuts."""
    step = _means((_brightest(np.asarray(cv2.absdiff(lines[1:], lines[:-1]), np.uint8)) > _STEP).view(np.uint8), 1)
    at, rim = np.arange(len(step)) + 1.0, int(0.06 * len(step))
    apart = np.minimum(np.abs(at - cuts[0]), np.abs(at - cuts[1]))
    step[apart <= 2.0] = 0.0
    return float(step[rim : len(step) - rim].max(initial=0.0))


def _commonest(pixels: Pixels, places: NDArray[np.intp]) -> list[float]:
    """Return the middle of each channel of the commonest sixteenth of brightness of places (flat indices)."""
    chosen = pixels.reshape(-1, 3).take(places, axis=0)
    red, green, blue = (chosen[:, at].astype(np.uint16) for at in range(3))
    sixteenth = (red + green + blue) // np.uint16(48)
    chosen = chosen.take(np.flatnonzero(sixteenth == np.argmax(np.bincount(sixteenth, minlength=16)))[::4], axis=0)
    return [_quantile(chosen[:, at], 0.5) for at in range(3)]


def _quantile(levels: NDArray[np.uint8], share: float) -> float:
    """Return a quantile of bytes by how often each occurs, interpolated as numpy's is."""
    upto = np.bincount(levels.ravel(), minlength=256).cumsum()
    place = share * (levels.size - 1)
    low, high = (int(np.searchsorted(upto, at, "right")) for at in (math.floor(place), math.ceil(place)))
    return low + (high - low) * (place - math.floor(place))


def _means(there: NDArray[np.uint8], axis: int) -> Floats:
    """Return the mean of bytes along an axis: numpy's in a tenth of its time."""
    sums = np.asarray(cv2.reduce(there, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S)).ravel()
    return np.asarray(sums / there.shape[axis], np.float64)
