"""Each estimate's own interval against statsmodels, scipy and plain loops; its company changes no digit; edges."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from fundus_core.evaluation import compare, evaluate, from_values, subgroups
from fundus_core.evaluation.intervals.intervals import area_ends, areas_without_each
from fundus_core.evaluation.intervals.jackknife_intervals import jeffreys
from fundus_core.evaluation.observations.grouping import grouping
from fundus_core.evaluation.observations.sample import select_rows


def ends(estimate):
    return estimate.low, estimate.high


def made(n=160, seed=0, eyes=1, skewed=False):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n), eyes)
    y = rng.normal(130, 15, n)[who]
    error = rng.normal(0, 6, n)[who] + rng.normal(0, 4, len(who))
    error = 9 * np.exp(error / 6) if skewed else error
    return y, 130 + 0.5 * (y - 130) + error, np.char.add("P", np.char.zfill(who.astype(str), 4))


def estimates(y, p, who, level="patient"):
    return evaluate(from_values("sbp", y, p, patient_id=who), level=level).targets["sbp"].estimates


def reaches(left, on_log=True):
    """Standard errors down and up, by scipy's moments of the statistic without each person."""
    n, tails, skew = len(left), stats.kurtosis(left, fisher=False), -stats.skew(left)
    tails = tails / (1 - tails / n) ** (1.5 if on_log else 1)
    t = stats.t.isf(0.025, min(max(2 * n / (tails - 1), 2), n - 1))
    part = np.clip(0.5 + (abs(skew) - 2) / 5, 0.5, 1.3) if on_log else 0
    lean = np.clip(part * skew * (2 * stats.norm.isf(0.025) ** 2 + 1) / (6 * np.sqrt(n)), -0.85 * t, 0.85 * t)
    longer = 1 + np.clip((skew - 2) / np.sqrt(n), 0, 0.5) if on_log else 1
    return t - lean, (t + lean) * longer


def test_a_mean_has_students_interval_and_a_share_jeffreys():
    y, p, who = made()
    found, d = estimates(y, p, who), p - y
    theirs = stats.t.interval(0.95, len(d) - 1, d.mean(), stats.sem(d))
    assert ends(found["bias"]) == pytest.approx(theirs, rel=1e-9)
    worth = len(d) / (stats.t.isf(0.025, len(d) - 1) / stats.norm.isf(0.025)) ** 2
    share = found["within_10"].value
    assert ends(found["within_10"]) == pytest.approx(
        proportion_confint(share * worth, worth, method="jeffreys"), rel=1e-9
    )


@pytest.mark.parametrize("eyes", [1, 2])
def test_errors_and_correlations_equal_a_loop_that_leaves_out_a_person(eyes):
    y, p, who = made(eyes=eyes, seed=1)
    found = estimates(y, p, who, "photograph")
    scales = {
        "rmse": (lambda y, p: np.sqrt(((p - y) ** 2).mean()), np.log, np.exp),
        "mae": (lambda y, p: np.abs(p - y).mean(), np.log, np.exp),
        "sd_truth": (lambda y, p: y.std(ddof=1), np.log, np.exp),
        "pearson": (lambda y, p: stats.pearsonr(y, p)[0], np.arctanh, np.tanh),
        "spearman": (lambda y, p: stats.spearmanr(y, p)[0], np.arctanh, np.tanh),
        "slope": (lambda y, p: stats.linregress(p, y).slope, float, float),
    }
    people = np.unique(who)
    for name, (compute, onto, back) in scales.items():
        left = np.array([float(onto(compute(y[who != one], p[who != one]))) for one in people])
        error = np.sqrt((len(people) - 1) * left.var())
        middle = float(onto(compute(y, p)))
        down, up = reaches(left, back is np.exp)
        expected = [float(back(middle - down * error)), float(back(middle + up * error))]
        assert ends(found[name]) == pytest.approx(expected, rel=1e-9), name


