"""What a model has to beat: each constant and curve against a second calculation, and laws of their fitting."""

import numpy as np
import patsy
import pytest
import statsmodels.api as sm
from scipy.optimize import linprog

from fundus_core.evaluation import evaluate, from_values, units_of_analysis
from fundus_core.evaluation.intervals.jackknife_intervals import jackknife_error
from fundus_core.evaluation.one_cohort import baselines as b
from fundus_core.evaluation.one_cohort import scores
from fundus_core.evaluation.one_cohort.statistics import score_panel
from fundus_core.targets import TARGETS


def sample(n=130, seed=0, eyes=1, target="dbp"):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n), rng.integers(1, eyes + 1, n))
    age, sex = rng.uniform(25, 80, n).round(1)[who], rng.integers(0, 2, n)[who].astype(float)
    y = (70 + 8 * np.sin(age / 15) + 3 * sex + rng.exponential(6, len(who))).round(1)
    if target != "dbp":
        y = (y > np.median(y)).astype(float)
    names = np.char.add("P", who.astype(str))
    return units_of_analysis(
        from_values(target, y, y, patient_id=names, age=age, sex=sex), TARGETS[target], "photograph"
    )


@pytest.mark.parametrize("eyes", [1, 3])
def test_the_median_of_the_others_is_that_of_a_plain_loop(eyes):
    of = sample(40, eyes=eyes)
    expected = [np.median(of.y[of.group != mine]) for mine in of.group]
    assert b.median_of_others(of) == pytest.approx(expected, abs=1e-12)


def test_every_score_of_a_baseline_says_so_in_its_interval():
    of_baselines = {name for name in scores.SCORES if any(part in name for part in ("null", "median", "age_sex"))}
    assert set(scores.BASELINES) == of_baselines
    assert set(scores.OF_KNOWN) == {name for name in of_baselines if "age_sex" in name}


@pytest.mark.parametrize("loss", ["absolute", "squared", "logistic"])
def test_who_is_alike_in_age_and_sex_counts_as_often_as_a_row_of_their_own(loss):
    """Attacked by everybody alike in age with somebody, by nobody alike, and by ages that no two share but one pair."""
    of = sample(target="sex" if loss == "logistic" else "dbp", eyes=2)
    folds = b.folds_of(of, np.ones(len(of), dtype=bool))
    for ages in (of.age, np.arange(len(of.age)) * 0.37 + 20, np.r_[20.0, 20.0, np.arange(len(of.age) - 2) * 0.37 + 20]):
        rows, row_of = b.known_by(ages, of.sex if loss != "logistic" else ages * 0, 4)
        whole = b.standardised(b.curves(ages, of.sex if loss != "logistic" else ages * 0, 4))
        assert rows[row_of] == pytest.approx(whole, abs=1e-9)
        found = b.cross_fitted(rows, of.y, folds, loss, row_of)
        assert found == pytest.approx(b.cross_fitted(whole, of.y, folds, loss), rel=1e-6)


def test_scores_of_age_and_sex_are_those_of_the_people_whose_age_is_known():
    """Whose age is not known has a higher pressure here, so that what is known is not the whole in small."""
    whole = sample(90, seed=3)
    age = np.where(whole.y > np.quantile(whole.y, 0.7), np.nan, whole.age)
    table = from_values("dbp", whole.y, whole.p + np.sin(np.arange(90.0)), age=age, sex=whole.sex)
    found = evaluate(table, level="photograph", draws=10).targets["dbp"].estimates
    of = units_of_analysis(table, TARGETS["dbp"], "photograph")
    known = np.isfinite(of.age)
    off, square = (b.age_and_sex(of, loss)[known] - of.y[known] for loss in ("absolute", "squared"))
    expected = {
        "mae_age_sex": np.abs(off).mean(),
        "mae_over_age_sex": np.abs(of.error[known]).mean() / np.abs(off).mean(),
        "rmse_age_sex": np.sqrt((square**2).mean()),
        "r2_age_sex": 1 - (square**2).mean() / of.y[known].var(),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=1e-9)


