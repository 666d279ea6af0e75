"""What the checks look at: the field of view brought to one size, with a mask of where the retina is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels, RetinaBounds

Plane = NDArray[np.float32]

DIAMETER = 256
"""Diameter of the field in the view, pixels: so small that 300 px photographs lose nothing to large ones."""


@dataclass(frozen=True, slots=True)
class View:
    """The field of view at one size, whatever the photograph's."""

    pixels: Plane
    """Height x width x 3, RGB, 0..255; the window of the photograph around the field."""
    field: NDArray[np.bool_]
    """Height x width: the field without its outermost 4 % of the radius."""
    inside: NDArray[np.bool_]
    """Height x width: the field without its outermost 10 % of the radius, where edges of the field play no part."""
    circle_share: float
    """Which share of the circle's area the photograph shows."""

    @property
    def empty(self) -> bool:
        """Whether there is too little field to measure anything on."""
        return bool(np.count_nonzero(self.inside) < 500)

    @property
    def highest(self) -> Plane:
        """Height x width: the largest of the three channels."""
        # NumPy's own maximum over the last axis takes thirty times as long.
        return np.maximum(np.maximum(self.pixels[..., 0], self.pixels[..., 1]), self.pixels[..., 2])

    @property
    def lowest(self) -> Plane:
        """Height x width: the smallest of the three channels."""
        return np.minimum(np.minimum(self.pixels[..., 0], self.pixels[..., 1]), self.pixels[..., 2])

    def smooth(self, plane: Plane, sigma: float) -> Plane:
        """Blur a plane (height x width) within the field: what lies outside does not bleed in."""
        weight = self.field.astype(np.float32)
        return np.asarray(blur(plane * weight, sigma) / (blur(weight, sigma) + 1e-4), np.float32)

    def relative(self, channel: int, fine: float, coarse: float) -> Plane:
        """Return a channel smoothed finely, as a share above or below its coarsely smoothed surroundings."""
        plane = self.pixels[..., channel]
        around = self.smooth(plane, coarse)
        return np.asarray((self.smooth(plane, fine) - around) / (around + 8.0), np.float32)


def blur(plane: Plane, sigma: float) -> Plane:
    """Return a plane blurred by a Gaussian."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def look(pixels: Pixels, bounds: RetinaBounds) -> View:
    """Bring the field of view to the size that the checks are made for.

    Args:
        pixels: Height x width x 3, RGB, 0..255.
        bounds: The field of view in that photograph.
    """
    left, top = max(int(bounds.cx - bounds.radius), 0), max(int(bounds.cy - bounds.radius), 0)
    right = min(int(bounds.cx + bounds.radius) + 1, bounds.width)
    bottom = min(int(bounds.cy + bounds.radius) + 1, bounds.height)
    reach = (right - left) / 2 if bounds.whole_frame else bounds.radius
    factor = DIAMETER / (2.0 * reach)
    size = (max(round((right - left) * factor), 8), max(round((bottom - top) * factor), 8))
    x = left + (np.arange(size[0]) + 0.5) * (right - left) / size[0]
    y = top + (np.arange(size[1]) + 0.5) * (bottom - top) / size[1]
    visible = _between(bounds, x, y, 0.0)
    radius = np.hypot((x - bounds.cx)[None, :], (y - bounds.cy)[:, None]) / bounds.radius
    share = np.count_nonzero(visible & (radius < 1.0)) / (np.pi * (factor * bounds.radius) ** 2)
    small = _shrink(pixels[top:bottom, left:right], size)
    field = _between(bounds, x, y, 0.02 * bounds.radius) & (radius < 0.96)
    inside = _between(bounds, x, y, 0.05 * bounds.radius) & (radius < 0.90)
    return View(small, field, inside, min(float(share), 1.0))


def _between(bounds: RetinaBounds, x: Floats, y: Floats, away: float) -> NDArray[np.bool_]:
    """Return where columns x and rows y lie within the cuts of a field, a distance away from each."""
    low_x, low_y = (cut + away if cut > 0 else 0.0 for cut in (bounds.left, bounds.top))
    across = (x >= low_x) & (x <= bounds.right - away)
    down = (y >= low_y) & (y <= bounds.bottom - away)
    both: NDArray[np.bool_] = down[:, None] & across[None, :]
    return both


def _shrink(window: Pixels, size: tuple[int, int]) -> Plane:
    """Resize by averaging; large windows are halved by interpolation first, which costs a tenth."""
    if window.shape[1] > 4 * size[0]:
        window = np.asarray(cv2.resize(window, (4 * size[0], 4 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    way = cv2.INTER_AREA if window.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(window, size, interpolation=way), np.float32)
