"""Bounds where verdicts cannot be told, and the complete cases beside them: nobody is left out for their verdict."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score

from fundus_core.evaluation import from_values
from fundus_core.evaluation.criteria.bounds import bounds, prevalence_bounds
from fundus_core.evaluation.criteria.calibration import tenths, verdict
from fundus_core.evaluation.criteria.classification import classify
from fundus_core.evaluation.criteria.treatment import treated_errors
from fundus_core.evaluation.intervals.estimate import Estimate
from tests.evaluation.conftest import assess_cohort


def some_unknown(seed, n=14, unknown=5):
    rng = np.random.default_rng(seed)
    p = rng.choice(np.round(np.linspace(0.05, 0.95, 9), 2), n)
    truth = (rng.random(n) < p).astype(np.int8)
    truth[:3], truth[3:6] = 1, 0
    truth[rng.permutation(np.arange(6, n))[:unknown]] = -1
    return truth, p


@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_the_extremes_over_every_completion(seed):
    """By hand: all completions of the unknown, each scored by scikit-learn."""
    truth, p = some_unknown(seed)
    found = {(each.estimate, each.threshold): each for each in bounds(truth, p, None, "nobody")}
    scores = {key: [] for key in (("auc", None), ("brier", None), ("sensitivity", 0.3), ("specificity", 0.3))}
    scores |= {("ppv", 0.3): [], ("npv", 0.3): [], ("net_benefit", 0.3): []}
    for filled in product((0, 1), repeat=int((truth == -1).sum())):
        y = truth.copy()
        y[truth == -1] = filled
        scores["auc", None].append(roc_auc_score(y, p))
        scores["brier", None].append(brier_score_loss(y, p))
        tn, fp, fn, tp = confusion_matrix(y, p >= 0.3, labels=[0, 1]).ravel()
        scores["sensitivity", 0.3].append(tp / (tp + fn))
        scores["specificity", 0.3].append(tn / (tn + fp))
        scores["ppv", 0.3].append(tp / (tp + fp))
        scores["npv", 0.3].append(tn / (tn + fn) if tn + fn else np.nan)
        scores["net_benefit", 0.3].append((tp - fp * 3 / 7) / len(y))
    for key, values in scores.items():
        if key[0] == "auc" and found[key].least.value is None:
            continue  # fewer than five of a kind: the reason stands there
        ends = (found[key].least.value, found[key].most.value)
        assert ends == pytest.approx((np.nanmin(values), np.nanmax(values)), rel=1e-9), key


def test_the_area_has_its_bounds_with_enough_people():
    truth, p = some_unknown(7, n=26, unknown=7)
    found = next(each for each in bounds(truth, p, None) if each.estimate == "auc")
    areas = []
    for filled in product((0, 1), repeat=7):
        y = truth.copy()
        y[truth == -1] = filled
        areas.append(roc_auc_score(y, p))
    assert (found.least.value, found.most.value) == pytest.approx((min(areas), max(areas)), rel=1e-9)
    assert found.least.low < found.least.value < found.most.value < found.most.high


def test_without_unknown_verdicts_there_is_nothing_to_bound():
    truth, p = some_unknown(1, unknown=0)
    assert bounds(truth, p, None) == ()
    least, most = prevalence_bounds(truth)
    assert least == most
    assert least.low < least.value < least.high


@pytest.fixture(scope="module")
def cohorts():
    """One cohort whole, with half of SBP deleted at random, and without anybody's lipids."""
    n, rng = 900, np.random.default_rng(2)
    latent = rng.normal(size=n)
    truth = {
        "sbp": 126 + 12 * latent + rng.normal(0, 9, n),
        "dbp": 77 + 5 * latent + rng.normal(0, 7, n),
        "glucose": 90 + 8 * latent + rng.normal(0, 9, n),
        "waist": 84 + 7 * latent + rng.normal(0, 6, n),
    }
    predicted = {
        name: values.mean() + 0.4 * (values - values.mean()) + rng.normal(0, 3, n) for name, values in truth.items()
    }
    made = from_values("sbp", truth["sbp"], predicted["sbp"], sex=(rng.random(n) < 0.5).astype(float))
    lipids = {
        "HDL-C (mmol/L)": np.array([f"{x:.2f}" for x in (55 - 5 * latent + rng.normal(0, 9, n)) / 38.67]),
        "中性脂肪(mg/dL)": np.array([f"{x:.0f}" for x in np.exp(4.7 + 0.2 * latent + rng.normal(0, 0.35, n))]),
    }
    treated = {"降圧薬": np.where(rng.random(n) < 1 / (1 + np.exp((150 - truth["sbp"]) / 8)), "有", "無")}
    whole = replace(
        made, truth={**made.truth, **truth}, predicted=predicted, low=predicted, high=predicted,
        covariates={**lipids, **treated},
    )  # fmt: skip
    gone = np.where(rng.random(n) < 0.5, np.nan, truth["sbp"])
    return whole, replace(whole, truth={**whole.truth, "sbp": gone}), replace(whole, covariates=treated)


