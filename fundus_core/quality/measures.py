"""Numbers about one photograph, taken on its field of view; no limit is known here."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.quality.likeness import likeness
from fundus_core.quality.view import View, look
from fundus_core.records import Photograph, RetinaBounds

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured on one photograph."""

    likeness: float
    """0..1: how much the picture looks like a colour fundus photograph."""
    circle: bool
    """Whether a circular field was found."""
    diameter_px: float
    """Of the field, in pixels of the photograph as it lies in the file."""
    field_share: float
    """0..1: share of the field's circle that the photograph shows."""
    brightness: float
    """0..255: median of the brightest channel in the field."""
    lit_share: float
    """0..1: share of the field that is neither nearly black nor far darker than its middle."""
    glare_share: float
    """0..1: share of the field that is burnt out to white."""
    contrast: float
    """Spread of the green channel relative to its surroundings, as a share of them."""
    focus: float
    """Strength of thin dark lines (vessels) against what surrounds them, as a share of it."""


def measure(photograph: Photograph, bounds: RetinaBounds) -> Measurements:
    """Measure one photograph.

    Args:
        photograph: The photograph.
        bounds: Its field of view, in the pixels that the photograph holds.
    """
    view = look(photograph.pixels, bounds)
    factor = (photograph.width or bounds.width) / bounds.width
    visible = min(bounds.width, bounds.height) if bounds.whole_frame else 2.0 * bounds.radius
    return Measurements(
        likeness=likeness(view, colour=photograph.colour),
        circle=not bounds.whole_frame,
        diameter_px=visible * factor,
        field_share=1.0 if bounds.whole_frame else view.circle_share,
        brightness=_median(view.pixels.max(axis=2), view.inside),
        lit_share=_lit_share(view),
        glare_share=_glare_share(view),
        contrast=_contrast(view),
        focus=_focus(view),
    )


def _median(plane: Plane, inside: NDArray[np.bool_]) -> float:
    return float(np.median(plane[inside])) if inside.any() else 0.0


def _blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _lit_share(view: View) -> float:
    if not view.inside.any():
        return 0.0
    smooth = _blur(view.pixels.max(axis=2), 4.0)[view.inside]
    level = max(0.15 * float(np.percentile(smooth, 75)), 12.0)
    return float(np.mean(smooth > level))


def _glare_share(view: View) -> float:
    if not view.inside.any():
        return 0.0
    smooth = _blur(view.pixels.min(axis=2), 2.0)[view.inside]
    return float(np.mean(smooth > 225.0))


def _relative(view: View, fine: float, coarse: float) -> Plane:
    """Return the green channel between two scales relative to its surroundings, 0 outside the field."""
    weight = view.inside.astype(np.float32)
    green = view.pixels[..., 1] * weight
    norm = np.maximum(_blur(weight, coarse), 1e-3)
    around = _blur(green, coarse) / norm
    near = _blur(green, fine) / np.maximum(_blur(weight, fine), 1e-3)
    return np.asarray(np.where(view.inside, (near - around) / (around + 8.0), 0.0), np.float32)


def _contrast(view: View) -> float:
    if not view.inside.any():
        return 0.0
    relative = _relative(view, 1.0, 16.0)[view.inside]
    low, high = np.percentile(relative, [5, 95])
    return float(high - low)


def _focus(view: View) -> float:
    if not view.inside.any():
        return 0.0
    ridges = -_relative(view, 0.7, 3.0)[view.inside]
    return float(np.percentile(ridges, 97))
