"""Fields that somebody stretched or squeezed: ellipses whose axes lie along the frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats

_DRAWS: Floats = np.random.default_rng(20261129).random((400, 4))
"""Which four points make each guess, as shares of their number: fixed, so that the answer never changes."""
_JITTER: Floats = 1e-7 * np.random.default_rng(4).standard_normal((400, 4, 4))
"""Keeps four points that determine nothing from being an error; they agree with no others."""
_MOST = 2.0
"""Times that one axis may exceed the other: a 16:9 frame in a square is 1.78."""
_LEAST_POINTS = 24


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse with upright axes, in pixels of whatever image it was found in."""

    cx: float
    """Centre, from the left edge."""
    cy: float
    """Centre, from the top edge."""
    rx: float
    """Horizontal radius."""
    ry: float
    """Vertical radius."""
    agreement: float
    """0..1: how well the points lie on it; far ones count nothing."""


def consensus(points: Floats, frame: tuple[int, int], smallest: float, largest: float) -> Ellipse | None:
    """Return the ellipse on which most points (n x 2, x and y; outliers welcome) agree, ``None`` without any.

    RANSAC over x² + k y² + d x + e y + f = 0, which four points determine, then least squares on those that agree. Both
    radii lie between the smallest and the largest (pixels), the centre within the frame (height and width), a tenth
    of it beyond allowed.
    """
    if len(points) < _LEAST_POINTS:
        return None
    middle, scale = np.array([frame[1], frame[0]]) / 2.0, max(frame) / 2.0
    place = (points - middle) / scale
    guesses = _through(place[(_DRAWS * len(place)).astype(np.intp)])
    aside = np.abs(guesses[:, :2]) <= 1.2 * middle / scale
    sized = (guesses[:, 2:] >= smallest / scale) & (guesses[:, 2:] <= largest / scale)
    alike = np.abs(np.log(guesses[:, 3] / guesses[:, 2])) < np.log(_MOST)
    guesses = guesses[aside.all(axis=1) & sized.all(axis=1) & alike]
    if not len(guesses):
        return None
    best = _refined(place, guesses[int(np.argmax(_agreement(place, guesses)))])
    agreement = float(_agreement(place, best[None])[0]) / len(place)
    cx, cy, rx, ry = best * scale + [*middle, 0.0, 0.0]
    return Ellipse(float(cx), float(cy), float(rx), float(ry), agreement)


def _through(points: Floats) -> Floats:
    """Return the ellipses (k x 4: centre, radii) through fours of points (k x 4 x 2); NaN where there is none."""
    x, y = points[..., 0], points[..., 1]
    terms = np.stack([y**2, x, y, np.ones_like(x)], axis=-1) + _JITTER
    return _shapes(np.asarray(np.linalg.solve(terms, -(x**2)[..., None])[..., 0], np.float64))


def _shapes(coefficients: Floats) -> Floats:
    """Return centre and radii from k, d, e and f; NaN where they belong to no ellipse."""
    k, d, e, f = np.moveaxis(coefficients, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cx, cy = -d / 2.0, -e / (2.0 * k)
        rx = np.sqrt(cx**2 + k * cy**2 - f)
        return np.asarray(np.stack([cx, cy, rx, rx / np.sqrt(k)], axis=-1))


def _off(points: Floats, ellipses: Floats) -> Floats:
    """Return how far points (n x 2) lie off ellipses (k x 4), k x n, as shares of the radius."""
    cx, cy, rx, ry = ellipses.T.astype(np.float32)[:, :, None]
    x, y = points.T.astype(np.float32)
    away = np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2)
    return np.asarray(away - np.float32(1.0), np.float64)


def _agreement(points: Floats, ellipses: Floats) -> NDArray[np.float64]:
    agreement: Floats = np.maximum(1.0 - (_off(points, ellipses) / 0.012) ** 2, 0.0).sum(axis=1)
    return agreement


def _refined(points: Floats, ellipse: Floats) -> Floats:
    """Fit again to the points near the ellipse; the ellipse itself where too few are."""
    for reach in (0.03, 0.02, 0.015):
        near = points[np.abs(_off(points, ellipse[None])[0]) < reach]
        if len(near) < _LEAST_POINTS:
            break
        x, y = near.T
        terms = np.column_stack([y**2, x, y, np.ones_like(x)])
        fitted = _shapes(np.linalg.lstsq(terms, -(x**2), rcond=None)[0])
        if not np.isfinite(fitted).all() or (fitted[2:] <= 0).any():
            break
        ellipse = fitted
    return ellipse
