"""How much a picture looks like a colour fundus photograph: its colours, its smoothness, its lines."""

import math

import cv2
import numpy as np

from fundus_core.quality.ridges import Ridges
from fundus_core.quality.view import Plane, View

_BLACK = 24.0
"""Brightness below which nothing can be said of a picture but that it is dark."""
_UNDECIDED = 0.6
"""Likeness of what is too dark or too blurred to be told."""


def likeness(view: View, ridges: Ridges, focus: float) -> float:
    """Return from 0 to 1 how much a picture looks like a colour fundus photograph.

    Each property gives 1 where photographs of retinas lie and falls to 0 where they never do; the answer is the
    product, so that one property far off is enough. The bends were set with room on photographs from four cameras and
    on rendered eyes, against everyday pictures, charts, masks, histology and textures. ``focus`` is how sharp thin
    lines are, relative to the contrast.
    """
    if view.empty:
        return 0.0
    if float(np.percentile(view.half.highest[view.half.inside], 99.5)) < _BLACK:
        return _UNDECIDED
    return _warmth(view) * _evenness(view) * _lines(ridges, focus)


def _warmth(view: View) -> float:
    """Return how far red exceeds green and green is not below blue.

    The retina's pigments absorb blue most and red least (Delori and Pflibsen 1989, doi 10.1364/AO.28.001061).
    """
    red, green, blue = (plane[view.inside] for plane in view.planes)
    warm = float(np.mean(0.94 * red - 4.0 > np.maximum(green, blue)))
    not_blue = float(np.mean(green + 8.0 > blue))
    return _rise(warm, 0.45, 0.75) * _rise(not_blue, 0.05, 0.2)


def _evenness(view: View) -> float:
    """Return how little colour and brightness jump: a retina has one hue and no hard edges."""
    half = view.half
    red, green = half.smooth(half.planes[:2], 1.4) + np.float32(8.0)
    low, high = np.percentile(red[half.inside] / green[half.inside], [5, 95])
    slope = float(np.percentile(_slope(np.log(green))[half.inside], 95)) / 2
    return (1.0 - _rise(math.log(high / low), 0.75, 1.15)) * (1.0 - _rise(slope, 0.08, 0.13))


def _slope(plane: Plane) -> Plane:
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _lines(ridges: Ridges, focus: float) -> float:
    """Return how much the lines are like vessels; a blurred picture is given some benefit of the doubt.

    Blur to a fifth of a sharp photograph's focus leaves lines that may be anything; where next to nothing is
    left, as on a plain ball, there is no doubt to benefit from.
    """
    long = _rise(ridges.long_share, 0.06, 0.18)
    dark = _rise(ridges.darkness, 1.0, 1.12)
    benefit = _UNDECIDED * _rise(focus, 0.003, 0.006) * (1.0 - _rise(focus, 0.03, 0.031))
    return long * max(dark, benefit)


def _rise(value: float, low: float, high: float) -> float:
    """Return 0 up to low, 1 from high on, a straight line between."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
