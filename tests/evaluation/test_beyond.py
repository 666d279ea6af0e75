"""What a prediction adds to age and sex: a second calculation, predictions that know nothing, and ones that do."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from fundus_core.errors import UsageError
from fundus_core.evaluation import against_baselines, beyond, evaluate, from_values, units_of_analysis
from fundus_core.evaluation.one_cohort import baselines as b
from fundus_core.evaluation.one_cohort.beyond import _told
from fundus_core.targets import TARGETS


def people(n, seed):
    rng = np.random.default_rng(seed)
    return rng, np.clip(rng.normal(56, 12, n), 20, 90).round(1), rng.integers(0, 2, n).astype(float)


def curve(age, sex):
    return 75 + 10 * np.sin((age - 20) / 20) + 3 * sex


def cohort(n=150, seed=0, knows=0.0, skewed=False):
    """Truths along a curve of age and sex; a prediction that is that curve and this much of the rest."""
    rng, age, sex = people(n, seed)
    rest = 10 * (rng.exponential(size=n) - 1) if skewed else rng.normal(0, 10, n)
    predicted = curve(age, sex) + knows * rest + rng.normal(0, 3 if knows else 0.05, n)
    return from_values("dbp", (curve(age, sex) + rest).round(1), predicted.round(1), age=age, sex=sex)


def test_gains_and_partial_correlation_equal_statsmodels():
    table = cohort(knows=0.3)
    found = beyond(table, "dbp")
    of = units_of_analysis(table, TARGETS["dbp"], "patient")
    base = b.standardised(b.curves(of.age, of.sex, b.knots_for(150)))
    fine = b.standardised(b.curves(of.age, of.sex, 10))
    both = np.column_stack([base, of.p])
    folds = b.folds_of(of, np.ones(150, dtype=bool))

    def predicted(x, y):
        out = np.empty(150)
        for fold in range(b.FOLDS):
            mine = folds == fold
            out[mine] = sm.OLS(y[~mine], x[~mine]).fit().predict(x[mine])
        return out

    total = ((of.y - of.y.mean()) ** 2).sum()
    alone, together = (1 - ((of.y - predicted(x, of.y)) ** 2).sum() / total for x in (base, both))
    assert found.r2_baseline.value == pytest.approx(alone, abs=1e-9)
    assert found.r2_gain.value == pytest.approx(together - alone, abs=1e-9)
    left = stats.pearsonr(of.y - predicted(base, of.y), of.p - predicted(fine, of.p))[0]
    assert found.partial_r.value == pytest.approx(left, abs=1e-9)
    assert found.mae_baseline.value == evaluate(table).targets["dbp"].estimates["mae_age_sex"].value


@pytest.mark.parametrize("level", ["patient", "photograph"])
def test_what_reads_the_rest_is_found(level):
    found = beyond(cohort(knows=0.3, seed=1), "dbp", level=level)
    assert found.adds
    assert found.mae_gain.low > 0
    assert found.partial_r.value == pytest.approx(0.3 * 10 / np.hypot(3, 3), abs=0.12)


def test_a_rule_of_age_and_sex_adds_nothing_and_has_nothing_to_correlate():
    found = beyond(cohort(seed=2), "dbp")
    assert found.adds is False
    assert "a function of what is known without it" in found.partial_r.note


def broken(n=120, seed=0, knows=0.0, noise=0.05):
    """Truths that step at an age of each sex, with skewed errors, and a prediction that knows the steps."""
    rng, age, sex = people(n, seed)
    step = 75 + 10 * (age > np.where(sex > 0, 50, 60)) + 6 * (age > 70)
    rest = 10 * (rng.exponential(size=n) - 1)
    predicted = step + knows * rest + rng.normal(0, noise, n)
    return from_values("dbp", step + rest, predicted, age=age, sex=sex)


def claims(table, target):
    found = beyond(table, target)
    return [each.low is not None and each.low > 0 for each in (found.r2_gain, found.mae_gain, found.partial_r)]


def most(cohorts):
    """Claims beyond which more than 5 % of them are made, within a binomial error of one in a thousand."""
    return int(stats.binom.isf(1e-3, cohorts, 0.05))


def nothing_read(shape, n, seed, noise=3.0):
    """A prediction of what age and sex say, or of nothing, and truths with that much about it; skewed for odd seeds."""
    rng, age, sex = people(n, seed)
    rest = 10 * (rng.exponential(size=n) - 1) if seed % 2 else rng.normal(0, 10, n)
    said = {
        "constant": np.full(n, 80.0),
        "line": 75 + 0.5 * (age - 56) + 3 * sex,
        "curve": curve(age, sex),
        "step": 75 + 10 * (age > np.where(sex > 0, 50, 60)) + 6 * (age > 70),
        "wave": 75 + 10 * np.sin(2 * np.pi * age / 12),
    }[shape]
    return from_values("dbp", said + rest, said + rng.normal(0, noise, n), age=age, sex=sex)


MANY = [pytest.param(*each, marks=pytest.mark.slow) for each in ((60, 400), (150, 400), (600, 100))]
"""People and cohorts."""


@pytest.mark.parametrize(("n", "cohorts"), [(60, 6), *MANY])
@pytest.mark.parametrize("shape", ["constant", "line", "curve", "step", "wave"])
def test_what_age_and_sex_say_seldom_claims_a_gain(shape, n, cohorts):
    found, beaten = [], 0
    for seed in range(cohorts):
        table = nothing_read(shape, n, seed, noise=0.05 if seed % 5 == 0 and shape != "constant" else 3.0)
        asked = _told(*_asked(table))  # what it does not tell has no gain, as the tests below hold it to
        found.append(claims(table, "dbp") if 1 in (asked.squared, asked.absolute) else [False] * 3)
        if shape == "constant":
            first = against_baselines(table, "dbp")[0]
            beaten += first.difference.high is not None and first.difference.high < 0
    assert beaten <= most(cohorts)
    assert (np.sum(found, axis=0) <= most(cohorts)).all(), np.sum(found, axis=0)


@pytest.mark.slow
def test_a_partial_correlation_of_a_fifth_is_found_in_half_of_200_people():
    assert sum(beyond(cohort(200, seed, 0.0612), "dbp").adds for seed in range(150)) > 0.45 * 150


def test_a_prediction_that_would_have_to_be_turned_round_adds_nothing_and_says_why():
    found = beyond(cohort(150, 5, -0.4), "dbp")
    assert found.adds is False
    assert found.partial_r.high == 0.0 or found.partial_r.value < 0
    assert "those with more are predicted less" in found.r2_gain.note


def test_what_a_curve_misses_is_no_gain_and_what_is_read_beside_a_step_is():
    blind, seeing = (beyond(broken(400, 0, knows, noise), "dbp") for knows, noise in ((0.0, 0.05), (0.5, 3.0)))
    assert blind.r2_gain.value > 0
    assert (blind.r2_gain.low, blind.adds) == (0.0, False)
    assert "steps, bends, bumps and waves" in blind.r2_gain.note
    assert "a function of what is known without it" in blind.partial_r.note
    assert seeing.adds
    assert min(seeing.mae_gain.low, seeing.partial_r.low) > 0
    assert not seeing.r2_gain.note


def test_no_gain_depends_on_the_scale_of_the_prediction_the_sex_that_is_called_1_or_the_order_of_rows():
    table = broken(80, 6, 0.4, 2.0)
    other = from_values(
        "dbp", table.truth["dbp"][::-1], 50 + 3 * table.predicted["dbp"][::-1],
        age=table.truth["age"][::-1], sex=1 - table.truth["sex"][::-1],
    )  # fmt: skip
    one, two = (_told(*of) for of in (_asked(table), _asked(other)))
    assert (one.squared, one.absolute) == (two.squared, two.absolute)
    assert one.own == pytest.approx(two.own, rel=1e-6)


def _asked(table):
    sample = units_of_analysis(table, TARGETS["dbp"], "patient")
    return sample, ("age", "sex"), ()


def test_named_columns_are_known_too():
    table = cohort(knows=0.3, seed=3)
    rest = table.truth["dbp"] - curve(table.truth["age"], table.truth["sex"])
    words = {
        "lab": np.array([f"{value:.2f}" for value in rest]),
        "site": np.where(rest > 0, "A", "B"),
        "name": np.array([f"N{k}" for k in range(len(table))]),
        "some": np.where(np.arange(len(table)) < 100, "1", ""),
    }
    table = replace(table, covariates=words)
    plain, told = beyond(table, "dbp"), beyond(table, "dbp", ("lab",))
    assert (plain.adds, told.adds, str(told.beyond)) == (True, False, "age, sex and lab")
    assert told.r2_baseline.value > 0.99
    assert plain.r2_gain.value > beyond(table, "dbp", ("site",)).r2_gain.value > 0
    assert beyond(table, "dbp", ("some",)).n == 100
    with pytest.raises(UsageError, match="150 different words"):
        beyond(table, "dbp", ("name",))
    with pytest.raises(UsageError, match="no column 'nothing' to look beyond; there are lab, site"):
        beyond(table, "dbp", ("nothing",))


def test_age_is_looked_at_beyond_sex_and_sex_beyond_age():
    _, age, sex = people(90, 4)
    noise = np.random.default_rng(1).normal(0, 5, 90)
    of_age = beyond(from_values("age", age, age + noise, sex=sex), "age")
    assert (str(of_age.beyond), of_age.adds) == ("sex", True)
    chance = np.clip(0.5 + (sex - 0.5) * 0.4 + noise / 25, 0.01, 0.99)
    of_sex = beyond(from_values("sex", sex, chance, age=age), "sex")
    assert (str(of_sex.beyond), of_sex.adds) == ("age", True)
    assert "no absolute error" in of_sex.mae_gain.note


def test_few_people_and_no_age_say_why():
    few = beyond(cohort(19), "dbp")
    assert "needs 20 people of known age and sex" in few.r2_gain.note
    assert few.adds is None
    blind = replace(cohort(50), truth={"dbp": cohort(50).truth["dbp"]})
    assert beyond(blind, "dbp").n == 0
