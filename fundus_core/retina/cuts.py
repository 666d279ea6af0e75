"""The straight lines that cut a field of view flat before the frame ends."""

from __future__ import annotations

from dataclasses import dataclass

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
    left, right = _ends(distance.T, circle.cx, circle.cy, circle.radius)
    top, bottom = _ends(distance, circle.cy, circle.cx, circle.radius)
    return Edges(left, top, right, bottom)


def _ends(distance: NDArray[np.float32], along: float, across: float, radius: float) -> tuple[float, float]:
    """Return the first and last row of the field where they lie clearly within the circle and the frame."""
    rows, columns = distance.shape
    y, x = np.arange(rows) + 0.5, np.arange(columns) + 0.5
    inside = (x - across)[None, :] ** 2 + (y - along)[:, None] ** 2 < (0.98 * radius) ** 2
    counts = inside.sum(axis=1)
    level = 0.12 * float(np.median(distance[::3][inside[::3]])) if inside[::3].any() else 0.0
    filled = ((distance > level) & inside).sum(axis=1)
    used = np.flatnonzero(counts >= 0.1 * radius)
    if not len(used):
        return 0.0, float("inf")
    share: Floats = filled[used] / counts[used]
    lit = used[share > 0.5]
    if not len(lit):
        return 0.0, float("inf")
    slack = 0.03 * radius
    low = float(lit[0]) if lit[0] - max(along - 0.98 * radius, 0.0) > slack and lit[0] > used[0] else 0.0
    end = min(along + 0.98 * radius, rows) - lit[-1] - 1
    high = float(lit[-1] + 1) if end > slack and lit[-1] < used[-1] else float("inf")
    return low, high
