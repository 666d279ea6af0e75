"""What surrounds the retina: black mostly, but white, grey and coloured borders exist."""

from collections.abc import Iterator
from dataclasses import dataclass

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


def candidates(pixels: Pixels) -> Iterator[Background]:
    """Yield guesses at the background of a reduced photograph (height x width x 3, RGB), the likeliest first."""
    every_second = pixels[::2, ::2]
    corners = every_second[_corners(every_second, 1.2)].astype(np.float32)
    tips = every_second[_corners(every_second, 1.7)].astype(np.float32)
    tried: list[Floats] = []
    for colour in _colours(every_second, corners, tips):
        if all(np.abs(colour - other).max() > 12 for other in tried):
            tried.append(colour)
            yield _around(pixels, tips, colour)


def _colours(pixels: Pixels, corners: NDArray[np.float32], tips: NDArray[np.float32]) -> Iterator[Floats]:
    """Yield the commonest colour of the corners and of their tips, then black and white where there are some."""
    yield _mode(corners)
    yield _mode(tips)
    dark = pixels[pixels[..., 0] < 30]
    dark = dark[(dark < 30).all(axis=1)]
    if len(dark) > 0.005 * pixels.shape[0] * pixels.shape[1]:
        yield np.asarray(np.median(dark, axis=0))
    white = corners[(corners > 235).all(axis=1)]
    if len(white) > 0.02 * len(corners):
        yield np.asarray(np.median(white, axis=0))


def _around(pixels: Pixels, tips: NDArray[np.float32], colour: Floats) -> Background:
    away = cv2.absdiff(pixels, np.append(np.round(colour), 0.0))  # OpenCV's scalars have four numbers
    red, green, blue = cv2.split(away)
    distance = cv2.max(cv2.max(red, green), blue)
    near = np.abs(tips - colour).max(axis=1)
    near = near[near < 20]
    noise = float(np.median(near)) if len(near) else 0.0
    return Background(colour, noise, np.asarray(distance, np.float32))


def _corners(pixels: Pixels, beyond: float) -> NDArray[np.bool_]:
    """Return where an ellipse leaves room: that which touches the frame at 1, its four tips alone near 2."""
    height, width = pixels.shape[:2]
    y = (2.0 * np.arange(height) + 1.0) / height - 1.0
    x = (2.0 * np.arange(width) + 1.0) / width - 1.0
    corner: NDArray[np.bool_] = (x**2)[None, :] + (y**2)[:, None] > beyond
    return corner


def _mode(corners: NDArray[np.float32]) -> Floats:
    """Return the commonest colour, found by brightness."""
    grey = corners.mean(axis=1)
    counts, edges = np.histogram(grey, bins=64, range=(0.0, 256.0))
    top = int(np.argmax(np.convolve(counts, [1, 1, 1], "same")))
    chosen = corners[np.abs(grey - edges[top] - 2.0) <= 6.0]
    return np.asarray(np.median(chosen if len(chosen) else corners, axis=0))


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
