"""From a photograph's name back to what drew it."""

import numpy as np
import pytest
from PIL import Image

from fundus_core.errors import UsageError
from fundus_core.synthetic import find, synthesise


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    synthesise(2, 6, folder, size=96, jpeg_quality=100)
    return folder


@pytest.mark.parametrize("photograph", ["P0001_R.jpg", "P0001_L.jpg", "P0002_R.jpg", "P0002_L.jpg"])
def test_a_photograph_is_redrawn_as_it_is(cohort, photograph):
    with Image.open(cohort / "photographs" / photograph) as picture:
        written = np.asarray(picture).astype(int)
    assert np.abs(find(cohort, photograph).redraw({}) - written).mean() < 3


def test_a_shift_changes_the_picture_and_size_its_frame(cohort):
    eye = find(cohort, "P0001_R.jpg")
    assert np.abs(eye.redraw({"age": 1.0}).astype(int) - eye.redraw({})).mean() > 0.5


def test_what_does_not_exist_is_named(cohort, tmp_path):
    with pytest.raises(UsageError, match=r"no photograph 'P9_R.jpg'; truth.csv lists them"):
        find(cohort, "P9_R.jpg")
    with pytest.raises(UsageError, match=r"no rendered cohort: limit.json, truth.csv, latents.csv"):
        find(tmp_path, "P0001_R.jpg")
    with pytest.raises(UsageError, match="no trait 'height'"):
        find(cohort, "P0001_R.jpg").redraw({"height": 1.0})
