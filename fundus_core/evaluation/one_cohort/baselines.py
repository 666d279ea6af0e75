"""What a model has to beat, each fitted to the loss it is held against and never on the person it predicts.

The best constant for an absolute error is the median, for a squared error the mean, for a share classified correctly
the majority, for a probability the prevalence; a model that says a constant and noise beats any other constant. What
age and sex can do is no straight line: a natural cubic spline of age (Harrell 2015, doi:10.1007/978-3-319-19425-7,
section 2.4.5) with a curve for each sex, fitted by median regression for absolute errors, least squares for squared
ones and logistic regression for probabilities, cross-validated by person.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.intervals.bootstrap import MANY_PEOPLE, matmul
from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.observations.sorted_table import Indices, numbered
from fundus_core.records import Floats

Loss = Literal["absolute", "squared", "logistic"]
"""What a fit makes small: the absolute error, the squared error, or minus the log likelihood of a yes/no truth."""

FOLDS = 10
"""Parts of a cohort's people that are predicted one after another from all others."""

FEWEST_PEOPLE = 20
"""People of known age and sex below which age and sex are no baseline."""

MOST_FITTED = 20_000
"""Units that a curve is fitted to at most; of more, evenly many are taken: their curve is known well enough."""

_STEPS = 40
"""Reweighted least squares fits of a median or logistic regression."""

_LAST = range(10, 18)
"""Those of each fold of very many units, after one regression on all of them."""


def mean_of_others(sample: Sample) -> Floats:
    """Predict each unit by the mean of the units of all other people; for a yes/no target their prevalence.

    Returns:
        n predictions, in the target's unit; NaN for all where there is only one person.

    >>> from fundus_core.evaluation import units_of_analysis, from_values
    >>> from fundus_core.targets import target
    >>> table = from_values("sbp", [110.0, 120.0, 160.0], [0, 0, 0])
    >>> mean_of_others(units_of_analysis(table, target("sbp"), "patient")).tolist()
    [140.0, 135.0, 115.0]
    """
    if len(sample.patients) < 2:
        return np.full(len(sample), np.nan)
    centre = sample.y.mean()
    total = np.add.reduceat(sample.y - centre, sample.starts)
    count = np.bincount(sample.group)
    others = (total.sum() - total) / (len(sample) - count)
    return np.asarray(centre + others[sample.group])


def median_of_others(sample: Sample) -> Floats:
    """Predict each unit by the median of the units of all other people.

    Returns:
        n predictions, in the target's unit; NaN for all where there is only one person.

    >>> from fundus_core.evaluation import units_of_analysis, from_values
    >>> from fundus_core.targets import target
    >>> table = from_values("sbp", [110.0, 120.0, 160.0], [0, 0, 0])
    >>> median_of_others(units_of_analysis(table, target("sbp"), "patient")).tolist()
    [140.0, 135.0, 115.0]
    """
    if len(sample.patients) < 2:
        return np.full(len(sample), np.nan)
    order = np.argsort(sample.y)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    count = np.bincount(sample.group)
    left = len(sample) - count
    ordered, columns = sample.y[order], _columns_of_ranks(rank, sample)
    low, high = (left - 1) // 2, left // 2
    for place in (low, high):  # sorted position of each person's wanted unit among those of all others
        for own in columns:
            place += own <= place
    return np.asarray((ordered[low] / 2 + ordered[high] / 2)[sample.group])


def _columns_of_ranks(rank: Indices, sample: Sample) -> list[Indices]:
    """Return people's own ranks from low to high, a column per unit; beyond all where a person has no more."""
    if len(sample) == len(sample.patients):
        return [rank]
    by_rank = np.lexsort((rank, sample.group))
    nth = np.arange(len(rank)) - sample.starts[sample.group]
    columns = np.full((int(nth.max()) + 1, len(sample.patients)), len(rank) + 1, dtype=np.intp)
    columns[nth, sample.group[by_rank]] = rank[by_rank]
    return list(columns)


def majority_of_others(sample: Sample) -> Floats:
    """Predict each unit of a yes/no target by the class that most other people's units have; 0.5 where even."""
    return np.asarray((np.sign(mean_of_others(sample) - 0.5) + 1) / 2)


def age_and_sex(sample: Sample, loss: Loss) -> Floats:
    """Predict each unit from age and sex, fitted to all people outside its tenth of the cohort.

    Returns:
        n predictions, in the target's unit; NaN where age or sex is unknown, and for all where fewer than
        :data:`FEWEST_PEOPLE` have both or where age or sex is the target itself.
    """
    return next(each_by_age_and_sex(sample, loss))


