"""What surrounds the retina: black mostly, but white, grey and coloured borders exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels, Rectangle, RetinaBounds


@dataclass(frozen=True, slots=True)
class Background:
    """One guess at the colour around the field."""

    colour: Floats
    """RGB, 0..255."""
    noise: float
    """Spread of the background around that colour, 0..255."""
    distance: NDArray[np.float32]
    """Height x width: largest difference of a channel from the colour, 0..255."""


def middle(levels: NDArray[np.uint8]) -> float:
    """Return the median of bytes, from how often each occurs: numpy's without sorting.

    >>> middle(np.array([[3, 9], [4, 250]], np.uint8))
    6.5
    """
    counts = cv2.calcHist([levels.reshape(1, -1)], [0], None, [256], [0, 256]).ravel().cumsum(dtype=np.int64)
    low, high = np.searchsorted(counts, [(levels.size - 1) // 2 + 1, levels.size // 2 + 1])
    return float(low + high) / 2.0


def candidates(pixels: Pixels) -> Iterator[Background]:
    """Yield guesses at the background of a reduced photograph (height x width x 3, RGB), the likeliest first."""
    height, width = pixels.shape[:2]
    flat = pixels.reshape(-1, 3)
    corners, tips = (flat.take(_corners(height, width, beyond), axis=0) for beyond in (1.2, 1.7))
    tried: list[Floats] = []
    for colour in _colours(pixels[::2, ::2], corners, tips):
        if all(np.abs(colour - other).max() > 12 for other in tried):
            tried.append(colour)
            yield _around(pixels, tips, colour)


def _colours(pixels: Pixels, corners: Pixels, tips: Pixels) -> Iterator[Floats]:
    """Yield the commonest colour of the corners and of their tips, then black and white where there are some."""
    yield _mode(corners)
    yield _mode(tips)
    dark = pixels[pixels[..., 0] < 30]
    dark = dark[(dark < 30).all(axis=1)]
    if len(dark) > 0.005 * pixels.shape[0] * pixels.shape[1]:
        yield middle_colour(dark)
    white = corners[(corners > 235).all(axis=1)]
    if len(white) > 0.02 * len(corners):
        yield middle_colour(white)


def middle_colour(pixels: Pixels) -> Floats:
    """Return the median of each channel of n x 3 bytes."""
    return np.array([middle(np.ascontiguousarray(pixels[:, channel])) for channel in range(3)])


def _around(pixels: Pixels, tips: Pixels, colour: Floats) -> Background:
    away = cv2.absdiff(pixels, np.append(np.round(colour), 0.0))  # OpenCV's scalars have four numbers
    red, green, blue = cv2.split(away)
    distance = cv2.max(cv2.max(red, green), blue)
    near = np.abs(tips.T - colour.astype(np.float32)[:, None]).max(axis=0)
    near = near[near < 20]
    noise = float(np.median(near)) if len(near) else 0.0
    return Background(colour, noise, np.asarray(distance, np.float32))


@lru_cache(maxsize=16)
def _corners(height: int, width: int, beyond: float) -> NDArray[np.intp]:
    """Return where an ellipse leaves room, as flat indices of every second pixel of every second row.

    An ellipse that touches the frame at 1, one that leaves its four tips alone near 2.
    """
    rows, columns = (height + 1) // 2, (width + 1) // 2
    y = (2.0 * np.arange(rows) + 1.0) / rows - 1.0
    x = (2.0 * np.arange(columns) + 1.0) / columns - 1.0
    row, column = np.nonzero((x**2)[None, :] + (y**2)[:, None] > beyond)
    return 2 * (width * row + column)


def _mode(corners: Pixels) -> Floats:
    """Return the commonest colour, found by brightness, in bins of four grey levels."""
    red, green, blue = (corners[:, channel].astype(np.uint16) for channel in range(3))
    sums = red + green + blue
    counts = np.bincount(sums // 12, minlength=64)
    top = int(np.argmax(np.convolve(counts, [1, 1, 1], "same")))
    chosen = corners[np.abs(sums - 12.0 * top - 6.0) <= 18.0]
    return middle_colour(chosen if len(chosen) else corners)


def window(pixels: Pixels) -> tuple[slice, slice]:
    """Return the rows and columns of a picture (height x width x 3, RGB) that remain without a canvas around it.

    All of them where there is no canvas of one colour along the frame.
    """
    canvas = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), axis=0)
    differs = np.abs(pixels.astype(np.int16) - canvas.astype(np.int16)) > 12
    differs = differs[..., 0] | differs[..., 1] | differs[..., 2]
    return _span(differs.mean(axis=1)), _span(differs.mean(axis=0))


def _span(share: Floats) -> slice:
    used = np.flatnonzero(share > 0.03)
    return slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, len(share))


_BLACK = 24
"""Brightness up to which a bar is a border like any other, and a label's surroundings are black."""
_TINT = 12
"""Grey levels within which a bar is of one colour."""
_BAR = 0.45
"""Least share of a bar's row that is of its colour: the rest is writing."""
_PICTURE = 0.15
"""Most of it in the first row of the picture."""
_PLAIN = 0.985
"""Least share of a canvas's row."""
_FARTHEST = 0.6
"""Of the frame that a bar takes at most."""
_LABEL = (0.003, 0.4)
"""Least and greatest share of the picture that a label takes."""
_RECTANGLE = 0.92
"""Least share of its box that a label fills, writing counted."""