def test_limits_of_agreement_put_bias_and_sd_together():
    y, p, who = made(seed=2)
    found, d, n = estimates(y, p, who), p - y, len(y)
    t = stats.t.isf(0.025, n - 1)
    left = np.log([np.delete(d, k).std(ddof=1) for k in range(n)])
    b, s, away = t * stats.sem(d), np.sqrt((n - 1) * left.var()), 1.96 * d.std(ddof=1)
    down, up = reaches(left)
    expected = (
        d.mean() + away - np.hypot(b, away * (1 - np.exp(-down * s))),
        d.mean() + away + np.hypot(b, away * (np.exp(up * s) - 1)),
    )
    assert ends(found["loa_high"]) == pytest.approx(expected, rel=1e-9)
    mirrored = estimates(-y + 300, -p + 300, who)["loa_low"]
    assert (-mirrored.high, -mirrored.low) == pytest.approx(ends(found["loa_high"]), rel=1e-9)


@pytest.mark.parametrize("level", ["eye", "photograph"])
def test_a_copied_photograph_of_everybody_narrows_no_share(level):
    """Two photographs that say the same are one observation, at the boundary too."""
    y, p, who = made(seed=3)
    p = np.clip(p, y - 9, y + 9)  # all within 10
    twice = estimates(np.repeat(y, 2), np.repeat(p, 2), np.repeat(who, 2), level)
    once = estimates(y, p, who, level)
    for name in ("within_5", "within_10", "mae", "bias"):
        assert ends(twice[name]) == pytest.approx(ends(once[name]), rel=1e-6), name
    assert once["within_10"].value == 1
    assert once["within_10"].low < 0.99


def test_a_share_and_an_area_never_have_zero_width():
    assert jeffreys(30, 30)[0] < 0.95
    y = np.r_[np.ones(8), np.zeros(40)]
    low, high, _ = area_ends(y, y * 0.5 + 0.1, np.arange(48))
    assert (high, low < 0.95) == (1.0, True)
    extra = (48 / 2 - 1) * ((1 - low) / (2 - low) + low / (1 + low))  # Newcombe 2006, method 5, at its own end
    error = np.sqrt(low * (1 - low) * (1 + extra) / (8 * 40))
    assert (1 - low) / error == pytest.approx(stats.norm.ppf(0.975), rel=1e-6)
    low, high, _ = area_ends(y, 0.6 - y * 0.5, np.arange(48))
    assert (low, high > 0.05) == (0.0, True)


def test_an_area_without_each_person_is_that_of_a_loop_also_where_a_person_is_both():
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(30), 2)
    y, p = rng.integers(0, 2, 60).astype(float), rng.integers(0, 8, 60) / 8

    def area(y, p):
        return stats.mannwhitneyu(p[y == 1], p[y == 0]).statistic / (y.sum() * (1 - y).sum())

    value, left = areas_without_each(y, p, group)
    assert value == pytest.approx(area(y, p), rel=1e-12)
    assert left == pytest.approx([area(y[group != k], p[group != k]) for k in range(30)], rel=1e-12)


def test_an_area_of_many_events_has_the_jackknifes_interval_on_the_log_odds():
    rng = np.random.default_rng(5)
    y = np.repeat([0.0, 1.0], 60)
    p = y + rng.normal(size=120)
    value, left = areas_without_each(y, p, np.arange(120))
    reach = stats.t.isf(0.025, 119) * np.sqrt(119 * logit(left).var())
    assert area_ends(y, p, np.arange(120))[:2] == pytest.approx(tuple(expit(logit(value) + np.array([-reach, reach]))))


@pytest.mark.parametrize(("positives", "known"), [(4, False), (5, True)])
def test_an_area_needs_five_people_of_each_kind(positives, known):
    y = np.r_[np.ones(positives), np.zeros(40)]
    table = from_values("sex", y, np.linspace(0.2, 0.8, len(y)))
    area = evaluate(table).targets["sex"].estimates["auc"]
    assert (area.value is not None) == known
    assert known or "needs 5 people with and 5 without; there are 4 and 40" in area.note


def test_two_people_have_no_interval_no_correlation_and_no_percentage():
    found = estimates([120.0, 140.0], [125.0, 133.0], ["a", "b"])
    assert all(each.low is None for each in found.values())
    for name in (
        "pearson",
        "spearman",
        "ccc",
        "slope",
        "r2",
        "mae_over_median",
        "mae_over_null",
        "within_5",
        "loa_low",
    ):
        assert found[name].value is None, name
        assert "needs 3 people" in found[name].note, name
    assert found["mae"].value == 6


