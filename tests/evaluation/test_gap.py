"""The gap and other columns: laws of the correction, regressions against statsmodels and lifelines, false alarms."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats

from fundus_core.errors import NotEstimableError, UsageError
from fundus_core.evaluation import association, choices, from_values, units_of_analysis
from fundus_core.evaluation.gap.corrected_gap import corrected_gap
from fundus_core.evaluation.gap.cox import cox, proportional
from fundus_core.evaluation.gap.regression import firth, firth_of_two, linear, logistic
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.targets import TARGETS


def words(values):
    return np.array([str(value) for value in values], dtype=np.str_)


def cohort(n=150, seed=0, eyes=2, tied=0.0):
    """Predictions that shrink along a curve; columns that go with the measured value, and with the rest by ``tied``."""
    rng = np.random.default_rng(seed)
    age, sex = rng.normal(58, 12, n), rng.integers(0, 2, n).astype(float)
    y = 90 + 0.6 * age + 4 * sex + 11 * (rng.gamma(2, size=n) - 2)
    rest = rng.normal(0, 6, n)
    p = 110 + 25 * np.tanh((y - 125) / 25) + 0.2 * (age - 58) + rest
    number = 0.05 * y + 0.02 * age + tied * rest + rng.normal(0, 1, n)
    yes = rng.random(n) < 1 / (1 + np.exp(-(y - 130) / 10 - tied * rest))
    time = rng.exponential(np.exp(-0.03 * (y - 130) - tied * rest))
    of = np.tile(np.arange(n), eyes)
    table = from_values(
        "sbp", y[of], p[of] + rng.normal(0, 2, n * eyes), age=age[of], sex=sex[of], patient_id=[f"{k:04d}" for k in of]
    )
    sides = np.repeat(["left", "right"], n)[: n * eyes]
    columns = {"number": words(number[of]), "answer": np.where(yes, "yes", "no")[of]}
    columns |= {"years": words(np.minimum(time, 1.5)[of]), "died": words((time < 1.5).astype(int)[of])}
    return replace(table, eye=sides, covariates=columns)


@pytest.fixture(scope="module")
def tied():
    return cohort(tied=0.25)


def clustered(rows=120):
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(rows // 2), 2)
    x = np.column_stack([np.ones(rows), rng.normal(size=(rows, 3))])
    return rng, x, x @ [1, 0.5, -0.3, 0.2] + rng.normal(size=rows) + rng.normal(size=rows // 2)[group], group


def test_linear_and_logistic_regression_equal_statsmodels():
    rng, x, y, group = clustered()
    yes = (rng.random(len(y)) < 1 / (1 + np.exp(-y))).astype(float)
    how = {"cov_type": "cluster", "cov_kwds": {"groups": group}, "use_t": True}
    for ours, theirs in (
        (linear(x, y, group), sm.OLS(y, x).fit(**how)),
        (logistic(x, yes, group), sm.Logit(yes, x).fit(disp=0, tol=1e-12, **how)),
    ):
        assert ours.beta == pytest.approx(theirs.params, abs=1e-9)
        assert ours.covariance == pytest.approx(theirs.cov_params(), abs=1e-9)
        assert [ours.p(k) for k in range(4)] == pytest.approx(theirs.pvalues, abs=1e-9)
        assert ours.ends(1) == pytest.approx(theirs.conf_int()[1], abs=1e-9)


OF_LIFELINES = {
    False: (
        [0.04868394437494964, -0.2495876443458379],
        [0.2939388892299664, 0.2971117403538369],
        [0.27562132304528414, 0.31368638550109446],
        [0.23304945839629743, 1.04037411581412],
    ),
    True: ([-0.021855462461659318, -0.32534396956790457], [0.28711773940573443, 0.2944047972437991], [], []),
}
"""Of lifelines 0.30.3 in an environment of its own: coefficients, standard errors, those robust to clusters, and the
statistics of proportional_hazard_test by rank. It stops searching some 1e-8 before the largest likelihood."""


def times(tied):
    x = np.array([[np.sin(k), np.cos(2.3 * k)] for k in range(40)])
    order = np.array([(7 * k) % 40 for k in range(40)])
    time = 1.0 + (order // 5 if tied else order)
    return x, time, np.arange(40) % 3 > 0, np.arange(40) // 2


@pytest.mark.parametrize("tied", [False, True])
def test_cox_regression_equals_lifelines(tied):
    x, time, event, group = times(tied)
    fit = cox(x, time, event, group)
    beta, plain, robust, changing = OF_LIFELINES[tied]
    assert fit.beta == pytest.approx(beta, abs=1e-7)
    assert np.sqrt(np.diag(fit.bread)) == pytest.approx(plain, abs=1e-7)
    if not tied:  # with ties lifelines takes Breslow's residuals after Efron's fit
        assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(robust, abs=1e-7)
        assert [proportional(x, time, event, fit, k)[0] for k in (0, 1)] == pytest.approx(changing, abs=1e-6)
    theirs = sm.PHReg(time, x, status=event.astype(int), ties="efron").fit()
    assert fit.beta == pytest.approx(theirs.params, abs=1e-9)
    assert fit.residual.sum() == pytest.approx(0, abs=1e-9)
    assert fit.score.sum(axis=0) == pytest.approx(0, abs=1e-8)


def test_the_order_of_observations_counts_nothing(tied):
    again = select_rows(tied, np.random.default_rng(1).permutation(len(tied)))
    for column in ("number", "answer", "years,died"):
        assert association(again, "sbp", column) == association(tied, "sbp", column)


def test_the_corrected_gap_knows_neither_the_measured_value_nor_age(tied):
    of = units_of_analysis(tied, TARGETS["sbp"], "patient")
    gap = corrected_gap(of)
    assert np.corrcoef(gap.raw, of.y)[0, 1] < -0.4
    for known in (of.y, of.y**2, of.age):
        assert abs(np.corrcoef(gap.corrected, known)[0, 1]) < 0.1


def test_a_prediction_that_follows_from_the_measured_value_has_no_gap():
    truth = np.linspace(100, 180, 60)
    table = replace(from_values("sbp", truth, 80 + 0.4 * truth), covariates={"c": words(truth**2)})
    assert "does not vary" in association(table, "sbp", "c").main.per_sd.note


@pytest.mark.parametrize(("column", "null"), [("number", 0.0), ("answer", 1.0), ("years,died", 1.0)])
@pytest.mark.parametrize("level", ["patient", "eye"])
def test_what_goes_with_the_rest_is_found_and_has_its_size(tied, column, null, level):
    found = association(tied, "sbp", column, level=level)
    main = found.main
    assert main.p < 0.001
    assert main.per_sd.low > null
    assert main.n_patients == 150
    size = 0.25 if column == "number" else float(np.exp(0.25))
    assert main.per_unit.low < size < main.per_unit.high
    grown = main.per_unit.value * found.spread if null == 0 else main.per_unit.value**found.spread
    assert main.per_sd.value == pytest.approx(grown)


def test_what_goes_with_the_measured_value_alone_is_no_association():
    """The raw gap of shrunken predictions goes with whatever the measured value goes with; the corrected one does not.

    3 columns x 25 cohorts: at 5 % each, more than 11 of 75 come by chance twice in 10,000 times.
    """
    found = [
        association(cohort(90, seed, 1), "sbp", c) for seed in range(25) for c in ("number", "answer", "years,died")
    ]
    tested = [each.main.p for each in found if each.main.p is not None]
    assert len(tested) > 60
    assert sum(p < 0.05 for p in tested) <= 11
    assert np.mean([each.models[0].p < 0.05 for each in found]) > 0.3


def test_twice_the_photographs_narrow_nothing(tied):
    again = replace(tied, photograph=np.char.add(tied.photograph, "b"))
    both = type(tied)(
        *(np.concatenate([getattr(one, name) for one in (tied, again)]) for name in
          ("photograph", "patient_id", "eye", "status", "reason", "quality", "out_of_distribution")),
        *({k: np.concatenate([v, v]) for k, v in getattr(tied, name).items()} for name in
          ("truth", "predicted", "low", "high", "covariates")),
    )  # fmt: skip
    one, two = (association(t, "sbp", "number", level="photograph").main.per_sd for t in (tied, both))
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.03)


def test_sites_and_named_columns_are_adjusted_for(tied):
    site = words(np.array(["north", "south", "west"])[np.arange(len(tied)) % 150 % 3])
    table = replace(tied, covariates={**tied.covariates, "site": site})
    found = association(table, "sbp", "answer", adjust=["number"])
    assert found.main.adjusted_for == (
        "measured SBP, its square, age, age squared, sex, site = south, site = west and number"
    )


def test_too_few_events_say_so():
    found = association(cohort(40, 3, 1), "sbp", "answer")
    assert found.models[1].per_sd.value is not None
    few = select_rows(cohort(40, 3, 1), np.arange(24))
    assert "each takes 5" in association(few, "sbp", "answer").main.per_sd.note
    assert association(few, "sbp", "answer").checks == ()


def test_separation_is_told_and_a_penalty_answers_it():
    x = np.column_stack([np.ones(20), np.linspace(-2, 2, 20)])
    yes = (np.arange(20) >= 10).astype(float)
    with pytest.raises(NotEstimableError, match="separation"):
        logistic(x, yes, np.arange(20))
    beta = firth(x, yes)
    assert 0 < beta[1] < 20
    rows, times = np.unique(np.column_stack([np.tile(x, (3, 1)), np.tile(yes, 3)]), axis=0, return_counts=True)
    again = firth(rows[:, :2], rows[:, 2], times=times.astype(float))
    assert again == pytest.approx(firth(np.tile(x, (3, 1)), np.tile(yes, 3)), abs=1e-8)


@pytest.mark.parametrize("cells", [(0, 12, 6, 12), (4, 60, 0, 10), (10, 0, 1, 30), (3, 15, 12, 3), (2, 398, 300, 41)])
def test_a_penalised_odds_ratio_is_the_profile_of_the_penalised_likelihood(cells):
    """Held against the likelihood itself, maximised by search: value, both ends, p (Heinze & Schemper 2002)."""
    events, people = np.array([cells[0], cells[2]]), np.array([sum(cells[:2]), sum(cells[2:])])

    def penalised(other, ratio):
        chance = 1 / (1 + np.exp(-np.array([other + ratio, other])))
        of_counts = events @ np.log(chance) + (people - events) @ np.log1p(-chance)
        return of_counts + np.log(people * chance * (1 - chance)).sum() / 2

    def best(ratio):
        return -optimize.minimize_scalar(lambda other: -penalised(other, ratio), bounds=(-12, 12), method="bounded",
                                         options={"xatol": 1e-12}).fun  # fmt: skip

    value, low, high, p = firth_of_two(*cells)
    by_firth = firth(
        np.array([[1.0, 1], [1, 1], [1, 0], [1, 0]]), np.array([1.0, 0, 1, 0]), times=np.array(cells, float)
    )
    assert value == pytest.approx(by_firth[1], abs=1e-8)
    assert low < value < high
    drop = stats.chi2.isf(0.05, 1) / 2
    assert [best(value) - best(end) for end in (low, high)] == pytest.approx([drop, drop], abs=1e-6)
    assert p == pytest.approx(stats.chi2.sf(2 * (best(value) - best(0.0)), 1), abs=1e-6)


@pytest.mark.parametrize(
    ("column", "says"),
    [("nothing", "no column 'nothing'"), ("years,nothing", "no column 'nothing'"), ("years,died,number", "TIME,EVENT"),
     ("answer,died", "no numbers"), ("years,number", "different words"), ("same", "does not vary")],
)  # fmt: skip
def test_columns_that_are_none_are_refused(tied, column, says):
    table = replace(tied, covariates={**tied.covariates, "same": np.full(len(tied), "x")})
    with pytest.raises(UsageError, match=says):
        association(table, "sbp", column)


def test_what_may_be_chosen(tied):
    found = choices(tied)
    assert found.columns == ("number", "years", "answer", "died")
    assert (found.times, found.events) == (("number", "years"), ("answer", "died"))
