"""Real and rendered eyes for the tests of kinds, and what happens to them on their way."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fundus_core import images, quality, retina
from fundus_core.records import Pixels, QualityReport, RetinaBounds

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample"
SHARED = ROOT.parent / "shared"
KINDS_THERE = SHARED / "real_kinds"


def looked(pixels: Pixels) -> tuple[RetinaBounds, QualityReport]:
    """Encode and decode as JPEG, as files come, then find and assess."""
    photograph = images.decode(images.encode(pixels, 90), "x")
    bounds = retina.find(photograph.pixels)
    return bounds, quality.assess(photograph, bounds)


def small(path: Path, longest: int) -> Pixels:
    pixels = images.decode(path.read_bytes(), path.name, at_least=640).pixels
    factor = longest / max(pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def squared(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, (400, 400), interpolation=cv2.INTER_AREA), np.uint8)


def in_box(pixels: Pixels, cut: float = 0.0) -> Pixels:
    """The field's own box, a share of its height taken away above and below."""
    bounds = retina.find(pixels)
    left, right = max(round(bounds.cx - bounds.radius), 0), round(bounds.cx + bounds.radius)
    top = max(round(bounds.cy - (1 - cut) * bounds.radius), 0)
    return pixels[top : round(bounds.cy + (1 - cut) * bounds.radius), left:right]


def padded(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    square[(side - height) // 2 :][:height, (side - width) // 2 :][:, :width] = pixels
    return square
