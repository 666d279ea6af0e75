"""Read the eye from where the optic disc lies: towards the nose, which is the right side of a right eye's picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Eye, Floats, Pixels, RetinaBounds

_DIAMETER = 160
"""Diameter of the field in the copy that is looked at, pixels."""
_SIDEWAYS = (0.22, 0.85)
"""How far from the centre, in radii, the disc of a macula-centred photograph lies to the side."""
_UPWARDS = 0.35
"""How far above or below the centre it may lie."""
_CLEARER = 1.6
"""How much the disc must stand out over the best place elsewhere."""

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Look:
    plane: Plane
    """Height x width: red and green, relative to a wide surrounding."""
    inside: NDArray[np.bool_]
    """Height x width: where a disc may lie."""
    x: Floats
    """Of each column, radii from the centre of the field."""
    y: Floats
    """Of each row, radii from the centre of the field."""


def from_disc(pixels: Pixels, bounds: RetinaBounds) -> Eye:
    """Return the eye that the position of the disc shows.

    Args:
        pixels: Height x width x 3, RGB, 0..255, not mirrored.
        bounds: The field of view in that photograph.

    Returns:
        The eye; unknown unless one place alone looks like a disc and lies clearly to one side, as it does
        where the
        macula is in the middle. A photograph centred on the disc is unknown.
    """
    if bounds.whole_frame:
        return Eye.UNKNOWN
    view = _look(pixels, bounds)
    if np.count_nonzero(view.inside) < 2000:
        return Eye.UNKNOWN
    likeness = np.where(view.inside, _disc_likeness(view), np.float32(0.0))
    row, column = np.unravel_index(int(np.argmax(likeness)), likeness.shape)
    x, y = float(view.x[column]), float(view.y[row])
    elsewhere = np.hypot(view.x[None, :] - x, view.y[:, None] - y) > 0.35
    second = float(likeness[elsewhere].max(initial=0.0))
    sideways = _SIDEWAYS[0] <= abs(x) <= _SIDEWAYS[1] and abs(y) <= _UPWARDS
    if not sideways or float(likeness[row, column]) < max(_CLEARER * second, 1e-4):
        return Eye.UNKNOWN
    return Eye.RIGHT if x > 0 else Eye.LEFT


def _look(pixels: Pixels, bounds: RetinaBounds) -> _Look:
    left, top = max(int(bounds.cx - bounds.radius), 0), max(int(bounds.cy - bounds.radius), 0)
    right = min(int(bounds.cx + bounds.radius) + 1, bounds.width)
    bottom = min(int(bounds.cy + bounds.radius) + 1, bounds.height)
    factor = _DIAMETER / (2.0 * bounds.radius)
    size = (max(round((right - left) * factor), 8), max(round((bottom - top) * factor), 8))
    window = pixels[top:bottom, left:right]
    if window.shape[1] > 4 * size[0]:
        window = np.asarray(cv2.resize(window, (4 * size[0], 4 * size[1])), np.uint8)
    small = np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_AREA), np.float32)
    x = (left + (np.arange(size[0]) + 0.5) * (right - left) / size[0] - bounds.cx) / bounds.radius
    y = (top + (np.arange(size[1]) + 0.5) * (bottom - top) / size[1] - bounds.cy) / bounds.radius
    across = (x * bounds.radius + bounds.cx >= bounds.left) & (x * bounds.radius + bounds.cx <= bounds.right)
    down = (y * bounds.radius + bounds.cy >= bounds.top) & (y * bounds.radius + bounds.cy <= bounds.bottom)
    field = (np.hypot(x[None, :], y[:, None]) < 0.94) & across[None, :] & down[:, None]
    inside = np.asarray(cv2.erode(field.astype(np.uint8), np.ones((5, 5), np.uint8)), np.uint8) > 0
    plane = _relative(small[..., 1] + 0.5 * small[..., 0], field)
    return _Look(plane, inside, x, y)


def _relative(plane: Plane, field: NDArray[np.bool_]) -> Plane:
    """Return a plane as a share above or below its wide surroundings, 0 outside the field."""
    weight = field.astype(np.float32)
    around = _blur(plane * weight, 24.0) / (_blur(weight, 24.0) + 1e-4)
    return np.asarray(np.where(field, (plane - around) / (around + 8.0), 0.0), np.float32)


def _disc_likeness(view: _Look) -> Plane:
    """Return how much each place looks like a disc: a bright patch of the right size, crossed by dark vessels."""
    patch = np.maximum(_blur(view.plane, 5.0) - _blur(view.plane, 12.0), 0.0)
    vessels = np.maximum(_blur(view.plane, 2.5) - view.plane, 0.0)
    crowded = _blur(np.asarray(vessels, np.float32), 6.0)
    return np.asarray(patch * crowded, np.float32)


def _blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
