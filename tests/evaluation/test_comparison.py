"""Cohorts side by side: case mix, standardised errors, shift without truth."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from fundus_core.analyses import Settings, Study, side_by_side
from fundus_core.errors import UsageError
from fundus_core.evaluation import compare, evaluate, imbalance, out_of_distribution, prediction_shift, table_one
from fundus_core.evaluation.cohorts.case_mix import categorical_smd, overlap
from fundus_core.evaluation.cohorts.distribution_shift import stability_index
from fundus_core.evaluation.cohorts.entropy_balancing import balance, effective_number
from fundus_core.evaluation.observations.sample import select_rows


@pytest.fixture(name="people")
def people_fixture(pairs):
    def make(prefix, n=400, spread=17.5, bias=0.0, seed=0, centre=130.0):
        rng = np.random.default_rng(seed)
        y = rng.normal(centre, spread, n)
        p = 130 + 0.36 * (y - 130) + rng.normal(0, 8.4, n) + bias
        who = [f"{prefix}{k}" for k in range(n)]
        return pairs(y, p, who, age=rng.normal(60, 10, n), sex=rng.integers(0, 2, n))

    return make


def written(cohorts, **margins):
    """Every table of a comparison as JSON, which has no word for what is not finite."""
    study = Study(lambda: cohorts, Settings("patient", draws=20, margins=margins))
    return json.dumps({each.id: study.rows(each) for each in side_by_side.TABLES}, allow_nan=False)


def p_of(differences, score):
    return next(each.p for each in differences if each.score == score)


@pytest.mark.parametrize("seed", range(4))
def test_cohorts_that_differ_only_in_spread_do_not_differ_in_skill(people, seed):
    cohorts = {"narrow": people("a", spread=10, seed=seed), "wide": people("b", spread=20, seed=100 + seed)}
    found = compare(cohorts, draws=400).targets["sbp"]
    assert p_of(found.differences, "mae") < 0.001
    for each in found.standardised.differences:
        assert each.p > 0.01, each.score


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_bias_of_three_is_found_on_common_ground(people, seed):
    cohorts = {"plain": people("a", seed=seed), "biased": people("b", bias=3, seed=100 + seed)}
    common = compare(cohorts, draws=400).targets["sbp"].standardised
    found = next(each for each in common.differences if each.score == "bias")
    assert found.p < 0.05
    assert found.difference.low < -3 < found.difference.high


def test_a_cohort_beside_itself_differs_by_nothing_on_common_ground(people):
    """The same people are drawn on both sides: the interval of the difference has no width."""
    table = people("a", n=60)
    common = compare({"one": table, "same": table}, draws=30).targets["sbp"].standardised
    assert common.differences
    for each in common.differences:
        ends = [end for end in (each.difference.low, each.difference.high) if end is not None]
        assert [each.difference.value, *ends] == pytest.approx([0] * (1 + len(ends)), abs=1e-9)


def test_the_standard_is_the_mean_of_all_cohorts_and_as_wide_as_the_narrowest(people):
    cohorts = {name: people(name, n=80, spread=15 + k, seed=k, centre=125 + k**3) for k, name in enumerate("abc")}
    means, spreads = zip(*((one.truth["sbp"].mean(), one.truth["sbp"].std()) for one in cohorts.values()), strict=True)
    common = compare(cohorts, draws=20, targets=["sbp"]).targets["sbp"].standardised
    for each in (one for one in common.balance if one.variable == "truth"):
        assert each.standard_mean == pytest.approx(np.mean(means), rel=1e-12)
        assert each.standard_sd == pytest.approx(min(spreads), rel=1e-12)


def test_weights_reach_the_standard_and_say_what_they_cost(people):
    cohorts = {"narrow": people("a", n=200, spread=10), "wide": people("b", n=200, spread=20, seed=1)}
    common = compare(cohorts, draws=50).targets["sbp"].standardised
    assert common.variables == ("truth", "age", "sex")
    for each in common.balance:
        assert each.weighted_mean == pytest.approx(each.standard_mean, abs=1e-6)
        assert each.weighted_sd == pytest.approx(each.standard_sd, abs=1e-6)
    narrow, wide = common.cohorts
    assert wide.effective_n < narrow.effective_n <= 200
    assert wide.weights.sum() == pytest.approx(200)
    assert wide.estimates["mae"].low < wide.estimates["mae"].value < wide.estimates["mae"].high


def test_cohorts_without_common_ground_say_so(people):
    cohorts = {"low": people("a", n=100, spread=5, centre=110), "high": people("b", n=100, spread=5, centre=180)}
    common = compare(cohorts, draws=20).targets["sbp"].standardised
    for each in common.cohorts:
        assert len(each.weights) == 0 or each.effective_n < 20
        assert "hardly overlap" in each.estimates["mae"].note
    assert all(each.p is None for each in common.differences)


def test_equal_cohorts_need_no_weights(people):
    table = people("a", n=100)
    twin = replace(table, patient_id=np.char.add("x", table.patient_id))
    common = compare({"one": table, "other": twin}, draws=30).targets["sbp"].standardised
    for each in common.cohorts:
        assert each.weights == pytest.approx(np.ones(100))
        assert each.effective_n == pytest.approx(100)
    assert all(each.difference.value == pytest.approx(0, abs=1e-9) for each in common.differences)


def test_unknown_age_is_not_standardised(people):
    a, b = people("a", n=60), people("b", n=60, seed=1)
    a.truth["age"][:30] = np.nan
    common = compare({"a": a, "b": b}, draws=20).targets["sbp"].standardised
    assert common.variables == ("truth", "sex")
    b.truth["age"][:3] = np.nan
    a.truth["age"][:30] = 60.0
    some = compare({"a": a, "b": b}, draws=20).targets["sbp"].standardised
    assert [each.left_out for each in some.cohorts] == [0, 3]


def test_each_cohort_is_scored_as_if_alone(cohort):
    a, b = cohort(people=60, seed=1), cohort(people=60, seed=2)
    b = replace(b, patient_id=np.char.add("Q", b.patient_id))
    found = compare({"a": a, "b": b}, draws=20)
    for name, table in (("a", a), ("b", b)):
        alone = evaluate(table, draws=20, ranked=False)
        for target, expected in alone.targets.items():
            result = found.targets[target].results[name]
            assert result.n == expected.n
            for score, estimate in expected.estimates.items():
                assert result.estimates[score].value == pytest.approx(estimate.value), (target, score)
    assert found.targets["sex"].standardised is None
    assert found.in_both == {("a", "b"): 0}
    assert written({"a": a, "b": b})


def test_the_order_of_rows_and_cohorts_changes_only_signs(cohort, shuffled):
    a, b = cohort(people=50, seed=1), cohort(people=50, seed=2)
    b = replace(b, patient_id=np.char.add("Q", b.patient_id))
    one = compare({"a": a, "b": b}, draws=60, targets=["sbp"]).targets["sbp"]
    same = compare({"a": shuffled(a, 1), "b": shuffled(b, 2)}, draws=60, targets=["sbp"]).targets["sbp"]
    other = compare({"b": b, "a": a}, draws=60, targets=["sbp"]).targets["sbp"]
    assert same.differences == one.differences
    for first, second in zip(one.differences, other.differences, strict=True):
        assert first.difference.value == pytest.approx(-second.difference.value)
        assert first.p == pytest.approx(second.p)


def test_a_selection_of_a_cohort_shares_its_people(cohort):
    table = cohort(people=80, seed=1)
    part = select_rows(table, table.covariates["site"] != "C")
    found = compare({"all": table, "part": part}, draws=100, targets=["sbp"])
    assert found.in_both[("all", "part")] > 40
    assert all(each.test.startswith("Wald") for each in found.targets["sbp"].differences)


@pytest.mark.parametrize(("bias", "equivalent"), [(0.0, True), (4.0, False)])
def test_equivalence_is_shown_within_the_margin_only(people, bias, equivalent):
    cohorts = {"a": people("a", n=800), "b": people("b", n=800, seed=1, bias=bias)}
    found = compare(cohorts, draws=20, margins={"sbp": 3}).targets["sbp"].equivalences
    bias_row = next(each for each in found if each.score == "bias")
    assert (bias_row.p < 0.05) == equivalent
    assert bias_row.verdict == ("equivalent within 3 mmHg" if equivalent else "not shown to be within 3 mmHg")
    assert compare(cohorts, draws=20).targets["sbp"].equivalences == ()


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a"], {}, "two or more"),
        (["a", "b"], {"margins": {"sbp": 0}}, "above zero"),
        (["a", "b"], {"level": "x"}, "level"),
    ],
)
def test_bad_calls_say_what_to_do(cohort, names, options, message):
    with pytest.raises(UsageError, match=message):
        compare({name: cohort(people=5) for name in names}, draws=5, **options)


def test_cohorts_without_anything_in_common_are_no_crash(pairs, people):
    empty = pairs([], [])
    one = pairs([120.0], [125.0], ["z"])
    cohorts = {"empty": empty, "one": one, "many": people("a", n=50)}
    found = compare(cohorts, draws=20, margins={"sbp": 5})
    assert "not estimable" in written(cohorts, sbp=5)
    assert found.targets["sbp"].standardised is None
    assert all("too few" in each.verdict for each in found.targets["sbp"].equivalences)


def test_table_one_counts_and_averages(cohort):
    table = cohort(people=40)
    lines = {(line.variable, line.category): line for line in table_one({"a": table})}
    assert lines["photographs", ""].n == len(table)
    assert lines["people", ""].n == 40
    assert lines["refused", ""].n == (table.status == "refused").sum()
    sites = [lines["site", site].share for site in "ABC"]
    assert sum(sites) == pytest.approx(1)
    values = {
        who: np.nanmean(table.truth["bmi"][table.patient_id == who])
        for who in np.unique(table.patient_id)
        if np.isfinite(table.truth["bmi"][table.patient_id == who]).any()
    }
    assert lines["bmi", ""].mean == pytest.approx(np.mean(list(values.values())))
    assert lines["bmi", ""].sd == pytest.approx(np.std(list(values.values()), ddof=1))
    assert lines["bmi", ""].missing == 40 - len(values)


def test_imbalance_by_hand(pairs):
    rng = np.random.default_rng(0)
    x, y = rng.normal(130, 15, 200), rng.normal(138, 10, 100)
    found = imbalance({"a": pairs(x, x), "b": pairs(y, y)})[0]
    pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    assert found.smd == pytest.approx((x.mean() - y.mean()) / pooled)
    assert found.sd_ratio == pytest.approx(x.std(ddof=1) / y.std(ddof=1))
    grid = np.linspace(50, 220, 3000)
    expected = np.minimum(stats.norm.pdf(grid, 130, 15), stats.norm.pdf(grid, 138, 10)).sum() * (grid[1] - grid[0])
    assert found.overlap == pytest.approx(expected, abs=0.07)


def test_overlap_is_symmetric_and_free_of_unit():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 80), rng.normal(1, 1, 90)
    assert overlap(a, b) == pytest.approx(overlap(b, a))
    assert overlap(7 * a + 3, 7 * b + 3) == pytest.approx(overlap(a, b), abs=1e-6)


def test_smd_of_two_categories_is_that_of_a_share():
    first, second = np.array(["m"] * 30 + ["f"] * 70), np.array(["m"] * 50 + ["f"] * 50)
    expected = 0.2 / np.sqrt((0.3 * 0.7 + 0.25) / 2)
    assert categorical_smd(first, second) == pytest.approx(expected)
    assert categorical_smd(first, first) == 0
    assert categorical_smd(first, np.array([""])) is None


def test_tilted_means_are_zero_or_nothing_is_returned():
    rng = np.random.default_rng(2)
    x = rng.normal(0.3, 1, (60, 2))
    weights = balance(rng.integers(0, 3, (8, 60)).astype(float), x)
    assert weights @ x == pytest.approx(np.zeros((8, 2)), abs=1e-8)
    assert weights.sum(axis=1) == pytest.approx(np.ones(8))
    assert np.isnan(balance(np.ones((3, 60)), np.abs(x) + 0.1)).all()


def test_tilted_weights_are_log_linear_in_the_features():
    x = np.random.default_rng(3).normal(0.2, 1, (40, 2))
    weights = balance(np.ones((1, 40)), x)[0]
    design = np.column_stack([np.ones(40), x])
    residual = np.linalg.lstsq(design, np.log(weights), rcond=None)[1]
    assert residual == pytest.approx(0, abs=1e-12)
    assert 1 <= effective_number(weights) <= 40


def test_shift_equals_scipy_and_knows_no_truth(cohort):
    a, b = cohort(people=60, seed=1), cohort(people=60, seed=2, bias=6)
    a, b = (replace(table, truth={}) for table in (a, b))
    found = {each.target: each for each in prediction_shift({"a": a, "b": b})}

    def mean_of_each(table):
        means = []
        for who in np.unique(table.patient_id):
            rows = (table.patient_id == who) & (table.status == "predicted") & np.isfinite(table.predicted["sbp"])
            if rows.any():
                means.append(table.predicted["sbp"][rows].mean())
        return np.array(means)

    x, y = mean_of_each(a), mean_of_each(b)
    assert found["sbp"].ks == pytest.approx(stats.ks_2samp(x, y).statistic)
    assert found["sbp"].wasserstein == pytest.approx(stats.wasserstein_distance(x, y))
    assert found["sbp"].mean_difference == pytest.approx(x.mean() - y.mean())
    assert found["sbp"].p is None  # the cohorts' people have the same ids
    assert found["sbp"].note.startswith("no test: 54 people are in both cohorts")


def test_nothing_shifts_against_itself(cohort):
    table = cohort(people=60)
    for each in prediction_shift({"a": table, "b": table}):
        assert (each.ks, each.wasserstein, each.psi, each.p) == (0, 0, 0, None)


def test_stability_index_by_hand_and_with_an_empty_bin():
    first = np.repeat([0.0, 1.0], [50, 50])
    second = np.repeat([0.0, 1.0], [80, 20])
    assert stability_index(first, second) == pytest.approx(0.3 * np.log(80 / 50) - 0.3 * np.log(20 / 50))
    assert np.isfinite(stability_index(first, np.zeros(100)))


def test_out_of_distribution_share(cohort):
    table = cohort(people=60)
    found = out_of_distribution({"a": table})[0]
    assert found.share.value == pytest.approx((table.out_of_distribution > 1).mean())
    assert found.share.low < found.share.value < found.share.high
    unknown = replace(table, out_of_distribution=np.full(len(table), np.nan))
    assert out_of_distribution({"a": unknown})[0].share.value is None


def test_a_cohort_with_one_prediction_is_no_shift(pairs):
    found = prediction_shift({"a": pairs([1.0], [2.0]), "b": pairs([1.0, 2], [3.0, 4])})[0]
    assert found.ks is None
    assert found.note.startswith("not estimable")
