"""Numbers about one photograph, taken on its field of view; no limit is known here."""

from dataclasses import dataclass

import numpy as np

from fundus_core.quality import traits
from fundus_core.quality.recognise import Kind, kind_of
from fundus_core.quality.view import View, blur, measure_ridges, quantiles, scaled_field
from fundus_core.records import Photograph, RetinaBounds

_MOST = 0.35
"""Contrast that the sharpness of vessels is held against at most: a large haemorrhage or scar blurs none of them."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured on one photograph."""

    kind: Kind
    """What the picture is."""
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
    view = scaled_field(photograph.pixels, bounds)
    lines = measure_ridges(view)
    contrast = _contrast(view)
    factor = (photograph.width or bounds.width) / bounds.width
    radius = min(bounds.radius, bounds.radius_y)
    diameter = min(bounds.width, bounds.height) if bounds.whole_frame else 2.0 * radius
    return Measurements(
        kind=kind_of(traits.measure(photograph, bounds, view, lines, contrast)),
        diameter_px=diameter * factor,
        field_share=1.0 if bounds.whole_frame else view.circle_share,
        brightness=_brightness(view),
        lit_share=_lit_share(view),
        glare_share=_glare_share(view),
        contrast=contrast,
        focus=lines.strength / (min(contrast, _MOST) + 0.02),
    )


def _brightness(view: View) -> float:
    some = view.highest[::2, ::2][view.field[::2, ::2]]
    return quantiles(some, 0.5)[0] if len(some) else 0.0


def _lit_share(view: View) -> float:
    if view.empty:
        return 0.0
    smooth = blur(view.half.highest, 2.0)[view.half.inside]
    level = max(0.25 * quantiles(smooth, 0.75)[0], 12.0)
    return float(np.count_nonzero(smooth > level) / len(smooth))


def _glare_share(view: View) -> float:
    if view.empty:
        return 0.0
    smooth = blur(view.half.lowest, 1.0)[view.half.inside]
    return float(np.count_nonzero(smooth > 225.0) / len(smooth))


def _contrast(view: View) -> float:
    if view.empty:
        return 0.0
    low, high = quantiles(view.relative(1, 1.0, 16.0).take(view.every_second), 0.05, 0.95)
    return high - low
