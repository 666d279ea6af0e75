"""Statistics that need an order, not only sums: the median, ranks, the area under the ROC curve.

Each is computed from how often each person was drawn, in one pass over units sorted once beforehand; drawing
a unit twice is the same as having it twice. Draws are worked off one by one, so that what is touched stays in
the processor's cache.
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import Floats


def _dot(left: Floats, right: Floats) -> float:
    """Inner product without BLAS, whose threads would start above 10,000 units and wait for one another."""
    return float(np.einsum("i,i->", left, right))


@dataclass(frozen=True, slots=True)
class Sorted:
    """A column of n units sorted once, its ties known."""

    order: Indices
    """Units from smallest to largest, n."""
    last: Indices
    """Sorted position of the last unit of each set of ties, one per different value."""
    tie: Indices
    """Which set of ties each sorted position belongs to, n."""

    @property
    def distinct(self) -> bool:
        """Whether no value occurs twice."""
        return len(self.last) == len(self.order)


def sort(column: Floats) -> Sorted:
    """Sort a column and find its ties.

    >>> sort(np.array([3.0, 1.0, 3.0])).last.tolist()
    [0, 2]
    """
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    new = np.concatenate([np.ones(min(len(column), 1), dtype=bool), ordered[1:] != ordered[:-1]])
    tie = np.cumsum(new, dtype=np.intp) - 1
    return Sorted(order, np.flatnonzero(np.append(new[1:], np.ones(min(len(column), 1), dtype=bool))), tie)


def weight_up_to(weights: Floats, of: Sorted) -> Floats:
    """Weight below each sorted position, units tied with it counting half: n to n.

    >>> weight_up_to(np.ones(3), sort(np.array([3.0, 1.0, 3.0]))).tolist()
    [0.5, 2.0, 2.0]
    """
    cumulative = np.cumsum(weights)
    if of.distinct:
        return np.asarray(cumulative - weights / 2)
    ends = cumulative[of.last]
    middles = (ends + np.concatenate([[0.0], ends[:-1]])) / 2
    return np.asarray(middles[of.tie])


def midranks(column: Floats) -> Floats:
    """Rank n values from 1, those tied sharing the mean of their ranks.

    >>> midranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    of, ranks = sort(column), np.empty(len(column))
    ranks[of.order] = weight_up_to(np.ones(len(column)), of) + 0.5
    return ranks


def medians(counts: Floats, column: Floats, group: Indices) -> Floats:
    """Median of a column (n) in each draw, the mean of the two middle values where their number is even.

    ``counts`` is draws x people, whole numbers; ``group`` is whose unit each is, n. NaN where nobody was drawn.

    >>> medians(np.array([[1.0, 1, 1], [0, 2, 2]]), np.array([1.0, 2, 4]), np.arange(3)).tolist()
    [2.0, 3.0]
    """
    order = np.argsort(column, kind="stable")
    ordered, whose = column[order], group[order]
    out = np.full(len(counts), np.nan)
    for draw, drawn in enumerate(counts):
        cumulative = np.cumsum(drawn[whose])
        total = cumulative[-1]
        if total > 0:
            middle = np.searchsorted(cumulative, [np.floor((total + 1) / 2), np.floor(total / 2) + 1])
            out[draw] = ordered[middle].mean()
    return out


def spearman(counts: Floats, y: Floats, p: Floats, group: Indices) -> Floats:
    """Pearson correlation of midranks (Spearman 1904, doi:10.2307/1412159) of n values each, in each draw.

    ``counts`` is draws x people, whole numbers; ``group`` is whose unit each is, n. NaN where one side is constant.

    >>> spearman(np.ones((1, 3)), np.array([1.0, 2, 3]), np.array([10.0, 40, 20]), np.arange(3)).tolist()
    [0.5]
    """
    by_y, by_p = sort(y), sort(p)
    place = np.empty(len(p), dtype=np.intp)
    place[by_p.order] = np.arange(len(p))
    place, whose_y, whose_p = place[by_y.order], group[by_y.order], group[by_p.order]
    out = np.full(len(counts), np.nan)
    for draw, drawn in enumerate(counts):
        wy, wp = drawn[whose_y], drawn[whose_p]
        middle = wy.sum() / 2
        ry, rp = weight_up_to(wy, by_y) - middle, weight_up_to(wp, by_p) - middle
        weighted = wy * ry
        squares = _dot(weighted, ry) * _dot(wp * rp, rp)
        if squares > 0:
            out[draw] = _dot(weighted, rp[place]) / np.sqrt(squares)
    return out


