"""Who comes to which site, with which gaps and mishaps."""

import numpy as np
import pytest

from fundus_core.synthetic.camera import CAMERAS, DEFECTS
from fundus_core.synthetic.population import TRAITS, sample_people, solve
from fundus_core.targets import TARGETS

POPULATION = solve()


def cohort(people=4000, seed=2, defects=0.0, missing=0.0):
    return sample_people(POPULATION, people, seed, defects=defects, missing=missing)


def test_sites_differ_in_their_people():
    drawn = cohort()
    age = {camera: drawn.truth["age"][drawn.camera == camera].mean() for camera in CAMERAS}
    glucose = {camera: drawn.truth["glucose"][drawn.camera == camera].mean() for camera in CAMERAS}
    assert age["boreal50"] - age["alba45"] > 8
    assert age["alba45"] < age["cirrus45"] < age["boreal50"]
    assert glucose["boreal50"] > glucose["alba45"] + 4
    assert min(np.mean(drawn.camera == camera) for camera in CAMERAS) > 0.2


def test_given_z_the_site_tells_nothing_more():
    """Else a reader who recognises the camera could beat the limit."""
    drawn = cohort(20_000)
    expected = POPULATION.expected(drawn.z)
    for name in TRAITS:
        residual = drawn.truth[name] - expected[name]
        for camera in CAMERAS:
            there = residual[drawn.camera == camera]
            assert abs(there.mean()) < 4.5 * there.std() / np.sqrt(len(there)), (name, camera)


@pytest.mark.parametrize("name", TRAITS)
def test_everybody_is_plausible(name):
    values = cohort(20_000).truth[name]
    assert values.min() >= TARGETS[name].low
    assert values.max() <= TARGETS[name].high


def test_defects_and_gaps_change_neither_people_nor_sites():
    plain, spoiled = cohort(), cohort(defects=0.3, missing=0.2)
    assert np.array_equal(plain.z, spoiled.z)
    assert np.array_equal(plain.camera, spoiled.camera)
    assert np.array_equal(plain.treated, spoiled.treated)
    kept = ~np.isnan(spoiled.truth["sbp"])
    assert np.array_equal(plain.truth["sbp"][kept], spoiled.truth["sbp"][kept])


@pytest.mark.parametrize("share", [0.0, 0.07, 1.0])
def test_the_share_of_defects_and_gaps_is_what_was_asked_for(share):
    drawn = cohort(defects=share, missing=share)
    assert np.mean(drawn.defect != "") == pytest.approx(share, abs=0.02)
    assert np.mean(np.isnan(drawn.truth["waist"])) == pytest.approx(share, abs=0.02)
    assert not np.isnan(drawn.truth["age"]).any()
    assert not np.isnan(drawn.truth["sex"]).any()
    assert set(np.unique(drawn.defect)) - {""} <= set(DEFECTS)


def test_the_treated_have_the_higher_pressure():
    drawn = cohort()
    assert 0.1 < drawn.treated.mean() < 0.4
    assert drawn.truth["sbp"][drawn.treated].mean() > drawn.truth["sbp"][~drawn.treated].mean() + 10


def test_names_sort_in_order():
    for people in (3, 12_345):
        names = cohort(people).patient_id
        assert list(names) == sorted(names)
        assert len(set(names)) == people
