"""Every number of metrics.json against a second calculation; degenerate data; the order of rows."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import r2_score, roc_auc_score
from statsmodels.formula.api import ols
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.stats.anova import anova_lm

from fundus_core.errors import UsageError
from fundus_core.evaluation import evaluate, from_values, point_estimates
from fundus_core.evaluation.observations.sample import select_rows

LEVELS = {"patient": ["patient_id"], "eye": ["patient_id", "eye"], "photograph": ["photograph"]}


def frame(table, target):
    """Rows that count, by pandas."""
    columns = {name: getattr(table, name) for name in ("photograph", "patient_id", "eye", "status")}
    columns |= {"y": table.truth[target], "p": table.predicted[target]}
    columns |= {"age": table.truth["age"], "sex": table.truth["sex"]}
    nothing = np.full(len(table), np.nan)
    columns |= {"low": table.low.get(target, nothing), "high": table.high.get(target, nothing)}
    rows = pd.DataFrame(columns)
    return rows[(rows.status == "predicted") & rows.y.notna() & rows.p.notna()]


def units(table, target, level):
    rows = frame(table, target)
    numbers = rows.groupby(LEVELS[level])[["y", "p", "age", "sex"]].mean()
    return numbers, rows.groupby(LEVELS[level]).patient_id.first().to_numpy()


def without_each(x, y, who, predict):
    """The error of a predictor fitted to everybody else, by a plain loop over people."""
    errors = np.empty(len(y))
    for person in np.unique(who):
        own = who == person
        errors[own] = np.abs(y[own] - predict(x[~own], y[~own], x[own]))
    return errors


def total_variance(d, who):
    """Between and within people, from the table of a one-way analysis of variance (Bland & Altman 2007)."""
    rows = pd.DataFrame({"d": d, "who": who})
    size = rows.groupby("who").d.size()
    if (size == 1).all():
        return d.var(ddof=1)
    within, between = anova_lm(ols("d ~ C(who)", rows).fit()).mean_sq[::-1]
    per_person = (size.sum() - (size**2).sum() / size.sum()) / (len(size) - 1)
    return max((between - within) / per_person, 0) + within


def by_hand(numbers, who, target):
    y, p = numbers.y.to_numpy(), numbers.p.to_numpy()
    d = p - y
    fit = stats.linregress(p, y)
    expected = {
        "mae": np.abs(d).mean(),
        "rmse": np.sqrt((d**2).mean()),
        "bias": d.mean(),
        "r2": r2_score(y, p),
        "pearson": stats.pearsonr(y, p)[0],
        "spearman": stats.spearmanr(y, p)[0],
        "ccc": 2 * np.cov(y, p, ddof=0)[0, 1] / (y.var() + p.var() + (y.mean() - p.mean()) ** 2),
        "slope": fit.slope,
        "intercept": fit.intercept,
        "medae": np.median(np.abs(d)),
        "mae_null": without_each(y, y, who, lambda x, y, new: y.mean()).mean(),
        "sd_truth": y.std(ddof=1),
        "sd_predicted": p.std(ddof=1),
    }
    expected["mae_median"] = without_each(y, y, who, lambda x, y, new: np.median(y)).mean()
    expected["rmse_null"] = np.sqrt((without_each(y, y, who, lambda x, y, new: y.mean()) ** 2).mean())
    expected["mae_over_median"] = expected["mae"] / expected["mae_median"]
    reach = 1.96 * np.sqrt(total_variance(d, who))
    expected |= {"loa_low": d.mean() - reach, "loa_high": d.mean() + reach}
    expected["mae_over_null"] = expected["mae"] / expected["mae_null"]
    return expected


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("level", LEVELS)
def test_continuous_scores_equal_a_second_calculation(cohort, level, seed):
    table = cohort(people=40, seed=seed)
    evaluation = evaluate(table, level=level, draws=20)
    for target in ("sbp", "dbp", "glucose", "waist", "bmi", "age"):
        numbers, who = units(table, target, level)
        result = evaluation.targets[target]
        assert (result.n, result.n_patients) == (len(numbers), len(set(who)))
        assert result.n_photographs == len(frame(table, target))
        for name, value in by_hand(numbers, who, target).items():
            assert result.estimates[name].value == pytest.approx(value, rel=1e-9, abs=1e-9), (target, name)


@pytest.mark.parametrize("level", LEVELS)
def test_scores_of_a_probability_equal_a_second_calculation(cohort, level):
    table = cohort(people=80, seed=4)
    result = evaluate(table, level=level, targets=["sex"], draws=20).targets["sex"]
    numbers, _ = units(table, "sex", level)
    y, p = numbers.y.to_numpy(), numbers.p.to_numpy()
    called = p >= 0.5
    expected = {
        "auc": roc_auc_score(y, p),
        "accuracy": (called == y).mean(),
        "sensitivity": called[y == 1].mean(),
        "specificity": (~called)[y == 0].mean(),
        "brier": ((p - y) ** 2).mean(),
    }
    assert {name: result.estimates[name].value for name in expected} == pytest.approx(expected, rel=1e-12)
    who = numbers.index.get_level_values(0).to_numpy() if level != "photograph" else _
    prevalence = np.array([y[who != person].mean() for person in who])
    assert result.estimates["prevalence"].value == pytest.approx(y.mean())
    assert result.estimates["brier_null"].value == pytest.approx(((prevalence - y) ** 2).mean(), rel=1e-12)
    right = np.where(prevalence == 0.5, 0.5, (prevalence > 0.5) == y)
    assert result.estimates["accuracy_majority"].value == pytest.approx(right.mean(), rel=1e-12)
    odds = np.log(np.clip(p, 1e-6, 1 - 1e-6) / (1 - np.clip(p, 1e-6, 1 - 1e-6)))
    slope = GLM(y, np.column_stack([np.ones_like(y), odds]), Binomial()).fit(tol=1e-12).params[1]
    intercept = GLM(y, np.ones_like(y), Binomial(), offset=odds).fit(tol=1e-12).params[0]
    assert result.estimates["calibration_slope"].value == pytest.approx(slope, rel=1e-9)
    assert result.estimates["calibration_intercept"].value == pytest.approx(intercept, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_changes_no_digit(cohort, shuffled, level, seed):
    table = cohort(people=30, seed=5)
    double = select_rows(table, np.r_[np.arange(len(table)), np.arange(5)])
    first = evaluate(double, level=level, draws=50, interval="bca").as_json()
    assert evaluate(shuffled(double, seed), level=level, draws=50, interval="bca").as_json() == first


@pytest.mark.parametrize("level", ["patient", "eye", "photograph"])
def test_points_are_the_values_of_an_evaluation_without_its_intervals(cohort, level):
    table = cohort(people=50, seed=9)
    whole, quick = evaluate(table, level=level, draws=20, ranked=False), point_estimates(table, level=level)
    assert quick.draws == 0
    assert list(quick.targets) == list(whole.targets)
    for name, result in whole.targets.items():
        said = quick.targets[name]
        assert (said.n, said.n_patients, said.n_photographs) == (result.n, result.n_patients, result.n_photographs)
        assert {key: each.value for key, each in said.estimates.items()} == {
            key: each.value for key, each in result.estimates.items()
        }
        assert all(each.low is None and each.method == "" for each in said.estimates.values())


def test_shares_within_the_tolerances(pairs):
    estimates = evaluate(pairs([100, 100, 100, 100], [105, 94, 115, 131]), draws=10).targets["sbp"].estimates
    assert [estimates[f"within_{k}"].value for k in (5, 10, 15)] == [0.25, 0.5, 0.75]


def test_perfect_predictions_meet_every_limit(pairs):
    y = [110.0, 120, 130, 155]
    estimates = evaluate(pairs(y, y), draws=10).targets["sbp"].estimates
    ideal = {"mae": 0, "rmse": 0, "bias": 0, "r2": 1, "pearson": 1, "spearman": 1, "ccc": 1, "slope": 1}
    ideal |= {"intercept": 0, "loa_low": 0, "loa_high": 0, "medae": 0, "mae_over_null": 0}
    assert {name: estimates[name].value for name in ideal} == pytest.approx(ideal, abs=1e-9)


def test_a_shift_moves_the_bias_and_neither_correlation_nor_slope(cohort):
    plain, moved = (
        evaluate(cohort(seed=6, bias=b), targets=["sbp"], draws=10).targets["sbp"].estimates for b in (0, 7)
    )
    assert moved["bias"].value - plain["bias"].value == pytest.approx(7)
    for name in ("pearson", "spearman", "slope"):
        assert moved[name].value == pytest.approx(plain[name].value)
    assert moved["ccc"].value < plain["ccc"].value


def test_swapping_truth_and_prediction_mirrors_the_bias_and_keeps_the_concordance(pairs):
    y, p = [110.0, 120, 130, 155, 128], [115.0, 118, 131, 140, 135]
    one, other = (evaluate(pairs(a, b), draws=10).targets["sbp"].estimates for a, b in ((y, p), (p, y)))
    for name in ("mae", "rmse", "ccc", "pearson"):
        assert one[name].value == pytest.approx(other[name].value)
    assert one["bias"].value == pytest.approx(-other["bias"].value)


DEGENERATE = {
    "nobody": ([], [], None, {"mae", "r2", "bias", "slope", "medae"}),
    "one person": ([120.0], [125.0], None, {"r2", "pearson", "slope", "loa_low", "mae_null", "spearman"}),
    "one person, many photographs": (
        [120.0] * 50,
        list(range(50)),
        ["a"] * 50,
        {"r2", "pearson", "mae_null"},
    ),
    "constant truth": ([120.1] * 9, list(range(9)), None, {"r2", "pearson", "spearman"}),
    "constant prediction": (list(range(9)), [0.1] * 9, None, {"pearson", "slope", "intercept", "spearman"}),
    "both constant": ([120.0] * 9, [120.0] * 9, None, {"ccc", "r2", "pearson", "slope", "mae_over_null"}),
    "all missing": ([np.nan] * 4, [120.0] * 4, None, {"mae", "ccc", "medae"}),
    "no overlap": ([np.nan, 120.0], [130.0, np.nan], None, {"mae", "loa_high"}),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("interval", ["percentile", "bca"])
@pytest.mark.parametrize(("y", "p", "who", "missing"), DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_data_say_why(pairs, y, p, who, missing, interval, level):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation = evaluate(pairs(y, p, who), level=level, draws=30, interval=interval)
    text = json.dumps(evaluation.as_json(), allow_nan=False)
    assert "NaN" not in text
    for name in missing - ({"pearson", "spearman", "r2"} if who and level == "photograph" else set()):
        estimate = evaluation.targets["sbp"].estimates[name]
        assert estimate.value is None, name
        assert estimate.note.startswith("not estimable: "), name
    for estimate in evaluation.targets["sbp"].estimates.values():
        assert (estimate.low is None) == (estimate.high is None) == (estimate.method == "")
        assert estimate.low is not None or estimate.note


def test_constant_predictions_of_a_persons_photographs_stay_constant(pairs):
    """The mean of three equal numbers is not always that number: rounding must not become a correlation."""
    who = np.repeat([f"{k}" for k in range(30)], 3)
    table = pairs(np.repeat(np.arange(30.0), 3), np.full(90, 130.1), who)
    for level in LEVELS:
        estimates = evaluate(table, level=level, draws=10).targets["sbp"].estimates
        assert estimates["pearson"].value is None
        assert estimates["slope"].value is None
        assert estimates["ccc"].value == pytest.approx(0, abs=1e-9)


def test_a_contradictory_sex_is_left_out(cohort):
    table = cohort(people=30, gaps=0)
    table.truth["sex"][table.patient_id == "P0000"] = np.arange((table.patient_id == "P0000").sum()) % 2
    several = (table.patient_id == "P0000").sum() > 1
    result = evaluate(table, targets=["sex"], draws=10).targets["sex"]
    assert result.n == len(set(table.patient_id[table.status == "predicted"])) - several


def test_age_is_no_baseline_of_itself(cohort):
    estimates = evaluate(cohort(), targets=["age"], draws=10).targets["age"].estimates
    assert estimates["mae_age_sex"].value is None
    assert "neither" in estimates["mae_age_sex"].note


def test_only_shared_targets_are_scored_and_the_rest_can_be_asked_for(cohort):
    table = cohort()
    del table.truth["waist"]
    assert "waist" not in evaluate(table, draws=5).targets
    asked = evaluate(table, draws=5, targets=["waist"]).targets["waist"]
    assert asked.estimates["mae"].note == "not estimable: no photograph has both a measured and a predicted value"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "person"}, "choose one of visit, patient, patient_last, patient_nearest, eye, photograph"),
        ({"targets": ["hba1c"]}, "There is no target 'hba1c'"),
    ],
)
def test_unknown_options_say_what_exists(cohort, options, message):
    with pytest.raises(UsageError, match=message):
        evaluate(cohort(), **options)


def test_rows_hold_every_estimate_once(cohort):
    evaluation = evaluate(cohort(), draws=10)
    rows = evaluation.rows()
    assert len({(row["target"], row["estimate"]) for row in rows}) == len(rows)
    assert {row["target"] for row in rows} == set(evaluation.targets)
    sbp = next(row for row in rows if (row["target"], row["estimate"]) == ("sbp", "mae"))
    assert sbp["value"] == evaluation.targets["sbp"].estimates["mae"].value


def test_scores_on_part_of_a_cohort_say_how_much(cohort):
    table = cohort(people=60, gaps=0)
    unknown = np.unique(table.patient_id)[:10]
    table.truth["age"][np.isin(table.patient_id, unknown)] = np.nan
    table.low["sbp"][np.isin(table.patient_id, unknown[:4])] = np.nan
    result = evaluate(table, targets=["sbp"], draws=10).targets["sbp"]
    for name, missing in (("mae_age_sex", 10), ("mae_over_age_sex", 10), ("coverage", 4)):
        assert f"rests on {result.n - missing} of {result.n} observations" in result.estimates[name].note
    assert "held fixed" in result.estimates["mae_null"].method
    assert result.estimates["mae"].note == ""


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match="one value per photograph"):
        from_values("sbp", [1.0, 2.0], [1.0])
    table = from_values("sbp", [120.0, 130.0], [125.0, 128.0], patient_id=[7, 7], age=[50, 50], sex=[1, 1])
    assert evaluate(table, draws=5).targets["sbp"].n == 1
