"""How much a picture looks like a colour fundus photograph: its colours, its smoothness, its field."""

from __future__ import annotations

import numpy as np

from fundus_core.quality.view import View


def likeness(view: View, *, colour: bool) -> float:
    """Return how much a picture looks like a colour fundus photograph.

    The retina's pigments absorb blue most and red least, so nearly every pixel of the field has more red
    than green and no more blue than green (Delori and Pflibsen 1989, doi 10.1364/AO.28.001061).

    Args:
        view: The field of view.
        colour: Whether the file held a colour picture.

    Returns:
        0 (nothing like it) to 1.
    """
    pixels = view.pixels[view.inside]
    if not colour or not len(pixels):
        return 0.0
    red, green, blue = pixels.T
    tolerance = 0.06 * red + 4.0
    warm = (red > green + tolerance) & (red > blue + tolerance)
    return float(np.mean(warm))
