"""What surrounds the retina: black mostly, but white, grey and coloured borders exist."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Pixels


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
    counts = cv2.calcHist([levels.reshape(-1, 1)], [0], None, [256], [0, 256]).ravel().cumsum(dtype=np.int64)
    low, high = np.searchsorted(counts, [(levels.size - 1) // 2 + 1, levels.size // 2 + 1])
    return float(low + high) / 2.0


def candidates(pixels: Pixels) -> Iterator[Background]:
    """Yield guesses at the background of a reduced photograph (height x width x 3, RGB), the likeliest first."""
    every_second = pixels[::2, ::2]
    height, width = every_second.shape[:2]
    corners = every_second[_corners(height, width, 1.2)]
    tips = every_second[_corners(height, width, 1.7)]
    tried: list[Floats] = []
    for colour in _colours(every_second, corners, tips):
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
def _corners(height: int, width: int, beyond: float) -> NDArray[np.bool_]:
    """Return where an ellipse leaves room: that which touches the frame at 1, its four tips alone near 2."""
    y = (2.0 * np.arange(height) + 1.0) / height - 1.0
    x = (2.0 * np.arange(width) + 1.0) / width - 1.0
    corner: NDArray[np.bool_] = (x**2)[None, :] + (y**2)[:, None] > beyond
    return corner


def _mode(corners: Pixels) -> Floats:
    """Return the commonest colour, found by brightness, in bins of four grey levels."""
    red, green, blue = corners.T.astype(np.uint16)
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