def test_the_curve_of_age_spans_what_patsys_natural_spline_spans():
    x = np.random.default_rng(1).uniform(20, 80, 200)
    knots = np.quantile(x, np.linspace(0.05, 0.95, 5))
    theirs = np.asarray(patsy.dmatrix("cr(x, knots=k, lower_bound=lo, upper_bound=hi) - 1", {
        "x": x, "k": knots[1:-1], "lo": knots[0], "hi": knots[-1]}))  # fmt: skip
    ours = np.column_stack([np.ones_like(x), b.natural_spline(x, 5)])
    inside = (x >= knots[0]) & (x <= knots[-1])
    fit = np.linalg.lstsq(theirs[inside], ours[inside], rcond=None)[0]
    assert theirs @ fit == pytest.approx(ours, abs=1e-7)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_age_and_sex_equal_statsmodels_fold_by_fold(loss):
    of = sample(target="sex" if loss == "logistic" else "dbp")
    design = b.standardised(b.curves(of.age, of.sex, 4)) if loss == "squared" else b.standardised(of.age[:, None])
    folds = b.folds_of(of, np.ones(len(of), dtype=bool))
    family = sm.families.Binomial() if loss == "logistic" else sm.families.Gaussian()
    expected = np.empty(len(of))
    for fold in range(b.FOLDS):
        mine = folds == fold
        expected[mine] = sm.GLM(of.y[~mine], design[~mine], family).fit(tol=1e-13).predict(design[mine])
    assert b.cross_fitted(design, of.y, folds, loss) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_median_regression_is_as_good_as_the_linear_programme(seed):
    of = sample(seed=seed)
    design = b.standardised(b.curves(of.age, of.sex, 4))
    n, k = design.shape
    best = linprog(
        np.r_[np.zeros(k), np.ones(2 * n)], A_eq=np.hstack([design, np.eye(n), -np.eye(n)]), b_eq=of.y,
        bounds=[(None, None)] * k + [(0, None)] * (2 * n),
    ).fun  # fmt: skip
    twice = b.cross_fitted(np.vstack([design, design]), np.r_[of.y, of.y], np.repeat([0, 1], n), "absolute")
    assert np.abs(twice[:n] - of.y).sum() == pytest.approx(best, rel=1e-3)


def test_a_persons_own_value_never_reaches_their_prediction():
    of = sample(60, eyes=2)
    for loss in ("absolute", "squared"):
        before = b.cross_fitted(b.standardised(of.age[:, None]), of.y, of.group % b.FOLDS, loss)
        moved = np.where(of.group == 7, of.y + 500, of.y)
        after = b.cross_fitted(b.standardised(of.age[:, None]), moved, of.group % b.FOLDS, loss)
        own = of.group % b.FOLDS == 7
        assert after[own] == pytest.approx(before[own])
        assert not np.allclose(after[~own], before[~own])


def test_a_person_stays_in_one_tenth_whatever_people_are_called():
    of = sample(60, eyes=3)
    folds = b.folds_of(of, np.ones(len(of), dtype=bool))
    assert all(len(set(folds[of.group == who])) == 1 for who in range(60))
    assert set(np.bincount(folds[of.starts])) == {6}


@pytest.mark.parametrize("sexes", [[0.0], [0.0, 1.0]])
def test_what_cannot_be_told_is_left_out(sexes):
    """One sex alone, one age alone: those columns say nothing, and the others still do."""
    rng = np.random.default_rng(0)
    sex = rng.choice(sexes, 70)
    y = 120 + 10 * sex + rng.normal(0, 5, 70)
    of = units_of_analysis(from_values("sbp", y, y, age=[50.0] * 70, sex=sex), TARGETS["sbp"], "patient")
    predicted = b.age_and_sex(of, "squared")
    assert np.isfinite(predicted).all()
    assert (predicted[sex == 1].mean() - predicted[sex == 0].mean() if len(sexes) > 1 else 10) == pytest.approx(
        10, abs=3
    )


def test_few_people_and_age_itself_have_no_such_baseline():
    assert np.isnan(b.age_and_sex(sample(19), "absolute")).all()
    assert np.isfinite(b.age_and_sex(sample(20), "absolute")).all()
    assert np.isnan(b.age_and_sex(sample(40, target="sex"), "logistic")).all()


def test_the_error_of_the_mean_of_the_others_knows_that_each_person_moves_the_mean():
    y = 100 * np.exp(np.random.default_rng(3).normal(0, 1, 80))
    sample = units_of_analysis(from_values("glucose", y, y), TARGETS["glucose"], "patient")
    panel = score_panel(sample, sample.patients)
    at = panel.names.index("mae_null")
    assert panel.point()[at] == pytest.approx(np.mean([abs(y[k] - np.delete(y, k).mean()) for k in range(80)]))

    def anew(values):
        return np.abs(values - (values.sum() - values) / (len(values) - 1)).mean()

    exact = jackknife_error(np.array([anew(np.delete(y, k)) for k in range(80)]))
    assert jackknife_error(panel.without_each()[:, at]) == pytest.approx(exact, rel=0.03)
