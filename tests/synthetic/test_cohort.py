"""The files of a rendered cohort."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from fundus_core.errors import UsageError
from fundus_core.records import Eye
from fundus_core.synthetic import eye_seed, synthesise, what_if
from fundus_core.synthetic.camera import CAMERAS
from fundus_core.synthetic.population import TRAITS, solve

TRUTH = "photograph patient_id eye site camera treated defect age sex sbp dbp glucose waist bmi".split()


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    return synthesise(8, 4, folder, size=72, defects=0.3, missing=0.3), folder


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_truth_has_a_row_per_photograph(small):
    _, folder = small
    truth = rows(folder / "truth.csv")
    assert list(truth[0]) == TRUTH
    assert {row["photograph"] for row in truth} == {path.name for path in (folder / "photographs").iterdir()}
    assert [row["photograph"] for row in truth[:2]] == ["P0001_R.jpg", "P0001_L.jpg"]
    assert {row["eye"] for row in truth} == {"right", "left"}
    assert all(CAMERAS[row["camera"]].site == row["site"] for row in truth)
    assert {row["treated"] for row in truth} <= {"0", "1"}


def test_both_eyes_share_the_persons_values(small):
    _, folder = small
    truth = rows(folder / "truth.csv")
    for right, left in zip(truth[::2], truth[1::2], strict=True):
        own = {"photograph", "eye", "defect"}
        assert {k: v for k, v in right.items() if k not in own} == {k: v for k, v in left.items() if k not in own}


def test_truth_holds_the_values_drawn(small):
    drawn, folder = small
    for person, row in enumerate(rows(folder / "truth.csv")[::2]):
        for name in TRAITS:
            value = drawn.truth[name][person]
            assert (row[name] == "") == bool(np.isnan(value))
            if row[name]:
                assert float(row[name]) == pytest.approx(value, abs=0.051)


def test_latents_hold_z_and_the_best_reading(small):
    drawn, folder = small
    latents = rows(folder / "latents.csv")
    assert len(latents) == 8
    z = np.array([[float(row[f"z_{name}"]) for name in TRAITS] for row in latents])
    assert np.allclose(z, drawn.z, atol=1e-6)
    expected = solve().expected(z)
    for name in TRAITS:
        assert np.allclose([float(row[f"expected_{name}"]) for row in latents], expected[name], atol=1e-4)


def test_limit_states_the_law_and_that_it_is_rendered(small):
    _, folder = small
    limit = json.loads((folder / "limit.json").read_text(encoding="utf-8"))
    assert limit["rendered"] is True
    assert "rendered, not taken" in limit["statement"]
    assert (limit["seed"], limit["people"], limit["photographs"]) == (4, 8, 16)
    assert limit["limits"] == pytest.approx(solve().limits(), abs=1e-6)
    assert sum(site["people"] for site in limit["sites"].values()) == 8
    assert np.allclose(limit["population"]["correlations"], solve().R)


def test_cohort_limits_are_the_mean_of_the_sites(small):
    _, folder = small
    limit = json.loads((folder / "limit.json").read_text(encoding="utf-8"))
    for name in TRAITS:
        total = sum(site["people"] * site["limits"].get(name, 0) for site in limit["sites"].values())
        assert total / 8 == pytest.approx(limit["cohort"]["limits"][name], abs=1e-5)


def test_the_same_seed_writes_the_same_files_with_any_number_of_workers(small, tmp_path):
    _, folder = small
    synthesise(8, 4, tmp_path / "again", size=72, defects=0.3, missing=0.3, workers=2)
    assert files(tmp_path / "again") == files(folder)


def test_another_seed_writes_other_people(small, tmp_path):
    drawn, _ = small
    assert not np.allclose(synthesise(8, 5, tmp_path, size=64).z, drawn.z)


def test_a_photograph_can_be_drawn_again_from_its_row(tmp_path):
    drawn = synthesise(2, 9, tmp_path, size=96, jpeg_quality=100)
    again = what_if(eye_seed(9, 1, Eye.LEFT), drawn.z[1], str(drawn.camera[1]), 96, Eye.LEFT).astype(int)
    with Image.open(tmp_path / "photographs" / "P0002_L.jpg") as picture:
        assert np.abs(np.asarray(picture).astype(int) - again).mean() < 3


def test_jpegs_have_half_the_colour_resolution_and_no_metadata(small):
    _, folder = small
    with Image.open(folder / "photographs" / "P0001_R.jpg") as picture:
        assert picture.format == "JPEG"
        assert [layer[1:3] for layer in picture.layer] == [(2, 2), (1, 1), (1, 1)]
        assert not picture.getexif()


def test_quality_changes_the_size(tmp_path):
    synthesise(1, 1, tmp_path / "fine", size=96, jpeg_quality=95)
    synthesise(1, 1, tmp_path / "coarse", size=96, jpeg_quality=50)
    fine, coarse = (sum(map(len, files(tmp_path / name / "photographs").values())) for name in ("fine", "coarse"))
    assert coarse < 0.7 * fine


def test_progress_counts_every_photograph(tmp_path):
    told = []
    synthesise(2, 1, tmp_path, size=64, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_folder_in_use_is_left_alone(small):
    _, folder = small
    before = files(folder)
    with pytest.raises(UsageError, match="already holds files; name a new or an empty folder"):
        synthesise(1, 1, folder)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"people": 0}, "people is 0; it must lie between 1 and"),
        ({"seed": -1}, "seed is -1"),
        ({"size": 10}, "size is 10; it must lie between 64 and 4096"),
        ({"defects": 1.5}, "defects is 1.5; it must lie between 0 and 1"),
        ({"missing": float("nan")}, "missing is nan"),
        ({"workers": 0}, "workers is 0"),
        ({"jpeg_quality": 101}, "jpeg_quality is 101"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_written(wrong, said, tmp_path):
    arguments = {"people": 1, "seed": 1} | wrong
    with pytest.raises(UsageError, match=said):
        synthesise(**arguments, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
