"""Prediction intervals: what is counted, the interval score's laws, and a promise that is one photograph's alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from fundus_core.evaluation import evaluate, from_values, prediction_intervals
from fundus_core.evaluation.observations.sample import interval_score, select_rows, units_of_analysis
from fundus_core.targets import TARGETS
from fundus_core.training.conformal import interval


def cohort(n=200, rho=0.6, seed=0):
    """Two eyes a person, errors that correlate by ``rho``, intervals that hold 90 % of photographs' values."""
    rng = np.random.default_rng(seed)
    y = rng.normal(130, 17, n)
    error = np.sqrt(rho) * rng.normal(size=n) + np.sqrt(1 - rho) * rng.normal(size=(2, n))
    table = from_values("sbp", np.tile(y, 2), np.tile(y, 2) + 10 * error.ravel(), patient_id=np.tile(np.arange(n), 2))
    p, reach = table.predicted["sbp"], 10 * stats.norm.ppf(0.95)
    return replace(table, eye=np.repeat(["left", "right"], n), low={"sbp": p - reach}, high={"sbp": p + reach})


def test_the_true_quantiles_have_the_best_interval_score():
    y = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    reach = [1.2, 1.5, stats.norm.ppf(0.95), 1.8, 2.2]
    scores = [interval_score(y, np.full_like(y, -r), np.full_like(y, r)).mean() for r in reach]
    assert np.argmin(scores) == 2
    closed = 2 * reach[2] + 2 * 2 / 0.1 * (stats.norm.pdf(reach[2]) - reach[2] * 0.05)
    assert scores[2] == pytest.approx(closed, abs=1e-3)


@pytest.mark.parametrize("level", ["eye", "photograph"])
def test_coverage_of_single_photographs_is_that_of_their_own_intervals(level):
    table = cohort()
    y, low, high = table.truth["sbp"], table.low["sbp"], table.high["sbp"]
    inside, score = (low <= y) & (y <= high), interval_score(y, low, high)
    everybody = prediction_intervals(table, "sbp", level=level)[0]
    assert everybody.coverage.value == pytest.approx(inside.mean(), abs=1e-12)
    assert everybody.interval_score.value == pytest.approx(score.mean(), abs=1e-9)
    assert everybody.interval_width.value == pytest.approx((high - low).mean(), abs=1e-9)
    assert evaluate(table, level=level, targets=["sbp"]).targets["sbp"].estimates["coverage"] == everybody.coverage


def uneven(people=30, seed=1):
    """One to four photographs a person, intervals of their own width and skew; one photograph has none."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), rng.integers(1, 5, people))
    y = rng.normal(130, 17, people)[who]
    p = y + rng.normal(3, 8, people)[who] + rng.normal(0, 6, len(who))
    low, high = p - rng.uniform(10, 14, len(who)), p + rng.uniform(12, 20, len(who))
    low[np.flatnonzero(who == who[-1])[0]] = np.nan
    table = from_values("sbp", y, p, patient_id=who)
    return replace(table, low={"sbp": low}, high={"sbp": high})


def test_the_interval_of_a_mean_is_that_of_a_plain_calculation_person_by_person():
    """Analysis of variance by statsmodels over all other people; the sums are this loop's."""
    table = uneven()
    rows = pd.DataFrame({"who": table.patient_id.astype(int), "y": table.truth["sbp"], "p": table.predicted["sbp"]})
    rows = rows.assign(low=table.low["sbp"], high=table.high["sbp"], e=lambda each: each.y - each.p)
    inside, width, score = [], [], []
    for who, own in rows.groupby("who"):
        others = rows[rows.who != who]
        size, k = others.groupby("who").size(), len(own)
        residual, between = anova_lm(ols("e ~ C(who)", others).fit()).mean_sq[::-1]
        typical = (size.sum() - (size**2).sum() / size.sum()) / (len(size) - 1)
        rho = (between - residual) / (between + (typical - 1) * residual)
        assert 0 < rho < 1
        factor, bias = np.sqrt((1 + (k - 1) * rho) / k), others.groupby("who").e.mean().mean()
        ends = [own.p.mean() + bias + factor * ((own[end] - own.p).mean() - bias) for end in ("low", "high")]
        ends = ends if k > 1 else [own.low.iloc[0], own.high.iloc[0]]
        inside.append(ends[0] <= own.y.mean() <= ends[1])
        width.append(ends[1] - ends[0])
        score.append(interval_score(np.array([own.y.mean()]), *(np.array([end]) for end in ends))[0])
    found = prediction_intervals(table, "sbp", level="patient")[0]
    assert 0.5 < found.coverage.value < 1
    expected = [np.mean(inside), np.mean(width), np.mean(score)]
    values = [found.coverage.value, found.interval_width.value, found.interval_score.value]
    assert values == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rho", [0.4, 0.6, 0.8])
def test_a_promise_that_is_kept_of_photographs_is_kept_of_people(rho):
    """The mean of two eyes' intervals holds 91.9 to 95.3 % instead; 2,000 people: 0.9 within 4 standard errors."""
    table = cohort(2_000, rho)
    found = prediction_intervals(table, "sbp", level="patient")[0]
    assert found.coverage.value == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 2_000))
    assert found.coverage.low < 0.9 < found.coverage.high
    whole = (table.high["sbp"] - table.low["sbp"]).mean()
    assert found.interval_width.value == pytest.approx(whole * np.sqrt((1 + rho) / 2), rel=0.02)
    worse = replace(table, predicted={"sbp": table.predicted["sbp"] + 10})  # the ends stay: they are wrong by a spread
    shifted = {end: {"sbp": getattr(table, end)["sbp"] + 10} for end in ("low", "high")}
    broken = [prediction_intervals(replace(worse, **shifted), "sbp", level=of)[0] for of in ("patient", "photograph")]
    assert broken[0].coverage.value == pytest.approx(broken[1].coverage.value, abs=0.03), "broken stays broken"


