"""Whether a picture shows a whole field or a piece cut out of one, as around the disc or the macula.

A piece shows vessels, disc and shades larger than a field does, whatever mask it is cut with. How much lines, bright
and dark patches change from scale to scale says which. The logistic model was fitted by ``tests/fit_extent.py`` on
pieces and whole fields of 35 real photographs, 9 of other cameras and 16 rendered eyes. With each eye left out in
turn, 175 of 189 round pieces of real eyes around the disc, 133 of 170 around the macula and 157 of 173 beside the disc
scored above 1.2, as did none of 132 whole fields, 1 of 132 masked anew, 5 of 660 with many haemorrhages, 9 of 352 with
a crescent of stray light, 1 of 220 noisy and 7 of 176 blurred ones.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality.view import Plane, View, blur, dark_lines, quantiles, spread
from fundus_core.records import Floats

_SCALES = ((1, 0.7), (1, 1.2), (1, 2.0), (2, 3.4), (2, 5.8), (4, 10.0), (4, 17.0))
"""How much smaller than half the view each level is, and its blur in pixels of half the view."""
_LINES = 5
"""Of the finest levels whose lines are looked at."""
_LEAST = 30
"""Pixels of the coarsest level, from which on a field can be measured."""


_TABLE: Floats = np.array(
    [
        [
            0.388, 0.361, 0.477, 0.149, 0.126, 0.282, -0.0129, -0.0685, 0.114, 0.0907, 0.0106, 0.209, -3.21,
            2.01, 0.125, 0.126, 0.169, 0.174, -3.59, -2.03, -2.25, -1.97, -2.26, -1.88, -2.23, -1.92,
            -2.25, -2.11, -2.34, -0.139, -0.162,
        ],
        [
            0.164, 0.165, 0.175, 0.187, 0.172, 0.154, 0.247, 0.237, 0.205, 0.213, 0.215, 0.239, 0.849,
            0.488, 0.153, 0.167, 0.199, 0.233, 0.84, 0.706, 0.667, 0.699, 0.674, 0.728, 0.657, 0.713,
            0.623, 0.693, 0.561, 0.189, 0.259,
        ],
        [
            1.82, 1.47, -1.62, 1.05, 0.345, 0.289, 0.779, 0.107, 0.567, 0.0503, 0.45, -0.477, 1.71,
            -1.24, -0.332, -0.739, -0.774, 0.335, 0.925, -1.8, 0.512, -0.166, -1.57, -1.63, -0.721, -1.42,
            -0.0626, 2.67, 0.527, 0.765, 0.497,
        ],
        [
            -0.595, 0.221, 0.352, -0.04, 0.159, 0.137, -0.309, -0.273, -0.426, -0.0522, 0.177, -0.357, -0.213,
            0.465, -0.609, -0.211, -0.62, -0.229, 0.342, -0.779, -0.44, 0.916, -0.115, -0.429, -0.183, -0.119,
            0.263, 0.916, -0.558, 0.278, -0.213,
        ],
    ]
)  # fmt: skip
"""Middle and spread of each number that is measured, its weight, and that of its square."""
_CONSTANT = -3.832


class _Level(NamedTuple):
    green: Plane
    """Blurred within the field."""
    light: Plane
    """Green and half of red, blurred within the field."""
    core: NDArray[np.uint8]
    """The field without its edge: 1, else 0."""


def piece(view: View) -> float:
    """Return how much speaks for a piece, as the logarithm of its odds; 0 where too little is seen."""
    numbers = measure(view)
    return float(terms(numbers, _TABLE) @ _TABLE[2:].ravel()) + _CONSTANT if len(numbers) else 0.0


def terms(numbers: Floats, table: Floats) -> Floats:
    """Return standardised numbers (n, or m x n) and their squares (2 n, or m x 2 n), by middle and spread."""
    plain = (numbers - table[0]) / table[1]
    return np.concatenate([plain, np.clip(plain, -3.0, 3.0) ** 2 - 1.0], axis=-1)


def measure(view: View) -> Floats:
    """Return what tells a piece from a field (n,): how things change from one scale to the next; none where too small.

    Logarithms of ratios between neighbouring scales: of dark lines (their 97th and 99.5th percentile and the 80th), of
    the spread of patches, then of the brightest and darkest patch of each size beside the field's brightness, and of
    the rim's brightness beside the middle's.
    """
    levels = _levels(view.half)
    if np.count_nonzero(levels[-1].core) < _LEAST:
        return np.zeros(0)
    return np.array([*_lines(levels), *_patches(levels, view.half), *_rim(view.half.half)])


def _levels(half: View) -> list[_Level]:
    weight = half.inside.astype(np.float32)
    red, green, _ = half.planes
    stack = [green * weight, (np.float32(0.5) * red + green) * weight, weight]
    core = np.asarray(cv2.erode(half.inside.view(np.uint8), np.ones((7, 7), np.uint8), borderValue=0), np.uint8)
    found, before, smaller = [], 0.0, 1
    for step, sigma in _SCALES:
        if step > smaller:
            core, smaller = np.ascontiguousarray(core[1::2, 1::2]), step
            stack = [_like(plane, core) for plane in stack]
        more = math.sqrt(sigma**2 - before**2) / step
        stack, before = [blur(plane, more) for plane in stack], sigma
        share = stack[2] + np.float32(1e-3)
        found.append(_Level(stack[0] / share, stack[1] / share, core))
    return found


def _lines(levels: list[_Level]) -> list[float]:
    found, coarse, places = [], levels[-1].green, np.zeros(0, np.intp)
    for level, (step, sigma) in zip(levels[:_LINES], _SCALES, strict=False):
        if coarse.shape != level.green.shape:
            coarse, places = _like(levels[-1].green, level.green), np.flatnonzero(level.core)[:: 3 - step]
        lines = dark_lines(_relative(level.green, coarse), places) * np.float32((sigma / step) ** 2)
        found.append([math.log(value + 1e-4) for value in quantiles(lines, 0.97, 0.995, 0.8)])
    change = np.diff(found, axis=0)
    return [*change.ravel().tolist(), found[0][0], found[1][1] - found[1][2]]


def _patches(levels: list[_Level], half: View) -> list[float]:
    middle = quantiles(levels[0].light[half.inside][::4], 0.5)[0] + 8.0
    spreads, extremes = [], []
    for finer, coarser in itertools.pairwise(levels):
        patch = _relative(_like(finer.green, coarser.green), coarser.green)
        spreads.append(math.log(spread(patch, coarser.core > 0) + 1e-4))
        light = _like(finer.light, coarser.light) - coarser.light
        least, most, *_ = cv2.minMaxLoc(light, coarser.core)
        extremes += [math.log(abs(most / middle) + 1e-2), math.log(abs(least / middle) + 1e-2)]
    return [*np.diff(spreads[:-1]).tolist(), spreads[2], *extremes[2:]]


def _rim(quarter: View) -> list[float]:
    rows, columns = np.nonzero(quarter.inside)
    radius = math.sqrt(len(rows) / math.pi)
    down, across = (
        (np.arange(n) - at.mean()) ** 2 for n, at in zip(quarter.inside.shape, (rows, columns), strict=True)
    )
    away = down[:, None] + across[None, :]
    rim = ((away > (0.85 * radius) ** 2) & quarter.inside).view(np.uint8)
    middle = ((away < (0.5 * radius) ** 2) & quarter.inside).view(np.uint8)
    return [
        math.log((cv2.mean(plane, rim)[0] + 5.0) / (cv2.mean(plane, middle)[0] + 5.0)) for plane in quarter.planes[:2]
    ]


def _relative(fine: Plane, coarse: Plane) -> Plane:
    """Return a level as a share above or below a coarser one of its size."""
    return np.asarray((fine - coarse) / (coarse + np.float32(8.0)), np.float32)


def _like(plane: Plane, other: NDArray[Any]) -> Plane:
    if plane.shape == other.shape:
        return plane
    return np.asarray(cv2.resize(plane, other.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
