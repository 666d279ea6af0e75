"""A yes or no predicted: how well it separates, what it costs, and how many it calls.

Thresholds are stated in advance; none is ever picked on the data that it is then judged on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.evaluation.criteria.calibration import CALIBRATION, Tenth, calibration, tenths, verdict
from fundus_core.evaluation.criteria.definitions import INDETERMINATE, YES, Verdicts
from fundus_core.evaluation.intervals.bootstrap import CountStatistic, Statistics, SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule
from fundus_core.evaluation.intervals.intervals import area_ends, few_events
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.intervals.rank_statistics import areas_under_roc, average_precisions
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import Floats

THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
"""Probabilities at which sensitivity and the like are given, fixed in advance."""

SCORES = (
    *("auc", "average_precision", "brier", "brier_null", "calibration_intercept", "calibration_slope"),
    *("prevalence", "expected", "called"),
)
"""Estimates of a probability; each is a field of :class:`Classification`."""

SHRUNKEN_NOTE = (
    "Predictions are nearer the mean than the truth is, so cutting them at a clinical threshold calls too few people "
    "positive where fewer than half are. The probability is preferred only where its calibration was shown."
)
"""Stands beside every share of people called positive."""


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """Calling everybody positive whose probability reaches a threshold."""

    threshold: float
    """Probability, 0 to 1; stated in advance."""
    sensitivity: Estimate
    """Share of the positive who are called."""
    specificity: Estimate
    """Share of the negative who are not called."""
    ppv: Estimate
    """Share of those called who are positive."""
    npv: Estimate
    """Share of those not called who are negative."""
    net_benefit: Estimate
    """TP/n - FP/n x t/(1 - t) (Vickers & Elkin 2006, doi:10.1177/0272989X06295361)."""
    treat_all: Estimate
    """Net benefit of calling everybody; calling nobody has 0."""


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """A ROC curve and a precision-recall curve, a point per different probability from high to low."""

    threshold: Floats
    """Called positive from here; the first point is above every probability."""
    false_positive_rate: Floats
    """1 - specificity."""
    sensitivity: Floats
    """Also called recall."""
    precision: Floats
    """Share of those called who are positive; 1 where nobody is called."""


@dataclass(frozen=True, slots=True)
class Classification:
    """How a probability does against what is true."""

    name: str
    """Of the criterion."""
    n: int
    """People with everything measured that the criterion looks at, and a probability: complete cases."""
    left_out: int
    """All others, whatever their verdict."""
    auc: Estimate
    """Area under the ROC curve, ties half."""
    average_precision: Estimate
    """Sum of precision x gain in recall; the prevalence for a useless model."""
    brier: Estimate
    """Mean (probability - truth)²."""
    brier_null: Estimate
    """The same of saying the prevalence among all other people."""
    calibration_intercept: Estimate
    """Log odds of the truth beyond those of the probability; 0 is ideal."""
    calibration_slope: Estimate
    """Of the truth's log odds on the probability's; 1 is ideal."""
    prevalence: Estimate
    """Share of people who are positive in truth."""
    expected: Estimate
    """Mean probability: the share that the probabilities expect."""
    called: Estimate
    """Share positive by cutting the predictions themselves; read :data:`SHRUNKEN_NOTE`."""
    thresholds: tuple[AtThreshold, ...]
    """At the thresholds asked for; with many of them, the decision curve."""
    curves: CurvePoints
    """ROC and precision-recall."""
    tenths: tuple[Tenth, ...]
    """People by rising probability, in groups of about equal number: is the observed share the expected one?"""
    calibrated: bool
    """Whether calibration was shown, by the rule of :mod:`fundus_core.evaluation.criteria.calibration`."""
    advice: str
    """Whether the probability may be preferred, and why."""
    note: str = SHRUNKEN_NOTE
    """What a reader has to know."""


def classify(
    truth: Verdicts,
    probability: Floats,
    hard: Verdicts | None = None,
    *,
    complete: NDArray[np.bool_] | None = None,
    name: str = "",
    thresholds: Sequence[float] = THRESHOLDS,
) -> Classification:
    """Score a probability of yes (n, 0 to 1, NaN is left out), one per person, against n verdicts.

    Only complete cases are judged: who has everything measured, whatever the verdict. Without ``complete`` those are
    whose verdict is yes or no, which is right only where a verdict needs everything. ``hard`` are verdicts by cutting
    predictions at the criterion's own thresholds, where the indeterminate are not called. Thresholds lie between 0 and
    1, both excluded, fixed in advance.

    Raises:
        UsageError: A threshold outside 0 to 1.

    >>> found = classify(np.array([0, 1, 0, 1, -1], dtype=np.int8), np.array([0.1, 0.4, 0.6, 0.9, 0.5]))
    >>> found.n, found.left_out, found.prevalence.value
    (4, 1, 0.5)
    """
    for threshold in thresholds:
        if not 0 < threshold < 1:
            raise UsageError(
                "A threshold is {threshold}; choose probabilities between 0 and 1, both excluded.", threshold=threshold
            )
    kept = (truth != INDETERMINATE) & np.isfinite(probability)
    kept &= True if complete is None else complete
    order = np.lexsort((probability[kept], truth[kept]))
    y, p = (truth[kept] == YES).astype(np.float64)[order], probability[kept][order]
    called = np.full(len(y), np.nan) if hard is None else (hard[kept] == YES).astype(np.float64)[order]
    panels: tuple[Statistics, ...] = (ranks(y, p), means(y, p, called), decisions(y, p, thresholds))
    found: dict[str, Estimate] = {}
    for panel in (*panels, calibration(y, p)):
        found |= estimated(panel)
    at = tuple(AtThreshold(t, *(found[f"{what} {t:g}"] for what in DECISIONS)) for t in thresholds)
    calibrated, advice = verdict(y, *(found[each] for each in CALIBRATION))
    scores: dict[str, Any] = {each: found[each] for each in SCORES}
    return Classification(
        name=name,
        n=len(y),
        left_out=int((~kept).sum()),
        **scores,
        thresholds=at,
        curves=_curves(y, p),
        tenths=tenths(y, p),
        calibrated=calibrated,
        advice=advice,
    )


def ranks(y: Floats, p: Floats) -> CountStatistic:
    """Return AUC and average precision of n probabilities of people who meet a criterion (1) or not (0)."""
    everyone = np.arange(len(y))

    def compute(counts: Floats) -> Floats:
        area, precision = (of(counts, y, p, everyone) for of in (areas_under_roc, average_precisions))
        return np.column_stack([area, precision])

    names, few = ("auc", "average_precision"), few_events(y, everyone) if len(y) else ""
    if few:
        return CountStatistic(everyone, names, (few, few), lambda counts: np.full((len(counts), 2), np.nan))
    needs = ("needs positive and negative people", "needs positive people")
    rules, ends = (Rule(), Rule(scale="logit")), {"auc": lambda: area_ends(y, p, everyone)}
    return CountStatistic(everyone, names, needs, compute, rules=rules, ends=ends)


def means(y: Floats, p: Floats, called: Floats | None = None) -> SumStatistic:
    """Return Brier score, its baseline, prevalence, expected share and share called; ``called`` is 1, 0 or NaN, n."""
    called = np.full(len(y), np.nan) if called is None else called
    known = np.isfinite(called).astype(np.float64)
    others = divide(y.sum() - y, np.full(len(y), len(y) - 1.0))
    null = np.nan_to_num((others - y) ** 2)
    sums = np.column_stack([np.ones_like(y), (p - y) ** 2, y, p, known, np.nan_to_num(called), null])

    def finish(s: Floats) -> Floats:
        return np.column_stack([*(divide(s[:, k], s[:, 0]) for k in (1, 2, 3, 6)), divide(s[:, 5], s[:, 4])])

    needs = ("nobody has both",) * 4 + ("no hard verdicts were given",)
    rules = (Rule(), Rule("share", related=True), Rule(), Rule(), Rule("share", related=True, count=4))
    names = ("brier", "prevalence", "expected", "brier_null", "called")
    return SumStatistic(np.arange(len(y)), names, needs, sums, finish, rules=rules)


DECISIONS = ("sensitivity", "specificity", "ppv", "npv", "net benefit", "treat all")
_DECISION_NEEDS = (
    "nobody is positive",
    "nobody is negative",
    "nobody is called",
    "everybody is called",
    "nobody has both",
    "nobody has both",
)


def decisions(y: Floats, p: Floats, thresholds: Sequence[float]) -> SumStatistic:
    """Return what acting from each threshold on does to n people, a name and threshold each."""
    number = len(thresholds)
    call = (p[:, None] >= np.asarray(thresholds)).astype(np.float64)
    odds = np.asarray(thresholds) / (1 - np.asarray(thresholds))

    def finish(s: Floats) -> Floats:
        n, positive = s[:, :1], s[:, 1:2]
        true, false = s[:, 3 : 3 + number], s[:, 3 + number : 3 + 2 * number]
        parts = [
            divide(true, positive), divide(n - positive - false, n - positive), divide(true, true + false),
            divide(n - positive - false, n - true - false), divide(true - odds * false, n),
            divide(positive - odds * (n - positive), n),
        ]  # fmt: skip
        return np.concatenate(parts, axis=1)

    sums = np.column_stack([np.ones_like(y), y, 1 - y, call * y[:, None], call * (1 - y[:, None]), call, 1 - call])
    counted = [[1] * number, [2] * number, range(3 + 2 * number, 3 + 3 * number), range(3 + 3 * number, 3 + 4 * number)]
    rules = (*(Rule("share", count=k) for of in counted for k in of), *(Rule(),) * (2 * number))
    names = tuple(f"{what} {t:g}" for what in DECISIONS for t in thresholds)
    needs = tuple(need for need in _DECISION_NEEDS for _ in thresholds)
    return SumStatistic(np.arange(len(y)), names, needs, sums, finish, rules=rules)


def _curves(y: Floats, p: Floats) -> CurvePoints:
    levels = np.unique(p)[::-1]
    order = np.argsort(-p, kind="stable")
    called = np.searchsorted(-p[order], -levels, side="right").astype(np.float64)
    true = np.concatenate([[0.0], np.cumsum(y[order])])[called.astype(np.intp)]
    positive, negative = y.sum(), len(y) - y.sum()
    nothing = np.zeros(1)
    return CurvePoints(
        np.concatenate([np.full(1, np.inf), levels]),
        np.concatenate([nothing, (called - true) / max(negative, 1)]),
        np.concatenate([nothing, true / max(positive, 1)]),
        np.concatenate([np.ones(1), true / np.maximum(called, 1)]),
    )
