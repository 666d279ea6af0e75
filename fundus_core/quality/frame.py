"""What lies around the field: the whole picture at a small size, without the bars and labels beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality.view import quantiles
from fundus_core.records import Pixels, RetinaBounds

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


@dataclass(frozen=True)
class Frame:
    """The picture, small."""

    pixels: Pixels
    """Height x width x 3, RGB."""
    bounds: RetinaBounds
    """The field in pixels of this copy; cuts too."""

    @cached_property
    def _turned(self) -> Pixels:
        return np.asarray(cv2.transpose(self.pixels), np.uint8)

    @property
    def ratio(self) -> float:
        """Width over height."""
        return float(self.pixels.shape[1] / self.pixels.shape[0])

    @cached_property
    def brightest(self) -> NDArray[np.uint8]:
        """The largest channel of each pixel."""
        return _brightest(self.pixels)

    @cached_property
    def white(self) -> NDArray[np.bool_]:
        """Where it is white."""
        return cv2.inRange(self.pixels, (236, 236, 236), (255, 255, 255)) > 0

    @property
    def dark(self) -> float:
        """Share that is black."""
        return float(np.count_nonzero(self.brightest <= _BLACK) / self.brightest.size)

    @property
    def parts(self) -> int:
        """Number of large lit parts, white labels left out."""
        there = ((self.brightest > _BLACK) & ~self.white).view(np.uint8)
        opened = cv2.morphologyEx(there, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        areas = np.asarray(cv2.connectedComponentsWithStats(opened)[2])[1:, cv2.CC_STAT_AREA]
        return int(np.count_nonzero(areas > 0.25 * areas.max(initial=0)))

    @property
    def waist(self) -> float:
        """Least share of a row or column that is lit, of the wider ones on its two sides; 1 where one side has none.

        One field is widest once; where several stand side by side there is a seam.
        """
        level = min(_BLACK, 0.15 * float(np.percentile(self.brightest[::2], 98)))
        lit = cv2.morphologyEx((self.brightest > level).view(np.uint8), cv2.MORPH_OPEN, _STROKE)
        least = 1.0
        for axis in (0, 1):
            share = lit.mean(axis=axis)
            wider = np.minimum(np.maximum.accumulate(share), np.maximum.accumulate(share[::-1])[::-1])
            seam = wider >= max(0.5 * float(share.max()), 0.1)
            least = min(least, float((share[seam] / wider[seam]).min(initial=1.0)))
        return least

    @property
    def edge(self) -> float:
        """Greatest share of a row or column along which the picture changes at once; rim and flat cuts left out."""
        bounds = self.bounds
        rows = _edges(self.pixels, (bounds.top, bounds.bottom))
        columns = _edges(self._turned, (bounds.left, bounds.right))
        return max(rows, columns)

    @property
    def gaps(self) -> float:
        """Share of rows or columns of one colour between others; 0 where all are faint.

        The outer seventh of the others does not count: a line of text beside the field makes no panel.
        """
        gaps = [0.0]
        for lines in (self.pixels, self._turned):
            ranges = (lines.max(axis=0) - lines.min(axis=0)).max(axis=1)
            used = np.flatnonzero(ranges >= _STEP / 2)  # a hazy retina changes by more
            used = used[len(used) // 7 : len(used) - len(used) // 7]
            if len(used) and np.median(ranges[used]) >= 4 * _STEP:
                gaps.append(float(int(used[-1]) - int(used[0]) + 1 - len(used)) / len(ranges))
        return max(gaps)

    @property
    def around(self) -> float:
        """Share beyond the circle that is neither border nor writing nor a white label; 0 without room beyond it."""
        beyond = self._beyond
        if not self._room:
            return 0.0
        levels = _commonest(self.pixels[beyond])
        away = _brightest(np.asarray(cv2.absdiff(self.pixels, np.append(levels, 0.0)), np.uint8))
        differs = ((away > _LIT) & beyond & ~self.white).view(np.uint8)
        return float(np.count_nonzero(cv2.morphologyEx(differs, cv2.MORPH_OPEN, _STROKE)) / np.count_nonzero(beyond))

    @property
    def tints(self) -> float:
        """Range of blue less red beyond the circle, 0..510: a border has one colour. 0 without room, or for tissue."""
        if not self._room:
            return 0.0
        red, _, blue = cv2.split(np.asarray(cv2.blur(self.pixels, (5, 5)), np.int16))
        low, high = quantiles(np.asarray(blue - red, np.float32)[self._beyond], 0.05, 0.95)
        return high - low if high > 0.0 else 0.0

    @property
    def _room(self) -> bool:
        beyond = self._beyond
        return bool(not self.bounds.whole_frame and np.count_nonzero(beyond) > 0.03 * beyond.size)

    @cached_property
    def _beyond(self) -> NDArray[np.bool_]:
        """Return where the frame lies clearly beyond the field's ellipse."""
        height, width = self.pixels.shape[:2]
        x = (np.arange(width) + 0.5 - self.bounds.cx) / self.bounds.radius
        y = (np.arange(height) + 0.5 - self.bounds.cy) / self.bounds.radius_y
        beyond: NDArray[np.bool_] = (x**2)[None, :] + (y**2)[:, None] > 1.1**2
        return beyond


def look_around(pixels: Pixels, bounds: RetinaBounds) -> Frame:
    """Shrink a picture (height x width x 3, RGB) without the bars beside it; labels turn black."""
    small = _small(pixels)
    fx, fy = small.shape[1] / bounds.width, small.shape[0] / bounds.height
    there = bounds.in_copy(0.0, 0.0, fx, fy, (small.shape[1], small.shape[0]))
    left, top, right, bottom = (round(edge) for edge in there.window)
    for x0, y0, x1, y1 in there.beside:
        small[max(round(y0), 0) : round(y1), max(round(x0), 0) : round(x1)] = 0
    frame = np.ascontiguousarray(small[top:bottom, left:right])
    return Frame(frame, there.in_copy(left, top, 1.0, 1.0, (right - left, bottom - top)))


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
    step = (_brightest(np.asarray(cv2.absdiff(lines[1:], lines[:-1]), np.uint8)) > _STEP).mean(axis=1)
    at, rim = np.arange(len(step)) + 1.0, int(0.06 * len(step))
    apart = np.minimum(np.abs(at - cuts[0]), np.abs(at - cuts[1]))
    step[apart <= 2.0] = 0.0
    return float(step[rim : len(step) - rim].max(initial=0.0))


def _commonest(pixels: Pixels) -> list[float]:
    """Return the middle (of each channel of n x 3) of the commonest sixteenth of brightness."""
    red, green, blue = (pixels[:, at].astype(np.uint16) for at in range(3))
    sixteenth = (red + green + blue) // 48
    chosen = pixels[sixteenth == np.argmax(np.bincount(sixteenth, minlength=16))][::4]
    return [float(level) for level in np.median(chosen, axis=0)]
