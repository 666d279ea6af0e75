"""Find the circle of the field on a reduced copy: guesses from outlines, verified against the photograph."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.records import Floats, Pixels, Rectangle, RetinaBounds
from fundus_core.retina import backgrounds, circles, flat_edges, stretch
from fundus_core.retina.backgrounds import Background, candidates, window
from fundus_core.retina.circles import Circle, refine, support

WORKING_PX = 384
"""Longer side of the reduced copy on which the field is sought."""
_LEAST_PX = 32
"""A reduced copy with a shorter side holds no circle that could be told from anything else."""
_SMALLEST = 0.2
"""Least radius, as a share of the longer side."""
_CONVINCING = 0.9
"""Evidence from which on no other hypothesis is tried."""
_CLEAR = 0.6
"""Least evidence for a circle whose centre lies near the frame's edge or beyond."""
_ENOUGH = 0.3
"""Least evidence with which a circle is believed."""
_ROUND = 0.03
"""Axes that differ by less are those of a circle: neither the eye nor a model sees it."""
_BETTER = 0.08
"""By how much more evidence an ellipse needs than a circle."""
_STRETCHED = 0.6
"""Least evidence with which a stretched field is believed."""
_ROOTS: Pixels = np.minimum(16.0 * np.sqrt(np.arange(256)), 255.0).astype(np.uint8)
"""Sixteen times the square root of each distance: it spreads the dark ones, between which the field ends."""


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    circle: Circle
    background: Background
    evidence: float


@dataclass(frozen=True, slots=True)
class _Found:
    circle: Circle
    edges: flat_edges.Edges
    evidence: float


def find(pixels: Pixels) -> RetinaBounds:
    """Find the field of view of a photograph (height x width x 3, RGB, 0..255): circle and straight cuts in its pixels.

    Where no circle is found, the circle around the whole frame with ``whole_frame`` set.

    Raises:
        UsageError: The array is not an RGB photograph of bytes.
    """
    _check(pixels)
    height, width = pixels.shape[:2]
    small = _reduce(pixels)
    there = backgrounds.find(small) if min(small.shape[:2]) >= _LEAST_PX else ()
    if not there:
        return _bounds(small, width, height)
    picture, (left, top) = backgrounds.within(small, there)
    fx, fy = width / small.shape[1], height / small.shape[0]
    full = tuple((x0 * fx, y0 * fy, x1 * fx, y1 * fy) for x0, y0, x1, y1 in there)
    inner = _bounds(picture, round(picture.shape[1] * fx), round(picture.shape[0] * fy))
    return _in_frame(inner.in_copy(-left * fx, -top * fy, 1.0, 1.0, (width, height)), full)


def _in_frame(bounds: RetinaBounds, there: tuple[Rectangle, ...]) -> RetinaBounds:
    """Return a field that was found within bars, whose ends cut it where it would reach further."""
    frame = replace(bounds, beside=there)
    slack = 0.99
    _, _, right, bottom = frame.window
    x, y = slack * bounds.radius, slack * bounds.radius_y
    return replace(
        frame,
        left=bounds.left if bounds.cx - x < bounds.left else 0.0,
        top=bounds.top if bounds.cy - y < bounds.top else 0.0,
        right=min(bounds.right, right if bounds.cx + x > right and right < bounds.width else math.inf),
        bottom=min(bounds.bottom, bottom if bounds.cy + y > bottom and bottom < bounds.height else math.inf),
    )


def _bounds(small: Pixels, width: int, height: int) -> RetinaBounds:
    """Find the field on a reduced copy of a photograph of a width and a height."""
    sought = _sought(small) if min(small.shape[:2]) >= _LEAST_PX else None
    if sought is None:
        return whole_frame(height, width)
    found, small = sought
    fx, fy = width / small.shape[1], height / small.shape[0]
    square = abs(fy / fx - 1.0) < _ROUND
    return RetinaBounds(
        cx=found.circle.cx * fx,
        cy=found.circle.cy * fy,
        radius=found.circle.radius * (math.sqrt(fx * fy) if square else fx),
        aspect=1.0 if square else fy / fx,
        width=width,
        height=height,
        left=found.edges.left * fx,
        top=found.edges.top * fy,
        right=found.edges.right * fx,
        bottom=found.edges.bottom * fy,
    )


def _sought(small: Pixels) -> tuple[_Found, Pixels] | None:
    """Return the field and the reduced copy that it was found on, unstretched where that was needed."""
    found = _best(small)
    if found is not None and found.evidence >= _CONVINCING:
        return found, small
    stretched = _stretched(small, found.evidence if found is not None else 0.0)
    if stretched is not None or found is None or found.evidence < _ENOUGH:
        return stretched
    return found, small


def _best(small: Pixels) -> _Found | None:
    """Return the circle with most evidence, looking within a canvas only where the whole frame does not convince."""
    found = _within(small, slice(0, small.shape[0]), slice(0, small.shape[1]))
    if found is not None and found.evidence >= _CONVINCING:
        return found
    rows, columns = window(small)
    picture = small[rows, columns]
    if picture.shape == small.shape or min(picture.shape[:2]) < _LEAST_PX:
        return found
    inner = _within(small, rows, columns)
    both = [one for one in (inner, found) if one is not None]
    return max(both, key=lambda one: one.evidence, default=None)