@pytest.mark.parametrize(("people", "bias", "skewed"), [(20, 0.0, False), (50, 10.0, False), (50, 0.0, True)])
def test_small_cohorts_keep_the_promise_on_average(people, bias, skewed):
    """Means over 1,200 people and more; exponential errors at rho .6 within .02, as the module says."""
    rng = np.random.default_rng(people)
    draw = (lambda n: rng.exponential(size=n) - 1) if skewed else (lambda n: rng.normal(size=n))
    many = np.sqrt(0.6) * draw(200_000) + np.sqrt(0.4) * draw(200_000)
    low, high = bias + 10 * np.quantile(many, [0.05, 0.95])
    covered = []
    for _ in range(2_400 // people):
        who = np.repeat(np.arange(people), rng.choice([1, 2, 2, 4], people))
        error = bias + 10 * (np.sqrt(0.6) * draw(people)[who] + np.sqrt(0.4) * draw(len(who)))
        p = rng.normal(130, 10, people)[who]
        table = from_values("sbp", p + error, p, patient_id=who)
        table = replace(table, low={"sbp": p + low}, high={"sbp": p + high})
        sample = units_of_analysis(table, TARGETS["sbp"], "patient")
        covered.append(sample.covered.mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.02)


def test_twenty_people_are_told_and_nineteen_withheld():
    told, withheld = (prediction_intervals(cohort(n), "sbp", level="patient")[0] for n in (20, 19))
    assert told.coverage.value is not None
    assert (withheld.coverage.value, withheld.coverage.note) == (None, "withheld: 19 people, fewer than 20")


def test_photographs_that_err_alike_narrow_nothing_and_few_repeats_give_no_interval():
    table = cohort(40, rho=1.0)
    alike = prediction_intervals(table, "sbp", level="patient")[0]
    assert alike.interval_width.value == pytest.approx((table.high["sbp"] - table.low["sbp"]).mean(), abs=1e-9)
    several = np.isin(table.patient_id.astype(int), range(10)) | (table.eye == "left")
    found = prediction_intervals(select_rows(table, several), "sbp", level="patient")[0]
    assert (found.n, found.n_patients) == (30, 30), "ten people with two photographs: nine others are too few"
    whole = evaluate(select_rows(table, several), targets=["sbp"]).targets["sbp"].estimates["coverage"]
    assert "rests on 30 of 40" in whole.note


def test_the_baseline_is_the_interval_of_other_peoples_values():
    """A prediction that knows nothing, with intervals from the same percentiles: as good as the baseline."""
    y = np.random.default_rng(0).normal(130, 17, 4_000)
    low, high = np.quantile(y, [0.05, 0.95])
    table = replace(from_values("sbp", y, 130 + 0 * y), low={"sbp": low + 0 * y}, high={"sbp": high + 0 * y})
    found = prediction_intervals(table, "sbp")[0]
    assert found.interval_score_ratio.value == pytest.approx(1, abs=0.005)
    assert found.interval_score_constant.value == pytest.approx(found.interval_score.value, rel=0.005)


def test_parts_are_tenths_of_the_prediction_or_groups_and_small_ones_are_withheld():
    table = cohort(260)
    tenths = prediction_intervals(table, "sbp")[1:]
    assert len(tenths) == 10
    assert sum(each.n for each in tenths) == 260
    words = np.where(table.patient_id.astype(int) < 12, "small", "large")
    groups = prediction_intervals(replace(table, covariates={"site": words}), "sbp", "site")
    assert [(each.group, each.n_patients) for each in groups] == [("large", 248), ("small", 12)]
    assert "withheld: 12 people" in groups[1].coverage.note
    alone = prediction_intervals(select_rows(table, words == "large"), "sbp")[0]
    assert groups[0].coverage == alone.coverage


def test_rows_in_any_order_and_none_without_intervals():
    table = cohort()
    again = select_rows(table, np.random.default_rng(0).permutation(len(table)))
    assert prediction_intervals(again, "sbp") == prediction_intervals(table, "sbp")
    assert prediction_intervals(replace(table, low={}, high={}), "sbp") == ()


def test_why_small_trainings_covered_more_than_they_promised():
    """Conformal intervals of photographs hold 90 % of photographs, and more of people's means, as seen: .92 and .97.

    Two eyes a person whose errors correlate by .6; as many people as the two trainings had, 60 times.
    """
    rng = np.random.default_rng(0)
    photographs, means = [], []
    for _ in range(60):
        (train, test) = (
            np.sqrt(0.6) * rng.normal(size=(606, 1)) + np.sqrt(0.4) * rng.normal(size=(606, 2)) for _ in "ab"
        )
        low, high = interval(train.ravel(), np.repeat(np.arange(606), 2).astype(str).tolist())
        photographs.append(((low <= test) & (test <= high)).mean())
        means.append(((low <= test.mean(axis=1)) & (test.mean(axis=1) <= high)).mean())
    assert np.mean(photographs) == pytest.approx(0.90, abs=0.01)
    assert np.mean(means) == pytest.approx(0.937, abs=0.01)
