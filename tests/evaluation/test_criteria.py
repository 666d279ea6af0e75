"""Clinical criteria, their probabilities, classification, recalibration, planner, published figures."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from fundus_core.errors import NotEstimableError, UsageError
from fundus_core.evaluation import (
    CRITERIA,
    criterion,
    people_for_mae,
    people_for_r2,
    people_for_slope,
    published,
)
from fundus_core.evaluation.cohorts.recalibration import fit_recalibration, recalibrate, recalibration_effect
from fundus_core.evaluation.criteria.classification import classify
from fundus_core.evaluation.criteria.probability import errors_between, probabilities
from fundus_core.evaluation.observations.person_means import PersonMeans, person_means
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.evaluation.one_cohort.scores import TOLERANCES
from fundus_core.targets import TARGETS

KEYS = ("sbp", "dbp", "glucose", "waist", "bmi", "sex")


def person(**values):
    known = {key: np.array([float(values.get(key, np.nan))]) for key in KEYS}
    return PersonMeans(np.array(["a"]), **known)


def decide(name, **values):
    return {1: "yes", 0: "no", -1: "?"}[int(criterion(name).decide(person(**values))[0])]


def with_items(waist, pressure, glucose, sex=0):
    """A man (85 cm) or woman whose items are met or not in every definition."""
    return {
        "waist": 110 if waist else 70,
        "sbp": 150 if pressure else 110,
        "dbp": 70,
        "glucose": 130 if glucose else 85,
        "sex": sex,
    }


# waist, pressure, glucose -> Japan 2005, IDF, ATP III and JIS, as in the truth table of the research note
TABLE = [
    ((1, 1, 1), "yes", "yes", "yes"),
    ((1, 1, 0), "?", "?", "?"),
    ((1, 0, 1), "?", "?", "?"),
    ((1, 0, 0), "no", "?", "?"),
    ((0, 1, 1), "no", "no", "?"),
    ((0, 1, 0), "no", "no", "?"),
    ((0, 0, 1), "no", "no", "?"),
    ((0, 0, 0), "no", "no", "no"),
]


@pytest.mark.parametrize(("items", "japan", "idf", "three_of_five"), TABLE)
@pytest.mark.parametrize("sex", [0, 1])
def test_metabolic_syndrome_without_lipids(items, japan, idf, three_of_five, sex):
    values = with_items(*items, sex=sex)
    assert decide("mets_japan", **values) == japan
    assert decide("mets_idf", **values) == idf
    assert decide("mets_atp3", **values) == three_of_five
    assert decide("mets_jis", **values) == three_of_five


def test_a_verdict_is_certain_only_if_every_completion_agrees():
    """Brute force over lipids and over a missing glucose, against the counting rule."""
    for waist, pressure in product((0, 1), repeat=2):
        values = with_items(waist, pressure, 0)
        del values["glucose"]
        for name, mandatory, needed, lipids in (("mets_japan", True, 2, 1), ("mets_atp3", False, 3, 2)):
            outcomes = set()
            for glucose, *lipid in product((0, 1), repeat=1 + lipids):
                met = pressure + glucose + sum(lipid) + (0 if mandatory else waist)
                outcomes.add(met >= needed and (bool(waist) or not mandatory))
            expected = "?" if len(outcomes) > 1 else ("yes" if outcomes.pop() else "no")
            assert decide(name, **values) == expected, (name, waist, pressure)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("hypertension", {"sbp": 140, "dbp": 70}, "yes"),
        ("hypertension", {"sbp": 139.9, "dbp": 89.9}, "no"),
        ("hypertension", {"sbp": 120, "dbp": 90}, "yes"),
        ("hypertension", {"sbp": 120}, "?"),
        ("hypertension", {"sbp": 150}, "yes"),
        ("raised_pressure", {"sbp": 130, "dbp": 80}, "yes"),
        ("hyperglycaemia", {"glucose": 110}, "yes"),
        ("hyperglycaemia", {"glucose": 109.9}, "no"),
        ("hyperglycaemia", {}, "?"),
        ("large_waist", {"waist": 85, "sex": 0}, "yes"),
        ("large_waist", {"waist": 85, "sex": 1}, "no"),
        ("large_waist", {"waist": 90, "sex": 1}, "yes"),
        ("large_waist", {"waist": 87}, "?"),
        ("large_waist", {"waist": 84}, "no"),
        ("large_waist", {"waist": 90}, "yes"),
        ("large_waist", {"sex": 1}, "?"),
        ("mets_atp3", {"waist": 102, "sex": 0, "sbp": 140, "dbp": 80, "glucose": 120}, "?"),
        ("mets_atp3", {"waist": 102.1, "sex": 0, "sbp": 140, "dbp": 80, "glucose": 120}, "yes"),
        ("mets_japan", {"waist": 86, "sex": 0, "sbp": 140, "dbp": 80, "glucose": 105}, "?"),
        ("mets_idf", {"waist": 86, "sex": 0, "sbp": 140, "dbp": 80, "glucose": 105}, "yes"),
    ],
)
def test_thresholds(name, values, expected):
    assert decide(name, **values) == expected


def test_unverified_thresholds_say_so():
    assert "unverified" in CRITERIA["mets_jis"].note
    assert all(each.source and each.name for each in CRITERIA.values())
    with pytest.raises(UsageError, match="the criteria are hypertension"):
        criterion("gout")


def fit_errors(table):
    return errors_between(person_means(table, "truth"), person_means(table, "predicted"))


@pytest.fixture(name="two")
def two_cohorts(cohort):
    a, b = cohort(people=250, seed=1, gaps=0.02), cohort(people=200, seed=2, gaps=0.02)
    return a, replace(b, patient_id=np.char.add("Q", b.patient_id))


def test_errors_are_those_of_regressions(two):
    errors = fit_errors(two[0])
    truth, predicted = person_means(two[0], "truth"), person_means(two[0], "predicted")
    names = ("sbp", "dbp", "glucose", "waist", "bmi")
    kept = np.isfinite([getattr(of, name) for of in (truth, predicted) for name in names]).all(axis=0)
    residuals = []
    for k, name in enumerate(names):
        y, p = getattr(truth, name)[kept], getattr(predicted, name)[kept]
        fit = stats.linregress(p, y)
        assert (errors.slope[k], errors.intercept[k]) == pytest.approx((fit.slope, fit.intercept))
        residuals.append(y - fit.intercept - fit.slope * p)
    assert errors.covariance * (kept.sum() - 2) == pytest.approx(np.array(residuals) @ np.array(residuals).T)


def test_a_probability_is_the_normal_tail(two):
    errors = fit_errors(two[0])
    predicted = person_means(two[1], "predicted")
    found = probabilities(predicted, criterion("hyperglycaemia"), errors)
    centre = errors.intercept[2] + errors.slope[2] * predicted.glucose
    expected = stats.norm.sf((110 - centre) / np.sqrt(errors.covariance[2, 2]))
    known = np.isfinite(predicted.glucose)
    assert found.yes[known] == pytest.approx(expected[known], abs=0.02)
    assert found.indeterminate[~known] == pytest.approx(np.ones((~known).sum()))
    assert found.yes + found.no + found.indeterminate == pytest.approx(np.ones(len(predicted)))


def test_pressures_that_err_together_are_drawn_together(two):
    errors = fit_errors(two[0])
    tied = errors.covariance.copy()
    tied[1, 1], tied[0, 1] = tied[0, 0], tied[0, 0]
    tied[1, 0] = tied[0, 0]
    same = replace(errors, covariance=tied, slope=np.ones(5), intercept=np.zeros(5))
    found = probabilities(person(sbp=130, dbp=80, glucose=90, waist=80, bmi=22, sex=0), criterion("hypertension"), same)
    assert found.yes[0] == pytest.approx(stats.norm.sf(10 / np.sqrt(tied[0, 0])), abs=0.02)


def test_probabilities_do_not_depend_on_company(two):
    errors = fit_errors(two[0])
    whole = probabilities(person_means(two[1], "predicted"), criterion("mets_japan"), errors)
    half = select_rows(two[1], two[1].patient_id < "QP0100")
    alone = probabilities(person_means(half, "predicted"), criterion("mets_japan"), errors)
    assert alone.yes == pytest.approx(whole.yes[np.isin(whole.patient, alone.patient)])


def test_too_few_people_for_a_covariance(cohort):
    with pytest.raises(NotEstimableError, match="needs 20 people"):
        fit_errors(cohort(people=15))


@pytest.fixture(name="decided")
def decided_people():
    rng = np.random.default_rng(0)
    p = rng.random(150).round(2)
    return (rng.random(150) < p).astype(np.int8), p


def test_classification_equals_scikit_learn(decided):
    y, p = decided
    found = classify(y, p, (p > 0.5).astype(np.int8), thresholds=(0.2, 0.5))
    assert found.auc.value == pytest.approx(roc_auc_score(y, p))
    assert found.average_precision.value == pytest.approx(average_precision_score(y, p))
    assert found.brier.value == pytest.approx(brier_score_loss(y, p))
    assert (found.prevalence.value, found.expected.value) == pytest.approx((y.mean(), p.mean()))
    assert found.called.value == pytest.approx((p > 0.5).mean())
    for at in found.thresholds:
        tn, fp, fn, tp = confusion_matrix(y, p >= at.threshold).ravel()
        expected = {"sensitivity": tp / (tp + fn), "specificity": tn / (tn + fp)}
        expected |= {"ppv": tp / (tp + fp), "npv": tn / (tn + fn)}
        odds = at.threshold / (1 - at.threshold)
        expected |= {"net_benefit": (tp - fp * odds) / len(y), "treat_all": y.mean() - (1 - y.mean()) * odds}
        assert {name: getattr(at, name).value for name in expected} == pytest.approx(expected)


def test_curves_equal_scikit_learn(decided):
    y, p = decided
    curves = classify(y, p).curves
    false, true, threshold = roc_curve(y, p, drop_intermediate=False)
    assert curves.false_positive_rate == pytest.approx(false)
    assert curves.sensitivity == pytest.approx(true)
    assert curves.threshold[1:] == pytest.approx(threshold[1:])
    precision, recall, _ = precision_recall_curve(y, p)
    assert curves.precision == pytest.approx(precision[::-1])
    assert curves.sensitivity == pytest.approx(recall[::-1])


def test_the_order_of_people_does_not_matter(decided):
    y, p = decided
    order = np.random.default_rng(1).permutation(len(y))
    one, other = classify(y, p), classify(y[order], p[order])
    assert one.auc == other.auc
    assert one.thresholds == other.thresholds


@pytest.mark.parametrize("y", [[], [1], [1, 1, 1], [0, 0, 0], [-1, -1, -1]])
def test_degenerate_classifications_say_why(y):
    found = classify(np.array(y, dtype=np.int8), np.linspace(0.2, 0.8, len(y)))
    assert found.auc.value is None
    assert found.auc.note.startswith("not estimable")
    assert found.left_out == (np.array(y) == -1).sum()


@pytest.mark.parametrize("threshold", [0, 1, 1.5, np.nan])
def test_thresholds_lie_between_none_and_all(decided, threshold):
    with pytest.raises(UsageError, match="between 0 and 1"):
        classify(*decided, thresholds=(threshold,))


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


def test_planned_widths_are_reached_in_simulation():
    rng = np.random.default_rng(0)
    mae, r2 = 10.0, 0.3
    n = people_for_mae(mae, width=2.0).people
    errors = np.abs(rng.normal(0, mae / np.sqrt(2 / np.pi), (4000, n))).mean(axis=1)
    assert 2 * 1.96 * errors.std() == pytest.approx(2.0, rel=0.05)
    n = people_for_r2(r2, width=0.2).people
    p = rng.normal(0, np.sqrt(r2), (4000, n))
    y = p + rng.normal(0, np.sqrt(1 - r2), (4000, n))
    squares = 1 - ((y - p) ** 2).sum(axis=1) / ((y - y.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    assert 2 * 1.96 * squares.std() == pytest.approx(0.2, rel=0.1)
    n = people_for_slope(r2, width=0.4).people
    p, y = p[:, :n], y[:, :n]
    v = p - p.mean(axis=1, keepdims=True)
    slopes = (v * y).sum(axis=1) / (v * v).sum(axis=1)
    assert 2 * 1.96 * slopes.std() == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize("plan", [people_for_mae, people_for_r2, people_for_slope])
def test_half_the_width_needs_four_times_the_people(plan):
    wide, narrow = plan(0.4, width=0.1).people, plan(0.4, width=0.05).people
    assert narrow == pytest.approx(4 * wide, abs=4)


@pytest.mark.parametrize(
    ("plan", "arguments"),
    [
        (people_for_mae, (0, 1)),
        (people_for_mae, (5, -1)),
        (people_for_r2, (1.2, 0.1)),
        (people_for_slope, (0.3, np.inf)),
    ],
)
def test_impossible_plans_are_refused(plan, arguments):
    with pytest.raises(UsageError, match="must"):
        plan(*arguments)


def test_published_figures_are_complete_and_agree_with_the_targets():
    for each in (each for target in TARGETS.values() for each in target.published):
        assert each.target in TARGETS
        tolerances = {f"within_{tolerance:g}" for tolerance in TOLERANCES.get(each.target, ())}
        assert each.score in {"mae", "r2", "auc", "accuracy", "pearson"} | tolerances
        assert all((each.study.people, each.study.population, each.study.source))
        assert (each.low is None) == (each.high is None)
        assert each.low is None or each.low <= each.value <= each.high
    for target in TARGETS.values():
        values = [each.value for each in published(target.id) if each.study.name.startswith("JOIR")]
        assert (target.published_mae or target.published_accuracy) in values
