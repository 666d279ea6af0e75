"""Numbers about one photograph, taken on its field of view; no limit is known here."""

from dataclasses import dataclass

import numpy as np

from fundus_core.quality import ridges
from fundus_core.quality.likeness import likeness
from fundus_core.quality.view import View, blur, look
from fundus_core.records import Photograph, RetinaBounds


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
    """Sharpness of thin dark lines, relative to the contrast: vessels stay as sharp in a pale eye as in a dark."""


def measure(photograph: Photograph, bounds: RetinaBounds) -> Measurements:
    """Measure one photograph; its field of view is in the pixels that the photograph holds."""
    view = look(photograph.pixels, bounds)
    lines = ridges.measure(view)
    contrast = _contrast(view)
    focus = lines.strength / (contrast + 0.02)
    factor = (photograph.width or bounds.width) / bounds.width
    diameter = min(bounds.width, bounds.height) if bounds.whole_frame else 2.0 * bounds.radius
    return Measurements(
        likeness=likeness(view, lines, focus) if photograph.colour else 0.0,
        circle=not bounds.whole_frame,
        diameter_px=diameter * factor,
        field_share=1.0 if bounds.whole_frame else view.circle_share,
        brightness=_brightness(view),
        lit_share=_lit_share(view),
        glare_share=_glare_share(view),
        contrast=contrast,
        focus=focus,
    )


def _brightness(view: View) -> float:
    return float(np.median(view.highest[view.field])) if view.field.any() else 0.0


def _lit_share(view: View) -> float:
    if view.empty:
        return 0.0
    smooth = blur(view.half.highest, 2.0)[view.half.inside]
    level = max(0.25 * float(np.percentile(smooth, 75)), 12.0)
    return float(np.mean(smooth > level))


def _glare_share(view: View) -> float:
    if view.empty:
        return 0.0
    return float(np.mean(blur(view.half.lowest, 1.0)[view.half.inside] > 225.0))


def _contrast(view: View) -> float:
    if view.empty:
        return 0.0
    low, high = np.percentile(view.relative(1, 1.0, 16.0)[view.inside], [5, 95])
    return float(high - low)
