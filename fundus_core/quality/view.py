"""What the checks look at: the field of view brought to one size, with a mask of where the retina is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels, RetinaBounds

DIAMETER = 256
"""Diameter of the field in the view, pixels: so small that 300 px photographs lose nothing to large ones."""


@dataclass(frozen=True, slots=True)
class View:
    """The field of view at one size, whatever the photograph's."""

    pixels: NDArray[np.float32]
    """Height x width x 3, RGB, 0..255; the window of the photograph around the field."""
    inside: NDArray[np.bool_]
    """Height x width: the field without its outermost 4 % of the radius."""
    radius: Floats
    """Height x width: distance from the field's centre, 1 on the circle."""
    circle_share: float
    """Which share of the circle's area the photograph shows."""


def look(pixels: Pixels, bounds: RetinaBounds) -> View:
    """Bring the field of view to the size that the checks are made for.

    Args:
        pixels: Height x width x 3, RGB, 0..255.
        bounds: The field of view in that photograph.
    """
    left, top = max(int(bounds.cx - bounds.radius), 0), max(int(bounds.cy - bounds.radius), 0)
    right = min(int(bounds.cx + bounds.radius) + 1, bounds.width)
    bottom = min(int(bounds.cy + bounds.radius) + 1, bounds.height)
    window = np.ascontiguousarray(pixels[top:bottom, left:right])
    reach = (right - left) / 2 if bounds.whole_frame else bounds.radius
    factor = DIAMETER / (2.0 * reach)
    size = (max(round((right - left) * factor), 8), max(round((bottom - top) * factor), 8))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(window, size, interpolation=way), np.float32)
    x = left + (np.arange(size[0]) + 0.5) * (right - left) / size[0]
    y = top + (np.arange(size[1]) + 0.5) * (bottom - top) / size[1]
    across = (x >= bounds.left) & (x <= bounds.right)
    down = (y >= bounds.top) & (y <= bounds.bottom)
    visible = down[:, None] & across[None, :]
    radius = np.hypot((x - bounds.cx)[None, :], (y - bounds.cy)[:, None]) / bounds.radius
    share = float(np.count_nonzero(visible & (radius < 1.0)) / (np.pi * (factor * bounds.radius) ** 2))
    return View(small, visible & (radius < 0.96), radius, min(share, 1.0))
