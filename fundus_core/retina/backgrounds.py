"""What surrounds the retina: black mostly, but white, grey and coloured borders exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    """Yield guesses at the background of a reduced photograph, the likeliest first.

    Args:
        pixels: Height x width x 3, RGB, 0..255.
    """
    corners = pixels[_corners(*pixels.shape[:2])].astype(np.float32)
    usual = _mode(corners)
    colours = [usual]
    darkest = _darkest(pixels.reshape(-1, 3))
    if darkest is not None:
        colours.append(darkest)
    brightest = corners[corners.min(axis=1) > 235]
    if len(brightest) > 0.05 * len(corners):
        colours.append(np.median(brightest, axis=0))
    tried: list[Floats] = []
    for colour in colours:
        if all(np.abs(colour - other).max() > 12 for other in tried):
            tried.append(colour)
            yield _around(pixels, corners, colour)


def _around(pixels: Pixels, corners: NDArray[np.float32], colour: Floats) -> Background:
    distance = np.abs(pixels.astype(np.float32) - colour.astype(np.float32)).max(axis=2)
    near = np.abs(corners - colour).max(axis=1)
    near = near[near < 30]
    noise = float(np.percentile(near, 75)) if len(near) else 0.0
    return Background(colour, noise, distance)


def _corners(height: int, width: int) -> NDArray[np.bool_]:
    """Return where a circle that fills the frame leaves room: the four corners."""
    y = (2.0 * np.arange(height) + 1.0) / height - 1.0
    x = (2.0 * np.arange(width) + 1.0) / width - 1.0
    corner: NDArray[np.bool_] = (x**2)[None, :] + (y**2)[:, None] > 1.2
    return corner


def _mode(corners: NDArray[np.float32]) -> Floats:
    """Return the commonest colour, found by brightness."""
    grey = corners.mean(axis=1)
    counts, edges = np.histogram(grey, bins=64, range=(0.0, 256.0))
    top = int(np.argmax(np.convolve(counts, [1, 1, 1], "same")))
    chosen = corners[np.abs(grey - edges[top] - 2.0) <= 6.0]
    return np.asarray(np.median(chosen if len(chosen) else corners, axis=0))


def _darkest(pixels: Pixels) -> Floats | None:
    """Return the median of nearly black pixels where there are enough of them."""
    dark = pixels[pixels.max(axis=1) < 30]
    return np.median(dark, axis=0) if len(dark) > 0.03 * len(pixels) else None
