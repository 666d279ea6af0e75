"""What somebody put beside a photograph before it came here: bars and canvases of one colour, and labels on black.

Nothing is read. A bar is of one colour but for writing and ends in one straight line, as no field does; a label is a
plain rectangle in black.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels, Rectangle, RetinaBounds
from fundus_core.retina.backgrounds import middle_colour

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
