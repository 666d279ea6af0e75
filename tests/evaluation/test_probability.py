"""How likely a criterion is met: by the errors of others as they are, whoever stands beside."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from fundus_core.errors import NotEstimableError
from fundus_core.evaluation import (
    criterion,
)
from fundus_core.evaluation.criteria.probability import donors_of, probabilities
from fundus_core.evaluation.observations.from_arrays import from_values
from fundus_core.evaluation.observations.person_means import PersonMeans, person_means
from fundus_core.evaluation.observations.sample import select_rows
from tests.evaluation.conftest import assess_cohort


def fit_errors(table, name="mets_japan"):
    return donors_of(person_means(table, "truth"), person_means(table, "predicted"), criterion(name))


def test_errors_are_those_of_regressions(two):
    """On all predictions and sex; a donor's errors stay together."""
    donors = fit_errors(two[0])
    truth, predicted = person_means(two[0], "truth"), person_means(two[0], "predicted")
    names = criterion("mets_japan").needs
    kept = np.isfinite([getattr(of, name) for of in (truth, predicted) for name in names] + [truth.sex]).all(axis=0)
    design = np.column_stack([*(getattr(predicted, name)[kept] for name in names), truth.sex[kept]])
    for k, name in enumerate(names):
        y = getattr(truth, name)[kept]
        fit = LinearRegression().fit(design, y)
        assert donors.errors[:, k] == pytest.approx(y - fit.predict(design), abs=1e-8)


def people(n=4000, seed=0, skewed=False):
    """Glucose whose errors are normal, or as skewed as in the reference's cohort: 17.5 % reach 110."""
    rng = np.random.default_rng(seed)
    if skewed:
        truth = 85 + np.exp(2.55 + 0.72 * rng.normal(size=n))
        return truth, 95 + 0.25 * (truth - 100) + rng.normal(0, 4, n)
    predicted = rng.normal(100, 6, n)
    return predicted + rng.normal(0, 10, n), predicted


def glucose(values):
    nothing = np.full(len(values), np.nan)
    names = np.array([f"p{k:05d}" for k in range(len(values))])
    return PersonMeans(names, nothing, nothing, values, nothing, nothing, nothing)


def test_where_errors_are_normal_a_probability_is_the_normal_tail():
    truth, predicted = people()
    of = criterion("hyperglycaemia")
    donors = donors_of(glucose(truth), glucose(predicted), of)
    at = np.array([92.0, 98.0, 104.0, 110.0, np.nan])
    found = probabilities(glucose(at), of, donors)
    assert found.yes[:4] == pytest.approx(stats.norm.sf((110 - at[:4]) / 10), abs=0.06)
    assert np.isnan(found.yes[4])
    assert (found.yes + found.no + found.indeterminate)[:4] == pytest.approx(np.ones(4))


@pytest.mark.parametrize("seed", [11, 12])
def test_skewed_errors_expect_the_prevalence_that_is_measured(seed):
    """Normal errors of constant spread expect half as many again as there are; the errors as they are do not."""
    truth, predicted = people(600, seed, skewed=True)
    found = assess_cohort(from_values("glucose", truth, predicted, sex=np.zeros(600)), "hyperglycaemia").judged
    line = stats.linregress(predicted, truth)
    spread = np.std(truth - line.intercept - line.slope * predicted)
    normal = stats.norm.sf((110 - line.intercept - line.slope * predicted) / spread).mean()
    error = np.sqrt(found.prevalence.value * (1 - found.prevalence.value) / 600)
    assert normal > found.prevalence.value + 3 * error
    assert abs(found.expected.value - found.prevalence.value) < 0.5 * error


def test_pressures_that_err_together_are_lent_together():
    """Of two pressures whose errors are the same one, both reach their thresholds together or neither does."""
    rng = np.random.default_rng(4)
    nothing, predicted = np.full(900, np.nan), rng.normal(130, 8, 900)
    error = rng.normal(0, 10, 900)
    names = np.array([f"p{k:05d}" for k in range(900)])
    truth = PersonMeans(names, predicted + error, predicted - 50 + error, *(nothing,) * 4)
    told = PersonMeans(names, predicted, predicted - 50, *(nothing,) * 4)
    of = criterion("hypertension")
    one = PersonMeans(names[:1], np.array([130.0]), np.array([80.0]), *(nothing[:1],) * 4)
    found = probabilities(one, of, donors_of(truth, told, of))
    assert found.yes[0] == pytest.approx(stats.norm.sf(1.0), abs=0.06)


def test_probabilities_do_not_depend_on_company(two):
    donors, of = fit_errors(two[0]), criterion("mets_japan")
    whole = probabilities(person_means(two[1], "predicted"), of, donors)
    half = select_rows(two[1], two[1].patient_id < "QP0100")
    alone = probabilities(person_means(half, "predicted"), of, donors)
    assert alone.yes == pytest.approx(whole.yes[np.isin(whole.patient, alone.patient)], nan_ok=True)


def test_too_few_people_to_lend_errors(cohort):
    with pytest.raises(NotEstimableError, match="need 20 people"):
        fit_errors(cohort(people=15))
