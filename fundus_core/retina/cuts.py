"""The straight lines that cut a field of view flat before the frame ends."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats
from fundus_core.retina.circles import Circle


@dataclass(frozen=True, slots=True)
class Edges:
    """Where the field ends on each side, in pixels of the reduced copy."""

    left: float
    """0 where the left side is not cut."""
    top: float
    """0 where the top is not cut."""
    right: float
    """Infinite where the right side is not cut."""
    bottom: float
    """Infinite where the bottom is not cut."""

    def moved(self, x: float, y: float) -> Edges:
        """Return the same edges seen from a frame whose corner lies x to the left and y above."""
        return Edges(
            self.left + x if self.left > 0 else 0.0,
            self.top + y if self.top > 0 else 0.0,
            self.right + x,
            self.bottom + y,
        )


def find(distance: NDArray[np.float32], circle: Circle) -> Edges:
    """Find the cut sides of a field.

    Args:
        distance: Height x width: difference from the background.
        circle: The field's circle.
    """
    rows, columns = distance.shape
    y, x = np.arange(rows) + 0.5 - circle.cy, np.arange(columns) + 0.5 - circle.cx
    inside = (x**2)[None, :] + (y**2)[:, None] < (0.98 * circle.radius) ** 2
    some = distance[::3][inside[::3]]
    filled = inside & (distance > (0.12 * float(np.median(some)) if len(some) else 0.0))
    left, right = _ends(_sums(inside, 0), _sums(filled, 0), circle.cx, circle.radius)
    top, bottom = _ends(_sums(inside, 1), _sums(filled, 1), circle.cy, circle.radius)
    return Edges(left, top, right, bottom)


def _sums(mask: NDArray[np.bool_], axis: int) -> NDArray[np.int32]:
    return np.asarray(cv2.reduce(mask.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()


def _ends(counts: NDArray[np.int32], filled: NDArray[np.int32], along: float, radius: float) -> tuple[float, float]:
    """Return the first and last row of the field where they lie clearly within the circle and the frame.

    Args:
        counts: How many pixels of each row lie in the circle.
        filled: How many of those differ from the background.
        along: The circle's centre, across the rows.
        radius: The circle's.
    """
    used = np.flatnonzero(counts >= 0.1 * radius)
    if not len(used):
        return 0.0, float("inf")
    share: Floats = filled[used] / counts[used]
    lit = used[share > 0.5]
    if not len(lit):
        return 0.0, float("inf")
    slack = 0.03 * radius
    low = float(lit[0]) if lit[0] - max(along - 0.98 * radius, 0.0) > slack and lit[0] > used[0] else 0.0
    end = min(along + 0.98 * radius, len(counts)) - lit[-1] - 1
    high = float(lit[-1] + 1) if end > slack and lit[-1] < used[-1] else float("inf")
    return low, high
