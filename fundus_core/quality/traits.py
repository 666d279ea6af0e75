"""What tells one kind of picture from another: colours, edges, lines, and what lies around the field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality import extent
from fundus_core.quality.frame import Frame, look_around
from fundus_core.quality.view import Plane, Ridges, View, quantiles, spread
from fundus_core.records import Photograph, RetinaBounds

_BLACK = 24.0
"""Brightness below which nothing can be said of a picture but that it is dark."""


@dataclass(frozen=True)
class Traits:
    """Numbers about one picture, each a share (0..1) of its field unless said otherwise.

    What no rule asks of an ordinary photograph is measured when one does.
    """

    view: View
    """The field at the size of the checks."""
    black: bool
    """Too dark, or too little of it, for anything to be told."""
    circle: bool
    """Whether a circular field was found."""
    aspect: float
    """Vertical over horizontal radius of the field."""
    cuts: int
    """Sides on which the field is cut flat within the frame."""
    colour: bool
    """Whether the reader found colour: no single channel, and red not far below the others."""
    grey: bool
    """Whether the three channels are one."""
    red: float
    """Median, 0..255."""
    green: float
    """Median, 0..255."""
    blue: float
    """Median, 0..255."""
    chroma: float
    """Median of the largest minus the smallest channel over the largest."""
    swapped: float
    """Share in which blue exceeds the others."""
    cold: float
    """Share in which green or blue clearly exceeds red."""
    bluish: float
    """Share in which blue clearly exceeds the others."""
    hue: float
    """Logarithm of the range of red over green."""
    slope: float
    """95th percentile of how steeply the logarithm of green changes, per view pixel."""
    flat: float
    """Share without any change from pixel to pixel."""
    hard: float
    """Share with changes of 20 grey levels or more from pixel to pixel."""
    detail: float
    """Median change from pixel to pixel in grey levels."""
    extreme: float
    """Share that is white or black."""
    contrast: float
    """Spread of the green channel relative to its surroundings."""
    lines: Ridges
    """Thin lines."""
    spots: float
    """Share of small colourless reflections."""
    piece: float
    """How much speaks for a piece of a field rather than a whole one, as the logarithm of its odds."""
    frame: Frame
    """What lies around the field."""

    @cached_property
    def together(self) -> float:
        """Correlation of green and blue from place to place: near 1 for one thing in any light, a reflex in it too.

        Less where colours are laid over it.
        """
        return _together(self.view.half)

    @cached_property
    def hole(self) -> tuple[float, float]:
        """Largest black patch that does not touch the field's edge, and its distance from the field's middle, radii."""
        return _hole(self.view.half)

    @cached_property
    def layered(self) -> float:
        """Vertical over horizontal changes: 1 for a retina."""
        return _layered(self.view.half)

    @cached_property
    def even(self) -> float:
        """Spread of the heavily smoothed green over that of the plain one: 1 for shades, 0 for detail alone."""
        return _even(self.view.half)

    @cached_property
    def bright_disc(self) -> float:
        """Strongest bright patch of a disc's size over the strongest dark one."""
        return _bright_disc(self.view.half)


def measure(photograph: Photograph, bounds: RetinaBounds, view: View, lines: Ridges, contrast: float) -> Traits:
    """Measure a photograph whose field of view was found and looked at."""
    half = view.half
    bright = half.highest[half.inside]
    black = view.empty or _share(bright > _BLACK) < 0.005
    red, green, blue = _some(view) if not black else np.zeros((3, 1), np.float32)
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    colour = quantiles((highest[::4] - lowest[::4]) / (highest[::4] + np.float32(8.0)), 0.5)[0]
    change = np.zeros(1, np.float32)
    if not black:
        grey = (view.planes[0] + view.planes[1] + view.planes[2]) / np.float32(3.0)
        change = _slope(grey)[::2, ::2][view.inside[::2, ::2]]
    hue, slope = _shades(half) if not black else (0.0, 0.0)
    return Traits(
        view=view,
        black=black,
        circle=not bounds.whole_frame,
        aspect=bounds.aspect,
        cuts=_cuts(bounds),
        colour=photograph.colour,
        grey=colour < (0.015 if photograph.colour else 0.1),
        red=_middle(red),
        green=_middle(green),
        blue=_middle(blue),
        chroma=colour,
        swapped=_share(0.94 * blue - 4.0 > np.maximum(red, green)),
        cold=_share(np.maximum(green, blue) > 1.1 * red + 8.0),
        bluish=_share(blue > 1.1 * np.maximum(red, green) + 8.0),
        hue=hue,
        slope=slope,
        flat=_share(change < 0.25),
        hard=_share(change > 20.0),
        detail=_middle(change),
        extreme=_share((lowest > 235.0) | (highest < 20.0)),
        contrast=contrast,
        lines=lines,
        spots=_share((lowest > 1.7 * _middle(highest)) & (blue >= 0.9 * red)),
        piece=extent.piece(view) if not black else 0.0,
        frame=look_around(photograph.pixels, bounds),
    )


