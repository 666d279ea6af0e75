"""Augmentation that leaves a fundus a fundus: mirrored, slightly turned, coloured, blurred, compressed.

Calibres, colours and textures are what is read from a fundus, so every change is small; its strength scales all.
"""

import cv2
import numpy as np

from fundus_core.records import Pixels


def augment(crop: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """Return a changed copy of a crop (S x S x 3, RGB, 0..255, black outside the retina).

    Strength 0 changes nothing, up to 1 changes are those of one camera; above, illumination and the edge of the field
    vary as between cameras. The generator fixes every draw.
    """
    if strength <= 0:
        return crop
    if generator.random() < 0.5:
        crop = crop[:, ::-1]
    if generator.random() < 0.3:
        crop = _turn(crop, strength, generator)
    if generator.random() < 0.5:
        crop = _colour(crop, strength, generator)
    if strength > 1:
        crop = _other_camera(crop, strength - 1, generator)
    if generator.random() < 0.15 * strength:
        crop = _soften(crop, strength, generator)
    if generator.random() < 0.35:
        crop = _compress(crop, generator)
    return np.ascontiguousarray(crop)


def _turn(crop: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """Turn by up to 8 degrees, scale by up to 2 %, shift by up to 1 % of the side."""
    side = crop.shape[0]
    angle, scale = generator.uniform(-8, 8) * strength, 1 + generator.uniform(-0.02, 0.02) * strength
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle, scale)
    matrix[:, 2] += generator.uniform(-0.01, 0.01, 2) * side * strength
    return np.asarray(cv2.warpAffine(np.ascontiguousarray(crop), matrix, (side, side), flags=cv2.INTER_CUBIC), np.uint8)


def _colour(crop: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """Gain up to 6 %, each channel up to 3 %, gamma up to 4 %; black stays black."""
    gain = (1 + generator.uniform(-0.06, 0.06) * strength) * (1 + generator.uniform(-0.03, 0.03, 3) * strength)
    gamma = 1 + generator.uniform(-0.04, 0.04) * strength
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    table = np.clip(255 * gain * levels**gamma + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(crop), table[None]), np.uint8)


def _other_camera(crop: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """Light falling by up to 30 % across the field in half of them; in a sixth, cut flat above and below by up to 12 %.

    Cuts lie symmetric, as a sensor's edges do.
    """
    side = crop.shape[0]
    if generator.random() < 0.5:
        angle, fall = generator.uniform(0, 2 * np.pi), generator.uniform(0, 0.3) * strength
        along = np.linspace(-0.5, 0.5, side, dtype=np.float32)
        light = 1 - fall * (0.5 + np.cos(angle) * along[None, :] + np.sin(angle) * along[:, None])
        crop = np.clip(crop * np.maximum(light, 0.1)[..., None] * (1 + fall / 2) + 0.5, 0, 255).astype(np.uint8)
    if generator.random() < 1 / 6:
        cut = round(generator.uniform(0.02, 0.12) * side)
        crop = crop.copy()
        crop[:cut] = crop[side - cut :] = 0
    return crop


def _soften(crop: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """Blur by up to 0.4 % of the side, and noise of up to 2 levels inside the retina."""
    sigma = generator.uniform(0.05, 0.4) / 100 * crop.shape[0] * strength
    soft = cv2.GaussianBlur(np.ascontiguousarray(crop), (0, 0), max(sigma, 0.05))
    noise = generator.normal(0, generator.uniform(0, 2) * strength, crop.shape).astype(np.float32)
    noisy = np.clip(soft + noise + 0.5, 0, 255).astype(np.uint8)
    return np.where(crop.any(axis=-1, keepdims=True), noisy, crop)


def _compress(crop: Pixels, generator: np.random.Generator) -> Pixels:
    """Write as JPEG of quality 50 to 95 and read again."""
    options = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(50, 96))]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(crop[..., ::-1]), options)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