def find(pixels: Pixels) -> tuple[Rectangle, ...]:
    """Find bars, canvases and labels on a reduced copy (height x width x 3, RGB): bars go from edge to edge."""
    left, top, right, bottom = _sides(pixels)
    height, width = pixels.shape[:2]
    bars = (
        (0.0, 0.0, float(left), float(height)),
        (0.0, 0.0, float(width), float(top)),
        (float(right), 0.0, float(width), float(height)),
        (0.0, float(bottom), float(width), float(height)),
    )
    labels = _labels(pixels[top:bottom, left:right])
    moved = ((x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in labels)
    return (*(bar for bar in bars if bar[0] < bar[2] and bar[1] < bar[3]), *moved)


def within(pixels: Pixels, there: tuple[Rectangle, ...]) -> tuple[Pixels, tuple[int, int]]:
    """Return a copy of the same pixels without bars and with black labels, and where it begins: left and top."""
    copy, (height, width) = pixels.copy(), pixels.shape[:2]
    for x0, y0, x1, y1 in there:
        copy[round(y0) : round(y1), round(x0) : round(x1)] = 0
    left, top, right, bottom = (round(edge) for edge in RetinaBounds(0, 0, 0, width, height, beside=there).window)
    return np.ascontiguousarray(copy[top:bottom, left:right]), (left, top)


def _sides(pixels: Pixels) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom edge of the picture within its bars."""
    height, width = pixels.shape[:2]
    left, top, right, bottom, written = 0, 0, width, height, 0
    for _ in range(2):
        picture = pixels[top:bottom, left:right]
        rows, columns = picture, np.asarray(cv2.transpose(np.ascontiguousarray(picture)), np.uint8)
        found = [_bar(lines) for lines in (columns, rows, columns[::-1], rows[::-1])]
        ends = [end for end, _ in found]
        written += sum(writing for _, writing in found)
        left, top, right, bottom = left + ends[0], top + ends[1], right - ends[2], bottom - ends[3]
        if not any(ends) or min(right - left, bottom - top) < 8:
            break
    sides = sum((left > 0, top > 0, right < width, bottom < height))
    # a picture within a page that is written on is a figure, or a screen
    if (written and sides > 2) or min(right - left, bottom - top) < 8:
        return 0, 0, width, height
    return left, top, right, bottom


def _bar(lines: Pixels) -> tuple[int, bool]:
    """Return how many of the first rows (of height x width x 3) are a bar, and whether it is written on."""
    black = cv2.inRange(np.ascontiguousarray(lines[:2]), (0,) * 3, (_BLACK - 1,) * 3)
    if np.count_nonzero(black) > black.size / 2:
        return 0, False
    first = lines[:2].reshape(-1, 3)
    colour = middle_colour(first)
    if colour.max() < _BLACK or np.mean(np.abs(first - colour).max(axis=1) <= _TINT) < 0.9:
        return 0, False
    lines = np.ascontiguousarray(lines[: max(int(_FARTHEST * len(lines)), 4)])
    low, high = (tuple(float(level) for level in colour + way * _TINT) for way in (-1, 1))
    share: Floats = (cv2.inRange(lines, low, high) > 0).mean(axis=1)
    thin = np.flatnonzero(share < _BAR)
    end = int(thin[0]) if len(thin) else len(share)
    after = share[end + 1 : end + 2 + len(share) // 6]
    if 2 <= end and len(after) and share[end - 2] > _BAR and after[0] < _PICTURE and after.max() < _BAR:
        return end + 1, bool(share[: end - 1].min() < _PLAIN)
    plain = int(np.argmin(np.append(share >= _PLAIN, False)))
    ends = 1 < plain < len(share) - 1 and share[plain + 1 :].max() < _PLAIN
    return (plain + 1 if ends else 0), False


def _labels(picture: Pixels) -> list[Rectangle]:
    """Return the boxes of labels."""
    flat, area = _flat(picture), picture.shape[0] * picture.shape[1]
    found: list[Rectangle] = []
    if np.count_nonzero(flat) < 0.4 * _LABEL[0] * area:
        return found
    flat = np.asarray(cv2.morphologyEx(flat, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), np.uint8)
    lines, _ = cv2.findContours(flat, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for line in lines:
        x, y, width, height = cv2.boundingRect(line)
        if not _LABEL[0] * area <= width * height <= _LABEL[1] * area:
            continue
        inner = flat[y : y + height, x : x + width]
        if cv2.contourArea(line) >= _RECTANGLE * (width - 1) * (height - 1) and inner.mean() > 0.4:
            if _in_black(picture, (x - 3, y - 3, x + width + 3, y + height + 3)):
                found.append((max(x - 3.0, 0.0), max(y - 3.0, 0.0), x + width + 3.0, y + height + 3.0))
    return found


def _flat(picture: Pixels) -> NDArray[np.uint8]:
    """Return where a picture is bright and does not change from pixel to pixel, 0 or 1."""
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), np.uint8)
    change = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return ((change <= 3) & (grey > 2 * _BLACK)).view(np.uint8)


def _in_black(picture: Pixels, box: tuple[int, int, int, int]) -> bool:
    """Whether most of the line around a box is black or beyond the picture."""
    left, top, right, bottom = (max(edge, 0) for edge in box)
    around = picture[top : bottom + 1, left : right + 1].max(axis=2)
    line = np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]])
    return bool(np.mean(line <= _BLACK) > 0.5)
