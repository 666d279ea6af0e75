"""Each defect does what its name says, and nothing to the eye below it."""

import cv2
import numpy as np
import pytest

from fundus_core.errors import UsageError
from fundus_core.records import Eye
from fundus_core.synthetic.camera import CAMERAS, DEFECTS
from fundus_core.synthetic.render import draw

ALBA = CAMERAS["alba45"]


def photograph(defect="", seed=5):
    return draw(np.zeros(7), Eye.RIGHT, ALBA, seed, 192, defect).astype(np.float32)


def sharpness(pixels):
    inside = np.hypot(*(np.mgrid[:192, :192] - 95.5)) < 80
    return float(cv2.Laplacian(cv2.GaussianBlur(pixels[..., 1], (0, 0), 1.2), cv2.CV_32F)[inside].std())


@pytest.mark.parametrize("defect", sorted(DEFECTS))
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_defect_shows_and_leaves_the_frame(defect, seed):
    good, bad = photograph(seed=seed), photograph(defect, seed)
    assert good.shape == bad.shape
    assert np.abs(good - bad).mean() > 2
    assert np.array_equal(bad, photograph(defect, seed))
    assert np.abs(bad[:3, :3]).max() <= 1


def test_blur_and_haze_take_the_edges():
    assert sharpness(photograph("blur")) < 0.6 * sharpness(photograph())
    assert sharpness(photograph("haze")) < 0.5 * sharpness(photograph())


def test_dark_keeps_a_quarter_of_the_light_at_most():
    assert photograph("dark").mean() < 0.25 * photograph().mean()


def test_glare_burns_a_part_out():
    assert (photograph("glare").min(axis=2) > 200).mean() > 0.02
    assert (photograph().min(axis=2) > 200).mean() < 0.005


def test_shadow_darkens_one_side_only():
    ratio = (photograph("shadow")[..., 0] + 1) / (photograph()[..., 0] + 1)
    inside = np.hypot(*(np.mgrid[:192, :192] - 95.5)) < 85
    assert np.quantile(ratio[inside], 0.95) > 0.9
    assert np.quantile(ratio[inside], 0.10) < 0.3


def test_lashes_come_from_above():
    loss = (photograph() - photograph("lashes")).mean(axis=2)
    assert loss[:96].mean() > 2 * loss[96:].mean()


def test_a_cut_field_loses_a_part_entirely():
    lost = (photograph("cut_field").max(axis=2) < 12) & (photograph().max(axis=2) > 40)
    assert 0.2 < lost.mean() < 0.5


def test_an_unknown_defect_is_named():
    with pytest.raises(UsageError, match="no defect 'dust'; the defects are blur, dark, glare"):
        photograph("dust")