@pytest.mark.parametrize("name", ["raised_pressure", "mets_jis"])
def test_what_is_missing_at_random_does_not_move_complete_cases_and_bounds_hold_the_truth(cohorts, name):
    whole, holes, _ = (assess_cohort(table, name) for table in cohorts)
    true = whole.measured.yes / 900
    assert holes.least.value < true < holes.most.value
    assert holes.measured.indeterminate > 40
    assert holes.judged.n == holes.complete < whole.complete == 900
    assert holes.judged.prevalence.value == pytest.approx(true, abs=3 * np.sqrt(true * (1 - true) / holes.complete))
    decided = holes.measured.yes / (holes.measured.yes + holes.measured.no)
    if name == "raised_pressure":
        assert decided > true + 0.04  # only those whose known items decide: more than there are
    assert holes.judged.auc.value == pytest.approx(whole.judged.auc.value, abs=0.05)
    auc = next(each for each in holes.bounds if each.estimate == "auc")
    assert auc.least.value < whole.judged.auc.value < auc.most.value


def test_without_lipids_nobody_is_complete_and_all_that_can_be_said_are_bounds(cohorts):
    whole, _, without = cohorts
    found, full = assess_cohort(without, "mets_japan"), assess_cohort(whole, "mets_japan")
    assert found.judged is None
    assert found.complete == 0
    assert "no column of HDL cholesterol and triglycerides" in found.note
    assert found.least.value <= full.measured.yes / 900 <= found.most.value
    assert found.expected[0].value < full.judged.expected.value < found.expected[1].value
    assert f"Observed prevalence {100 * found.least.value:.0f} to {100 * found.most.value:.0f} %" in found.in_words
    assert f": {100 * found.measured.indeterminate / 900:.0f} % of 900 people cannot be told" in found.in_words
    rows = {row["estimate"]: row for row in found.rows()}
    assert rows["prevalence_least"]["value"] == found.least.value
    assert rows["auc_least"]["value"] < rows["auc_most"]["value"]


def test_columns_are_named_with_what_was_taken_for_granted(cohorts):
    said = " ".join(assess_cohort(cohorts[0], "mets_japan").remarks)
    assert "'HDL-C (mmol/L)' was read as HDL cholesterol in mmol/L." in said
    assert "'降圧薬' says who takes antihypertensive drugs." in said
    assert "No column says who takes lipid-lowering drugs and glucose-lowering drugs" in said


def test_treated_people_are_handled_four_ways(cohorts):
    whole = cohorts[0]
    on = whole.covariates["降圧薬"] == "有"
    sbp, dbp = whole.truth["sbp"], whole.truth["dbp"]
    found = {each.handling: each.prevalence.value for each in assess_cohort(whole, "hypertension").treated}
    high, raised = (sbp >= 140) | (dbp >= 90), (sbp + 10 * on >= 140) | (dbp + 5 * on >= 90)
    assert found == pytest.approx(
        {
            "meet the item": (high | on).mean(),
            "as measured": high.mean(),
            "left out": high[~on].mean(),
            "+10/+5 mmHg": raised.mean(),
        }
    )
    errors = {each.handling: each for each in treated_errors(whole, "dbp", draws=50)}
    told = whole.predicted["dbp"]
    assert errors["as measured"].mae.value == pytest.approx(np.abs(told - dbp).mean())
    assert errors["left out"].mae.value == pytest.approx(np.abs(told - dbp)[~on].mean())
    assert errors["+10/+5 mmHg"].mae.value == pytest.approx(np.abs(told - dbp - 5 * on).mean())
    assert treated_errors(whole, "waist") == ()


@pytest.fixture(scope="module")
def calibrated():
    rng = np.random.default_rng(5)
    p = rng.uniform(0.1, 0.9, 400).round(3)
    return (rng.random(400) < p).astype(np.int8), p


def test_calibration_is_that_of_statsmodels(calibrated):
    y, p = calibrated
    odds = np.log(p / (1 - p))
    slope = sm.GLM(y, sm.add_constant(odds), family=sm.families.Binomial()).fit(tol=1e-12).params[1]
    intercept = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=odds).fit(tol=1e-12).params[0]
    found = classify(y, p)
    assert found.calibration_slope.value == pytest.approx(slope, rel=1e-9)
    assert found.calibration_intercept.value == pytest.approx(intercept, rel=1e-9, abs=1e-9)
    assert found.calibrated
    assert "was shown" in found.advice


def test_tenths_hold_everybody_once(calibrated):
    y, p = calibrated
    made = tenths(y.astype(float), p)
    assert sum(each.people for each in made) == 400
    assert sum(each.people * each.observed.value for each in made) == pytest.approx(y.sum())
    assert [each.lowest for each in made] == sorted(each.lowest for each in made)
    for each in made:
        assert each.observed.low <= y[(p >= each.lowest) & (p <= each.highest)].mean() <= each.observed.high


@pytest.mark.parametrize(
    ("events", "intercept", "slope", "why"),
    [
        (99, (-0.1, 0.1), (0.9, 1.1), "it takes 100 of each"),
        (150, (0.05, 0.35), (0.9, 1.1), "calibration intercept 0.20 (0.05 to 0.35) differs from 0"),
        (150, (-0.1, 0.1), (0.5, 0.9), "calibration slope 0.70 (0.50 to 0.90) differs from 1"),
        (150, (None, None), (0.9, 1.1), "calibration intercept has no interval"),
    ],
)
def test_the_probability_is_recommended_only_by_the_rule(events, intercept, slope, why):
    def estimate(ends):
        return Estimate(None if ends[0] is None else sum(ends) / 2, *ends)

    shown, said = verdict(np.repeat([1.0, 0.0], [events, 400]), estimate(intercept), estimate(slope))
    assert not shown
    assert why in said
    assert said.endswith("The probability is not recommended.")
    assert verdict(np.repeat([1.0, 0.0], 100), estimate((-0.1, 0.1)), estimate((0.9, 1.1)))[0]
