"""Drawing people: laws of the counts, a plain loop as second source, scipy's intervals, coverage."""

import numpy as np
import pytest
from scipy import stats

from fundus_core.evaluation import evaluate, from_values, subgroups
from fundus_core.evaluation.intervals.bootstrap import BLOCK, Draws, SumStatistic, resample
from fundus_core.evaluation.intervals.intervals import acceleration, bca_interval, percentile_interval, with_interval
from fundus_core.evaluation.one_cohort import bootstrap_scores


def counts(draws):
    return np.concatenate(list(draws.blocks()))


@pytest.mark.parametrize("people", [1, 2, 7, 300])
def test_every_draw_holds_as_many_people_as_there_are(people):
    drawn = counts(Draws(people, 40, 3))
    assert drawn.shape == (40, people)
    assert (drawn.sum(axis=1) == people).all()
    assert (drawn >= 0).all()


def test_the_seed_decides_and_nothing_else():
    assert np.array_equal(counts(Draws(50, 20, 1)), counts(Draws(50, 20, 1)))
    assert not np.array_equal(counts(Draws(50, 20, 1)), counts(Draws(50, 20, 2)))
    assert np.array_equal(counts(Draws(50, 20, 1)), counts(Draws(50, 30, 1))[:20])


def test_blocks_do_not_change_the_draws(monkeypatch):
    whole = counts(Draws(30, 25, 4))
    monkeypatch.setattr("fundus_core.evaluation.intervals.bootstrap.BLOCK", 60)
    assert len(list(Draws(30, 25, 4).blocks())) == 13
    assert np.array_equal(counts(Draws(30, 25, 4)), whole)
    assert BLOCK * 8 < 50_000_000


