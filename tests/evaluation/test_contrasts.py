"""Tests of differences against scipy and statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from fundus_core.evaluation.intervals.bootstrap import Draws
from fundus_core.evaluation.intervals.contrasts import (
    NO_EFFECT,
    adjusted,
    difference,
    hedges,
    paired,
    standardised_change,
    wald,
    welch,
)


@pytest.fixture(name="two")
def two_groups():
    rng = np.random.default_rng(0)
    return rng.normal(10, 3, 40), rng.normal(11, 6, 25)


def test_welch_equals_scipy(two):
    ours, theirs = welch(*two), stats.ttest_ind(*two, equal_var=False)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert ours.interval() == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-12)
    assert ours.value / ours.error == pytest.approx(theirs.statistic)


def test_paired_equals_scipy(two):
    a, b = two[0][:25], two[1]
    ours, theirs = paired(a, b), stats.ttest_rel(a, b)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert ours.interval() == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-12)
    found = standardised_change(a, b)
    assert found.value == pytest.approx(theirs.statistic / 5)
    # 25 people: Goulet-Pelletier & Cousineau 2018
    assert found.high - found.value == pytest.approx(1.959964 * np.sqrt(0.04 + found.value**2 / 50), rel=1e-6)
    assert found.value - found.low == pytest.approx(found.high - found.value)


@pytest.mark.parametrize("margin", [0.5, 2.0, 5.0])
def test_equivalence_equals_statsmodels(two, margin):
    expected = ttost_ind(*two, -margin, margin, usevar="unequal")[0]
    assert welch(*two).equivalence_p(margin) == pytest.approx(expected, rel=1e-9)


def test_equivalence_at_five_percent_is_the_ninety_percent_interval_inside_the_margin(two):
    contrast = welch(*two)
    reach = max(abs(end) for end in contrast.interval(0.9))
    assert contrast.equivalence_p(reach * 1.001) < 0.05 < contrast.equivalence_p(reach * 0.999)


def test_swapping_groups_changes_only_the_sign(two):
    a, b = welch(*two), welch(*two[::-1])
    assert (a.value, a.p, a.freedom) == pytest.approx((-b.value, b.p, b.freedom))
    assert hedges(*two).value == pytest.approx(-hedges(*two[::-1]).value)


def test_hedges_is_free_of_unit_and_place(two):
    a, b = two
    assert hedges(3 * a + 7, 3 * b + 7).value == pytest.approx(hedges(a, b).value)
    pooled = np.sqrt((39 * a.var(ddof=1) + 24 * b.var(ddof=1)) / 63)
    assert hedges(a, b).value == pytest.approx((a.mean() - b.mean()) / pooled, rel=0.02)


@pytest.mark.parametrize(("ours", "theirs"), [("holm", "holm"), ("bh", "fdr_bh")])
@pytest.mark.parametrize("seed", range(5))
def test_corrections_equal_statsmodels(ours, theirs, seed):
    p = np.random.default_rng(seed).random(12) ** 3
    p[3] = p[7]
    assert adjusted(p, ours) == pytest.approx(multipletests(p, method=theirs)[1])


def test_corrections_of_nothing_and_of_one():
    assert adjusted([]) == []
    assert adjusted([0.03]) == adjusted([0.03], "bh") == [0.03]


def test_untested_rows_say_why(two):
    untested = difference(("sbp", "mae", "a", "c"), None, NO_EFFECT, 2.0)
    nothing = difference(("sbp", "mae", "b", "c"), None, NO_EFFECT, None)
    assert (untested.difference.value, untested.p) == (2.0, None)
    assert nothing.difference.note.startswith("not estimable")


def test_nothing_is_tested_where_nothing_varies():
    same = np.ones(10)
    assert welch(same, same) is None
    assert paired(same, same) is None
    assert welch(same[:1], np.arange(5.0)) is None
    assert wald(1.0, np.ones(100), Draws(10, 100)) is None
    assert wald(np.nan, np.arange(100.0), Draws(10, 100)) is None
    assert hedges(same, same).value is None


def test_wald_uses_the_spread_of_the_replicates():
    replicates = np.random.default_rng(1).normal(2, 0.5, 5000)
    contrast = wald(2.0, replicates, Draws(10, 5000))
    assert contrast.error == pytest.approx(0.5, rel=0.05)
    assert contrast.p == pytest.approx(2 * stats.norm.sf(2.0 / contrast.error))