def _within(small: Pixels, rows: slice, columns: slice) -> _Found | None:
    """Return the best circle of a window of the reduced copy, in pixels of the reduced copy."""
    picture = np.ascontiguousarray(small[rows, columns])
    best = max(_hypotheses(picture), key=lambda guess: guess.evidence, default=None)
    if best is None:
        return None
    edges = flat_edges.find(best.background.distance, best.circle)
    x, y = columns.start, rows.start
    circle = Circle(best.circle.cx + x, best.circle.cy + y, best.circle.radius)
    whole = (slice(0, small.shape[0]), slice(0, small.shape[1]))
    cut = edges if (rows, columns) == whole else edges.beyond(rows, columns, circle)
    return _Found(circle, cut, best.evidence)


def _stretched(small: Pixels, evidence: float) -> tuple[_Found, Pixels] | None:
    """Return the field of a stretched photograph and the reduced copy as it was before, where a circle does not serve.

    An ellipse in the outline says how far it was stretched; the copy without that shows a circle, or it was none. The
    evidence is that of the best circle without this.
    """
    aspect = _aspect(small)
    if aspect is None or abs(aspect - 1.0) < _ROUND:
        return None
    height, width = small.shape[:2]
    size = (round(width * math.sqrt(aspect)), round(height / math.sqrt(aspect)))
    if min(size) < _LEAST_PX:
        return None
    upright = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    better = _best(upright)
    convinces = better is not None and better.evidence >= max(_STRETCHED, evidence + _BETTER)
    return (better, upright) if better is not None and convinces else None


def _aspect(small: Pixels) -> float | None:
    """Return vertical over horizontal radius of the ellipse on which outlines agree best, ``None`` without one."""
    longer = max(small.shape[:2])
    best = None
    for background in itertools.islice(candidates(small), 2):
        for threshold in _thresholds(background)[:2]:
            points = _outline(background.distance, threshold)
            one = stretch.consensus(points, small.shape[:2], _SMALLEST * longer, 1.2 * longer)
            if one is not None and (best is None or one.agreement > best.agreement):
                best = one
    return best.ry / best.rx if best is not None and best.agreement > 0.3 else None


def whole_frame(height: int, width: int) -> RetinaBounds:
    """Return the circle around the whole frame, which stands in where no field was found."""
    radius = math.hypot(height, width) / 2
    return RetinaBounds(width / 2, height / 2, radius, width, height, whole_frame=True)


def _reduce(pixels: Pixels) -> Pixels:
    """Shrink to the working size by averaging four interpolated samples a pixel: a third of the cost of all pixels.

    Where a pixel of the copy stands for hardly more than one of the photograph, all are averaged.
    """
    height, width = pixels.shape[:2]
    factor = WORKING_PX / max(height, width)
    if factor >= 1.0:
        return pixels
    size = (max(round(width * factor), 8), max(round(height * factor), 8))
    if factor < 0.75:
        pixels = np.asarray(cv2.resize(pixels, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


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
            if not _plausible(circle, evidence, small):
                continue
            yield _Hypothesis(circle, background, evidence)
            if evidence >= _CONVINCING:
                return


def _plausible(circle: Circle, evidence: float, small: Pixels) -> bool:
    """Whether a circle has a size that a field can have, and its centre where the frame shows it.

    A centre near the frame's edge or beyond needs more evidence: shadows in fields without a border end in
    such arcs.
    """
    height, width = small.shape[:2]
    longer = max(height, width)
    aside = max(abs(circle.cx / width - 0.5), abs(circle.cy / height - 0.5))
    sized = 0.95 * _SMALLEST * longer < circle.radius < 1.25 * longer
    return bool(sized and (aside < 0.42 or (aside < 0.65 and evidence >= _CLEAR)))


def _thresholds(background: Background) -> tuple[float, ...]:
    """Return distances from the background that may part retina and surroundings, the likeliest first."""
    scaled = cv2.LUT(background.distance.astype(np.uint8), _ROOTS)
    otsu = (cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0] / 16.0) ** 2
    low = max(3.0 * background.noise, 6.0)
    if otsu < 1.5 * low:
        return (low, 0.6 * low)
    return (2.0 * low, low, float(otsu)) if otsu > 3.0 * low else (low, float(otsu))


def _outline(distance: NDArray[np.float32], threshold: float) -> Floats:
    """Return points (n x 2) on the outlines of the large bright areas, those at the frame left out."""
    height, width = distance.shape
    bright = (distance > np.float32(threshold)).view(np.uint8)
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
    points = _curved(points[inside], max(height, width))
    return points[:: max(len(points) // 300, 1)]


def _curved(points: Floats, longer: int) -> Floats:
    """Drop points on long horizontal and vertical lines: a circle has so many in two neighbouring rows nowhere."""
    longest = 3.4 * math.sqrt(longer)
    keep = np.ones(len(points), np.bool_)
    for axis in (0, 1):
        line = points[:, axis].astype(np.intp)
        counts = np.bincount(line, minlength=longer + 2)
        pairs = counts[:-1] + counts[1:]
        crowded = np.maximum(np.append(pairs, 0), np.insert(pairs, 0, 0)) > longest
        keep &= ~crowded[line]
    return np.asarray(points[keep])


def _check(pixels: Pixels) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise UsageError(
            "The field of view was sought in an array of shape {shape} and type {dtype}; it must be "
            "height x width x 3 bytes (RGB).",
            shape=pixels.shape,
            dtype=pixels.dtype,
        )
