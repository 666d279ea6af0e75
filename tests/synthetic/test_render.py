"""One rendered eye: what may differ, what must not, and that every z can be seen."""

import time
from dataclasses import asdict
from itertools import pairwise

import cv2
import numpy as np
import pytest

from fundus_core.errors import UsageError
from fundus_core.records import Eye
from fundus_core.synthetic.anatomy import add_signals
from fundus_core.synthetic.camera import CAMERAS, field_pixels
from fundus_core.synthetic.population import TRAITS
from fundus_core.synthetic.render import draw, eye_seed, what_if
from fundus_core.synthetic.tissue import grid
from fundus_core.synthetic.vessels import masks, tree

ALBA = CAMERAS["alba45"]
SOMEONE = np.array([0.4, -0.3, 0.2, -0.5, 0.6, 0.1, -0.2])
CAMERA_IDS = sorted(CAMERAS)


def with_z(trait, value):
    z = np.zeros(len(TRAITS))
    z[TRAITS.index(trait)] = value
    return z


def anatomy_of(z, seed=3):
    return add_signals(z, np.random.default_rng(seed))


def test_the_same_seed_draws_the_same_photograph():
    assert np.array_equal(draw(SOMEONE, Eye.RIGHT, ALBA, 5, 96), draw(SOMEONE, Eye.RIGHT, ALBA, 5, 96))


def test_another_seed_draws_another_eye():
    assert not np.array_equal(draw(SOMEONE, Eye.RIGHT, ALBA, 5, 96), draw(SOMEONE, Eye.RIGHT, ALBA, 6, 96))


def test_eyes_of_one_person_have_seeds_of_their_own():
    seeds = {eye_seed(1, person, eye) for person in range(50) for eye in (Eye.RIGHT, Eye.LEFT)}
    assert len(seeds) == 100


@pytest.mark.parametrize("camera", CAMERA_IDS)
@pytest.mark.parametrize("size", [96, 131, 256])
def test_a_photograph_has_the_cameras_frame(camera, size):
    chosen = CAMERAS[camera]
    pixels = draw(SOMEONE, Eye.LEFT, chosen, 5, size)
    height = round(size * chosen.scale)
    assert pixels.shape == (height, round(height * chosen.aspect), 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[:3, :3].astype(int) - chosen.border).max() <= 1


@pytest.mark.parametrize("camera", CAMERA_IDS)
def test_the_retina_is_orange_red_and_the_disc_brightest(camera):
    pixels = draw(np.zeros(7), Eye.RIGHT, CAMERAS[camera], 5, 256).astype(float)
    lit = pixels[pixels.max(axis=2) > 60]
    red, green, blue = lit.mean(axis=0)
    assert red > green > blue
    assert 110 < red < 240
    smooth = cv2.GaussianBlur(pixels[..., 1], (0, 0), 4)
    _, x = np.unravel_index(smooth.argmax(), smooth.shape)
    assert x > pixels.shape[1] / 2  # the disc of a right eye lies on the right


def test_a_left_eye_is_mirrored():
    right = draw(SOMEONE, Eye.RIGHT, ALBA, 5, 192)[..., 1].astype(float)
    left = draw(SOMEONE, Eye.LEFT, ALBA, 5, 192)[..., 1].astype(float)
    assert np.corrcoef(right.ravel(), left[:, ::-1].ravel())[0, 1] > np.corrcoef(right.ravel(), left.ravel())[0, 1]


@pytest.mark.parametrize("trait", TRAITS)
def test_changing_one_z_moves_no_other_part(trait):
    before, after = asdict(anatomy_of(np.zeros(7))), asdict(anatomy_of(with_z(trait, 1.0)))
    moved = {name for name in before if before[name] != after[name]}
    others = {
        name
        for other in TRAITS
        if other != trait
        for name, value in asdict(anatomy_of(with_z(other, 1.0))).items()
        if value != before[name]
    }
    assert len(moved) >= 2
    assert not moved & others


@pytest.mark.parametrize("trait", TRAITS)
def test_every_signal_is_strictly_monotone_and_positive(trait):
    ladder = [asdict(anatomy_of(with_z(trait, z))) for z in np.linspace(-4, 4, 33)]
    for name, middle in asdict(anatomy_of(np.zeros(7))).items():
        values = np.array([step[name] for step in ladder])
        if values[0] != values[-1]:
            assert abs(np.sign(np.diff(values)).sum()) == 32, name
            assert values.min() > 0, name
        else:
            assert np.all(values == middle)


