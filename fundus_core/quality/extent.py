"""Whether a picture shows a whole field or a piece cut out of one, as around the disc or the macula.

A piece shows vessels, disc and shades larger than a field does, whatever mask it is cut with. How much lines, bright
and dark patches change from scale to scale says which. The logistic model was fitted by ``tests/fit_extent.py`` on
pieces and whole fields of 35 real photographs, 9 of other cameras and 16 rendered eyes. With each eye left out in
turn, 182 of 189 round pieces of real eyes around the disc, 143 of 170 around the macula and 162 of 173 beside the disc
scored above 0.7, as did none of 132 whole fields, 3 of 132 masked anew and 5 of 660 sick, dark or tinted ones.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality import ridges
from fundus_core.quality.view import Plane, View, blur, quantiles, spread
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
            0.421, 0.401, 0.493, 0.164, 0.141, 0.292, -0.058, -0.11, 0.104, 0.035, -0.034, 0.151, -3.34,
            1.97, 0.142, 0.104, 0.138, 0.179, -3.75, -2.16, -2.37, -2.1, -2.41, -2.02, -2.42, -2.05,
            -2.45, -2.2, -2.48, -0.128, -0.161,
        ],
        [
            0.161, 0.172, 0.184, 0.177, 0.171, 0.154, 0.22, 0.219, 0.195, 0.211, 0.208, 0.223, 0.919,
            0.449, 0.15, 0.157, 0.197, 0.227, 0.9, 0.741, 0.703, 0.736, 0.689, 0.755, 0.642, 0.751,
            0.599, 0.742, 0.582, 0.181, 0.234,
        ],
        [
            1.66, 1.19, -1.52, 0.837, 0.549, 0.314, 1.16, 0.184, 0.657, 0.139, 0.417, 0.198, 1.72,
            -1.46, -1.26, -0.542, -0.845, 0.068, 0.88, -1.16, -0.036, -0.721, -0.928, -1.6, -0.287, -1.05,
            0.131, 2.19, 0.682, 0.367, 1.03,
        ],
        [
            -0.463, 0.237, 0.282, 0.116, 0.178, 0.087, -0.24, -0.033, -0.359, -0.037, 0.281, -0.317, -0.371,
            0.415, -0.482, -0.171, -0.991, 0.083, 0.123, -0.438, -0.56, 0.758, -0.318, -0.597, -0.010, -0.311,
            0.451, 1.38, -0.75, 0.148, 0.034,
        ],
    ]
)  # fmt: skip
"""Middle and spread of each number that is measured, its weight, and that of its square."""
_CONSTANT = -2.083


class _Level(NamedTuple):
    green: Plane
    """Blurred within the field."""
    light: Plane
    """Green and half of red, blurred within the field."""
    core: NDArray[np.bool_]
    """The field without its edge."""


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
            core, smaller = core[1::2, 1::2], step
            stack = [_like(plane, core) for plane in stack]
        more = math.sqrt(sigma**2 - before**2) / step
        stack, before = [blur(plane, more) for plane in stack], sigma
        share = stack[2] + np.float32(1e-3)
        found.append(_Level(stack[0] / share, stack[1] / share, core > 0))
    return found


def _lines(levels: list[_Level]) -> list[float]:
    found = []
    for level, (step, sigma) in zip(levels[:_LINES], _SCALES, strict=False):
        bent = ridges.dark_lines(_relative(level.green, levels[-1].green), 3)
        lines = bent[level.core] * np.float32((sigma / step) ** 2)
        found.append([math.log(value + 1e-4) for value in quantiles(lines[:: 3 - step], 0.97, 0.995, 0.8)])
    change = np.diff(found, axis=0)
    return [*change.ravel().tolist(), found[0][0], found[1][1] - found[1][2]]


def _patches(levels: list[_Level], half: View) -> list[float]:
    middle = quantiles(levels[0].light[half.inside][::4], 0.5)[0] + 8.0
    spreads, extremes = [], []
    for finer, coarser in itertools.pairwise(levels):
        patch = _relative(_like(finer.green, coarser.green), coarser.green)
        spreads.append(math.log(spread(patch, coarser.core) + 1e-4))
        light = _like(finer.light, coarser.light) - coarser.light
        least, most, *_ = cv2.minMaxLoc(light, coarser.core.view(np.uint8))
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
    """Return a level as a share above or below a coarser one."""
    around = _like(coarse, fine)
    return np.asarray((fine - around) / (around + np.float32(8.0)), np.float32)


def _like(plane: Plane, other: NDArray[Any]) -> Plane:
    if plane.shape == other.shape:
        return plane
    return np.asarray(cv2.resize(plane, other.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
