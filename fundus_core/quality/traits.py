"""What tells one kind of picture from another: colours, edges, lines, and what lies around the field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality import ridges
from fundus_core.quality.ridges import Ridges
from fundus_core.quality.view import Plane, View
from fundus_core.records import Photograph, Pixels, RetinaBounds

_BLACK = 24.0
"""Brightness below which nothing can be said of a picture but that it is dark."""
_FRAME_PX = 192
"""Longer side of the copy on which the frame is looked at."""
_STEP = 14.0
"""Grey levels between neighbouring rows that make an edge, and within a row that make it more than a gap."""
_LIT = 30.0
"""Grey levels by which a pixel of the frame differs from what surrounds the field."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Numbers about one picture, each a share (0..1) of its field unless said otherwise."""

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
    hole: float
    """Largest black patch that does not touch the field's edge."""
    layered: float
    """Vertical over horizontal changes: 1 for a retina."""
    even: float
    """Spread of the heavily smoothed green channel over that of the plain one: 1 for shades, 0 for detail alone."""
    contrast: float
    """Spread of the green channel relative to its surroundings."""
    lines: Ridges
    """Thin lines."""
    wide: float
    """Strength of lines four times as wide as the thin ones."""
    spots: float
    """Share of small colourless reflections."""
    bright_disc: float
    """Strongest bright patch of a disc's size over the strongest dark one."""
    gaps: float
    """Share of the frame's rows or columns that are of one colour and lie between others."""
    edge: float
    """Greatest share of a row or column along which the frame changes at once."""
    white: float
    """Share of the frame that is white."""
    around: float
    """Share of the frame beyond the circle that is no border; 0 where no circle was found."""
    dark: float
    """Share of the frame that is black."""
    parts: int
    """Large lit parts of the frame."""
    ratio: float
    """Width of the frame over its height."""


def measure(photograph: Photograph, bounds: RetinaBounds, view: View, lines: Ridges, contrast: float) -> Traits:
    """Measure a photograph whose field of view was found and looked at."""
    half = view.half
    bright = half.highest[half.inside]
    black = view.empty or _share(bright > _BLACK) < 0.005
    frame = _frame(photograph.pixels)
    red, green, blue = _some(view) if not black else np.zeros((3, 1), np.float32)
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    colour = _middle((highest - lowest) / (highest + 8.0))
    change = _change(view) if not black else np.zeros(1, np.float32)
    wide, disc = _wide(half) if not black else (0.0, 1.0)
    dark, parts = _lit(frame)
    hue, slope = _shades(half) if not black else (0.0, 0.0)
    return Traits(
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
        hole=_hole(half) if not black else 0.0,
        layered=_layered(half) if not black else 1.0,
        even=_even(half) if not black else 1.0,
        contrast=contrast,
        lines=lines,
        wide=wide,
        spots=_share((lowest > 1.7 * _middle(highest)) & (blue >= 0.9 * red)),
        bright_disc=disc,
        gaps=_gaps(frame),
        edge=_edge(frame),
        white=_share(cv2.inRange(frame, (236, 236, 236), (255, 255, 255)) > 0),
        around=_around(frame, bounds),
        dark=dark,
        parts=parts,
        ratio=bounds.width / bounds.height,
    )


def _some(view: View) -> Plane:
    """Return the channels (3 x n) of every second pixel of every second row of the field: enough to count with."""
    inside = view.inside[::2, ::2]
    return np.stack([plane[::2, ::2][inside] for plane in view.planes])


def _middle(values: Plane) -> float:
    """Return the median of every fourth value: as good, for a quarter of the cost."""
    return float(np.median(values[::4]))


def _share(there: NDArray[np.bool_]) -> float:
    return float(np.mean(there))


def _cuts(bounds: RetinaBounds) -> int:
    low = (bounds.left, bounds.top)
    high = ((bounds.right, bounds.width), (bounds.bottom, bounds.height))
    return sum(cut > 0.01 * bounds.radius for cut in low) + sum(cut < end - 0.01 * bounds.radius for cut, end in high)


def _change(view: View) -> Plane:
    red, green, blue = view.planes
    return _slope((red + green + blue) / np.float32(3.0))[::2, ::2][view.inside[::2, ::2]]


def _slope(plane: Plane) -> Plane:
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _shades(half: View) -> tuple[float, float]:
    """Return how far red over green ranges, and how steeply green changes: a retina has one hue and no hard edges."""
    red, green = half.smooth(half.planes[:2], 1.4) + np.float32(8.0)
    low, high = np.percentile(red[half.inside] / green[half.inside], [5, 95])
    return math.log(high / low), float(np.percentile(_slope(np.log(green))[half.inside], 95)) / 2


def _hole(half: View) -> float:
    level = max(0.22 * float(np.median(half.highest[half.inside])), 14.0)
    dark = ((half.highest < level) & half.inside).astype(np.uint8)
    if not dark.any():
        return 0.0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark)
    core = cv2.erode(half.inside.astype(np.uint8), np.ones((3, 3), np.uint8))
    touching = set(np.unique(labels[half.inside & (core == 0)]).tolist())
    areas = [int(stats[part, cv2.CC_STAT_AREA]) for part in range(1, count) if part not in touching]
    return max(areas, default=0) / float(np.count_nonzero(half.inside))


