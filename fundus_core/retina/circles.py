"""Circles through points: a robust first guess, and the least-squares circle of those that agree."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels
from fundus_core.retina.backgrounds import middle

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


Distance = NDArray[np.float32]

_ANGLES: Floats = np.linspace(0.0, 2.0 * np.pi, 240, endpoint=False)
_COS, _SIN = np.cos(_ANGLES), np.sin(_ANGLES)
_COSINES, _SINES = _COS.astype(np.float32)[:, None], _SIN.astype(np.float32)[:, None]
_STEP = 0.5
"""Pixels between samples on a ray."""
_FLOOR = 10.0
"""Added to a brightness before contrasts are taken, so that noise in black counts little."""


def _unroll(distance: Distance, circle: Circle, reach: float) -> tuple[Distance, Floats]:
    """Return samples along rays (rays x samples, NaN outside the frame) and the radii of the samples."""
    count = max(round(2.0 * reach / _STEP) + 1, 3)
    radii = circle.radius + np.linspace(-reach, reach, count)
    # OpenCV puts the centre of the first pixel at 0, this package at 0.5.
    away = radii.astype(np.float32)
    x = _COSINES * away + np.float32(circle.cx - 0.5)
    y = _SINES * away + np.float32(circle.cy - 0.5)
    sampled = cv2.remap(distance, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rays = np.asarray(sampled, np.float32)
    height, width = distance.shape
    reach += circle.radius + 1.0
    within = reach < circle.cx < width - reach and reach < circle.cy < height - reach
    if not within:
        rays[(x < 0) | (y < 0) | (x > width - 1) | (y > height - 1)] = np.nan
    return rays, radii


def _falls(rays: Distance, arm: int) -> tuple[Floats, Floats]:
    """Return how far brightness falls outwards at each sample (rays x samples), plainly and as a contrast."""
    sums = np.zeros((rays.shape[0], rays.shape[1] + 1), np.float32)
    np.cumsum(rays, axis=1, out=sums[:, 1:])
    means = (sums[:, arm:] - sums[:, :-arm]) / np.float32(arm)
    inner, outer = means[:, :-arm], means[:, arm:]
    fall = inner - outer
    return fall, fall / (inner + outer + np.float32(_FLOOR))


def edge_points(distance: Distance, circle: Circle, reach: float) -> Floats:
    """Return where brightness falls most steeply along the rays (n x 2), to a fraction of a pixel."""
    rays, radii = _unroll(distance, circle, reach)
    arm = 4
    fall, contrast = _falls(rays, arm)
    score = np.where(np.isfinite(contrast), contrast, -1.0)
    peak = np.argmax(score[:, 1:-1], axis=1) + 1
    row = np.arange(len(peak))
    clear = (score[row, peak] > 0.12) & np.isfinite(fall[row, peak - 1]) & np.isfinite(fall[row, peak + 1])
    row, peak = row[clear], peak[clear]
    before, at, after = fall[row, peak - 1], fall[row, peak], fall[row, peak + 1]
    bend = before - 2.0 * at + after
    # The top of the parabola through three samples; a peak bends down.
    shift = np.clip(0.5 * (before - after) / np.minimum(bend, -1e-6), -1.0, 1.0)
    # The sample between the two arms: `arm` samples follow the inner arm's start.
    where = radii[peak + arm] - 0.5 * _STEP + shift * _STEP
    return np.column_stack([circle.cx + _COS[row] * where, circle.cy + _SIN[row] * where])


def refine(distance: Distance, circle: Circle) -> Circle:
    """Fit the circle again to where the brightness falls, first in a wide band, then in a narrow one."""
    for share, scale in ((0.05, 0.008), (0.025, 0.004)):
        points = edge_points(distance, circle, max(share * circle.radius, 4.0))
        if len(points) < 24:
            return circle
        circle = least_squares(points, circle, max(scale * circle.radius, 0.7))
    return circle


def support(distance: Distance, circle: Circle) -> float:
    """Return from 0 to 1 how well a photograph bears out a circle.

    That is the share of the rays within the frame along which the brightness falls at the circle, times the share of
    pixels outside that are background; lowered where it falls on less than half the circle. A ray that finds background
    on both sides, as where a field is cut flat, speaks against the circle less than one that finds retina on both
    sides.
    """
    within, beyond = _parts(distance, circle)
    level = middle(within) if len(within) else 0.0
    inner, outer = _beside(distance, circle)
    if len(inner) < 20 or level <= 0.0:
        return 0.0
    falling = (inner - outer) / (inner + outer + _FLOOR) > 0.12
    falls = np.count_nonzero(falling)
    if not falls:
        return 0.0
    silent = np.count_nonzero(~falling & (inner < 0.15 * level))
    agreement = falls / (len(inner) - 0.85 * silent)
    amount = min(2.0 * falls / len(_ANGLES), 1.0) ** 0.5
    return float(agreement * amount * _clean(beyond, level))


def _beside(distance: Distance, circle: Circle) -> tuple[Distance, Distance]:
    """Return the brightness just inside and just outside the circle on the rays that see both."""
    rays, _ = _unroll(distance, circle, max(0.02 * circle.radius, 2.0))
    inner, outer = rays[:, 0], rays[:, -1]
    seen = np.isfinite(inner) & np.isfinite(outer)
    return inner[seen], outer[seen]


def _parts(distance: Distance, circle: Circle) -> tuple[Pixels, Pixels]:
    """Return every second pixel of every second row, those clearly within the circle and those clearly beyond."""
    height, width = distance.shape
    y, x = (np.arange(0, end, 2, dtype=np.float32) + np.float32(0.5) for end in (height, width))
    square = ((x - np.float32(circle.cx)) ** 2)[None, :] + ((y - np.float32(circle.cy)) ** 2)[:, None]
    some = distance[::2, ::2].astype(np.uint8)
    return some[square < (0.95 * circle.radius) ** 2], some[square > (1.03 * circle.radius) ** 2]


def _clean(beyond: Pixels, level: float) -> float:
    """Return the share of pixels beyond the circle that are much more like the background than the field is."""
    if not len(beyond):
        return 1.0
    even = 1.0 if middle(beyond) < 0.3 * level else 0.5
    return even * float(np.count_nonzero(beyond < 0.5 * level) / len(beyond))
