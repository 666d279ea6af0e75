"""Cut the field of view out of a photograph, black outside, with a way back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fundus_core.errors import UsageError
from fundus_core.records import Pixels, RetinaBounds, RetinaCrop

RESAMPLING = MappingProxyType(
    {
        "area": None,
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "lanczos": Image.Resampling.LANCZOS,
        "quick": None,
    }
)
"""Ways to change the size, by the name that a model's card uses; all of them antialias.

``area`` averages (OpenCV); ``quick`` halves and interpolates, for pictures that are only looked at; the others are
Pillow's, which torchvision's antialiased resize follows.
"""


@dataclass(frozen=True, slots=True)
class CropRule:
    """How a model wants its photographs cut out."""

    size: int
    """Side of the square crop in pixels."""
    resample: str = "area"
    """One of ``RESAMPLING``."""
    margin: float = 0.0
    """Black rim around the field, as a share of its diameter."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UsageError("A crop of {size} px was asked for; the size must be 1 px or more.", size=self.size)
        if self.resample not in RESAMPLING:
            raise UsageError(
                "Resampling '{resample}' is not known; choose one of {resampling}.",
                resample=self.resample,
                resampling=RESAMPLING,
            )
        if not (math.isfinite(self.margin) and 0.0 <= self.margin <= 1.0):
            raise UsageError(
                "A crop margin of {margin} was asked for; it must lie between 0 and 1.", margin=self.margin
            )


def mask(bounds: RetinaBounds) -> NDArray[np.bool_]:
    """Return where the retina is: height x width, True where a pixel's centre lies in the field of view."""
    return _field(bounds, 0, 0, bounds.width, bounds.height)


def _field(bounds: RetinaBounds, x0: int, y0: int, width: int, height: int) -> NDArray[np.bool_]:
    """Return the field within a window of the photograph; outside the photograph is outside the field."""
    y = np.arange(y0, y0 + height) + 0.5
    x = (np.arange(x0, x0 + width) + 0.5).astype(np.float32)
    half = np.sqrt(np.maximum(bounds.radius_y**2 - (y - bounds.cy) ** 2, 0.0)) / bounds.aspect
    low = np.maximum(bounds.cx - half, max(bounds.left, 0.0))
    high = np.minimum(bounds.cx + half, min(bounds.right, float(bounds.width)))
    outside = (y < max(bounds.top, 0.0)) | (y > min(bounds.bottom, float(bounds.height))) | (half == 0.0)
    high[outside] = -np.inf
    inside: NDArray[np.bool_] = (x >= low.astype(np.float32)[:, None]) & (x <= high.astype(np.float32)[:, None])
    return inside


def mask_background(pixels: Pixels, bounds: RetinaBounds) -> Pixels:
    """Return a copy of a photograph (height x width x 3, RGB, 0..255) that is black wherever there is no retina.

    Burned-in names and dates outside the field are gone.

    Raises:
        UsageError: The bounds were measured on a photograph of another size.
    """
    _check(pixels, bounds)
    return _keep(pixels, mask(bounds))


def _keep(pixels: Pixels, inside: NDArray[np.bool_]) -> Pixels:
    return np.asarray(cv2.copyTo(pixels, inside.view(np.uint8), np.zeros_like(pixels)), np.uint8)


def crop(pixels: Pixels, bounds: RetinaBounds, rule: CropRule, *, unstretch: bool = False) -> RetinaCrop:
    """Cut a square around the field of view, black outside the retina, in the size of the rule.

    The square is cut at whole pixels of the photograph (height x width x 3, RGB, 0..255) and blacked out before it is
    resized, so that nothing from outside the field is averaged into the crop, which knows the way back. A field that
    is stretched stays so, unless it is to be cut out as the circle that it was (``unstretch``).

    Raises:
        UsageError: The bounds were measured on a photograph of another size.
    """
    return crops(pixels, bounds, (rule,), unstretch=unstretch)[0]