def _layered(half: View) -> float:
    plane = np.asarray(cv2.GaussianBlur(half.planes[1], (0, 0), 1.2), np.float32)
    across, down = (np.abs(cv2.Sobel(plane, cv2.CV_32F, *way))[half.inside].mean() for way in ((1, 0), (0, 1)))
    return float(down) / (float(across) + 1e-3)


def _even(half: View) -> float:
    quarter = half.half
    (smooth,) = quarter.smooth(quarter.planes[1:2], 4.0)
    plain = float(np.std(half.planes[1][half.inside]))
    return float(np.std(smooth[quarter.inside])) / (plain + 1e-3)


def _wide(half: View) -> tuple[float, float]:
    """Return how strong wide lines are, and bright against dark patches of a disc's size."""
    quarter = half.half
    inner = cv2.erode(quarter.inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return 0.0, 1.0
    fine, middle, coarse = (quarter.smooth(quarter.planes[1:2], sigma)[0] for sigma in (1.6, 3.0, 8.0))
    relative = np.asarray((fine - coarse) / (coarse + 8.0), np.float32)
    patches = ((middle - coarse) / (coarse + 8.0))[inner]
    disc = (float(patches.max()) + 1e-3) / (float(-patches.min()) + 1e-3)
    return float(np.percentile(ridges.dark_lines(relative)[inner], 97)), disc


def _frame(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    factor = min(_FRAME_PX / max(height, width), 1.0)
    size = (max(round(width * factor), 8), max(round(height * factor), 8))
    if factor < 0.4:
        pixels = np.asarray(cv2.resize(pixels, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _brightest(frame: Pixels) -> NDArray[np.uint8]:
    """Return the largest channel of each pixel."""
    red, green, blue = cv2.split(frame)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _edge(frame: Pixels) -> float:
    """Return the greatest share of a row or column along which the frame changes at once, its rim left out."""
    edges = []
    for lines in (frame, np.asarray(cv2.transpose(frame), np.uint8)):
        step = (_brightest(np.asarray(cv2.absdiff(lines[1:], lines[:-1]), np.uint8)) > _STEP).mean(axis=1)
        rim = int(0.06 * len(step))
        edges.append(float(step[rim : len(step) - rim].max(initial=0.0)))
    return max(edges)


def _gaps(frame: Pixels) -> float:
    """Return the share of rows or columns of one colour between others; 0 where all are faint.

    The outer seventh of the others does not count: a line of text beside the field makes no panel.
    """
    gaps = [0.0]
    for axis in (0, 1):
        high, low = (cv2.reduce(frame, axis, way) for way in (cv2.REDUCE_MAX, cv2.REDUCE_MIN))
        ranges = np.asarray(cv2.subtract(high, low)).reshape(-1, 3).max(axis=1)
        used = np.flatnonzero(ranges >= _STEP / 2)  # a hazy retina changes by more
        used = used[len(used) // 7 : len(used) - len(used) // 7]
        if len(used) and np.median(ranges[used]) >= 4 * _STEP:
            gaps.append(float(int(used[-1]) - int(used[0]) + 1 - len(used)) / len(ranges))
    return max(gaps)


def _lit(frame: Pixels) -> tuple[float, int]:
    """Return the share of the frame that is black, and the number of its large lit parts."""
    lit = _brightest(frame) > _BLACK
    opened = cv2.morphologyEx(lit.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    areas = np.asarray(cv2.connectedComponentsWithStats(opened)[2])[1:, cv2.CC_STAT_AREA]
    return 1.0 - _share(lit), int(np.count_nonzero(areas > 0.25 * areas.max(initial=0)))


def _around(frame: Pixels, bounds: RetinaBounds) -> float:
    """Return the share of the frame beyond the circle that is no border; 0 without a circle or room beyond it."""
    beyond = _beyond(frame, bounds)
    if bounds.whole_frame or np.count_nonzero(beyond) <= 0.03 * beyond.size:
        return 0.0
    channels = frame[beyond].astype(np.float32).T
    red, green, blue = (np.abs(channel - level) for channel, level in zip(channels, _commonest(channels), strict=True))
    return _share(np.maximum(np.maximum(red, green), blue) > _LIT)


def _commonest(channels: Plane) -> list[float]:
    """Return the middle (of each of 3 x n) of the commonest sixteenth of brightness."""
    grey = (channels[0] + channels[1] + channels[2]) / np.float32(3.0)
    sixteenth = (grey / np.float32(16.0)).astype(np.intp)
    chosen = sixteenth == np.argmax(np.bincount(sixteenth, minlength=16))
    return [_middle(channel[chosen]) for channel in channels]


def _beyond(frame: Pixels, bounds: RetinaBounds) -> NDArray[np.bool_]:
    """Return where the frame lies clearly beyond the field's ellipse."""
    height, width = frame.shape[:2]
    x = (np.arange(width) + 0.5) * bounds.width / width - bounds.cx
    y = (np.arange(height) + 0.5) * bounds.height / height - bounds.cy
    return np.asarray((x / bounds.radius)[None, :] ** 2 + (y / bounds.radius_y)[:, None] ** 2 > 1.1**2)