def test_counts_are_multinomial():
    drawn = counts(Draws(20, 4000, 5))
    assert drawn.mean() == 1
    assert drawn.var(axis=0).mean() == pytest.approx(1 - 1 / 20, rel=0.05)
    assert np.cov(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(-1 / 20, abs=0.05)


def test_replicates_equal_a_plain_loop_over_resampled_rows(pairs):
    """Drawing a person twice is the same as having that person's photographs twice."""
    rng = np.random.default_rng(1)
    who = np.sort(rng.integers(0, 12, 30))
    y = np.round(rng.normal(130, 15, 30))
    p = np.round(y + rng.normal(0, 8, 30))
    names = np.char.add("P", np.char.zfill(who.astype(str), 2))
    made = evaluate(pairs(y, p, names), level="photograph", draws=200, seed=9, interval="percentile")
    found = made.targets["sbp"].estimates
    people = np.unique(who)
    loop = {name: [] for name in ("mae", "pearson", "medae", "spearman", "sd_truth")}
    for drawn in counts(Draws(len(people), 200, 9)).astype(int):
        rows = np.concatenate(
            [np.tile(np.flatnonzero(who == person), k) for person, k in zip(people, drawn, strict=True)]
        )
        d = p[rows] - y[rows]
        loop["mae"].append(np.abs(d).mean())
        loop["medae"].append(np.median(np.abs(d)))
        loop["pearson"].append(stats.pearsonr(y[rows], p[rows])[0])
        loop["spearman"].append(stats.spearmanr(y[rows], p[rows])[0])
        loop["sd_truth"].append(y[rows].std(ddof=1))
    for name, values in loop.items():
        assert (found[name].low, found[name].high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_intervals_agree_with_scipy_for_one_photograph_a_person(pairs):
    rng = np.random.default_rng(2)
    y = rng.normal(130, 15, 150)
    p = y + rng.gamma(1.5, 6, 150)
    for method, name in (("percentile", "percentile"), ("bca", "BCa")):
        ours = evaluate(pairs(y, p), draws=4000, interval=method).targets["sbp"].estimates["mae"]
        theirs = stats.bootstrap((np.abs(p - y),), np.mean, n_resamples=4000, method=name, rng=3).confidence_interval
        width = theirs.high - theirs.low
        assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
        assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)
        assert ("BCa" in ours.method) == (method == "bca")


def test_bca_follows_the_skew_and_percentile_does_not_know_it():
    rng = np.random.default_rng(3)
    data = rng.exponential(size=40)
    drawn = rng.choice(data, size=(4000, 40)).mean(axis=1)
    jackknife = (data.sum() - data) / 39
    assert acceleration(jackknife) > 0
    low, high = bca_interval(data.mean(), drawn, jackknife)
    plain = percentile_interval(drawn)
    assert low > plain[0]
    assert high > plain[1]


def test_bca_without_bias_and_skew_is_the_percentile_interval():
    values = np.arange(-500.0, 501.0)
    found = bca_interval(0.0, values, np.array([-1.0, 0.0, 1.0]))
    assert found == pytest.approx(percentile_interval(values), abs=1e-9)


def test_bca_falls_back_and_says_so_where_every_draw_lies_on_one_side():
    estimate = with_interval(0.0, np.linspace(1, 2, 100), 50, Draws(50, 100), jackknife=np.arange(50.0))
    assert "percentile" in estimate.method
    assert "one side" in estimate.note


def test_draws_without_a_value_are_counted():
    values = np.r_[np.full(3, np.nan), np.linspace(0, 1, 97)]
    assert "3 draws" in with_interval(0.5, values, 50, Draws(50, 100)).note
    many = with_interval(0.5, np.r_[np.full(10, np.nan), np.linspace(0, 1, 90)], 50, Draws(50, 100))
    assert many.low is None
    assert "10 of 100 draws have no value" in many.note


def test_few_people_are_warned_about(pairs):
    few, enough = (
        evaluate(pairs(np.arange(n), np.arange(n) + np.arange(n) % 3), draws=50).targets["sbp"].estimates["mae"]
        for n in (19, 20)
    )
    assert few.note == "only 19 people: the interval is rough"
    assert enough.note == ""


def test_one_person_with_fifty_photographs_widens_the_interval(pairs):
    """Photographs of one person are no independent observations."""
    rng = np.random.default_rng(4)
    y, d = rng.normal(130, 15, 100), rng.normal(0, 8, 100)
    d[:50] = 20
    cluster = np.array(["one"] * 50 + [f"{k}" for k in range(50)])
    width = {}
    for name, who in (("cluster", cluster), ("apart", None)):
        estimate = evaluate(pairs(y, y + d, who), level="photograph", draws=500).targets["sbp"].estimates["bias"]
        width[name] = estimate.high - estimate.low
    assert width["cluster"] > 2 * width["apart"]


def test_panels_share_their_draws():
    """The difference of a statistic with itself is zero on every draw."""
    values = np.arange(10.0)
    panels = [
        SumStatistic(np.arange(10), ("sum",), ("",), values[:, None], lambda sums: sums),
        SumStatistic(np.arange(5, 10), ("sum",), ("",), values[5:, None], lambda sums: sums),
        SumStatistic(np.arange(5), ("sum",), ("",), values[:5, None], lambda sums: sums),
    ]
    whole, upper, lower = resample(Draws(10, 50, 1), panels)
    assert whole == pytest.approx(upper + lower)


def test_targets_asked_for_alone_have_the_same_intervals(cohort):
    table = cohort(seed=8)
    whole = evaluate(table, draws=100).targets["sbp"].estimates
    alone = evaluate(table, draws=100, targets=["sbp"]).targets["sbp"].estimates
    assert alone == whole


@pytest.mark.parametrize("interval", ["own", "percentile", "bca"])
def test_intervals_cover_what_they_should_with_correlated_eyes(pairs, interval):
    """Sixty cohorts of 150 people; the standard error of the coverage is 3 %: a check for blunders."""
    rng = np.random.default_rng(5)
    inside = dict.fromkeys(("mae", "bias", "slope"), 0)
    spread, own, eye = 17.5, 7.0, 4.0
    error = np.sqrt(0.36 * spread**2 + own**2 + eye**2)
    slope = 0.4 * spread**2 / (0.16 * spread**2 + own**2 + eye**2)
    expected = {"mae": error * np.sqrt(2 / np.pi), "bias": 0.0, "slope": slope}
    for seed in range(60):
        y, personal = rng.normal(130, spread, 150), rng.normal(0, own, 150)
        p = np.repeat(130 + 0.4 * (y - 130) + personal, 2) + rng.normal(0, eye, 300)
        table = pairs(np.repeat(y, 2), p, np.repeat([f"{k}" for k in range(150)], 2))
        found = evaluate(table, level="photograph", draws=300, seed=seed, interval=interval, ranked=False)
        for name in inside:
            estimate = found.targets["sbp"].estimates[name]
            inside[name] += estimate.low <= expected[name] <= estimate.high
    assert all(51 <= hits <= 60 for hits in inside.values()), inside


@pytest.mark.parametrize(("level", "drawn"), [("patient", 0), ("photograph", 1)])
def test_people_are_drawn_once_and_only_for_differences_that_need_it(level, drawn, monkeypatch):
    photographs = 240
    table = from_values(
        "sbp",
        120 + 10 * np.sin(np.arange(photographs)),
        121 + 10 * np.cos(np.arange(photographs)),
        patient_id=[f"p{row // 2}" for row in range(photographs)],
        sex=np.arange(photographs) // 2 % 2,
    )
    calls = []
    monkeypatch.setattr(bootstrap_scores, "resample", lambda *told: calls.append(told) or resample(*told))
    found = subgroups(table, "sex", "sbp", level=level, draws=50)
    assert len(found.differences) > 1
    assert len(calls) == drawn