def crops(
    pixels: Pixels, bounds: RetinaBounds, rules: Sequence[CropRule], *, unstretch: bool = False
) -> tuple[RetinaCrop, ...]:
    """Cut one square per rule, as ``crop``; rules of one margin share the cut, which is most of the work."""
    _check(pixels, bounds)
    margins = dict.fromkeys(rule.margin for rule in rules)
    cut = {margin: _cut(pixels, bounds, margin, unstretch=unstretch) for margin in margins}
    return tuple(_at_size(*cut[rule.margin], bounds, rule) for rule in rules)


def _cut(pixels: Pixels, bounds: RetinaBounds, margin: float, *, unstretch: bool) -> tuple[Pixels, int, int]:
    """Return the window at the photograph's own size, and where it begins: square unless it is to be unstretched.

    It is black outside the retina and outside the photograph.
    """
    radii = (bounds.radius, bounds.radius_y)
    across, down = radii if unstretch else (max(radii),) * 2
    width, height = (max(round(2.0 * radius * (1.0 + margin)), 1) for radius in (across, down))
    x0, y0 = round(bounds.cx - width / 2), round(bounds.cy - height / 2)
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + width, bounds.width), min(y0 + height, bounds.height)
    square = np.zeros((height, width, 3), np.uint8)
    if right > left and bottom > top:
        inside = _field(bounds, left, top, right - left, bottom - top)
        there = square[top - y0 : bottom - y0, left - x0 : right - x0]
        cv2.copyTo(pixels[top:bottom, left:right], inside.view(np.uint8), there)
    return square, x0, y0


def _at_size(cut: Pixels, x0: int, y0: int, bounds: RetinaBounds, rule: CropRule) -> RetinaCrop:
    height, width = cut.shape[:2]
    if height != width:  # the shorter side is stretched to the longer one
        cut = np.asarray(cv2.resize(cut, (max(height, width),) * 2, interpolation=cv2.INTER_LINEAR), np.uint8)
    return RetinaCrop(
        pixels=_resize(cut, rule),
        bounds=bounds,
        scale=rule.size / width,
        origin_x=float(x0),
        origin_y=float(y0),
        squeeze=width / height,
    )


def _resize(square: Pixels, rule: CropRule) -> Pixels:
    side = square.shape[0]
    if side == rule.size:
        return square
    method = RESAMPLING[rule.resample]
    if method is not None:
        return np.asarray(Image.fromarray(square).resize((rule.size, rule.size), method))
    if rule.resample == "quick":
        return shrunk(square, rule.size)
    if side < rule.size:
        return np.asarray(cv2.resize(square, (rule.size, rule.size), interpolation=cv2.INTER_LINEAR), np.uint8)
    return _unbound(square, rule.size, cv2.INTER_AREA)


def _unbound(square: Pixels, size: int, way: int) -> Pixels:
    """Return a square (side x side x 3) in another size, averaged or interpolated.

    On Intel's and AMD's processors OpenCV averages five times and interpolates twice as fast where it is allowed to
    round a value that lies near the middle between two levels to the other one; nothing else differs. Not for what is
    measured: even so little moves a verdict now and then.
    """
    before = cv2.ipp.useIPP_NotExact()  # of this thread alone
    cv2.ipp.setUseIPP_NotExact(True)
    try:
        return np.asarray(cv2.resize(square, (size, size), interpolation=way), np.uint8)
    finally:
        cv2.ipp.setUseIPP_NotExact(before)


def shrunk(square: Pixels, size: int) -> Pixels:
    """Return a square (side x side x 3, RGB, 0..255) in another size: averaged by exact halves, then interpolated.

    Quick, since OpenCV averages slowly but for halves, and good enough to be looked at.
    """
    while (half := square.shape[0] // 2) >= size:
        square = np.asarray(
            cv2.resize(square[: 2 * half, : 2 * half], (half, half), interpolation=cv2.INTER_AREA), np.uint8
        )
    return _unbound(square, size, cv2.INTER_LINEAR)


def _check(pixels: Pixels, bounds: RetinaBounds) -> None:
    if pixels.shape != (bounds.height, bounds.width, 3) or pixels.dtype != np.uint8:
        raise UsageError(
            "The photograph has shape {shape} and type {dtype}, but the bounds belong to one of {height} "
            "x {width} x 3 bytes (RGB); find the bounds on it.",
            shape=pixels.shape,
            dtype=pixels.dtype,
            height=bounds.height,
            width=bounds.width,
        )
