"""Circles through points: a robust first guess, and the least-squares circle of those that agree."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats

_DRAWS: Floats = np.random.default_rng(20250512).random((320, 3))
"""Which three points make each guess, as shares of their number: fixed, so that the answer never changes."""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle in pixels of whatever image it was found in."""

    cx: float
    """Centre, from the left edge."""
    cy: float
    """Centre, from the top edge."""
    radius: float
    """Radius."""

    def distances(self, points: Floats) -> Floats:
        """Return how far outside the circle (negative: inside) each of n x 2 points lies."""
        away: Floats = np.hypot(points[:, 0] - self.cx, points[:, 1] - self.cy) - self.radius
        return away


def through_three(points: Floats) -> Floats:
    """Return the circles (k x 3: centre x, centre y, radius) through triplets of points (k x 3 x 2, x and y).

    NaN where the three lie on a line.
    """
    a, b, c = points[:, 0], points[:, 1], points[:, 2]
    ab, ac = b - a, c - a
    twice_area = 2.0 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])
    twice_area = np.where(np.abs(twice_area) < 1e-6, np.nan, twice_area)
    ab2, ac2 = (ab**2).sum(axis=1), (ac**2).sum(axis=1)
    ux = (ac[:, 1] * ab2 - ab[:, 1] * ac2) / twice_area
    uy = (ab[:, 0] * ac2 - ac[:, 0] * ab2) / twice_area
    return np.column_stack([a[:, 0] + ux, a[:, 1] + uy, np.hypot(ux, uy)])


def consensus(points: Floats, frame: tuple[int, int], smallest: float, largest: float) -> Circle | None:
    """Return the circle on which most points (n x 2, x and y; outliers welcome) agree (RANSAC), ``None`` without any.

    The radius lies between the smallest and the largest (pixels); the centre within the frame (height and width), a
    tenth of it beyond allowed. Fischler and Bolles 1981, doi 10.1145/358669.358692.
    """
    if len(points) < 12:
        return None
    guesses = through_three(points[(_DRAWS * len(points)).astype(np.intp)])
    height, width = frame
    middle = np.abs(guesses[:, :2] - [width / 2, height / 2]) <= [0.6 * width, 0.6 * height]
    allowed = middle.all(axis=1) & (guesses[:, 2] >= smallest) & (guesses[:, 2] <= largest)
    guesses = guesses[allowed]
    if not len(guesses):
        return None
    best = guesses[int(np.argmax(_agreement(guesses, points)))]
    return Circle(float(best[0]), float(best[1]), float(best[2]))


def _agreement(guesses: Floats, points: Floats) -> NDArray[np.float32]:
    """Return how many points (n x 2) lie on each circle (k x 3), near ones in part.

    (d2 - r2) / 2r is the distance from the circle, to first order and without a square root, and a product of matrices.
    """
    x, y, r = guesses.T
    scale = 1.0 / (2.0 * r * np.maximum(1.0, 0.008 * r))
    px, py = points.T
    left = np.stack([scale, -2.0 * scale * x, -2.0 * scale * y, scale * (x**2 + y**2 - r**2)], axis=1)
    right = np.stack([px**2 + py**2, px, py, np.ones_like(px)])
    # not numpy's product, which wakes a thread on every core: that costs more than it saves
    off = np.einsum("kj,jn->kn", left.astype(np.float32), right.astype(np.float32))
    np.square(off, out=off)
    np.subtract(np.float32(1.0), off, out=off)
    np.maximum(off, np.float32(0.0), out=off)
    return np.asarray(off.sum(axis=1), np.float32)


def least_squares(points: Floats, start: Circle, scale: float, rounds: int = 8) -> Circle:
    """Return the circle of least squared distance to those points (n x 2, x and y) that lie near it.

    Gauss-Newton on the geometric distance with Tukey's biweight: a point farther away than 4.685 times the scale
    (spread of good points around the circle, pixels) has no say (Holland and Welsch 1977, doi
    10.1080/03610927708827533). The start where fewer than six points lie near it.
    """
    circle = start
    place = np.ascontiguousarray(points.T)
    design = np.ones((3, len(points)))
    for _ in range(rounds):
        away = place - [[circle.cx], [circle.cy]]
        far = np.maximum(np.hypot(away[0], away[1]), 1e-9)
        residual = far - circle.radius
        weight = np.maximum(1.0 - (residual / (4.685 * scale)) ** 2, 0.0) ** 2
        if np.count_nonzero(weight) < 6:
            return start
        np.divide(away, far, out=design[:2])
        weighted = design * weight
        dx, dy, dr = _solved(weighted @ design.T, weighted @ residual)
        if max(abs(dx), abs(dy), abs(dr)) < 0.003:
            break
        circle = Circle(circle.cx + dx, circle.cy + dy, circle.radius + dr)
    return circle


def _solved(normal: Floats, right: Floats) -> list[float]:
    """Solve the normal equations (3 x 3 and 3); nothing moves along what the points leave open."""
    _, values, vectors = cv2.eigen(normal)
    kept = values[:, 0] > 1e-9 * values[0, 0]
    solution: list[float] = (vectors[kept].T @ ((vectors[kept] @ right) / values[kept, 0])).tolist()
    return solution
