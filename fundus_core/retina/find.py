"""Find the circle of the field on a reduced copy: guesses from outlines, verified against the photograph."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.records import Floats, Pixels, RetinaBounds
from fundus_core.retina import circles, cuts
from fundus_core.retina.backgrounds import Background, candidates
from fundus_core.retina.circles import Circle
from fundus_core.retina.polar import refine, support

WORKING_PX = 384
"""Longer side of the reduced copy on which the field is sought."""
_SMALLEST = 0.15
"""Least radius, as a share of the longer side."""
_CONVINCING = 0.9
"""Evidence from which on no other hypothesis is tried."""
_ENOUGH = 0.2
"""Least evidence with which a circle is believed."""


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    circle: Circle
    background: Background
    evidence: float


def find(pixels: Pixels) -> RetinaBounds:
    """Find the field of view of a photograph.

    Args:
        pixels: Height x width x 3, RGB, 0..255; at least 16 px on each side.

    Returns:
        Circle and straight cuts in pixels of the photograph. Where no circle is found, the circle around
        the whole frame with ``whole_frame`` set.

    Raises:
        UsageError: The array is not an RGB photograph of bytes.
    """
    _check(pixels)
    height, width = pixels.shape[:2]
    small = _reduce(pixels)
    best = max(_hypotheses(small), key=lambda found: found.evidence, default=None)
    if best is None or best.evidence < _ENOUGH:
        return whole_frame(height, width)
    edges = cuts.find(best.background.distance, best.circle)
    fx, fy = width / small.shape[1], height / small.shape[0]
    return RetinaBounds(
        cx=best.circle.cx * fx,
        cy=best.circle.cy * fy,
        radius=best.circle.radius * math.sqrt(fx * fy),
        width=width,
        height=height,
        left=edges.left * fx,
        top=edges.top * fy,
        right=edges.right * fx,
        bottom=edges.bottom * fy,
    )


def whole_frame(height: int, width: int) -> RetinaBounds:
    """Return the circle around the whole frame, which stands in where no field was found."""
    radius = math.hypot(height, width) / 2
    return RetinaBounds(width / 2, height / 2, radius, width, height, whole_frame=True)


def _reduce(pixels: Pixels) -> Pixels:
    """Shrink to the working size; a large photograph is thinned out first, which saves most of the time."""
    longer = max(pixels.shape[:2])
    stride = max(longer // (4 * WORKING_PX), 1)
    thinned = pixels[::stride, ::stride]
    factor = WORKING_PX / longer
    if factor >= 1.0:
        return np.ascontiguousarray(pixels)
    size = (max(round(pixels.shape[1] * factor), 8), max(round(pixels.shape[0] * factor), 8))
    return np.asarray(cv2.resize(np.ascontiguousarray(thinned), size, interpolation=cv2.INTER_AREA), np.uint8)


def _hypotheses(small: Pixels) -> Iterator[_Hypothesis]:
    longer = max(small.shape[:2])
    for background in candidates(small):
        for threshold in _thresholds(background):
            points = _outline(background.distance, threshold)
            guess = circles.consensus(points, small.shape[:2], _SMALLEST * longer, 1.2 * longer)
            if guess is None:
                continue
            near = circles.least_squares(points, guess, max(1.0, 0.005 * guess.radius))
            circle = refine(background.distance, near)
            evidence = support(background.distance, circle)
            yield _Hypothesis(circle, background, evidence)
            if evidence >= _CONVINCING:
                return


def _thresholds(background: Background) -> tuple[float, ...]:
    """Return distances from the background that may part retina and surroundings, the likeliest first."""
    level = np.sqrt(background.distance)
    scaled = np.clip(level * 16.0, 0, 255).astype(np.uint8)
    otsu = (cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0] / 16.0) ** 2
    low = max(4.0 * background.noise, 6.0)
    return (float(min(otsu, 2.0 * low)), float(otsu), low) if otsu > low else (low, float(max(otsu, 3.0)))


def _outline(distance: NDArray[np.float32], threshold: float) -> Floats:
    """Return points (n x 2) on the outlines of the large bright areas, those at the frame left out."""
    height, width = distance.shape
    bright = (distance > threshold).astype(np.uint8)
    opened = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    found, nesting = cv2.findContours(opened, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:
        return np.empty((0, 2))
    least = [0.06 * height * width if parent >= 0 else 0.01 * height * width for parent in nesting[0, :, 3]]
    kept = [line[:, 0] for line, area in zip(found, least, strict=True) if cv2.contourArea(line) >= area]
    if not kept:
        return np.empty((0, 2))
    points = np.concatenate(kept).astype(np.float64) + 0.5
    inside = (np.abs(points - [width / 2, height / 2]) < [width / 2 - 2, height / 2 - 2]).all(axis=1)
    step = max(np.count_nonzero(inside) // 500, 1)
    return np.asarray(points[inside][::step])


def _check(pixels: Pixels) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or min(pixels.shape[:2]) < 16:
        message = (
            f"The field of view was sought in an array of shape {pixels.shape} and type {pixels.dtype}; it "
            "must be height x width x 3 bytes (RGB) with at least 16 px on each side."
        )
        raise UsageError(message)
