"""The straight lines that cut a field of view flat before the frame ends."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats
from fundus_core.retina.backgrounds import middle
from fundus_core.retina.circles import Circle

_DARK = 0.1
"""Least share of a row that is lit in a shadow; in the bar beyond a cut less is, but for writing."""


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

    def beyond(self, rows: slice, columns: slice, circle: Circle) -> Edges:
        """Return the same edges in the frame out of which a window was cut: its own sides cut the field too."""
        slack = 0.01 * circle.radius
        x, y = columns.start, rows.start
        left = x if circle.cx - circle.radius < x - slack else 0
        top = y if circle.cy - circle.radius < y - slack else 0
        right = columns.stop if circle.cx + circle.radius > columns.stop + slack else float("inf")
        bottom = rows.stop if circle.cy + circle.radius > rows.stop + slack else float("inf")
        return Edges(
            self.left + x if self.left > 0 else float(left),
            self.top + y if self.top > 0 else float(top),
            min(self.right + x, float(right)),
            min(self.bottom + y, float(bottom)),
        )


def find(distance: NDArray[np.float32], circle: Circle) -> Edges:
    """Find the cut sides of a field by its difference from the background (height x width) and its circle."""
    rows, columns = distance.shape
    y, x = (np.arange(end, dtype=np.float32) + np.float32(0.5) for end in (rows, columns))
    away = ((x - np.float32(circle.cx)) ** 2)[None, :] + ((y - np.float32(circle.cy)) ** 2)[:, None]
    inside = away < np.float32(0.98 * circle.radius) ** 2
    some = distance[::3][inside[::3]].astype(np.uint8)
    filled = inside & (distance > np.float32(0.12 * middle(some) if len(some) else 0.0))
    left, right = _ends(_sums(inside, 0), _sums(filled, 0), circle.cx, circle.radius)
    top, bottom = _ends(_sums(inside, 1), _sums(filled, 1), circle.cy, circle.radius)
    return Edges(left, top, right, bottom)


def _sums(mask: NDArray[np.bool_], axis: int) -> NDArray[np.int32]:
    return np.asarray(cv2.reduce(mask.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()


def _ends(counts: NDArray[np.int32], filled: NDArray[np.int32], along: float, radius: float) -> tuple[float, float]:
    """Return the first and last row of the field where they lie clearly within the circle and the frame.

    ``counts`` is how many pixels of each row lie in the circle, ``filled`` how many of those differ from the
    background, ``along`` the circle's centre across the rows.
    """
    used = np.flatnonzero(counts >= 0.1 * radius)
    if not len(used):
        return 0.0, float("inf")
    share: Floats = filled[used] / counts[used]
    lit = np.flatnonzero(share > 0.5)
    if not len(lit):
        return 0.0, float("inf")
    slack = 0.03 * radius
    middle = lit[np.argmin(np.abs(used[lit] + 0.5 - along))]
    first = used[middle - _reach(share[middle::-1], slack)]
    last = used[middle + _reach(share[middle:], slack)]
    low = float(first) if first - max(along - 0.98 * radius, 0.0) > slack and first > used[0] else 0.0
    end = min(along + 0.98 * radius, len(counts)) - last - 1
    high = float(last + 1) if end > slack and last < used[-1] else float("inf")
    return low, high


def _reach(share: Floats, slack: float) -> int:
    """Return how many rows further the field goes on from a row that is lit, by each row's share of light, outwards.

    It ends before the first dark row, since writing may stand in the bar behind it; a shadow that leaves part of the
    row lit is crossed where it takes no more rows than the slack.
    """
    dark = np.flatnonzero(share < _DARK)
    before = share[: dark[0] if len(dark) else None]
    lit = np.flatnonzero(before > 0.5)
    wide = np.flatnonzero(np.diff(lit) > slack + 1.0)
    return int(lit[wide[0] if len(wide) else -1])
