"""Between what and what an estimate lies where some verdicts cannot be told: no assumption about who is missing.

Each end is the estimate over everybody under the completion of the unknown verdicts that makes it smallest or largest
(worst-case bounds; Manski 1989, doi:10.2307/145818), with the interval that it has under that completion. The true
estimate of these people lies between the two values whatever the reason why something was not measured.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fundus_core.evaluation.criteria.classification import DECISIONS, Classification, decisions, means
from fundus_core.evaluation.criteria.definitions import INDETERMINATE, YES, Verdicts
from fundus_core.evaluation.intervals.estimate import Estimate, not_estimable
from fundus_core.evaluation.intervals.intervals import area_ends, few_events
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.intervals.rank_statistics import areas_under_roc, midranks
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats

AT = (0.1, 0.2, 0.3, 0.5)
"""Probabilities at which decisions have bounds."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One estimate over everybody."""

    estimate: str
    """Its id, without a threshold."""
    threshold: float | None
    """Of a decision; ``None`` for the rest."""
    complete: Estimate
    """Over complete cases alone, beside it."""
    least: Estimate
    """Under the completion that makes it smallest."""
    most: Estimate
    """Under the completion that makes it largest."""


def prevalence_bounds(truth: Verdicts) -> tuple[Estimate, Estimate]:
    """Return the share of n people who meet a criterion for certain, and of those who do or might.

    >>> [end.value for end in prevalence_bounds(np.array([1, 0, 0, -1], dtype=np.int8))]
    [0.25, 0.5]
    """
    yes, maybe = (truth == YES).astype(np.float64), (truth != 0).astype(np.float64)
    least, most = (estimated(means(each, np.zeros(len(each))))["prevalence"] for each in (yes, maybe))
    return least, most


def bounds(
    truth: Verdicts, probability: Floats, judged: Classification | None, why_none: str = ""
) -> tuple[Bound, ...]:
    """Return the bounds of every estimate over the n people who have a probability; none where all verdicts are known.

    Args:
        truth: n verdicts, some of them indeterminate.
        probability: n probabilities of yes; who has none (NaN) is left out.
        judged: The same over complete cases.
        why_none: Why nobody is one, where nobody is.
    """
    kept = np.isfinite(probability)
    order = np.lexsort((probability[kept], truth[kept]))
    y, p = truth[kept][order], probability[kept][order]
    if not (y == INDETERMINATE).any():
        return ()
    right, wrong = p >= 0.5, p < 0.5  # what makes the Brier score smallest and largest
    area = [_area(of, p) for of in _areas(y, p)]
    brier = [estimated(means(_filled(y, of), p))["brier"] for of in (right, wrong)]
    found = [
        Bound(name, None, _complete(name, None, judged, why_none), *ends)
        for name, ends in (("auc", area), ("brier", brier))
    ]
    for threshold in AT:
        called = p >= threshold
        least, most = (estimated(decisions(_filled(y, of), p, [threshold])) for of in (~called, called))
        for name in DECISIONS[:-1]:
            ends, field = (each[f"{name} {threshold:g}"] for each in (least, most)), name.replace(" ", "_")
            found.append(Bound(field, threshold, _complete(field, threshold, judged, why_none), *ends))
    return tuple(found)


def _area(y: Floats, p: Floats) -> Estimate:
    """Return the area under the ROC curve with its interval, or why there is none."""
    everyone = np.arange(len(y))
    few = few_events(y, everyone)
    if few:
        return not_estimable(few)
    value = float(areas_under_roc(np.ones((1, len(y))), y, p, everyone)[0])
    return Estimate(value, *area_ends(y, p, everyone))


def _complete(name: str, threshold: float | None, judged: Classification | None, why_none: str) -> Estimate:
    """Return an estimate over complete cases, or why there is none."""
    if judged is None:
        return not_estimable(why_none)
    at = {each.threshold: each for each in judged.thresholds}
    found: Estimate = getattr(judged if threshold is None else at.get(threshold), name, Estimate(None))
    return found


def _filled(truth: Verdicts, unknown: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Complete verdicts: an unknown one is yes where the second argument says so."""
    return np.where(truth == INDETERMINATE, unknown, truth == YES).astype(np.float64)


def _areas(truth: Verdicts, p: Floats) -> tuple[Floats, Floats]:
    """Return the completions of the smallest and of the largest area under the ROC curve.

    Of so many unknown positives the area is largest where they have the highest probabilities; how many they are is
    tried out. Ranks do not depend on verdicts, so one pass over the sorted probabilities serves.
    """
    unknown = np.flatnonzero(truth == INDETERMINATE)
    rising = unknown[np.argsort(p[unknown], kind="stable")]
    return _best(truth, p, rising, min), _best(truth, p, rising[::-1], max)


def _best(truth: Verdicts, p: Floats, order: Indices, pick: Callable[..., int]) -> Floats:
    known, rank = truth == YES, midranks(p)
    positive = known.sum() + np.arange(len(order) + 1)
    negative = len(p) - positive
    total = rank[known].sum() + np.concatenate([[0.0], np.cumsum(rank[order])])
    pairs = (positive * negative).astype(np.float64)
    area = np.divide(total - positive * (positive + 1) / 2, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    there = np.flatnonzero(np.isfinite(area))
    count = pick(there, key=lambda k: area[k]) if len(there) else 0
    filled: Floats = known.astype(np.float64)
    filled[order[:count]] = 1.0
    return filled
