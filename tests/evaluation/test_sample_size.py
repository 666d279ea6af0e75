"""The planner: skewed errors, sites and margins of equivalence, each by another way to the same number."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from fundus_core.errors import UsageError
from fundus_core.evaluation import (
    people_for_equivalence,
    people_for_mae,
    people_for_r2,
    people_for_slope,
    sites_for_mean,
)
from fundus_core.evaluation.one_cohort.sample_size import relative_spread


@pytest.mark.parametrize("skewness", [0.5, 1.0, 2.0, 3.3])
def test_the_spread_of_skewed_errors_is_that_of_a_gamma_distribution(skewness):
    shape = 4 / skewness**2
    away = stats.gamma(shape, loc=-shape)
    ends = (-shape, 0, away.isf(1e-13))
    mean = sum(integrate.quad(lambda x: abs(x) * away.pdf(x), *pair)[0] for pair in itertools.pairwise(ends))
    assert relative_spread(skewness) == pytest.approx(np.sqrt(shape - mean**2) / mean, rel=1e-4)


def test_little_skew_is_nearly_none_and_much_takes_more_people():
    assert relative_spread(0.02) == pytest.approx(relative_spread(0), rel=1e-3)
    people = [people_for_mae(10, 1, skewness=skewness).people for skewness in (0, 1, 2, 3.3)]
    assert people == sorted(people)
    assert people[-1] / people[0] == pytest.approx(2.4, abs=0.06)


def test_an_interval_of_skewed_errors_has_the_width_that_was_planned():
    n = people_for_mae(10, 2.0, skewness=2.0).people
    error = 10 / (2 / np.e) * (np.random.default_rng(0).exponential(size=(400, n)) - 1)
    width = 2 * 1.96 * np.abs(error).std(axis=1, ddof=1) / np.sqrt(n)
    assert np.mean(width) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(
    ("between", "error", "width"), [(1.0, 0.5, 2.0), (0.0, 0.4, 0.5), (0.3, 0.6, 1.1), (0.0, 1.0, 2.6)]
)
def test_so_many_sites_and_not_one_fewer_reach_the_width(between, error, width):
    k = sites_for_mean(between, error, width).people
    reach = [2 * stats.t.ppf(0.975, n - 1) * np.sqrt((between**2 + error**2) / n) for n in (k - 1, k)]
    assert reach[1] <= width < reach[0]


@pytest.mark.parametrize("paired", [False, True])
def test_equivalence_is_shown_as_often_as_was_planned(paired):
    n = people_for_equivalence(8.0, 3.0, power=0.8, paired=paired).people
    rng = np.random.default_rng(1)
    a = rng.normal(0, 8, (1_000, n))
    b = rng.normal(0, 8, (1_000, n)) if not paired else np.zeros((1_000, n))
    found = [stats.ttest_rel(x, y) if paired else stats.ttest_ind(x, y) for x, y in zip(a, b, strict=True)]
    ends = [each.confidence_interval(0.90) for each in found]
    assert np.mean([-3 < low and high < 3 for low, high in ends]) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: people_for_mae(10, 1, skewness=9), lambda: sites_for_mean(-1, 1, 1), lambda: sites_for_mean(9, 1, 0.1),
        lambda: people_for_equivalence(8, 0), lambda: people_for_equivalence(8, 1, power=1.0),
        lambda: people_for_equivalence(8, 1e-6),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(ask):
    with pytest.raises(UsageError):
        ask()


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