def spearman_effects(y: Floats, p: Floats, group: Indices) -> Floats:
    """Return to first order what each person adds to Spearman's correlation of n values each: one number a person.

    The derivative by the weight of a unit, which moves its own product of ranks and the ranks of all units above it
    (infinitesimal jackknife; Efron 1982, doi:10.1137/1.9781611970319, chapter 6).

    >>> y, p = np.array([1.0, 2, 3, 4]), np.array([10.0, 40, 20, 30])
    >>> bool(abs(spearman_effects(y, p, np.arange(4)).sum()) < 1e-12)
    True
    """
    ones = np.ones(len(y))
    ranks, above = [], []
    for column in (sort(y), sort(p)):
        rank = np.empty(len(y))
        rank[column.order] = weight_up_to(ones, column) - len(y) / 2
        ranks.append(rank)
        above.append(column)
    first, second = ranks

    def over(of: Sorted, values: Floats) -> Floats:
        """Values of all units above each unit, tied ones half; the values add up to 0."""
        out = np.empty(len(values))
        out[of.order] = -weight_up_to(values[of.order], of)
        return out

    shared = first * second + over(above[0], second) + over(above[1], first)
    squares = [rank**2 + 2 * over(of, rank) for rank, of in zip(ranks, above, strict=True)]
    total, *sizes = _dot(first, second), _dot(first, first), _dot(second, second)
    value = total / np.sqrt(sizes[0] * sizes[1])
    moved = shared / np.sqrt(sizes[0] * sizes[1]) - value / 2 * (squares[0] / sizes[0] + squares[1] / sizes[1])
    return np.asarray(np.bincount(group, weights=moved), dtype=np.float64)


def median_effects(column: Floats, group: Indices) -> Floats:
    """Return to first order what each person adds to the median of a column (n): (1/2 - share below) / density.

    The density is that between the quantiles n^(-1/3) to each side of the median.
    """
    n = len(column)
    near = n ** (-1 / 3) / 2
    low, middle, high = np.quantile(column, [0.5 - near, 0.5, 0.5 + near])
    moved = (0.5 - (column <= middle)) * (high - low) / (2 * near) / n
    return np.asarray(np.bincount(group, weights=moved), dtype=np.float64)


def areas_under_roc(counts: Floats, y: Floats, p: Floats, group: Indices) -> Floats:
    """Probability that a positive unit is ranked above a negative one, ties counting half, in each draw.

    The Mann-Whitney form (Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747) of n truths, 0 or 1, and n
    predictions. ``counts`` is draws x people, whole numbers; ``group`` is whose unit each is, n. NaN where a draw lacks
    positives or negatives.

    >>> y, p = np.array([0.0, 1, 0, 1]), np.array([0.1, 0.2, 0.2, 0.9])
    >>> areas_under_roc(np.ones((1, 4)), y, p, np.arange(4)).tolist()
    [0.875]
    """
    by_p = sort(p)
    whose, positive = group[by_p.order], y[by_p.order]
    out = np.full(len(counts), np.nan)
    for draw, drawn in enumerate(counts):
        weights = drawn[whose]
        above = weights * positive
        below = weights - above
        pairs = above.sum() * below.sum()
        if pairs > 0:
            out[draw] = _dot(above, weight_up_to(below, by_p)) / pairs
    return out


def average_precisions(counts: Floats, y: Floats, p: Floats, group: Indices) -> Floats:
    """Sum over different predictions, from high to low, of precision times the gain in recall, in each draw.

    As :func:`areas_under_roc`; NaN where a draw lacks positives.

    >>> y, p = np.array([0.0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    >>> average_precisions(np.ones((1, 4)), y, p, np.arange(4)).round(4).tolist()
    [0.8333]
    """
    downwards = sort(-p)
    whose, positive = group[downwards.order], y[downwards.order]
    out = np.full(len(counts), np.nan)
    for draw, drawn in enumerate(counts):
        weights = drawn[whose]
        called = np.cumsum(weights)[downwards.last]
        true = np.cumsum(weights * positive)[downwards.last]
        if len(true) and true[-1] > 0:
            gain = np.diff(true, prepend=0.0)
            precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
            out[draw] = _dot(gain, precision) / true[-1]
    return out
