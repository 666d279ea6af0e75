"""Parts of one cohort: subgroups, bins, curve, agreement, models on the same people."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from statsmodels.nonparametric.smoothers_lowess import lowess

from fundus_core.errors import UsageError
from fundus_core.evaluation import (
    against_baselines,
    between_eyes,
    compare_models,
    deciles,
    error_distribution,
    evaluate,
    grouping,
    reliability,
    rows,
    smooth_calibration,
    subgroups,
    units_of_analysis,
)
from fundus_core.evaluation.observations.grouping import bands
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.evaluation.one_cohort.agreement import bland_altman
from fundus_core.evaluation.one_cohort.baselines import median_of_others
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.targets import TARGETS


def value(estimate):
    return estimate.value


def test_a_group_is_scored_like_a_cohort_of_its_own(cohort):
    table = cohort(people=90)
    found = subgroups(table, "site", "sbp", draws=20)
    assert [group.name for group in found.groups] == ["A", "B", "C"]
    for group in found.groups:
        alone = evaluate(select_rows(table, table.covariates["site"] == group.name), targets=["sbp"], draws=20)
        expected = alone.targets["sbp"]
        assert (group.n, group.n_patients, group.n_photographs) == (
            expected.n,
            expected.n_patients,
            expected.n_photographs,
        )
        for name, estimate in group.estimates.items():
            assert estimate.value == pytest.approx(expected.estimates[name].value)


def test_groups_of_different_people_are_compared_by_welch(cohort):
    table = cohort(people=90)
    found = subgroups(table, "site", "sbp", draws=20)
    assert len(found.differences) == 6
    first = found.differences[0]
    assert (first.score, first.first, first.second, first.test) == ("mae", "A", "B", "Welch's t test")
    errors = {}
    for name in ("A", "B"):
        points = bland_altman(select_rows(table, table.covariates["site"] == name), "sbp")
        errors[name] = np.abs(points.difference)
    assert first.p == pytest.approx(stats.ttest_ind(errors["A"], errors["B"], equal_var=False).pvalue)
    assert first.effect.low < first.effect.value < first.effect.high


def test_groups_that_share_people_are_compared_by_the_bootstrap(cohort):
    found = subgroups(cohort(people=90), "camera", "sbp", draws=100)
    assert found.differences[0].test.startswith("Wald test")
    assert "own effect size" in found.differences[0].effect.note


def test_small_groups_are_withheld_with_the_reason(cohort):
    found = subgroups(cohort(people=60), "age", "sbp", draws=20)
    withheld = [group for group in found.groups if group.withheld]
    assert withheld
    for group in withheld:
        assert group.n_patients < 20
        assert dict(group.estimates) == {}
        assert "fewer than 20" in group.withheld
    listed = {row["group"]: row for row in found.rows()}
    assert listed[withheld[0].name]["value"] is None
    assert listed[withheld[0].name]["note"] == withheld[0].withheld
    compared = {name for each in found.differences for name in (each.first, each.second)}
    assert compared.isdisjoint(group.name for group in withheld)


@pytest.mark.parametrize("by", ["sex", "eye", "quality", "out_of_distribution", "site"])
def test_every_photograph_is_in_one_group(cohort, by):
    table = cohort(people=90)
    found = subgroups(table, by, "sbp", draws=5)
    whole = evaluate(table, targets=["sbp"], draws=5).targets["sbp"]
    assert sum(group.n_photographs for group in found.groups) == whole.n_photographs


def test_bands_hold_their_lower_edge_and_name_the_rest():
    words = bands(np.array([29.9, 30, 39.9, 40, 120, np.nan]), (30, 40, np.inf))
    assert words.tolist() == ["not stated", "30 to <40", "30 to <40", "40 or more", "40 or more", "not stated"]


def test_a_covariate_of_many_numbers_is_cut_into_quarters(cohort):
    table = cohort(people=60, gaps=0)
    numbers = np.arange(len(table)).astype(str)
    numbers[0] = ""
    words = grouping(replace(table, covariates={"years": numbers}), "years")
    names, counts = np.unique(words, return_counts=True)
    assert len(names) == 5
    assert np.ptp(counts[names != "not stated"]) <= 1
    assert words[0] == "not stated"


def test_an_unknown_column_says_which_exist(cohort):
    with pytest.raises(UsageError, match="there are age, sex, eye, quality, out_of_distribution, site, camera"):
        subgroups(cohort(), "region", "sbp")


@pytest.mark.parametrize("along", ["prediction", "truth"])
def test_bins_add_up_to_the_whole(cohort, along):
    table = cohort(people=90)
    found = deciles(table, "sbp", along=along)
    whole = evaluate(table, targets=["sbp"], draws=5).targets["sbp"]
    weights = [each.n for each in found.bins]
    assert sum(weights) == whole.n
    for name in ("bias", "mae"):
        means = [getattr(each, name).value for each in found.bins]
        assert np.average(means, weights=weights) == pytest.approx(whole.estimates[name].value)
    for each in found.bins:
        assert each.predicted - each.measured.value == pytest.approx(each.bias.value)
    assert [each.low for each in found.bins] == sorted(each.low for each in found.bins)
    assert ("by construction" in found.note) == (along == "truth")
    assert len(rows(found.bins)) == len(found.bins)


def test_bins_of_tied_predictions_are_fewer_and_never_empty():
    place = equal_counts(np.repeat([1.0, 2.0, 3.0], [50, 3, 3]), 10)
    assert np.bincount(place).tolist() == [50, 6]
    assert equal_counts(np.full(9, 4.0), 10).tolist() == [0] * 9
    assert equal_counts(np.empty(0), 10).tolist() == []


def test_errors_slope_against_the_truth_and_not_against_a_calibrated_prediction(pairs):
    rng = np.random.default_rng(0)
    p = rng.normal(130, 10, 3000)
    table = pairs(p + rng.normal(0, 12, 3000), p)
    against_truth = [value(each.bias) for each in deciles(table, "sbp", along="truth").bins]
    against_prediction = [value(each.bias) for each in deciles(table, "sbp").bins]
    assert against_truth[0] > 5
    assert against_truth[-1] < -5
    assert np.abs(against_prediction).max() < 3


def test_reliability_equals_scikit_learn(cohort):
    table = cohort(people=150)
    points = evaluate(table, targets=["sex"], draws=5)
    found = reliability(table)
    assert sum(each.n for each in found.bins) == points.targets["sex"].n
    rng = np.random.default_rng(0)
    probability = rng.random(400)
    truth = (rng.random(400) < probability).astype(float)
    alone = replace(
        cohort(people=1),
        **{name: np.array([f"{k}" for k in range(400)]) for name in ("photograph", "patient_id")},
        **{name: np.full(400, "") for name in ("eye", "reason", "visit", "kind", "decision")},
        status=np.full(400, "predicted"),
        quality=np.ones(400),
        out_of_distribution=np.ones(400),
        truth={"sex": truth},
        predicted={"sex": probability},
        low={},
        high={},
        covariates={},
    )
    share, mean = calibration_curve(truth, probability, n_bins=10)
    bins = reliability(alone).bins
    assert [value(each.measured) for each in bins] == pytest.approx(share)
    assert [each.predicted for each in bins] == pytest.approx(mean)


def test_the_curve_follows_a_line_exactly_and_its_interval_holds_it(pairs):
    p = np.linspace(100, 160, 300)
    curve = smooth_calibration(pairs(20 + 0.8 * p, p), "sbp", draws=50)
    assert curve.measured == pytest.approx(20 + 0.8 * curve.predicted, abs=0.15)
    assert (curve.low <= curve.measured + 1e-9).all()
    assert (curve.measured <= curve.high + 1e-9).all()


def test_the_curve_is_near_that_of_statsmodels(pairs):
    rng = np.random.default_rng(1)
    p = rng.normal(130, 12, 1500)
    y = 130 + 15 * np.tanh((p - 130) / 12) + rng.normal(0, 6, 1500)
    curve = smooth_calibration(pairs(y, p), "sbp", draws=20)
    theirs = lowess(y, p, frac=0.6, it=0, xvals=curve.predicted)
    assert np.abs(curve.measured - theirs).max() < 0.6


@pytest.mark.parametrize("p", [[], [1.0] * 30, [1.0, 2.0] * 20])
def test_no_curve_without_different_predictions(pairs, p):
    curve = smooth_calibration(pairs(np.arange(len(p)), p), "sbp", draws=10)
    assert len(curve.predicted) == 0
    assert curve.note.startswith("not estimable")


def test_a_smooth_curve_is_that_of_weighted_lines_through_fifty_bins(pairs):
    rng = np.random.default_rng(3)
    p = np.sort(rng.normal(130, 15, 200))
    y = 130 + 12 * np.sin((p - 130) / 12) + rng.normal(0, 4, 200)
    x, mean = (column.reshape(50, 4).mean(axis=1) for column in (p, y))
    found = smooth_calibration(pairs(y, p), "sbp", draws=20)
    for at, value in zip(found.predicted[::9], found.measured[::9], strict=True):
        reach = 1.0001 * max(np.quantile(np.abs(p - at), 0.6), np.sort(np.abs(x - at))[3])
        weight = np.clip(1 - (np.abs(x - at) / reach) ** 3, 0, None) ** 3
        assert value == pytest.approx(np.polyval(np.polyfit(x, mean, 1, w=np.sqrt(weight)), at), rel=1e-9)


def test_bland_altman_agrees_with_the_evaluation_and_a_regression(cohort):
    table = cohort()
    found = bland_altman(table, "sbp")
    estimates = evaluate(table, targets=["sbp"], draws=100).targets["sbp"].estimates
    for name in ("bias", "loa_low", "loa_high"):
        assert getattr(found, name).value == pytest.approx(estimates[name].value)
        assert getattr(found, name).low == pytest.approx(estimates[name].low)
    assert found.trend.value == pytest.approx(stats.linregress(found.mean, found.difference).slope)
    assert found.mean - found.difference / 2 == pytest.approx(found.truth)
    with pytest.raises(UsageError, match="reliability"):
        bland_altman(table, "sex")


def test_a_trend_over_a_narrow_range_of_pressures_is_told(pairs):
    """Half a mmHg of spread about 150: little beside the value, and no rounding."""
    y = 150 + 0.5 * np.sin(np.arange(60.0))
    found = bland_altman(pairs(y, 0.8 * y + 30), "sbp")
    assert found.trend.value == pytest.approx(-0.2 / 0.9, rel=1e-6)


def test_agreement_of_eyes_equals_a_two_way_analysis_of_variance(cohort):
    table = cohort(people=50, gaps=0.05)
    found = between_eyes(table, "sbp")
    scores = np.column_stack([found.right, found.left])
    n = len(scores)
    grand, people, sides = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    rows_ = 2 * ((people - grand) ** 2).sum() / (n - 1)
    columns = n * ((sides - grand) ** 2).sum()
    residual = scores - people[:, None] - sides + grand
    error = (residual**2).sum() / (n - 1)
    icc = (rows_ - error) / (rows_ + error + 2 * (columns - error) / n)
    d = found.right - found.left
    assert value(found.icc) == pytest.approx(icc)
    assert value(found.mean_absolute_difference) == pytest.approx(np.abs(d).mean())
    assert value(found.loa_high) == pytest.approx(d.mean() + 1.96 * d.std(ddof=1))
    assert found.icc.low <= value(found.icc) <= found.icc.high


def test_agreement_of_eyes_needs_both(pairs, cohort):
    assert between_eyes(pairs([1.0, 2], [3.0, 4]), "sbp").icc.value is None
    table = cohort(people=30, gaps=0)
    one = between_eyes(select_rows(table, table.patient_id == table.patient_id[0]), "sbp")
    assert one.icc.value is None


def test_identical_eyes_agree_fully(cohort):
    table = cohort(people=30, gaps=0)
    by_person = {who: float(k) for k, who in enumerate(np.unique(table.patient_id))}
    same = replace(table, predicted={"sbp": np.array([by_person[who] for who in table.patient_id])})
    assert value(between_eyes(same, "sbp").icc) == pytest.approx(1)


def test_models_are_compared_within_people(cohort):
    table = cohort(people=80)
    noise = np.random.default_rng(0).normal(0, 4, len(table))
    other = replace(table, predicted={**table.predicted, "sbp": table.predicted["sbp"] + 5 + noise})
    found = compare_models(
        {"first": table, "second": select_rows(other, np.arange(len(table))[::-1])}, "sbp", draws=200
    )
    by_score = {each.score: each for each in found.differences}
    a, b = (bland_altman(each, "sbp").difference for each in (table, other))
    expected = stats.ttest_rel(np.abs(a), np.abs(b))
    assert by_score["mae"].test == "paired t test"
    assert by_score["mae"].p == pytest.approx(expected.pvalue)
    assert by_score["r2"].test.startswith("Wald")
    apart = np.hypot(*(each.estimates["bias"].high - each.estimates["bias"].low for each in found.results.values()))
    together = by_score["bias"].difference.high - by_score["bias"].difference.low
    assert together < apart / 2


def test_models_are_compared_on_what_both_predicted(cohort):
    table = cohort(people=60, gaps=0)
    status = np.where(np.arange(len(table)) < 10, "refused", table.status)
    found = compare_models({"all": table, "fewer": replace(table, status=status)}, "sbp", draws=20)
    lost = int((table.status[:10] == "predicted").sum())
    assert found.left_out == {"all": lost, "fewer": 0}
    assert found.results["all"].n_photographs == found.results["fewer"].n_photographs
    assert all(each.difference.value == 0 for each in found.differences)
    assert all(each.p is None for each in found.differences)


@pytest.mark.parametrize("level", ["patient", "photograph"])
def test_a_model_is_tested_against_its_baselines(cohort, level):
    table = cohort(people=80)
    median, mean = against_baselines(table, "sbp", level=level)
    estimates = evaluate(table, targets=["sbp"], level=level, draws=5).targets["sbp"].estimates
    assert value(median.difference) == pytest.approx(value(estimates["mae"]) - value(estimates["mae_median"]))
    assert value(mean.difference) == pytest.approx(value(estimates["rmse"]) - value(estimates["rmse_null"]))
    assert (median.first, median.second, mean.second) == ("model", "median of the others", "mean of the others")
    assert median.p < 0.01
    assert [each.score for each in against_baselines(table, "sex", level=level)] == ["accuracy", "brier"]
    assert all(each.difference.value is None for each in against_baselines(cohort(people=1, gaps=0), "sbp"))


def test_a_baseline_of_one_number_a_person_is_beaten_by_the_paired_t_test(cohort):
    table = cohort(people=50)
    found = against_baselines(table, "sbp")[0]
    sample = units_of_analysis(table, TARGETS["sbp"], "patient")
    expected = stats.ttest_rel(np.abs(sample.error), np.abs(median_of_others(sample) - sample.y))
    assert found.difference.value == pytest.approx(
        np.abs(sample.error).mean() - np.abs(median_of_others(sample) - sample.y).mean()
    )
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)


def test_one_model_is_not_compared(cohort):
    with pytest.raises(UsageError, match="choose two or more"):
        compare_models({"only": cohort()}, "sbp")


def test_every_error_is_counted_once(cohort):
    table = cohort(people=80)
    found = error_distribution(table, "sbp")
    d = bland_altman(table, "sbp").difference
    assert found.counts.sum() == len(d)
    assert found.edges == pytest.approx(-found.edges[::-1])
    assert found.quantiles[[0, 3, 6]] == pytest.approx([d.min(), np.median(d), d.max()])


@pytest.mark.parametrize("d", [[], [0.0], [3.0] * 9, [0.0, 0.0, 50.0]])
def test_error_distributions_of_little_data(pairs, d):
    found = error_distribution(pairs(np.full(len(d), 120.0), 120 + np.array(d)), "sbp")
    assert found.counts.sum() == len(d)


@pytest.mark.parametrize("options", [{"draws": 0}, {"seed": -1}])
def test_impossible_draws_are_refused(cohort, options):
    with pytest.raises(UsageError, match="at least 1 draw"):
        evaluate(cohort(), **options)
