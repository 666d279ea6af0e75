"""Writing burned into the field of view: names, dates and numbers, which black outside the retina does not reach.

Nothing is read. What is sought is a row of at least three small marks of like height and colour, close together, drawn
with thin strokes that differ from what is around them as tissue does not: bright in blue or green, or dark in red
(vessels are dark in green; exudates are patches, of many sizes and in no row).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.records import Floats, Pixels, RetinaBounds
from fundus_core.retina.crop import mask

WORKING_PX = 1024
"""About the field's diameter while it is looked at; letters less than 8 of these pixels high are not found."""
_AROUND = 0.06
"""Of the radius that is looked at beyond the field: writing may reach into it from outside."""
_STROKE = 9
"""Pixels; what is wider is no stroke."""
_CONTRAST = 50
"""Steps of 255 by which a stroke differs at least from what is around it."""
_LESS_IN_BLUE = 10
"""Less is needed there, where tissue is dark."""
_SMALLEST, _LARGEST = 6, 80
"""Pixels a mark measures along and across its row."""
_MOST = 600
"""Marks of a kind; beyond, the largest are taken."""
_ONE_COLOUR = 45.0
"""Steps of 255 by which the mean colour of neighbours may differ in a channel."""
_LOWEST = 7
"""Pixels of a row's marks; lower ones are specks."""
_PRINTED = 9.0
"""Steps of 255 by which the colour of one writing's marks spreads."""
_RIM = 0.35
"""Of a row's height, around its box."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where there is writing, in whole pixels of the photograph."""

    x: int
    """Of the left edge."""
    y: int
    """Of the top edge."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """Connected marks of one kind at one scale; a value for each."""

    edges: Floats
    """n x 4: left, top, right, bottom."""
    contrast: Floats
    """To what is around."""
    colour: Floats
    """n x 3, RGB."""
    inside: NDArray[np.intp]
    """Pixels within the field."""

    def along(self, *, upright: bool) -> Floats:
        """Edges as seen along a row, or along a column of writing."""
        return self.edges[:, [1, 0, 3, 2]] if upright else self.edges


def find_writing(pixels: Pixels, bounds: RetinaBounds) -> tuple[Box, ...]:
    """Find writing that black outside the retina leaves.

    Args:
        pixels: Height x width x 3, RGB, 0..255.
        bounds: The field of view in that photograph.

    Returns:
        A box around each piece of writing that lies in the field or reaches into it, with a rim; none where there is
        none. Fewer than three letters, and letters less than about 1 % of the field's diameter high, are not found.

    Raises:
        UsageError: The bounds were measured on a photograph of another size.
    """
    if pixels.shape != (bounds.height, bounds.width, 3):
        raise UsageError(
            "The bounds belong to a photograph of {height} x {width} pixels; find them on this one.",
            height=bounds.height,
            width=bounds.width,
        )
    step = max(1, round(2.0 * max(bounds.radius, bounds.radius_y) / WORKING_PX))
    window, x0, y0 = _window(pixels, bounds)
    small, found = _reduced(window, step), []
    for scale in (step, 2 * step):
        field = _field(bounds, x0, y0, scale, small)
        for hat in _hats(small):
            marks = _marks(hat, small, field)
            found += [scale * row for upright in (False, True) for row in _rows(marks, upright=upright)]
        small = _reduced(small, 2)
    return tuple(_box(each + np.array([x0, y0, x0, y0]), bounds) for each in _joined(found))


def black_out_boxes(pixels: Pixels, boxes: Sequence[Box]) -> Pixels:
    """Return a copy of a photograph (height x width x 3) that is black within the boxes."""
    copy = pixels.copy()
    for box in boxes:
        copy[box.y : box.y + box.height, box.x : box.x + box.width] = 0
    return copy


def _window(pixels: Pixels, bounds: RetinaBounds) -> tuple[Pixels, int, int]:
    """Return the field with a rim, and where it begins."""
    across, down = ((1.0 + _AROUND) * radius for radius in (bounds.radius, bounds.radius_y))
    x0, y0 = max(int(bounds.cx - across), 0), max(int(bounds.cy - down), 0)
    return pixels[y0 : int(bounds.cy + down) + 1, x0 : int(bounds.cx + across) + 1], x0, y0


def _reduced(window: Pixels, step: int) -> Pixels:
    height, width = (max(side // step, 1) for side in window.shape[:2])
    whole = np.ascontiguousarray(window[: height * step, : width * step])
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _field(bounds: RetinaBounds, x0: int, y0: int, scale: int, small: Pixels) -> NDArray[np.bool_]:
    """The field in the reduced window."""
    height, width = small.shape[:2]
    return mask(bounds.in_copy(x0, y0, 1.0 / scale, 1.0 / scale, (width, height)))


def _hats(small: Pixels) -> Iterator[NDArray[np.uint8]]:
    """Yield by how much a pixel is part of a stroke that is brighter, and of one that is darker, than its ground."""
    red, green, blue = cv2.split(small)
    ground = np.ones((_STROKE, _STROKE), np.uint8)
    bright = np.minimum(cv2.morphologyEx(blue, cv2.MORPH_TOPHAT, ground), 255 - _LESS_IN_BLUE) + _LESS_IN_BLUE
    yield np.asarray(cv2.max(cv2.morphologyEx(green, cv2.MORPH_TOPHAT, ground), bright), np.uint8)
    yield np.asarray(cv2.morphologyEx(red, cv2.MORPH_BLACKHAT, ground), np.uint8)


def _marks(hat: NDArray[np.uint8], small: Pixels, field: NDArray[np.bool_]) -> _Marks:
    stroke = (hat > _CONTRAST).view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(stroke, connectivity=8)
    size = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    fit = (size.max(1) >= _SMALLEST) & (size.max(1) <= _LARGEST)
    chosen = 1 + np.flatnonzero(fit[1:])
    chosen = chosen[np.argsort(-stats[chosen, cv2.CC_STAT_AREA])][:_MOST]
    number = np.full(len(stats), -1)
    number[chosen] = np.arange(len(chosen))
    found = cv2.findNonZero(stroke)
    x, y = np.zeros((2, 0), np.intp) if found is None else found.reshape(-1, 2).T
    of = number[labels[y, x]]
    x, y, of = x[of >= 0], y[of >= 0], of[of >= 0]
    weight = hat[y, x].astype(np.float64) ** 2
    total = np.bincount(of, weight, len(chosen))
    means = [np.bincount(of, weight * each, len(chosen)) / total for each in (hat[y, x], *small[y, x].T)]
    corner = stats[chosen][:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
    edges = np.hstack([corner, corner + size[chosen]]).astype(np.float64)
    return _Marks(edges, means[0], np.stack(means[1:], axis=1), np.bincount(of[field[y, x]], minlength=len(chosen)))


def _rows(marks: _Marks, *, upright: bool) -> Iterator[Floats]:
    """The edges of each row of marks that looks like writing and has a part in the field."""
    edges = marks.along(upright=upright)
    if len(edges) < 3:
        return
    from scipy.sparse.csgraph import connected_components  # a quarter of a second, which most photographs do not need

    row_of = connected_components(_linked(marks, edges), directed=False)[1]
    for row in np.flatnonzero(np.bincount(row_of) >= 3):
        these = row_of == row
        if marks.inside[these].sum() >= 3 and _written(edges[these]) and not _tissue(marks.colour[these]):
            whole = _grown(_around(edges[these]), edges)
            yield whole[[1, 0, 3, 2]] if upright else whole


def _linked(marks: _Marks, edges: Floats) -> NDArray[np.bool_]:
    """Return which marks (n x n) may be neighbours in a row: as high, as bright, of one colour, and close."""
    left, top, right, bottom = (edge[:, None] for edge in edges.T)
    height, contrast = bottom - top, marks.contrast[:, None]
    lower, higher = np.minimum(height, height.T), np.maximum(height, height.T)
    near = np.maximum(left, left.T) - np.minimum(right, right.T) <= higher
    level = np.minimum(bottom, bottom.T) - np.maximum(top, top.T) >= 0.6 * lower
    alike = (higher <= 2.2 * lower) & (contrast <= 2.0 * contrast.T) & (contrast.T <= 2.0 * contrast)
    linked: NDArray[np.bool_] = near & level & alike
    for shade in marks.colour.T:
        linked &= np.abs(shade[:, None] - shade) <= _ONE_COLOUR
    return linked


def _around(edges: Floats) -> Floats:
    around: Floats = np.concatenate([edges[:, :2].min(0), edges[:, 2:].max(0)])
    return around


def _written(edges: Floats) -> bool:
    """Whether marks that follow each other stand in a straight row; of three, in a longer one."""
    left, top, right, bottom = _around(edges)
    height = float(np.median(edges[:, 3] - edges[:, 1]))
    long = (right - left) / (bottom - top)
    return bool(height >= _LOWEST and bottom - top <= 2.0 * height and long >= (1.4 if len(edges) > 3 else 2.3))


def _tissue(colour: Floats) -> bool:
    """Whether marks are red as vessels are, or of the shades of exudates and reflexes and not all of the same."""
    red, green, blue = colour.mean(0)
    vessels = red > 110.0 and green < 0.4 * red
    patches = red > 150.0 and red - green > 50.0 and green - blue > 10.0 and colour.std(0).max() > _PRINTED
    return bool(vessels or patches)


def _grown(row: Floats, edges: Floats) -> Floats:
    """Return the row with the marks at its ends that are smaller, larger or of another colour, and a rim."""
    height = row[3] - row[1]
    level = (edges[:, 1] < row[3]) & (edges[:, 3] > row[1]) & (edges[:, 3] - edges[:, 1] <= 2.0 * height)
    near, wide = edges[level], row
    for _ in range(len(near)):
        apart = np.maximum(near[:, 0] - wide[2], wide[0] - near[:, 2])
        wider = _around(np.vstack([wide, near[apart <= 1.2 * height]]))
        if (wider == wide).all():
            break
        wide = wider
    rim: Floats = height * np.array([-_RIM, -_RIM, _RIM, _RIM])
    return wide + rim


def _joined(rows: Sequence[Floats]) -> list[Floats]:
    """Return one box for all that overlap."""
    boxes: list[Floats] = []
    for row in rows:
        new = row
        while meeting := [
            at for at, box in enumerate(boxes) if (box[:2] <= new[2:]).all() and (new[:2] <= box[2:]).all()
        ]:
            new = _around(np.vstack([new, *(boxes[at] for at in meeting)]))
            boxes = [box for at, box in enumerate(boxes) if at not in meeting]
        boxes.append(new)
    return sorted(boxes, key=lambda box: (box[1], box[0]))


def _box(edges: Floats, bounds: RetinaBounds) -> Box:
    """Return whole pixels within the photograph."""
    left, top = (max(int(edge), 0) for edge in edges[:2])
    right, bottom = min(int(edges[2]) + 1, bounds.width), min(int(edges[3]) + 1, bounds.height)
    return Box(left, top, right - left, bottom - top)
