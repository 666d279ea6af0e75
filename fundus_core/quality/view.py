"""What the checks look at: the field of view brought to one size, with a mask of the retina; and thin lines in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels, RetinaBounds

Plane = NDArray[np.float32]

DIAMETER = 256
"""Diameter of the field in the view, pixels: so small that 300 px photographs lose nothing to large ones."""
_LEAST = 125
"""Pixels of half the size, from which on percentiles mean something."""
_HALVING = 1 / 4 + 2 / 3
"""Variance that averaging two pixels and interpolating between them add to a blur, squared pixels."""
_LITTLE = np.float32(1e-4)
"""Weight that keeps a place without any field from being divided by nothing."""


@dataclass(frozen=True)
class View:
    """The field of view at one size, whatever the photograph's."""

    planes: Plane
    """3 x height x width: red, green and blue, 0..255, of the window of the photograph around the field."""
    field: NDArray[np.bool_]
    """Height x width: the field without its outermost 4 % of the radius."""
    inside: NDArray[np.bool_]
    """Height x width: the field without its outermost 10 % of the radius, where edges of the field play no part."""
    circle_share: float
    """Which share of the circle's area the photograph shows."""

    @cached_property
    def empty(self) -> bool:
        """Whether there is too little field to measure anything on."""
        return bool(np.count_nonzero(self.half.inside) < _LEAST)

    @cached_property
    def every_second(self) -> NDArray[np.intp]:
        """Where every second pixel within ``inside`` lies, as flat indices."""
        return np.flatnonzero(self.inside)[::2]

    @cached_property
    def highest(self) -> Plane:
        """Height x width: the largest of the three channels."""
        red, green, blue = self.planes
        return np.asarray(np.maximum(np.maximum(red, green), blue), np.float32)

    @cached_property
    def lowest(self) -> Plane:
        """Height x width: the smallest of the three channels."""
        red, green, blue = self.planes
        return np.asarray(np.minimum(np.minimum(red, green), blue), np.float32)

    @cached_property
    def weight(self) -> Plane:
        """Height x width: 1 in the field, 0 elsewhere."""
        return self.field.astype(np.float32)

    @cached_property
    def half(self) -> View:
        """The same at half the size, for whatever is blurred by two pixels or more: it costs a quarter."""
        planes = np.stack([_halved(plane) for plane in self.planes])
        field, inside = (_halved(mask.astype(np.float32)) > 0.5 for mask in (self.field, self.inside))
        return View(planes, field, inside, self.circle_share)

    def smooth(self, plane: Plane, sigma: float) -> Plane:
        """Blur a plane (height x width) within the field: what lies outside does not bleed in."""
        return blur(plane * self.weight, sigma) / (blur(self.weight, sigma) + _LITTLE)

    def relative(self, channel: int, fine: float, coarse: float) -> Plane:
        """Return a channel smoothed finely, as a share above or below its coarsely smoothed surroundings.

        A blur by a pixel ends within the rim around ``inside``, so that there is nothing to weigh.
        """
        plane = self.planes[channel]
        finely = self.smooth(plane, fine) if fine > 1.0 else blur(plane, fine) / (np.float32(1.0) + _LITTLE)
        coarsely = self.half.smooth(self.half.planes[channel], math.sqrt(coarse**2 - _HALVING) / 2)
        around = cv2.resize(coarsely, finely.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray((finely - around) / (around + np.float32(8.0)), np.float32)


def quantiles(values: Plane, *shares: float) -> list[float]:
    """Return quantiles of values (n, none NaN), interpolated as numpy's are, in a tenth of its time.

    Each is parted off what the one before left above it: for a single place numpy uses the processor's vectors.

    >>> quantiles(np.arange(10, dtype=np.float32), 0.25, 0.5)
    [2.25, 4.5]
    """
    last, rest, below, found = len(values) - 1, values, 0, dict.fromkeys(shares, 0.0)
    for share in sorted(found):
        place = min(int(share * last), max(last - 1, 0))
        rest, below = np.partition(rest, place - below)[place - below :], place
        low, high = float(rest[0]), float(rest[1:].min()) if len(rest) > 1 else float(rest[0])
        found[share] = low + (high - low) * (share * last - place)
    return [found[share] for share in shares]


def spread(plane: Plane, there: NDArray[np.bool_]) -> float:
    """Return the standard deviation of a plane within a mask."""
    return float(cv2.meanStdDev(plane, mask=there.view(np.uint8))[1].item())


def blur(plane: Plane, sigma: float) -> Plane:
    """Return a plane blurred by a Gaussian."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    size = (max(round(width / 2), 1), max(round(height / 2), 1))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)


def scaled_field(pixels: Pixels, bounds: RetinaBounds) -> View:
    """Bring the field of view of a photograph (height x width x 3, RGB, 0..255) to the size of the checks."""
    rx, ry = bounds.radius, bounds.radius_y
    left, top = max(int(bounds.cx - rx), 0), max(int(bounds.cy - ry), 0)
    right = min(int(bounds.cx + rx) + 1, bounds.width)
    bottom = min(int(bounds.cy + ry) + 1, bounds.height)
    if bounds.whole_frame:
        left, top, right, bottom = (round(edge) for edge in bounds.window)
    factor = DIAMETER / (right - left) if bounds.whole_frame else DIAMETER / (2.0 * rx)
    size = (max(round((right - left) * factor), 8), max(round((bottom - top) * factor / bounds.aspect), 8))
    x = left + (np.arange(size[0]) + 0.5) * (right - left) / size[0]
    y = top + (np.arange(size[1]) + 0.5) * (bottom - top) / size[1]
    across, down = (((at - centre) / radius) ** 2 for at, centre, radius in ((x, bounds.cx, rx), (y, bounds.cy, ry)))
    away = across.astype(np.float32)[None, :] + down.astype(np.float32)[:, None]
    share = np.count_nonzero(_between(bounds, x, y, 0.0) & (away < 1.0)) / (np.pi * (factor * rx) ** 2)
    planes = _shrink(pixels[top:bottom, left:right], size)
    field = _between(bounds, x, y, 0.02 * bounds.radius) & (away < 0.96**2)
    inside = _between(bounds, x, y, 0.05 * bounds.radius) & (away < 0.90**2)
    return View(planes, field, inside, min(float(share), 1.0))


def _between(bounds: RetinaBounds, x: Floats, y: Floats, away: float) -> NDArray[np.bool_]:
    """Return where columns x and rows y lie within the cuts of a field, a distance away from each."""
    low_x, low_y = (cut + away if cut > 0 else 0.0 for cut in (bounds.left, bounds.top))
    across = (x >= low_x) & (x <= bounds.right - away)
    down = (y >= low_y) & (y <= bounds.bottom - away)
    both: NDArray[np.bool_] = down[:, None] & across[None, :]
    return both


def _shrink(window: Pixels, size: tuple[int, int]) -> Plane:
    """Resize to 3 planes: green, the channel of the fine lines, from nine samples a pixel, the others from four.

    OpenCV averages slowly but for whole factors; red and blue are only looked at in the large.
    """
    if window.shape[1] > 4 * size[0]:
        window = np.asarray(cv2.resize(window, (4 * size[0], 4 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    if window.shape[1] <= 2 * size[0]:
        return np.asarray(cv2.split(_averaged(window, size)), np.float32)
    sampled = np.asarray(cv2.resize(window, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    red, _, blue = cv2.split(_averaged(sampled, size))
    green = np.asarray(cv2.extractChannel(window, 1), np.uint8)
    green = np.asarray(cv2.resize(green, (3 * size[0], 3 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    green = np.asarray(cv2.blur(green, (3, 3)), np.uint8)[1::3, 1::3]  # the same mean, taken everywhere, costs less
    planes = np.empty((3, *green.shape), np.float32)
    planes[0], planes[1], planes[2] = red, green, blue  # one by one: numpy stacks bytes slowly
    return planes


def _averaged(image: Pixels, size: tuple[int, int]) -> Pixels:
    way = cv2.INTER_AREA if image.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


_LONG = 40
"""Extent from which on a line counts as long, in view pixels: a sixth of the field's diameter."""
_GREEN = 1


@dataclass(frozen=True)
class Ridges:
    """What the thin lines of a view are like."""

    strength: float
    """How much the strongest 3 % of dark lines bend the relative brightness, per squared view pixel."""
    darkness: float
    """Strength of dark lines over that of bright lines: 1 for textures, 1.2 to 1.6 for a retina."""
    strongest: Callable[[], NDArray[np.bool_]]
    """Returns where the strongest dark lines are, height x width."""

    @cached_property
    def long_share(self) -> float:
        """0..1: share of the strongest dark lines that are long."""
        return _long_share(self.strongest())


def measure_ridges(view: View) -> Ridges:
    """Measure the lines of a view from the eigenvalues of the Hessian (Frangi 1998, doi 10.1007/BFb0056195)."""
    if view.empty:
        return Ridges(0.0, 1.0, lambda: np.zeros((1, 1), np.bool_))
    second = _second(view.relative(_GREEN, 1.6, 12.0), 5)
    # every second pixel: as good for a percentile, and half the cost
    mean, spread = _bending([plane.take(view.every_second) for plane in second])
    strength, level = quantiles(_lines(mean, spread), 0.97, 0.93)
    against = quantiles(_lines(-mean, spread), 0.97)[0]
    return Ridges(
        strength,
        (strength + 2e-4) / (against + 2e-4),
        lambda: view.inside & (_lines(*_bending(second)) > max(level, 1e-4)),
    )


def dark_lines(plane: Plane, places: NDArray[np.intp]) -> Plane:
    """Return how strongly places of a plane (flat indices) lie on a thin dark line, by differences over 3 pixels."""
    return _lines(*_bending([second.take(places) for second in _second(plane, 3)]))


def _second(plane: Plane, size: int) -> list[Plane]:
    """Return the second derivatives across, down and both of a plane, by differences over 3 or 5 pixels."""
    return [
        np.asarray(cv2.Sobel(plane, cv2.CV_32F, dx, dy, ksize=size, scale=4.0 ** (2 - size)), np.float32)
        for dx, dy in ((2, 0), (0, 2), (1, 1))
    ]


def _bending(second: list[Plane]) -> tuple[Plane, Plane]:
    """Return the mean of the two eigenvalues of the Hessian at each pixel, and half their difference."""
    xx, yy, xy = second
    half = (xx - yy) / np.float32(2.0)
    spread = np.asarray(cv2.magnitude(half, xy), np.float32).reshape(half.shape)
    return (xx + yy) / np.float32(2.0), spread


def _lines(mean: Plane, spread: Plane) -> Plane:
    """Return by how much the greater eigenvalue, mean + spread, exceeds the size of the lesser; never below 0."""
    return 2 * np.minimum(np.maximum(mean, np.float32(0.0)), spread)


def _long_share(lines: NDArray[np.bool_]) -> float:
    """Return which share of the pixels belongs to connected lines of a long extent."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(lines.view(np.uint8), connectivity=8)
    parts = np.asarray(stats)[1:]
    if not len(parts):
        return 0.0
    extent = np.hypot(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    area = parts[:, cv2.CC_STAT_AREA]
    return float(area[extent > _LONG].sum() / area.sum())