@pytest.mark.parametrize("camera", CAMERA_IDS)
@pytest.mark.parametrize("trait", TRAITS)
@pytest.mark.parametrize("start", [-3.0, 0.0, 2.5])
def test_every_z_is_seen_under_every_camera(trait, start, camera):
    """Half a standard deviation shows, also far out: no signal saturates."""
    pictures = [what_if(5, with_z(trait, z), camera, 192).astype(float) for z in (start, start + 0.5)]
    assert np.abs(pictures[0] - pictures[1]).sum() / 192**2 > 0.08


def test_a_small_change_of_z_is_a_small_change_of_the_picture():
    """Side branches open and close smoothly, so a slider does not flicker."""
    steps = [what_if(5, with_z("dbp", z), "alba45", 192).astype(float) for z in np.arange(0, 0.5, 0.05)]
    jumps = [np.abs(a - b).mean() for a, b in pairwise(steps)]
    assert max(jumps) < 3 * np.median(jumps)


def test_any_size_shows_the_same_eye():
    large = draw(SOMEONE, Eye.RIGHT, ALBA, 5, 512)
    small = draw(SOMEONE, Eye.RIGHT, ALBA, 5, 128).astype(float)
    shrunk = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA).astype(float)
    inside = np.hypot(*(np.mgrid[:128, :128] - 63.5)) < 55
    assert np.abs(small - shrunk)[inside].mean() < 3.0
    assert np.abs((small - shrunk)[inside].mean(axis=0)).max() < 0.6


@pytest.mark.parametrize("size", [96, 200, 512])
def test_vessels_cover_the_same_share_at_any_size(size):
    anatomy = anatomy_of(np.zeros(7))
    grown = tree(anatomy, np.random.default_rng(4))
    reference = masks(grown, 1024, 1.0)
    drawn = masks(grown, size, 1.0)
    assert drawn.venules.mean() == pytest.approx(reference.venules.mean(), rel=0.005)
    assert drawn.arterioles.mean() == pytest.approx(reference.arterioles.mean(), rel=0.005)


def test_everything_stays_float32():
    assert grid(64, 1.05).x.dtype == np.float32
    assert masks(tree(anatomy_of(np.zeros(7)), np.random.default_rng(4)), 64, 1.0).reflex.dtype == np.float32


@pytest.mark.parametrize("camera", CAMERA_IDS)
def test_the_field_fits_the_frame(camera):
    chosen = CAMERAS[camera]
    for size in (64, 333, 1000):
        assert field_pixels(chosen, size) <= round(round(size * chosen.scale) * chosen.aspect)


def test_the_flat_cut_field_touches_top_and_bottom():
    pixels = draw(np.zeros(7), Eye.RIGHT, CAMERAS["cirrus45"], 5, 256)
    middle = pixels.shape[1] // 2
    assert pixels[0, middle - 20 : middle + 20].max() > 60
    assert pixels[-1, middle - 20 : middle + 20].max() > 60


def test_what_if_is_the_same_eye():
    assert np.array_equal(what_if(5, SOMEONE, "boreal50", 96), draw(SOMEONE, Eye.RIGHT, CAMERAS["boreal50"], 5, 96))


def test_what_if_names_what_it_does_not_know():
    with pytest.raises(UsageError, match="no camera 'leica'; the cameras are alba45, boreal50, cirrus45"):
        what_if(5, SOMEONE, "leica", 96)
    with pytest.raises(UsageError, match="7 finite numbers"):
        what_if(5, SOMEONE[:3], "alba45", 96)
    with pytest.raises(UsageError, match="7 finite numbers"):
        what_if(5, SOMEONE * np.nan, "alba45", 96)


def test_drawing_is_fast_enough_to_train_on():
    draw(SOMEONE, Eye.RIGHT, ALBA, 5, 512)
    spent = []
    for seed in range(3):
        start = time.process_time()
        draw(SOMEONE, Eye.RIGHT, ALBA, seed, 512)
        spent.append(time.process_time() - start)
    # 100 ms where it was written; the issue allows 150; a shared machine may need twice that.
    assert min(spent) < 0.300
