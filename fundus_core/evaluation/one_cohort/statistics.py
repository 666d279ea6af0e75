"""The panels of statistics of one sample: which scores, and how each is computed from drawn people."""

from dataclasses import fields

import numpy as np

from fundus_core.evaluation.intervals.bootstrap import CountStatistic, Statistics, SumStatistic
from fundus_core.evaluation.intervals.estimate import Rule
from fundus_core.evaluation.intervals.intervals import area_ends, areas_without_each, few_events, median_ends
from fundus_core.evaluation.intervals.rank_statistics import (
    areas_under_roc,
    median_effects,
    medians,
    spearman,
    spearman_effects,
)
from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort import binary, scores
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import Floats, Labels


def statistics_of(sample: Sample, pool: Labels | Indices, *, ranked: bool = True) -> tuple[Statistics, ...]:
    """Return everything that is computed for one sample, its people among the sorted pool of all who are drawn.

    ``ranked`` includes the median absolute error and Spearman's correlation.
    """
    panels: tuple[Statistics, ...] = (score_panel(sample, pool),)
    if sample.target.binary:
        panels = area_panel(sample, pool), binary_panel(sample, pool)
    return (*panels, ranked_statistics(sample, pool)) if ranked else panels


def ranked_statistics(sample: Sample, pool: Labels | Indices) -> Statistics:
    """Return what takes an order: median absolute error and Spearman, or a probability's calibration."""
    return calibration_panel(sample, pool) if sample.target.binary else ranked_panel(sample, pool)


def _in_pool(sample: Sample, pool: Labels | Indices) -> Indices:
    """Return where a sample's people stand in a pool that holds them, by their names or their numbers in the table."""
    everybody = len(pool) == len(sample.patients)
    mine = sample.patients if pool.dtype.kind == "U" else sample.people
    return np.arange(len(pool)) if everybody else np.searchsorted(pool, mine)


def score_panel(sample: Sample, pool: Labels | Indices) -> SumStatistic:
    """Every score of a continuous target that is a function of sums."""
    about = scores.scales(sample)
    return SumStatistic(
        _in_pool(sample, pool),
        scores.score_names(sample.target.id),
        tuple(score.needs for score in scores.SCORES.values()),
        scores.per_patient(sample, scores.each_column(sample, about), len(fields(scores.Sums))),
        lambda sums: scores.scores(sums, about),
        rules=tuple(score.rule for score in scores.SCORES.values()),
        skews=scores.skews(sample),
    )


def binary_panel(sample: Sample, pool: Labels | Indices) -> SumStatistic:
    """Every score of a probability that is a function of sums."""
    return SumStatistic(
        _in_pool(sample, pool),
        tuple(binary.BINARY_SCORES),
        tuple(score.needs for score in binary.BINARY_SCORES.values()),
        scores.per_patient(sample, binary.binary_columns(sample)),
        binary.binary_scores,
        rules=tuple(score.rule for score in binary.BINARY_SCORES.values()),
    )


def area_panel(sample: Sample, pool: Labels | Indices) -> CountStatistic:
    """The area under the ROC curve."""

    def compute(counts: Floats) -> Floats:
        return areas_under_roc(counts, sample.y, sample.p, sample.group)[:, None]

    few = few_events(sample.y, sample.group)
    if few:
        return _nothing(_in_pool(sample, pool), ("auc",), few)

    def effects() -> Floats:
        without = areas_without_each(sample.y, sample.p, sample.group)[1]
        return np.asarray(without.mean() - without)[:, None]

    ends = {"auc": lambda: area_ends(sample.y, sample.p, sample.group)}
    return CountStatistic(_in_pool(sample, pool), ("auc",), (binary.AUC_NEEDS,), compute, ends=ends, effects=effects)


def _nothing(in_pool: Indices, names: tuple[str, ...], why: str) -> CountStatistic:
    """Return statistics without a value; nobody has to be drawn or left out to know that."""
    k = len(names)
    return CountStatistic(
        in_pool,
        names,
        (why,) * k,
        lambda counts: np.full((len(counts), k), np.nan),
        effects=lambda: np.zeros((len(in_pool), k)),
    )


def calibration_panel(sample: Sample, pool: Labels | Indices) -> CountStatistic:
    """Intercept and slope of the truth's log odds on the prediction's."""

    def compute(counts: Floats) -> Floats:
        return binary.recalibrations(counts[:, sample.group], sample.y, sample.p)

    names, needs = ("calibration_intercept", "calibration_slope"), (binary.CALIBRATION_NEEDS,) * 2
    in_pool, rule = _in_pool(sample, pool), Rule(related=True)
    few = few_events(sample.y, sample.group)
    if few:
        return _nothing(in_pool, names, few)

    def effects() -> Floats:
        of_units = binary.recalibration_effects(sample.y, sample.p)
        return np.column_stack([np.bincount(sample.group, weights=column) for column in of_units.T])

    return CountStatistic(in_pool, names, needs, compute, rules=(rule, rule), effects=effects)


def ranked_panel(sample: Sample, pool: Labels | Indices) -> CountStatistic:
    """Median absolute error and Spearman's correlation."""
    absolute = np.abs(sample.error)

    def compute(counts: Floats) -> Floats:
        middle = medians(counts, absolute, sample.group)
        return np.column_stack([middle, spearman(counts, sample.y, sample.p, sample.group)])

    needs = (scores.SCORES["mae"].needs, scores.SCORES["pearson"].needs)
    rules = (Rule(related=True), Rule(scale="z", related=True))
    ends = {"medae": lambda: median_ends(absolute, sample.group)}

    def effects() -> Floats:
        ranked = spearman_effects(sample.y, sample.p, sample.group)
        return np.column_stack([median_effects(absolute, sample.group), ranked])

    in_pool = _in_pool(sample, pool)
    return CountStatistic(in_pool, ("medae", "spearman"), needs, compute, rules=rules, ends=ends, effects=effects)


def slope_panel(sample: Sample, pool: Labels | Indices, x: Floats, y: Floats) -> SumStatistic:
    """Least squares slope of y on x (n each), named ``trend``."""
    u, v = x - x.sum() / max(len(x), 1), y - y.sum() / max(len(y), 1)
    floor = float((1e-10 * np.abs(x).max(initial=0.0)) ** 2)

    def finish(sums: Floats) -> Floats:
        n, su, sv, suu, suv = sums.T
        mean = divide(su, n)
        return divide(divide(suv, n) - mean * divide(sv, n), divide(suu, n) - mean**2, floor)[:, None]

    sums = scores.per_patient(sample, np.array([np.ones_like(u), u, v, u * u, u * v]))
    return SumStatistic(_in_pool(sample, pool), ("trend",), ("nothing varies",), sums, finish)
