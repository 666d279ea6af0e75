"""The mean over sites: laws, metafor's values, and what is said where there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import logit

from fundus_core.evaluation import at_site, from_values, not_independent, over_sites, units_of_analysis
from fundus_core.evaluation.sites.pooling import between, pool
from fundus_core.targets import target
from tests.evaluation.conftest import cohort

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))
SETS = [name for name in REFERENCE if name != "metafor"]

few = settings(max_examples=40, deadline=None)
some = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.05, 3)), min_size=2, max_size=8)


def arrays(sites):
    values, errors = np.array(sites).T
    return values, errors


@pytest.mark.parametrize("name", SETS)
def test_metafor_says_the_same(name):
    of = REFERENCE[name]
    found = pool(np.array(of["y"]), np.array(of["s"]))
    mine = {
        "mean": found.mean, "error": found.error, "low": found.low, "high": found.high, "tau2": found.tau**2,
        "i2": found.i2, "q": found.q, "q_p": found.p, "new_low": found.new_low, "new_high": found.new_high,
    }  # fmt: skip
    for what, value in mine.items():
        assert value == (of[what] if of[what] is None else pytest.approx(of[what], rel=1e-9, abs=1e-9)), what
    assert found.weights == pytest.approx(of["weights"], abs=1e-9)


@few
@given(some, st.floats(-3, 3), st.floats(0.1, 20))
def test_moving_and_stretching_every_value_moves_and_stretches_the_answer(sites, shift, factor):
    values, errors = arrays(sites)
    one, other = pool(values, errors), pool(factor * values + shift, factor * errors)
    for what in ("mean", "low", "high"):
        assert getattr(other, what) == pytest.approx(factor * getattr(one, what) + shift, rel=1e-5, abs=1e-5 * factor)
    assert other.i2 == pytest.approx(one.i2, abs=1e-5)


@few
@given(some, st.randoms(use_true_random=False))
def test_the_order_of_sites_changes_nothing(sites, random):
    mixed = list(sites)
    random.shuffle(mixed)
    one, other = pool(*arrays(sites)), pool(*arrays(mixed))
    assert (one.mean, one.error, one.tau) == pytest.approx((other.mean, other.error, other.tau), rel=1e-7, abs=1e-9)


@few
@given(some)
def test_no_other_tau_is_likelier(sites):
    values, errors = arrays(sites)

    def unlikely(tau2):
        w = 1 / (errors**2 + tau2)
        mean = (w * values).sum() / w.sum()
        return -np.log(w).sum() + np.log(w.sum()) + (w * (values - mean) ** 2).sum()

    best = unlikely(between(values, errors**2))
    tried = [unlikely(tau2) for tau2 in (0.0, *np.geomspace(1e-6, 300, 60))]
    near = optimize.minimize_scalar(unlikely, bounds=(0, 100), method="bounded").fun
    assert best <= min(*tried, near) + 1e-7


@few
@given(some)
def test_the_mean_lies_between_the_sites_and_a_new_site_is_less_sure(sites):
    found = pool(*arrays(sites))
    values = [value for value, _ in sites]
    assert min(values) - 1e-9 <= found.mean <= max(values) + 1e-9
    assert found.weights.sum() == pytest.approx(1)
    assert 0 <= found.i2 <= 1
    if len(sites) > 2:
        assert found.new_low <= found.low <= found.high <= found.new_high
    else:
        assert found.new_low is None


def test_sites_that_agree_are_pooled_as_one_and_never_surer_than_that():
    errors = np.array([0.1, 0.2, 0.4])
    found = pool(np.full(3, 2.5), errors)
    assert found.tau == found.i2 == found.q == 0
    assert found.error == pytest.approx((1 / errors**2).sum() ** -0.5)
    assert found.high - found.mean == pytest.approx(stats.t.isf(0.025, 2) * found.error)


def test_intervals_cover_the_mean_and_a_new_site():
    """400 times eight sites that differ by more than chance; 95 % within Monte Carlo error (4 standard errors)."""
    draw = np.random.default_rng(7)
    held = new = 0
    for _ in range(400):
        errors = draw.uniform(0.1, 0.4, 8)
        found = pool(3 + 0.8 * draw.normal(size=8) + errors * draw.normal(size=8), errors)
        held += found.low <= 3 <= found.high
        new += found.new_low <= 3 + 0.8 * draw.normal() <= found.new_high
    assert 0.906 <= held / 400 <= 0.994
    assert 0.906 <= new / 400 <= 0.994


# Estimates of cohorts ---------------------------------------------------------------------------------------------


def site(seed, people=60, of="sbp", **more):
    return at_site(units_of_analysis(cohort(people, seed, **more), target(of), "patient"))


@pytest.fixture(scope="module")
def sites():
    return {f"site {seed}": site(seed) for seed in range(4)}


def test_an_error_is_pooled_on_its_logarithm(sites):
    one = next(each for each in over_sites(sites) if each.estimate == "mae")
    logs = [np.log(each.estimates["mae"].estimate.value) for each in sites.values()]
    assert [each.estimates["mae"].scaled for each in sites.values()] == pytest.approx(logs)
    found = pool(np.array(logs), np.array([each.estimates["mae"].error for each in sites.values()]))
    assert (one.mean.value, one.mean.low, one.mean.high) == pytest.approx(np.exp([found.mean, found.low, found.high]))
    assert (one.new_site.low, one.new_site.high) == pytest.approx(np.exp([found.new_low, found.new_high]))
    assert sum(each.weight for each in one.sites) == pytest.approx(1)


def test_a_standard_error_is_that_of_a_mean(sites):
    """Of one number a person: the SD of the errors over the root of n, and over the mean on the logarithm."""
    y, p = np.arange(50.0), np.arange(50.0) + np.random.default_rng(1).normal(size=50)
    found = at_site(units_of_analysis(from_values("sbp", y, p), target("sbp"), "patient")).estimates
    assert found["bias"].error == pytest.approx((p - y).std(ddof=1) / 50**0.5, rel=1e-9)
    shares = found["within_5"]
    assert shares.scale == "logit"
    assert shares.scaled == pytest.approx(np.log(50.5 / 0.5))  # all 50 within
    some_ = np.where(np.arange(50) < 8, 9.0, 1.0)
    found = at_site(units_of_analysis(from_values("sbp", y, y + some_), target("sbp"), "patient")).estimates
    share = 42 / 50
    assert found["within_5"].scaled == pytest.approx(logit(share))
    assert found["within_5"].error == pytest.approx((49 * share * (1 - share)) ** -0.5, rel=1e-9)


def test_leaving_one_out_is_pooling_the_others(sites):
    whole = next(each for each in over_sites(sites) if each.estimate == "bias")
    rest = {name: each for name, each in sites.items() if name != "site 2"}
    assert whole.sites[2].without == next(each for each in over_sites(rest) if each.estimate == "bias").mean


def test_a_site_of_few_people_is_left_out_with_its_reason(sites):
    found = over_sites({**sites, "small": site(9, people=8)})
    one = next(each for each in found if each.estimate == "mae")
    assert one.sites[-1].weight is None
    assert "fewer than 10" in one.sites[-1].note
    assert one.pooled == 4
    assert one.mean == next(each for each in over_sites(sites) if each.estimate == "mae").mean


def test_two_sites_have_a_mean_and_say_why_nothing_of_a_third(sites):
    two = dict(list(sites.items())[:2])
    one = next(each for each in over_sites(two) if each.estimate == "mae")
    assert one.mean.low is not None
    assert one.new_site.low is None
    assert one.new_site.note == "no prediction interval: it takes 3 sites"


def test_one_site_has_none(sites):
    one = over_sites({"a": sites["site 0"], "b": site(9, people=8)})[0]
    assert one.mean.value is None
    assert one.mean.note == "not pooled: 1 of 2 sites can be; it takes 2"


def test_the_same_people_or_the_same_numbers_twice_are_refused(sites):
    tables = {"a": cohort(30, 1), "b": cohort(30, 2)}
    assert "share" in not_independent(tables, {})
    apart = replace(tables["b"], patient_id=np.char.add("x", tables["b"].patient_id))
    assert not_independent({"a": tables["a"], "b": apart}, {}) == ""
    twice = not_independent({}, {"a": sites["site 0"], "b": sites["site 1"], "c": sites["site 0"]})
    assert twice == "not pooled: a and c have the same numbers: one site twice"
    assert not_independent({}, sites) == ""


def test_a_probability_is_pooled_on_its_log_odds():
    sites = {str(seed): site(seed, 90, "sex") for seed in range(3)}
    found = {each.estimate: each for each in over_sites(sites)}
    assert {"auc", "accuracy", "calibration_slope"} <= set(found)
    assert 0 < found["auc"].new_site.low < found["auc"].mean.value < found["auc"].new_site.high < 1
