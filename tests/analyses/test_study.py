"""A study computes what was asked for: as many draws as were named, however many people there are."""

import numpy as np
import pytest

from fundus_core import evaluation
from fundus_core.analyses import Settings, Study, one_cohort, serialise, side_by_side
from fundus_core.evaluation import NUMBER_OF_DRAWS, from_values
from tests.evaluation.conftest import cohort


def many(people: int):
    truth = np.random.default_rng(1).normal(120, 15, people)
    return from_values("sbp", truth, truth + 1)


@pytest.mark.parametrize("asked", [1, 1_999, 2_000, 3_000])
def test_draws_that_were_asked_for_are_taken_of_any_number_of_people(asked):
    assert Study.of(many(20_000), Settings(draws=asked)).draws == asked


def test_very_many_people_have_as_many_draws_and_an_estimates_own_interval_needs_none():
    study = Study.of(many(20_000))
    assert study.draws == NUMBER_OF_DRAWS
    assert "draws" not in study.get(one_cohort.QUICK_SCORES, "sbp").estimates["mae"].method


def test_all_targets_of_cohorts_side_by_side_are_what_each_is_alone():
    tables = {name: cohort(60, seed) for seed, name in enumerate("abc")}
    study = Study(lambda: tables, Settings(draws=60, level="patient"))
    alike = {"level": "patient", "draws": 60}
    found = (study.get(side_by_side.COMPARISON), study.get(side_by_side.RECALIBRATION))
    whole = (evaluation.compare(tables, **alike), evaluation.transfers(tables, **alike))
    assert len(found[0].targets) > 3
    assert serialise.pack(found) == serialise.pack(whole)