def each_by_age_and_sex(sample: Sample, *losses: Loss) -> Iterator[Floats]:
    """Yield :func:`age_and_sex` for each loss: the curves of age are made once."""
    known = np.isfinite(sample.age) & np.isfinite(sample.sex)
    people = numbered(sample.group[known]).max(initial=-1) + 1
    nothing = np.full(len(sample), np.nan)
    if people < FEWEST_PEOPLE or sample.target.id in ("age", "sex"):
        yield from (nothing for _ in losses)
        return
    y, folds = sample.y[known], folds_of(sample, known)
    design, of = known_by(sample.age[known], sample.sex[known], knots_for(people))
    for loss in losses:
        prediction = nothing.copy()
        prediction[known] = cross_fitted(design, y, folds, loss, of)
        yield prediction


def known_by(age: Floats, sex: Floats, knots: int) -> tuple[Floats, Indices]:
    """Return the rows of a design of age and sex, d x k, and which of them is each of n units'.

    Of very many people most are as old as somebody else: d is far below n.
    """
    (ages, of_age), (sexes, of_sex) = (np.unique(one, return_inverse=True) for one in (age, sex))
    pairs, of, times = np.unique(of_age * len(sexes) + of_sex, return_inverse=True, return_counts=True)
    curve = curves(ages[pairs // len(sexes)], sexes[pairs % len(sexes)], knots, times)
    return standardised(curve, times), of


def folds_of(sample: Sample, known: NDArray[np.bool_]) -> Indices:
    """Give each known unit its tenth, a person's units together and each tenth as spread out as the cohort.

    People are dealt out along their mean truth, so that neither the order of rows nor what people are called counts.
    """
    group = numbered(sample.group[known])
    count = np.bincount(group)
    keys = [np.bincount(group, weights=np.nan_to_num(column[known])) / count for column in (sample.p, sample.y)]
    dealt = np.empty(len(count), dtype=np.intp)
    many = len(count) > MANY_PEOPLE  # one order costs a tenth of two, and parts ties as well
    dealt[np.argsort(keys[1] + 1e-9 * keys[0]) if many else np.lexsort(keys)] = np.arange(len(count)) % FOLDS
    return np.asarray(dealt[group])


def knots_for(people: int) -> int:
    """Return how many knots a curve of a measured value has: as many as so many people can tell.

    >>> [knots_for(people) for people in (30, 60, 120, 300)]
    [2, 3, 4, 6]
    """
    return sum(people >= fewest for fewest in (60, 120, 300, 300)) + 2


def curves(age: Floats, sex: Floats, knots: int, times: Indices | None = None) -> Floats:
    """Return what the truth may be a sum of, without the constant: a curve of age for each sex, n x k.

    Args:
        age: n ages in years.
        sex: n times 1 or 0, or a mean of both.
        knots: Of the curve; with fewer than three it is a line.
        times: How many units each of n stands for; one without.
    """
    curve = natural_spline(age, knots, times)
    about = curve - np.average(curve, axis=0, weights=times)
    return np.column_stack([curve, sex, about * (sex - np.average(sex, weights=times))[:, None]])


def natural_spline(x: Floats, knots: int, times: Indices | None = None) -> Floats:
    """Return a natural cubic spline's columns without the constant: n x knots - 1, knots at even quantiles.

    The restricted cubic spline of Harrell 2015, section 2.4.5.

    >>> natural_spline(np.array([0.0, 1, 2, 3]), 3)[:, 0].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    each = x if times is None else np.repeat(x, times)
    at = np.unique(np.quantile(each, np.linspace(0.05, 0.95, knots)))
    if len(at) < 3:
        return x[:, None]
    last, before = at[-1], at[-2]

    def bend(knot: float) -> Floats:
        return np.asarray(np.maximum(x - knot, 0) ** 3)

    first, second = bend(before), bend(last)
    curves = [bend(t) - first * (last - t) / (last - before) + second * (before - t) / (last - before) for t in at[:-2]]
    return np.column_stack([x, *(curve / (last - at[0]) ** 2 for curve in curves)])


def standardised(columns: Floats, times: Indices | None = None) -> Floats:
    """Return a constant and the columns about their means in standard deviations; a constant column becomes zero.

    ``times`` says how many units each row stands for; one without.
    """
    centred = columns - np.average(columns, axis=0, weights=times)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=times))
    varies = spread > 1e-10 * np.abs(columns).max(axis=0, initial=0.0)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
    return np.column_stack([np.ones(len(columns)), scaled])


def cross_fitted(design: Floats, y: Floats, folds: Indices, loss: Loss, of: Indices | None = None) -> Floats:
    """Predict each unit by a regression on all units outside its fold.

    Median regression minimises the absolute error by reweighted least squares (Hunter & Lange 2000,
    doi:10.1080/10618600.2000.10474866), logistic regression by Newton's steps. Columns that say the same count once.

    Args:
        design: d x k, a constant among its columns.
        y: n truths.
        folds: n numbers from 0.
        loss: What is made small.
        of: Which row of the design is each unit's, n; without it they are as many.

    Returns:
        n predictions; probabilities where the loss is logistic.
    """
    of = np.arange(len(y)) if of is None else of
    fitted = slice(None, None, -(-len(y) // MOST_FITTED))
    rows, row_of = np.unique(of[fitted], return_inverse=True)
    alike = len(rows) < len(row_of)  # units of one row differ in truth alone: what they weigh is added up
    some, truth = design[rows if alike else of[fitted]], y[fitted]
    outside = folds[fitted] != np.arange(folds.max() + 1)[:, None]
    row, column = np.triu_indices(some.shape[1])  # the other half of a square says the same
    products, place = some[:, row] * some[:, column], np.empty((some.shape[1],) * 2, dtype=np.intp)
    place[row, column] = place[column, row] = np.arange(len(row))
    least = max(float(y.std()), 1e-12)
    apart = row_of + len(rows) * np.arange(len(outside))[:, None] if alike else None

    def settled(start: Floats, kept: NDArray[np.bool_], steps: range) -> Floats:
        weights, wanted = kept.astype(np.float64), np.broadcast_to(truth, kept.shape)
        for step in steps:
            if step or loss == "logistic":
                nearest = max(0.7**step, 1e-6) * least  # a residual of nearly nothing would hold the fit
                said = matmul(start, some.T)
                weights, wanted = _reweighted(said[:, row_of] if alike else said, truth, kept, loss, nearest)
            start = _solve(weights, products, place, some, wanted, apart)
        return start

    start, steps = np.zeros((len(outside), design.shape[1])), range(_STEPS)
    if loss != "squared" and len(truth) > MANY_PEOPLE:  # where each fold settles lies very near where all do
        start, steps = np.repeat(settled(start[:1], np.ones_like(outside[:1]), steps), len(outside), axis=0), _LAST
    start = settled(start, outside, steps if loss != "squared" else range(1))
    value = matmul(design, start.T)[of, folds]
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))) if loss == "logistic" else value)


def _reweighted(
    fitted: Floats, y: Floats, outside: NDArray[np.bool_], loss: Loss, least: float
) -> tuple[Floats, Floats]:
    """Return weights and working truths of the next least squares fit, folds x n."""
    if loss == "absolute":
        return outside / np.maximum(np.abs(y - fitted), least), np.broadcast_to(y, fitted.shape)
    chance = 1 / (1 + np.exp(-np.clip(fitted, -12, 12)))
    spread = chance * (1 - chance)
    return outside * spread, np.clip(fitted, -12, 12) + (y - chance) / spread


def _solve(
    weights: Floats, products: Floats, place: Indices, design: Floats, wanted: Floats, apart: Indices | None
) -> Floats:
    """Weighted least squares of every fold at once, folds x k; the shortest solution where columns say the same.

    ``products`` are those of the design's columns two by two, each once, d x k (k + 1) / 2, and ``place`` says which of
    them stands in each cell of their square, k x k. ``apart`` gives each fold's n units the rows that they are alike
    in, numbered from fold to fold.
    """
    moved = weights * wanted
    if apart is not None:
        of, shape = apart[: len(weights)].ravel(), (len(weights), len(design))
        weights, moved = (
            np.bincount(of, each.ravel(), shape[0] * shape[1]).reshape(shape).astype(np.float64, copy=False)
            for each in (weights, moved)
        )
    square, moment = np.take(matmul(weights, products), place, axis=1), matmul(moved, design)
    scale = np.maximum(np.trace(square, axis1=1, axis2=2) / len(place), 1e-300)[:, None, None]
    # numpy's pseudo-inverse, to the last bit, in a third of its time: the eigenvalues come sorted
    values, vectors = (each[..., ::-1].copy() for each in np.linalg.eigh(square / scale))
    kept = values > 1e-10 * values.max(axis=1, keepdims=True)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)[:, :, None]
    return np.asarray(((vectors @ (inverse * vectors.mT)) @ (moment / scale[:, 0])[:, :, None])[:, :, 0])
