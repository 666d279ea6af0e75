"""Clinical criteria, their probabilities, classification, recalibration, planner, published figures."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from fundus_core.errors import UsageError
from fundus_core.evaluation import (
    CRITERIA,
    criterion,
    published,
)
from fundus_core.evaluation.criteria.classification import classify
from fundus_core.evaluation.observations.person_means import PersonMeans
from fundus_core.evaluation.one_cohort.scores import TOLERANCES
from fundus_core.targets import TARGETS

KEYS = ("sbp", "dbp", "glucose", "waist", "bmi", "sex")


FURTHER = ("hdl", "triglycerides", "hba1c", "pressure_drug", "lipid_drug", "glucose_drug")


def person(**values):
    known = {key: np.array([float(values.get(key, np.nan))]) for key in KEYS}
    further = {key: np.array([float(values[key])]) for key in FURTHER if key in values}
    return PersonMeans(np.array(["a"]), **known, further=further)


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
    assert decide("mets_aha", **values) == three_of_five


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


LOW_HDL, HIGH_FAT = {"hdl": 39, "triglycerides": 100}, {"hdl": 60, "triglycerides": 150}
BOTH, NEITHER = {"hdl": 39, "triglycerides": 150}, {"hdl": 60, "triglycerides": 149}


@pytest.mark.parametrize(
    ("name", "items", "more", "expected"),
    [
        ("mets_japan", (1, 1, 0), LOW_HDL, "yes"),
        ("mets_japan", (1, 1, 0), NEITHER, "no"),
        ("mets_japan", (1, 0, 0), BOTH, "no"),  # two lipids are one item
        ("mets_japan", (1, 0, 0), BOTH | {"pressure_drug": 1}, "yes"),
        ("mets_japan", (1, 1, 0), NEITHER | {"lipid_drug": 1}, "yes"),
        ("mets_japan", (1, 1, 0), NEITHER | {"glucose_drug": 1}, "yes"),
        ("mets_japan", (1, 1, 0), NEITHER | {"glucose_drug": np.nan}, "?"),
        ("mets_japan", (0, 1, 1), BOTH, "no"),
        ("mets_idf", (1, 0, 0), BOTH, "yes"),  # and two items elsewhere
        ("mets_idf", (1, 0, 0), HIGH_FAT, "no"),
        ("mets_jis", (0, 1, 0), BOTH, "yes"),
        ("mets_jis", (0, 1, 0), HIGH_FAT | {"hdl": np.nan}, "?"),
        ("mets_atp3", (0, 0, 1), NEITHER | {"pressure_drug": 1, "lipid_drug": 1}, "no"),
        ("mets_atp3", (1, 0, 1), NEITHER | {"pressure_drug": 1}, "yes"),
        ("mets_atp3", (1, 1, 0), NEITHER | {"glucose_drug": 1}, "no"),
        ("mets_aha", (1, 1, 0), NEITHER | {"glucose_drug": 1}, "yes"),
        ("mets_aha", (0, 0, 0), BOTH | {"glucose_drug": 1}, "yes"),
    ],
)
def test_lipids_and_drugs_decide_as_the_definition_says(name, items, more, expected):
    assert decide(name, **with_items(*items), **more) == expected


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("mets_jis", {"hdl": 45, "triglycerides": 160, "glucose": 100, "sex": 1}, "yes"),  # below 50 in women
        ("mets_jis", {"hdl": 45, "triglycerides": 160, "glucose": 100, "sex": 0}, "no"),
        ("mets_atp3", {"hdl": 30, "triglycerides": 160, "glucose": 100, "sex": 0}, "no"),  # 110 in 2001
        ("mets_aha", {"hdl": 30, "triglycerides": 160, "glucose": 100, "sex": 0}, "yes"),  # 100 in 2005
        ("mets_atp3", {"hdl": 30, "triglycerides": 160, "waist": 102, "sex": 0}, "no"),  # over 102 in 2001
        ("mets_aha", {"hdl": 30, "triglycerides": 160, "waist": 102, "sex": 0}, "yes"),  # from 102 in 2005
        ("hypertension", {"pressure_drug": 1}, "yes"),
        ("hypertension", {"sbp": 120, "dbp": 70, "pressure_drug": np.nan}, "?"),
        ("hyperglycaemia", {"glucose": 90, "glucose_drug": 1}, "yes"),
        ("guidance_glucose", {"glucose": 99, "hba1c": 5.6}, "yes"),
        ("guidance_glucose", {"glucose": 99, "hba1c": 5.5}, "no"),
        ("guidance_glucose", {"glucose": 99}, "no"),
        ("guidance_glucose", {"glucose": 99, "hba1c": np.nan}, "?"),
    ],
)
def test_thresholds_of_lipids_drugs_and_hba1c(name, values, expected):
    healthy = {"sbp": 110, "dbp": 70, "glucose": 85, "waist": 70} if name.startswith("mets") else {}
    assert decide(name, **(healthy | values)) == expected


def test_every_threshold_has_its_source():
    assert "doi:10.1161/CIRCULATIONAHA.109.192644" in CRITERIA["mets_jis"].source
    assert all(each.source and each.name for each in CRITERIA.values())
    with pytest.raises(UsageError, match="the criteria are hypertension"):
        criterion("gout")


@pytest.mark.parametrize("name", CRITERIA)
def test_who_is_complete_is_decided_whatever_the_values(name):
    """All combinations of what may be missing: completeness asks for columns, never for verdicts."""
    rng, of = np.random.default_rng(3), criterion(name)
    high = {
        "sbp": 160.0,
        "dbp": 95.0,
        "glucose": 140.0,
        "waist": 110.0,
        "hdl": 30.0,
        "triglycerides": 200.0,
        "sex": 1.0,
    }
    low = {"sbp": 110.0, "dbp": 70.0, "glucose": 80.0, "waist": 70.0, "hdl": 70.0, "triglycerides": 80.0, "sex": 1.0}
    for _ in range(40):
        gone = [key for key in high if rng.random() < 0.3]
        ways = [person(**{key: np.nan if key in gone else v for key, v in each.items()}) for each in (high, low)]
        complete = {bool(of.complete(one)[0]) for one in ways}
        assert len(complete) == 1
        if complete.pop():
            assert all(of.decide(one)[0] != -1 for one in ways)


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
    others = [np.delete(y, k).mean() for k in range(len(y))]
    assert found.brier_null.value == pytest.approx(np.mean((np.array(others) - y) ** 2), rel=1e-9)
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
