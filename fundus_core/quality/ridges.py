"""Thin lines in the green channel: vessels are long, dark, and as sharp as the photograph is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality.view import Plane, View

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
    most, least = _bending(view.relative(_GREEN, 1.6, 12.0))
    dark = np.where(view.inside, np.maximum(most - np.abs(least), 0.0), 0.0)
    bright = np.where(view.inside, np.maximum(-least - np.abs(most), 0.0), 0.0)
    strength, level = (float(value) for value in np.percentile(dark[view.inside], [97, 93]))
    against = float(np.percentile(bright[view.inside], 97))
    return Ridges(strength, (strength + 2e-4) / (against + 2e-4), _long_share(dark > max(level, 1e-4)))


def _bending(plane: Plane) -> tuple[Plane, Plane]:
    """Return the greater and the lesser eigenvalue of the Hessian at each pixel."""
    xx, yy, xy = (
        np.asarray(cv2.Sobel(plane, cv2.CV_32F, dx, dy, ksize=5), np.float32) / np.float32(64.0)
        for dx, dy in ((2, 0), (0, 2), (1, 1))
    )
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return mean + spread, mean - spread


def _long_share(lines: NDArray[np.bool_]) -> float:
    """Return which share of the pixels belongs to connected lines of a long extent."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(lines.view(np.uint8), connectivity=8)
    parts = np.asarray(stats)[1:]
    if not len(parts):
        return 0.0
    extent = np.hypot(parts[:, cv2.CC_STAT_WIDTH], parts[:, cv2.CC_STAT_HEIGHT])
    area = parts[:, cv2.CC_STAT_AREA]
    return float(area[extent > _LONG].sum() / area.sum())
