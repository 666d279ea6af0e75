"""What the pages are given to show of a photograph."""

from __future__ import annotations

import numpy as np

from fundus_core import images, retina
from fundus_core.records import RetinaBounds
from fundus_core.runs.preprocess import PICTURE, THUMBNAIL_PX, pictures


def test_picture_and_thumbnail_show_the_crop_and_nothing_outside_the_retina() -> None:
    bright = np.full((700, 900, 3), (190, 90, 40), np.uint8)
    crop = retina.crop(bright, RetinaBounds(450.0, 350.0, 320.0, 900, 700), PICTURE)
    for data, side in zip(pictures(crop), (PICTURE.size, THUMBNAIL_PX), strict=True):
        shown = images.decode(data, "shown.jpg").pixels.astype(int)
        assert shown.shape == (side, side, 3)
        assert np.abs(shown[side // 2, side // 2] - (190, 90, 40)).max() <= 3
        assert max(shown[corner].max() for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1))) <= 3
