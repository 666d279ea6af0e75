"""Thin lines in the green channel: vessels are long, dark, and as sharp as the photograph is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality.view import Plane, View, quantiles

_LONG = 40
"""Extent from which on a line counts as long, in view pixels: a sixth of the field's diameter."""
_GREEN = 1


@dataclass(frozen=True, slots=True)
class Ridges:
    """What the thin lines of a view are like."""

    strength: float
    """How much the strongest 3 % of dark lines bend the relative brightness, per squared view pixel."""
    darkness: float
    """Strength of dark lines over that of bright lines: 1 for textures, 1.2 to 1.6 for a retina."""
    long_share: float
    """0..1: share of the strongest dark lines that are long."""


def measure(view: View) -> Ridges:
    """Measure the lines of a view from the eigenvalues of the Hessian (Frangi 1998, doi 10.1007/BFb0056195)."""
    if view.empty:
        return Ridges(0.0, 1.0, 0.0)
    mean, spread = _bending(view.relative(_GREEN, 1.6, 12.0))
    dark, bright = (_lines(bend, spread) for bend in (mean, -mean))
    inside = dark[view.inside][::2]  # every second pixel: as good for a percentile, and half the cost
    strength, level = quantiles(inside, 0.97, 0.93)
    against = quantiles(bright[view.inside][::2], 0.97)[0]
    long = view.inside & (dark > max(level, 1e-4))
    return Ridges(strength, (strength + 2e-4) / (against + 2e-4), _long_share(long))


def dark_lines(plane: Plane, size: int = 5) -> Plane:
    """Return how strongly each pixel of a plane lies on a thin dark line, by differences over 3 or 5 pixels."""
    return _lines(*_bending(plane, size))


def _bending(plane: Plane, size: int = 5) -> tuple[Plane, Plane]:
    """Return the mean of the two eigenvalues of the Hessian at each pixel, and half their difference."""
    xx, yy, xy = (
        np.asarray(cv2.Sobel(plane, cv2.CV_32F, dx, dy, ksize=size, scale=4.0 ** (2 - size)), np.float32)
        for dx, dy in ((2, 0), (0, 2), (1, 1))
    )
    spread = np.asarray(cv2.magnitude((xx - yy) / np.float32(2.0), xy), np.float32)
    return (xx + yy) / np.float32(2.0), spread


def _lines(mean: Plane, spread: Plane) -> Plane:
    """Return by how much the greater eigenvalue, mean + spread, exceeds the size of the lesser; never below 0."""
    return 2 * np.minimum(np.maximum(mean, 0.0), spread)


def _long_share(lines: NDArray[np.bool_]) -> float:
    """Return which share of the pixels belongs to connected lines of a long extent."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(lines.view(np.uint8), connectivity=8)
    parts = np.asarray(stats)[1:]
    if not len(parts):
        return 0.0
    extent = np.hypot(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    area = parts[:, cv2.CC_STAT_AREA]
    return float(area[extent > _LONG].sum() / area.sum())