def _some(view: View) -> Plane:
    """Return the channels (3 x n) of every second pixel of every second row of the field: enough to count with."""
    inside = view.inside[::2, ::2]
    return np.stack([plane[::2, ::2][inside] for plane in view.planes])


def _middle(values: Plane) -> float:
    """Return the median of every fourth value: as good, for a quarter of the cost."""
    return quantiles(values[::4], 0.5)[0]


def _share(there: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(there) / there.size)


def _cuts(bounds: RetinaBounds) -> int:
    low = (bounds.left, bounds.top)
    high = ((bounds.right, bounds.width), (bounds.bottom, bounds.height))
    return sum(cut > 0.01 * bounds.radius for cut in low) + sum(cut < end - 0.01 * bounds.radius for cut, end in high)


def _slope(plane: Plane) -> Plane:
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _shades(half: View) -> tuple[float, float]:
    """Return how far red over green ranges, and how steeply green changes: a retina has one hue and no hard edges."""
    red, green = (half.smooth(plane, 1.4) + np.float32(8.0) for plane in half.planes[:2])
    low, high = quantiles(red[half.inside] / green[half.inside], 0.05, 0.95)
    return math.log(high / low), quantiles(_slope(np.asarray(cv2.log(green), np.float32))[half.inside], 0.95)[0] / 2


def _together(half: View) -> float:
    quarter = half.half
    green, blue = (quarter.smooth(plane, 2.0)[quarter.inside] for plane in quarter.planes[1:])
    green, blue = green - green.mean(), blue - blue.mean()
    return float((green @ blue + 1e-3) / (math.sqrt((green @ green) * (blue @ blue)) + 1e-3))


def _hole(half: View) -> tuple[float, float]:
    """Return how large the largest black patch within the field is, and how far from its middle."""
    level = max(0.22 * quantiles(half.highest[half.inside], 0.5)[0], 14.0)
    dark = ((half.highest < level) & half.inside).astype(np.uint8)
    if not dark.any():
        return 0.0, 0.0
    count, labels, stats, middles = cv2.connectedComponentsWithStats(dark)
    core = cv2.erode(half.inside.astype(np.uint8), np.ones((3, 3), np.uint8))
    touching = set(np.unique(labels[half.inside & (core == 0)]).tolist())
    within = [part for part in range(1, count) if part not in touching]
    if not within:
        return 0.0, 0.0
    largest = max(within, key=lambda part: int(stats[part, cv2.CC_STAT_AREA]))
    rows, columns = np.nonzero(half.inside)
    away = math.hypot(middles[largest][0] - columns.mean(), middles[largest][1] - rows.mean())
    return stats[largest, cv2.CC_STAT_AREA] / len(rows), away / math.sqrt(len(rows) / math.pi)


def _layered(half: View) -> float:
    plane = np.asarray(cv2.GaussianBlur(half.planes[1], (0, 0), 1.2), np.float32)
    inside = half.inside.view(np.uint8)
    across, down = (cv2.mean(np.abs(cv2.Sobel(plane, cv2.CV_32F, *way)), inside)[0] for way in ((1, 0), (0, 1)))
    return down / (across + 1e-3)


def _even(half: View) -> float:
    quarter = half.half
    return spread(quarter.smooth(quarter.planes[1], 4.0), quarter.inside) / (spread(half.planes[1], half.inside) + 1e-3)


def _bright_disc(half: View) -> float:
    """Return how strong bright against dark patches of a disc's size are."""
    quarter = half.half
    inner = cv2.erode(quarter.inside.view(np.uint8), np.ones((5, 5), np.uint8))
    if not inner.any():
        return 1.0
    middle, coarse = (quarter.smooth(quarter.planes[1], sigma) for sigma in (3.0, 8.0))
    least, most, *_ = cv2.minMaxLoc((middle - coarse) / (coarse + np.float32(8.0)), inner)
    return (most + 1e-3) / (1e-3 - least)
