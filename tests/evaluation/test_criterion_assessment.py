"""A criterion on one cohort: nobody is judged by errors that were learnt from themselves."""

from dataclasses import replace

import numpy as np
import pytest

from fundus_core.errors import UsageError
from fundus_core.evaluation import CRITERIA, at_thresholds, both_person_means, person_ids
from fundus_core.evaluation.criteria.classification import THRESHOLDS
from fundus_core.evaluation.criteria.criterion_assessment import CURVE, _chances, assess
from fundus_core.evaluation.criteria.definitions import criterion, large_waist
from fundus_core.evaluation.observations.from_arrays import from_values
from fundus_core.evaluation.observations.person_means import CONTINUOUS, person_means, select_people
from fundus_core.evaluation.observations.sample import select_rows
from tests.evaluation.conftest import assess_cohort


@pytest.fixture(scope="module")
def waists():
    """Two photographs each of 300 men; predictions shrunken to the mean, as a calibrated model's are."""
    rng = np.random.default_rng(4)
    truth = rng.normal(86, 10, 300)
    predicted = 86 + 0.5 * (truth - 86) + rng.normal(0, 5, 300)
    twice = np.repeat(np.arange(300), 2)
    who = np.array([f"p{k:03d}" for k in range(300)])[twice]
    return from_values("waist", truth[twice], predicted[twice], patient_id=who, sex=np.zeros(600))


def test_every_person_is_counted_once_and_called_something(waists):
    found = assess_cohort(waists, "large_waist")
    for counts in (found.measured, found.predicted):
        assert counts.yes + counts.no + counts.indeterminate == 300
    assert found.measured.yes == (waists.truth["waist"][::2] >= 85).sum()
    assert found.judged.prevalence.value == pytest.approx(found.measured.yes / 300)


def test_the_order_of_photographs_changes_nothing(waists):
    mixed = select_rows(waists, np.random.default_rng(1).permutation(600))
    assert assess_cohort(mixed, "large_waist").rows() == assess_cohort(waists, "large_waist").rows()


def test_a_persons_own_truth_does_not_move_their_probability(waists):
    chosen = criterion("large_waist")
    before = _chances(both_person_means(waists), chosen, 7)[0]
    moved = waists.truth["waist"].copy()
    moved[:2] += 40
    after = _chances(both_person_means(replace(waists, truth={**waists.truth, "waist": moved})), chosen, 7)[0]
    assert after[0] == before[0]
    assert (after != before).sum() > 100


def test_people_averaged_once_for_all_criteria_are_judged_as_each_criterion_alone(cohort):
    table = cohort(people=80, seed=3)
    seen = both_person_means(table)
    together = {each: assess(seen, each).rows() for each in seen.criteria}
    assert together == {name: assess_cohort(table, name).rows() for name in CRITERIA}


def test_some_people_of_the_averages_are_the_averages_of_some_people(cohort):
    table = cohort(people=30, seed=5)
    whole, chosen = person_means(table, "predicted"), np.arange(30) % 3 == 0
    alone = person_means(select_rows(table, np.isin(person_ids(table), whole.patient[chosen])), "predicted")
    for name in ("patient", *CONTINUOUS, "sex"):
        np.testing.assert_array_equal(getattr(select_people(whole, chosen), name), getattr(alone, name))


@pytest.mark.parametrize("strict", [False, True])
def test_a_waist_is_large_by_the_threshold_of_its_sex_and_where_that_is_unknown_by_both(strict):
    waist = np.array([84.0, 85.0, 88.0, 90.0, 91.0, np.nan])
    above = (lambda v, t: v > t) if strict else (lambda v, t: v >= t)
    for sex in (0.0, 1.0, np.nan):
        found = large_waist(waist, np.full(6, sex), 85, 90, strict=strict)
        for value, said in zip(waist, found, strict=True):
            answers = {above(value, limit) for limit, of in ((85, 0.0), (90, 1.0)) if np.isnan(sex) or sex == of}
            expected = np.nan if np.isnan(value) or len(answers) == 2 else float(answers.pop())
            np.testing.assert_equal(said, expected)


def test_the_expected_share_comes_nearer_the_true_one_than_cutting_shrunken_predictions():
    rng = np.random.default_rng(8)
    truth = rng.normal(76, 9, 2000)
    cohort = from_values("waist", truth, 76 + 0.3 * (truth - 76) + rng.normal(0, 3, 2000), sex=np.zeros(2000))
    judged = assess_cohort(cohort, "large_waist").judged
    assert judged.called.value < 0.5 * judged.prevalence.value
    assert judged.expected.value == pytest.approx(judged.prevalence.value, abs=0.01)


def test_only_what_a_criterion_needs_must_be_there(waists):
    assert list(both_person_means(waists).criteria) == ["large_waist"]
    assert assess_cohort(waists, "large_waist").judged is not None
    missing = assess_cohort(waists, "hypertension")
    assert missing.judged is None
    assert "SBP, DBP" in missing.note
    assert missing.measured.indeterminate == 300


def test_too_few_people_have_counts_and_no_probability(waists):
    few = assess_cohort(select_rows(waists, np.arange(30)), "large_waist")
    assert few.judged is None
    assert "20 people" in few.note
    assert few.measured.yes + few.measured.no == 15
    assert few.rows()[-1]["note"] == few.note


def test_what_every_criterion_needs_decides_it():
    """With its needs (and sex) known nothing but lipids is open; without any of them, nobody is called."""
    for each in CRITERIA.values():
        assert each.needs, each.id
        healthy = {"sbp": 110.0, "dbp": 70.0, "glucose": 85.0, "waist": 70.0}
        table = from_values("bmi", [22.0], [22.0], sex=[0])
        known = replace(table, truth={**table.truth, **{name: np.array([healthy[name]]) for name in each.needs}})
        means = person_means(known, "truth")
        lipids = {name: np.array([value]) for name, value in (("hdl", 60.0), ("triglycerides", 90.0))}
        assert each.decide(means)[0] == 0, each.id
        assert each.complete(replace(means, further=lipids))[0], each.id
        assert each.complete(means)[0] == (not each.missing(means)), each.id
        assert each.decide(person_means(table, "truth"))[0] == -1, each.id


def test_thresholds_of_the_table_are_on_the_curve(waists):
    assert set(THRESHOLDS) <= set(CURVE)
    judged = assess_cohort(waists, "large_waist").judged
    assert [at.threshold for at in judged.thresholds] == list(CURVE)
    assert [at.threshold for at in at_thresholds(judged).thresholds] == list(THRESHOLDS)


def test_an_unknown_criterion_is_named(waists):
    with pytest.raises(UsageError, match="no criterion 'obesity'"):
        assess_cohort(waists, "obesity")
