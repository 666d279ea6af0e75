"""Look at a circle from its centre: where the brightness falls along each ray, and on how many it does."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels
from fundus_core.retina import circles
from fundus_core.retina.backgrounds import middle
from fundus_core.retina.circles import Circle

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
        circle = circles.least_squares(points, circle, max(scale * circle.radius, 0.7))
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
