"""Committed renders: a change of the drawing shows here first, because the sample model was trained on it.

Renew with ``pytest tests/synthetic/test_golden.py --accept-golden``; look at the pictures before committing.
"""

import numpy as np
import pytest
from PIL import Image

from fundus_core.records import Eye
from fundus_core.synthetic.camera import CAMERAS
from fundus_core.synthetic.render import draw

# Levels of 255. Libraries round differently from release to release; a change of the drawing is far larger.
MEAN_TOLERANCE = 0.5
REGION_TOLERANCE = 3.0

EYES = {
    "alba45_average": (np.zeros(7), Eye.RIGHT, ""),
    "boreal50_old_man": (np.array([1.8, 1.2, 1.0, 0.6, 0.9, 0.7, 0.3]), Eye.LEFT, ""),
    "cirrus45_young_woman": (np.array([-1.8, -1.2, -0.9, -0.7, -0.8, -0.9, -0.6]), Eye.RIGHT, ""),
    "alba45_lashes": (np.full(7, 0.5), Eye.LEFT, "lashes"),
}


@pytest.mark.parametrize("name", sorted(EYES))
def test_a_committed_eye_is_drawn_as_it_was(name, golden, accept_golden):
    z, eye, defect = EYES[name]
    pixels = draw(z, eye, CAMERAS[name.split("_")[0]], 2025, 112, defect)
    path = golden / f"eye_{name}.png"
    if accept_golden:
        Image.fromarray(pixels).save(path, optimize=True)
    assert path.exists(), f"{path.name} is not there; run pytest with --accept-golden and look at it."
    with Image.open(path) as picture:
        accepted = np.asarray(picture.convert("RGB")).astype(float)
    assert accepted.shape == pixels.shape
    apart = np.abs(pixels.astype(float) - accepted)
    rows, columns = (slice(0, length // 8 * 8) for length in apart.shape[:2])
    blocks = apart[rows, columns].reshape(apart.shape[0] // 8, 8, apart.shape[1] // 8, 8, 3).mean(axis=(1, 3, 4))
    worst = np.unravel_index(blocks.argmax(), blocks.shape)
    told = f"mean {apart.mean():.2f}, most {blocks.max():.2f} in the 8 x 8 block at row, column {worst}"
    assert apart.mean() < MEAN_TOLERANCE, told
    assert blocks.max() < REGION_TOLERANCE, told
