"""Measured values that err themselves: what is corrected, by hand and by simulation, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from fundus_core.errors import UsageError
from fundus_core.evaluation import asked_of, choices, evaluate, from_values, reference_error


def cohort(n=400, seed=0, reliability=0.8):
    """True values with SD 10, measured twice; predictions with slope .6 on them and errors with SD 5."""
    rng = np.random.default_rng(seed)
    true = rng.normal(130, 10, n)
    noise = 10 * np.sqrt(1 / reliability - 1)
    first, second = true + rng.normal(0, noise, (2, n))
    predicted = 130 + 0.6 * (true - 130) + rng.normal(0, 5, n)
    table = from_values("sbp", first, predicted)
    return replace(table, covariates={"again": np.array([repr(float(x)) for x in second])}), true


def by_name(found):
    return {each.estimate: each for each in found}


def test_measured_and_corrected_estimates_by_hand():
    table, _true = cohort()
    y, p = table.truth["sbp"], table.predicted["sbp"]
    found, usual = by_name(reference_error(table, "sbp", "0.8")), evaluate(table).targets["sbp"].estimates
    for name in ("pearson", "rmse", "mae", "r2"):
        assert found[name].measured.value == pytest.approx(usual[name].value, abs=1e-9)
    r, slope, mse = np.corrcoef(y, p)[0, 1], np.polyfit(y, p, 1)[0], ((p - y) ** 2).mean()
    left = mse - 0.2 * y.var()
    by_hand = {"pearson": r / np.sqrt(0.8), "slope_on_truth": slope / 0.8, "rmse": np.sqrt(left)}
    by_hand |= {"mae": np.abs(p - y).mean() * np.sqrt(left / mse), "r2": 1 - left / (0.8 * y.var())}
    for name, value in by_hand.items():
        assert found[name].true.value == pytest.approx(value, abs=1e-9)


def test_a_reliability_of_one_changes_nothing():
    for each in reference_error(cohort()[0], "sbp", "1"):
        assert each.true.value == pytest.approx(each.measured.value, abs=1e-9)


def test_repeated_measurements_give_the_reliability_of_one():
    table, _true = cohort()
    pair = np.column_stack([table.truth["sbp"], table.covariates["again"].astype(float)])
    between = 2 * pair.mean(axis=1).var(ddof=1)
    within = pair.var(axis=1, ddof=1).mean()
    found = reference_error(table, "sbp", "again")[0].reliability
    assert found.value == pytest.approx((between - within) / (between + within), abs=1e-9)
    assert found.low < 0.8 < found.high


@pytest.mark.parametrize("reliability", ["0.8", "again"])
def test_what_is_corrected_is_what_values_without_error_would_give(reliability):
    """Over 60 cohorts of 200: the mean within its error, and intervals that hold the true value."""
    names = ("pearson", "slope_on_truth", "rmse", "mae")
    truth = {"pearson": 6 / np.sqrt(61), "slope_on_truth": 0.6, "rmse": np.sqrt(41), "mae": np.sqrt(41 * 2 / np.pi)}
    made = [by_name(reference_error(cohort(200, seed)[0], "sbp", reliability)) for seed in range(60)]
    for name in names:
        each = [one[name].true for one in made]
        values = np.array([one.value for one in each])
        assert values.mean() == pytest.approx(truth[name], abs=4 * values.std() / np.sqrt(60))
        assert sum(one.low < truth[name] < one.high for one in each) >= 51
        assert np.mean([one[name].measured.value for one in made]) != pytest.approx(truth[name], rel=0.03)


def test_what_cannot_be_is_said():
    table, true = cohort(seed=1)
    good = replace(table, predicted={"sbp": true + 0.1})
    found = by_name(reference_error(good, "sbp", "0.4"))
    assert "stated too low" in found["pearson"].true.note
    assert "stated too low" in found["mae"].true.note
    with pytest.raises(UsageError, match="at most be 1"):
        reference_error(table, "sbp", "1.2")
    with pytest.raises(UsageError, match="neither a number"):
        reference_error(table, "sbp", "nothing")
    for said in ("sbp", "weight=0.8", "sbp="):
        with pytest.raises(UsageError, match="says no reliability"):
            asked_of([said], "sbp")
    assert asked_of(["sbp=0.8"], "dbp") == ""


def test_only_a_column_of_numbers_is_a_second_measurement():
    table, _true = cohort(60)
    half = np.repeat(["1", "0"], 30)
    more = {"smoker": half, "site": np.where(half == "1", "north", "south"), "name": np.char.add("P", half)}
    table = replace(table, covariates={**table.covariates, **more})
    assert choices(table).numbers == ("again",)
    for name in more:
        with pytest.raises(UsageError, match=f"The column '{name}' holds words, or at most two different numbers"):
            reference_error(table, "sbp", name)
