"""Statistics that need an order, not only sums: the median, ranks, the area under the ROC curve.

Each is computed from how often each unit counts, so that a bootstrap draw costs one pass over sorted units;
drawing a unit twice is the same as having it twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fundus_core.evaluation.sample import Indices
from fundus_core.records import Floats


@dataclass(frozen=True, slots=True)
class Ranking:
    """A column sorted once, its ties known."""

    order: Indices
    """Units from smallest to largest."""
    end: Indices
    """Per unit, in the original order: the sorted position after the last unit tied with it."""
    start: Indices
    """Per unit, in the original order: the sorted position of the first unit tied with it."""


def ranking(column: Floats) -> Ranking:
    """Sort a column and find its ties."""
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    return Ranking(order, np.searchsorted(ordered, column, "right"), np.searchsorted(ordered, column, "left"))


def _cumulative(weights: Floats, order: Indices) -> Floats:
    """Cumulative weights in sorted order with a leading zero: draws x (n + 1)."""
    out = np.zeros((len(weights), len(order) + 1))
    np.cumsum(weights[:, order], axis=1, out=out[:, 1:])
    return out


def midranks(weights: Floats, of: Ranking) -> Floats:
    """Rank of each unit in each draw, tied units sharing the mean of their ranks: draws x n.

    >>> midranks(np.ones((1, 4)), ranking(np.array([3.0, 1.0, 3.0, 2.0]))).tolist()
    [[3.5, 1.0, 3.5, 2.0]]
    """
    cumulative = _cumulative(weights, of.order)
    return np.asarray((cumulative[:, of.start] + cumulative[:, of.end] + 1) / 2)


def median(weights: Floats, column: Floats, order: Indices) -> Floats:
    """Median of a column in each draw, the mean of the two middle values where their number is even.

    Args:
        weights: Draws x n, whole numbers.
        column: n values.
        order: Units from smallest to largest.

    >>> median(np.array([[1.0, 1, 1], [0, 2, 2]]), np.array([1.0, 2, 4]), np.arange(3)).tolist()
    [2.0, 3.0]
    """
    cumulative = np.cumsum(weights[:, order], axis=1)
    total = cumulative[:, -1:]
    ordered = column[order]
    last = len(order) - 1
    lower = np.minimum((cumulative < np.floor((total + 1) / 2)).sum(axis=1), last)
    upper = np.minimum((cumulative < np.floor(total / 2) + 1).sum(axis=1), last)
    return np.asarray(np.where(total[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan))


def spearman(weights: Floats, y: Ranking, p: Ranking) -> Floats:
    """Pearson correlation of midranks in each draw; NaN where one side is constant (Spearman 1904)."""
    total = weights.sum(axis=1, keepdims=True)
    middle = (total + 1) / 2
    a, b = midranks(weights, y) - middle, midranks(weights, p) - middle
    aa, bb, ab = ((weights * left * right).sum(axis=1) for left, right in ((a, a), (b, b), (a, b)))
    product = np.sqrt(aa * bb)
    return np.asarray(np.divide(ab, product, out=np.full(len(weights), np.nan), where=product > 0))


def area_under_roc(weights: Floats, y: Floats, p: Ranking) -> Floats:
    """Probability that a positive unit is ranked above a negative one, ties counting half, in each draw.

    The Mann-Whitney form (Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747).

    Args:
        weights: Draws x n, whole numbers.
        y: n truths, 0 or 1.
        p: Ranking of the n predictions.

    Returns:
        An area per draw; NaN where a draw lacks positives or negatives.
    """
    positive, negative = weights * y, weights * (1 - y)
    cumulative = _cumulative(negative, p.order)
    below = (cumulative[:, p.start] + cumulative[:, p.end]) / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    wins = (positive * below).sum(axis=1)
    return np.asarray(np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0))
