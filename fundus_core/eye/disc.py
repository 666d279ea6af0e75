"""Read the eye from where the optic disc lies: towards the nose, which is the right side of a right eye's picture."""

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
_LEAST = 500
"""Fewest pixels where a disc may lie that are worth looking at."""
_CLEARER = 1.6
"""How much the disc must stand out over the best place elsewhere."""

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Look:
    plane: Plane
    """Height x width: red and green, relative to a wide surrounding."""
    inside: NDArray[np.bool_]
    """Half that height x half that width: where a disc may lie."""
    x: Floats
    """Of each column of ``inside``, radii from the centre of the field."""
    y: Floats
    """Of each row of ``inside``, radii from the centre of the field."""


def from_disc(pixels: Pixels, bounds: RetinaBounds) -> Eye:
    """Return the eye that the disc's position shows in a photograph (height x width x 3, RGB, 0..255, not mirrored).

    Unknown unless one place alone looks like a disc and lies clearly to one side, as it does where the macula is in the
    middle. A photograph centred on the disc is unknown.
    """
    if bounds.whole_frame:
        return Eye.UNKNOWN
    view = _look(pixels, bounds)
    if np.count_nonzero(view.inside) < _LEAST:
        return Eye.UNKNOWN
    likeness = np.where(view.inside, _disc_likeness(view.plane), np.float32(0.0))
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
    size = (max(round((right - left) * factor / 2), 4), max(round((bottom - top) * factor / 2), 4))
    seen = _seen(pixels[top:bottom, left:right], (2 * size[0], 2 * size[1]))
    x = (left + (np.arange(2 * size[0]) + 0.5) * (right - left) / (2 * size[0]) - bounds.cx) / bounds.radius
    y = (top + (np.arange(2 * size[1]) + 0.5) * (bottom - top) / (2 * size[1]) - bounds.cy) / bounds.radius
    across = (x * bounds.radius + bounds.cx >= bounds.left) & (x * bounds.radius + bounds.cx <= bounds.right)
    down = (y * bounds.radius + bounds.cy >= bounds.top) & (y * bounds.radius + bounds.cy <= bounds.bottom)
    field = (((x**2)[None, :] + (y**2)[:, None] < 0.94**2) & across[None, :] & down[:, None]).astype(np.float32)
    inside = _halved(np.asarray(cv2.erode(field, np.ones((5, 5), np.uint8)), np.float32)) > 0.5
    return _Look(_relative(seen, field), inside, x.reshape(-1, 2).mean(axis=1), y.reshape(-1, 2).mean(axis=1))


def _seen(window: Pixels, size: tuple[int, int]) -> Plane:
    """Return green and half of red, from four interpolated samples a pixel: enough for anything as large as a disc."""
    red, green, _ = cv2.split(cv2.resize(window, (2 * size[0], 2 * size[1])))
    return _halved(np.asarray(cv2.addWeighted(green, 1.0, red, 0.5, 0.0, dtype=cv2.CV_32F), np.float32))


def _relative(plane: Plane, field: Plane) -> Plane:
    """Return a plane as a share above or below its wide surroundings, 0 outside the field."""
    around = _blur(_halved(plane * field), 12.0) / (_blur(_halved(field), 12.0) + np.float32(1e-4))
    around = np.asarray(cv2.resize(around, plane.shape[::-1]), np.float32)
    return np.asarray((plane - around) / (around + 8.0) * field, np.float32)


def _disc_likeness(plane: Plane) -> Plane:
    """Return how much each place looks like a disc: a bright patch of the right size, crossed by dark vessels.

    Patches and crowds are wide enough to be looked at in half the size.
    """
    half = _halved(plane)
    patch = np.maximum(_blur(half, 2.5) - _blur(half, 6.0), 0.0)
    vessels = np.maximum(_blur(plane, 2.5) - plane, 0.0)
    return np.asarray(patch * _blur(_halved(vessels), 3.0), np.float32)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    return np.asarray(cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)


def _blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