@pytest.mark.parametrize(("people", "says"), [(9, "no interval: 9 people"), (10, "rough"), (19, "rough"), (20, "")])
def test_few_people_have_no_interval_or_a_rough_one(people, says):
    y, p, who = made(people, seed=6)
    bias = estimates(y, p, who)["bias"]
    assert (bias.low is None) == (people < 10)
    assert says in bias.note
    assert says or not bias.note


def test_heavily_skewed_errors_have_intervals_that_reach_further_up():
    found = estimates(*made(200, seed=7, skewed=True))["rmse"]
    normal = estimates(*made(200, seed=7))["rmse"]
    up, down = np.log(found.high / found.value), np.log(found.value / found.low)
    assert up > 1.2 * down
    assert up > 2 * np.log(normal.high / normal.value)


def test_errors_that_one_person_makes_have_no_interval_and_it_is_said_how_many_people_it_takes():
    y, p, who = made(60, seed=7)
    p[3] += 900
    found = estimates(y, p, who)
    for name in ("rmse", "loa_low", "loa_high", "slope"):
        assert found[name].low is None, name
        assert "no method tried covers with 60 people and a skewness, or tails, of" in found[name].note
    assert found["bias"].low is not None


def test_company_changes_no_interval(cohort):
    one, other = cohort(people=60, seed=1), cohort(people=90, seed=2)
    other = replace(other, patient_id=np.char.add("other ", other.patient_id))
    alone = evaluate(one, ranked=False).targets
    gaps = {**one.truth, "bmi": np.full(len(one), np.nan)}
    less = evaluate(replace(one, truth=gaps), ranked=False).targets["sbp"]
    beside = compare({"one": one, "other": other}, draws=20).targets
    assert less.estimates == alone["sbp"].estimates
    for name in ("sbp", "sex"):
        assert beside[name].results["one"].estimates == alone[name].estimates


def test_a_group_reads_the_same_in_the_table_of_subgroups_as_when_it_is_selected(cohort):
    table = cohort(people=80, seed=3)
    words = grouping(table, "sex")
    for group in subgroups(table, "sex", "sbp", draws=20).groups:
        if group.estimates:
            alone = evaluate(select_rows(table, words == group.name), targets=["sbp"], ranked=False)
            assert group.estimates == alone.targets["sbp"].estimates


def test_limits_of_many_photographs_of_one_person_are_as_wide_as_everybodys():
    """One of 20 people has 50 photographs: the plain SD over photographs is nearly that of one person (36 for 44)."""
    rng = np.random.default_rng(8)
    who = np.concatenate([np.zeros(50, dtype=int), np.arange(1, 20)])
    wide, plain = [], []
    for _ in range(60):
        d = rng.normal(0, 10, 20)[who] + rng.normal(0, 5, len(who))
        found = estimates(np.full(len(who), 120.0), 120 + d, who.astype(str), "photograph")
        wide.append(found["loa_high"].value - found["loa_low"].value)
        plain.append(2 * 1.96 * d.std(ddof=1))
    true = 2 * 1.96 * np.hypot(10, 5)
    assert np.mean(wide) == pytest.approx(true, rel=0.06)
    assert np.mean(plain) < 0.85 * true


def test_order_of_rows_and_names_of_people_change_nothing():
    y, p, who = made(50, seed=9, eyes=2)
    table = from_values(
        "sbp", y, p, patient_id=who, age=np.linspace(30, 80, 100)[np.argsort(who)], sex=np.arange(100) % 2
    )
    mixed = select_rows(table, np.random.default_rng(1).permutation(len(table)))
    first = evaluate(table, level="photograph").targets["sbp"].estimates
    assert evaluate(mixed, level="photograph").targets["sbp"].estimates == first
    renamed = replace(table, patient_id=np.array([str(one)[::-1] for one in who]))
    again = evaluate(renamed, level="photograph").targets["sbp"].estimates
    for name, each in first.items():
        for now, before in ((again[name].value, each.value), (again[name].low, each.low)):
            assert now == (None if before is None else pytest.approx(before, rel=1e-6)), name
