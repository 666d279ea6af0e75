"""Of many people groups are drawn, and what needs an order is taken to first order of each: the same to chance."""

from dataclasses import replace

import numpy as np
import pytest

from fundus_core.evaluation import evaluate, from_values, sort_rows, subgroups, units_of_analysis
from fundus_core.evaluation import weighted as weighted_for_the_lost
from fundus_core.evaluation.cohorts import standardise
from fundus_core.evaluation.gap import weighted
from fundus_core.evaluation.intervals import bootstrap
from fundus_core.evaluation.intervals.bootstrap import Draws, SumStatistic, resample
from fundus_core.evaluation.intervals.jackknife_intervals import jackknife_error
from fundus_core.evaluation.observations import sample as samples
from fundus_core.evaluation.observations.sorted_table import Gathered
from fundus_core.evaluation.one_cohort import baselines
from fundus_core.evaluation.one_cohort.statistics import statistics_of
from fundus_core.records import CohortTable
from fundus_core.targets import TARGETS

PEOPLE = 400
RNG = np.random.default_rng(3)
SEX = np.repeat(RNG.integers(0, 2, PEOPLE // 2), 2).astype(float)
TRUTH = RNG.normal(128, 17, PEOPLE).round()  # with ties
WHO = np.repeat(np.arange(PEOPLE // 2), 2).astype(str)
NUMBER = from_values("sbp", TRUTH, TRUTH * 0.6 + RNG.normal(50, 9, PEOPLE), patient_id=WHO, sex=SEX)
CHANCE = from_values("sex", SEX, 1 / (1 + np.exp(-(2 * SEX - 1 + RNG.normal(0, 1, PEOPLE)))), patient_id=WHO)


@pytest.mark.parametrize("table", [NUMBER, CHANCE], ids=["number", "chance"])
def test_first_order_gives_the_standard_error_of_leaving_out_each_person(table):
    target = next(iter(table.predicted))
    sample = units_of_analysis(table, TARGETS[target], "photograph")
    for panel in statistics_of(sample, sample.patients):
        if isinstance(panel, SumStatistic):
            continue
        everybody = np.ones((len(panel.people), len(panel.people)))
        exact = panel.compute(everybody - np.eye(len(panel.people)))
        quick = panel.point() - panel.effects()
        for name, one, other in zip(panel.names, exact.T, quick.T, strict=True):
            if name != "medae":  # whose jackknife is known not to work; it has an interval of its own
                assert jackknife_error(other) == pytest.approx(jackknife_error(one), rel=0.05), name  # of 200 people
                assert np.corrcoef(one, other)[0, 1] > 0.995, name


def test_first_order_of_balanced_weights_is_what_leaving_out_each_person_does():
    age = np.random.default_rng(8).uniform(30, 80, PEOPLE)
    noise = np.random.default_rng(9).normal(0, 8, PEOPLE)
    wide = from_values("sbp", TRUTH, TRUTH * 0.6 + 50 + noise, patient_id=WHO, age=age, sex=SEX)
    narrow = from_values("sbp", TRUTH * 0.7 + 40, TRUTH, patient_id=WHO, age=age * 0.8 + 8, sex=SEX)
    both = [units_of_analysis(table, TARGETS["sbp"], "photograph") for table in (wide, narrow)]
    panel = standardise._panel(both[0], both[0].patients, standardise._standard(both, ("truth", "age", "sex")))
    exact = panel.point() - panel.compute(np.ones((PEOPLE // 2,) * 2) - np.eye(PEOPLE // 2))
    for name, one, other in zip(panel.names, exact.T, panel.effects().T, strict=True):
        assert np.abs(one - other).max() < 0.06 * np.abs(one).max(), name
        assert abs(other.sum()) < 1e-3 * np.abs(other).sum(), name


def test_first_order_of_a_median_is_its_spread():
    draws = np.random.default_rng(1).normal(size=(400, 501))
    effects = bootstrap_effects(draws[0])
    assert np.sqrt((effects**2).sum()) == pytest.approx(np.median(draws, axis=1).std(), rel=0.3)


def bootstrap_effects(column):
    from fundus_core.evaluation.intervals.rank_statistics import median_effects

    return median_effects(column, np.arange(len(column)))


def test_groups_of_people_vary_as_people_do(monkeypatch):
    people = 6000
    assert Draws(people).units < people
    values = np.random.default_rng(5).exponential(size=people)
    panel = SumStatistic(
        np.arange(people), ("mean",), ("",), np.column_stack([np.ones(people), values]), lambda s: s[:, 1:] / s[:, :1]
    )
    (drawn,) = resample(Draws(people, 1000, 1), [panel])
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(people), rel=0.08)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.2 * drawn.std())


@pytest.mark.parametrize(("table", "by"), [(NUMBER, "sex"), (CHANCE, "age")], ids=["number", "chance"])
def test_a_cohort_reads_the_same_by_either_way(table, by, monkeypatch):
    target = next(iter(table.predicted))
    if by == "age":
        table.truth["age"] = np.where(np.arange(PEOPLE) % 4 < 2, 45.0, 62.0)
    before = evaluate(table).targets[target].estimates, subgroups(table, by, target).differences
    monkeypatch.setattr(bootstrap, "MANY_PEOPLE", 100)
    monkeypatch.setattr(bootstrap, "GROUPS", 190)
    after = evaluate(table).targets[target].estimates, subgroups(table, by, target).differences
    for name, one in before[0].items():
        assert after[0][name].value == one.value
        if one.low is not None:
            assert after[0][name].high - after[0][name].low == pytest.approx(one.high - one.low, rel=0.12), name
    for one, other in zip(before[1], after[1], strict=True):
        assert other.difference.value == one.difference.value
        if one.difference.low is not None:
            wide = one.difference.high - one.difference.low
            assert other.difference.high - other.difference.low == pytest.approx(wide, rel=0.25), one.score


def test_kinds_of_people_weigh_as_the_people_do(monkeypatch):
    rng = np.random.default_rng(4)
    age, error = rng.integers(30, 80, 1500).astype(float), rng.normal(0, 8, 1500)
    truth = np.where(rng.random(1500) < (age - 20) / 100, np.nan, 100 + age / 2)
    table = from_values("sbp", truth, 110 + age / 3 + error, age=age, sex=rng.integers(0, 2, 1500))
    by_people = weighted_for_the_lost(table, "sbp")
    monkeypatch.setattr(weighted, "MANY_PEOPLE", 1000)
    for one, other in zip(by_people, weighted_for_the_lost(table, "sbp"), strict=True):
        assert abs(one.weighted.value - one.counted) > 0.01  # age was asked for
        for part in ("weighted", "change"):
            before, after = getattr(one, part), getattr(other, part)
            assert [after.value, after.low, after.high] == pytest.approx(
                [before.value, before.low, before.high], abs=1e-8
            )


def test_folds_of_very_many_units_settle_where_they_did(monkeypatch):
    rng = np.random.default_rng(5)
    age, sex, folds = rng.uniform(30, 80, 8000), rng.integers(0, 2, 8000).astype(float), rng.integers(0, 10, 8000)
    truth = 100 + age / 2 + rng.gamma(2, 8, 8000)
    design = baselines.standardised(baselines.curves(age, sex, 6))
    for loss, y in (("absolute", truth), ("logistic", (truth > truth.mean()).astype(float))):
        after = baselines.cross_fitted(design, y, folds, loss)
        with monkeypatch.context() as patch:
            patch.setattr(baselines, "MANY_PEOPLE", len(y))
            before = baselines.cross_fitted(design, y, folds, loss)
        assert np.sqrt(((after - before) ** 2).mean()) < 0.005 * y.std(), loss
        assert np.abs(after - y).mean() == pytest.approx(np.abs(before - y).mean(), rel=5e-4), loss


def test_a_sorted_table_without_copies_reads_as_one_with_them(monkeypatch):
    """Attacked by rows in no order, several eyes a person and values that are missing."""
    rng = np.random.default_rng(8)
    people, y = rng.integers(0, 40, 150).astype(str), rng.normal(120, 15, 150)
    table = from_values("sbp", np.where(rng.random(150) < 0.1, np.nan, y), y + rng.normal(0, 9, 150), patient_id=people)
    table = replace(table, eye=rng.choice(["left", "right"], 150), low={"sbp": y - 9}, high={"sbp": y + 9})
    whole = sort_rows(table)
    monkeypatch.setattr(samples, "LARGE", 0)
    lean = sort_rows(table)
    assert isinstance(lean.predicted, Gathered)
    assert not isinstance(whole.predicted, Gathered)
    for name in ("truth", "predicted", "low", "high"):
        (one,), (other,) = getattr(whole, name).values(), getattr(lean, name).values()
        np.testing.assert_array_equal(one, other)
    for name in ("photograph", "status", "reason", "kind", "decision", "patient_id", "eye"):
        assert getattr(lean, name).tolist() == getattr(whole, name).tolist(), name
        assert getattr(replace(lean, quality=whole.quality), name).tolist() == getattr(whole, name).tolist(), name
    assert CohortTable.__dict__["photograph"].__get__(lean) is table.photograph, "nobody copied the names"
    assert len(lean) == len(table)
    assert evaluate(lean, level="eye") == evaluate(whole, level="eye")
    assert subgroups(lean, "eye", "sbp", draws=50) == subgroups(whole, "eye", "sbp", draws=50)
