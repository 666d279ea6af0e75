"""The field of view within a crop, its blurred copy, and where it looks like vessels."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core import retina
from fundus_core.records import Floats, Pixels, RetinaCrop

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]

BLUR = 1 / 20
"""Spread of the blur that deletes detail, as a share of the crop's side: wider than any vessel."""
VESSEL_AREA = 0.125
"""Share of the field taken as vessel-like: what observers marked in DRIVE (Staal et al. 2004,
doi:10.1109/TMI.2004.825627)."""
_VESSEL_SCALES = (1 / 256, 1 / 128, 1 / 64)
_DARKEST = 8.0


def field_of(crop: RetinaCrop) -> Mask:
    """Return where a crop shows retina: S x S, True inside the field."""
    bounds, scale = crop.bounds, crop.scale
    x, y = crop.origin_x, crop.origin_y
    down = scale * crop.squeeze
    side = crop.pixels.shape[0]
    moved = replace(
        bounds,
        cx=(bounds.cx - x) * scale,
        cy=(bounds.cy - y) * down,
        radius=bounds.radius * scale,
        aspect=bounds.aspect * crop.squeeze,
        width=side,
        height=side,
        left=(max(bounds.left, 0.0) - x) * scale,
        top=(max(bounds.top, 0.0) - y) * down,
        right=(min(bounds.right, float(bounds.width)) - x) * scale,
        bottom=(min(bounds.bottom, float(bounds.height)) - y) * down,
    )
    return retina.mask(moved)


def blurred(pixels: Pixels, field: Mask) -> Pixels:
    """Return a crop (S x S x 3, RGB, 0..255) without its detail: blurred within the field (S x S), as it is outside.

    Nothing from outside bleeds in.
    """
    around = _around(pixels.astype(np.float32), field, BLUR * len(pixels))
    return np.asarray(np.where(field[..., None], np.rint(around), pixels), np.uint8)


def vessel_like(pixels: Pixels, field: Mask) -> Mask:
    """Return where the field shows thin dark lines: S x S, the ``VESSEL_AREA`` of it that shows them most.

    The larger eigenvalue of the Hessian of the green channel relative to its surroundings, the largest over three
    widths (Frangi et al. 1998, doi:10.1007/BFb0056195). Contrast like a vessel's, not proof of a vessel.
    """
    green = pixels[..., 1].astype(np.float32)
    around = _around(green, field, BLUR * len(green))
    relative = np.where(field, (green - around) / (around + _DARKEST), 0.0).astype(np.float32)
    ridges = np.max([_ridges(relative, share * len(green)) for share in _VESSEL_SCALES], axis=0)
    return strongest(ridges, field, VESSEL_AREA)


def strongest(strength: NDArray[np.floating], field: Mask, share: float) -> Mask:
    """Return that share of the field's pixels where something is strongest: S x S."""
    places = np.flatnonzero(field)
    count = round(share * len(places))
    order = np.argsort(-strength.ravel()[places], kind="stable")
    chosen = np.zeros(field.shape, bool)
    chosen.ravel()[places[order[:count]]] = True
    return chosen


def smooth(plane: Floats, sigma: float) -> Floats:
    """Return a plane (S x S) blurred by a Gaussian of that many pixels."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.3)), np.float64)


def _around(values: Plane, field: Mask, sigma: float) -> Plane:
    """Blur within the field alone: normalised convolution (Knutsson and Westin 1993)."""
    weight = field.astype(np.float32)
    norm = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-6)
    if values.ndim == 3:
        weight, norm = weight[..., None], norm[..., None]
    return np.asarray(cv2.GaussianBlur(values * weight, (0, 0), sigma) / norm, np.float32)


def _ridges(relative: Plane, sigma: float) -> Plane:
    plane = cv2.GaussianBlur(relative, (0, 0), max(sigma, 0.5))
    xx, yy, xy = (cv2.Sobel(plane, cv2.CV_32F, dx, dy, scale=0.25) for dx, dy in ((2, 0), (0, 2), (1, 1)))
    larger = (xx + yy) / 2 + np.sqrt(np.square((xx - yy) / 2) + np.square(xy))
    return np.asarray(sigma**2 * np.maximum(larger, 0.0), np.float32)
