"""A line learnt on one cohort and tested on another: it mends a bias, and is never tested on its own people."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from fundus_core.errors import NotEstimableError, UsageError
from fundus_core.evaluation import fit_line, transfers
from fundus_core.evaluation.cohorts.recalibration import fit_recalibration, recalibrate, recalibration_effect, transfer
from fundus_core.evaluation.observations.from_arrays import from_values

QUICK = {"draws": 50}


def cohort(letter, bias, n=60, target="sbp"):
    rng = np.random.default_rng(ord(letter))
    truth = rng.normal(125, 15, n)
    who = [f"{letter}{k}" for k in range(n)]
    return from_values(target, truth, truth + bias + rng.normal(0, 6, n), patient_id=who)


def test_each_pair_is_tried_both_ways():
    found = transfers({"A": cohort("a", 8), "B": cohort("b", 8), "C": cohort("c", 0)}, **QUICK)
    assert {(each.fitted_on, each.tested_on) for each in found} == {(x, y) for x in "ABC" for y in "ABC" if x != y}


def test_the_line_of_a_probability_has_the_intervals_of_a_logistic_regression():
    rng = np.random.default_rng(4)
    odds = rng.normal(0, 1.5, 200)
    sex = (rng.random(200) < 1 / (1 + np.exp(-0.6 * odds - 0.3))).astype(float)
    line = fit_line(from_values("sex", sex, 1 / (1 + np.exp(-odds))), "sex")
    theirs = GLM(sex, np.column_stack([np.ones(200), odds]), Binomial()).fit(tol=1e-12)
    for ours, value, ends in zip((line.intercept, line.slope), theirs.params, theirs.conf_int(), strict=True):
        assert [ours.value, ours.low, ours.high] == pytest.approx([value, *ends], rel=1e-6)


def test_a_shared_bias_is_mended():
    (there, _back) = transfers({"A": cohort("a", 8), "B": cohort("b", 8)}, **QUICK)
    assert abs(there.bias_after.value) < 2 < 6 < there.bias_before.value
    assert there.mae_change.high < 0
    assert there.mae_change.value == pytest.approx(there.mae_after.value - there.mae_before.value)
    assert there.mae_change.low <= there.mae_change.value <= there.mae_change.high


def test_the_line_is_that_of_the_first_cohort():
    tables = {"A": cohort("a", 8), "B": cohort("b", 8)}
    line = fit_recalibration(tables["A"], "sbp")
    found = transfer("sbp", ("A", "B"), tables, **QUICK)
    assert (found.intercept, found.slope) == (line.intercept, line.slope)


def test_the_same_people_are_refused_in_words():
    same = cohort("a", 8)
    found = transfer("sbp", ("A", "selection"), {"A": same, "selection": same}, **QUICK)
    assert "60 people of this cohort were used to fit" in found.note
    assert found.mae_after.value is None
    assert found.slope is None


def test_too_few_people_are_refused_in_words():
    found = transfer("sbp", ("A", "B"), {"A": cohort("a", 8, n=12), "B": cohort("b", 8)}, **QUICK)
    assert "needs 20 people" in found.note


def test_a_probability_has_no_line():
    rng = np.random.default_rng(1)
    who = {name: [f"{name}{k}" for k in range(40)] for name in "AB"}
    truth, predicted = rng.integers(0, 2, 40), rng.uniform(0, 1, 40)
    sexes = {name: from_values("sex", truth, predicted, patient_id=ids) for name, ids in who.items()}
    assert transfers(sexes, **QUICK) == ()


def test_only_the_targets_asked_for():
    tables = {"A": cohort("a", 8), "B": cohort("b", 8)}
    assert transfers(tables, targets=["bmi"], **QUICK) == ()


def test_recalibration_mends_another_cohort(two):
    fitted, tested = two
    skewed = {name: {"sbp": 40 + 0.5 * column["sbp"]} for name, column in (
        ("predicted", fitted.predicted), ("low", fitted.low), ("high", fitted.high))}  # fmt: skip
    a = replace(fitted, **skewed)
    b = replace(tested, **{name: {"sbp": 40 + 0.5 * getattr(tested, name)["sbp"]} for name in skewed})
    line = fit_recalibration(a, "sbp")
    found = recalibration_effect(b, line, draws=50)
    before, after = found.results["as it is"].estimates, found.results["recalibrated"].estimates
    assert after["mae"].value < before["mae"].value
    assert abs(after["slope"].value - 1) < abs(before["slope"].value - 1)
    assert after["pearson"].value == pytest.approx(before["pearson"].value)
    moved = recalibrate(b, line)
    assert moved.high["sbp"] - moved.low["sbp"] == pytest.approx(line.slope * (b.high["sbp"] - b.low["sbp"]))


def test_recalibrating_the_people_fitted_to_is_refused(two):
    line = fit_recalibration(two[0], "sbp")
    with pytest.raises(UsageError, match=f"{len(line.patients)} people of this cohort were used"):
        recalibrate(two[0], line)


def test_the_line_is_the_least_squares_line(pairs):
    rng = np.random.default_rng(0)
    y, p = rng.normal(130, 15, 40), rng.normal(128, 9, 40)
    line, fit = fit_recalibration(pairs(y, p), "sbp"), stats.linregress(p, y)
    assert (line.slope, line.intercept) == pytest.approx((fit.slope, fit.intercept))


@pytest.mark.parametrize(
    ("y", "p", "target", "message"),
    [
        (range(10), range(10), "sbp", "needs 20 people"),
        (range(30), [5] * 30, "sbp", "Every prediction"),
        (range(30), range(30), "sex", "probability"),
    ],
)
def test_no_line_without_ground(pairs, y, p, target, message):
    with pytest.raises(NotEstimableError, match=message):
        fit_recalibration(pairs(list(y), list(p)), target)
