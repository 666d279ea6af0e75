"""What a model has to beat: predicting the mean, and knowing no more than age and sex.

Both are fitted without the person they predict (leave one person out), so that they are never scored on what
they were fitted to. Without them a mean absolute error says nothing: it falls with the spread of the cohort.
"""

from __future__ import annotations

import numpy as np

from fundus_core.evaluation.observations.sample import Indices, Sample
from fundus_core.records import Floats

_SINGULAR = 1e-9
"""Determinant of the covariance of standardised age and sex below which one of them adds nothing."""


def mean_of_others(sample: Sample) -> Floats:
    """Predict each unit by the mean of the units of all other people.

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


def age_and_sex(sample: Sample) -> Floats:
    """Predict each unit by a linear regression of truth on age and sex, fitted to all other people.

    Leaving a person out subtracts that person's sums from the totals, so each fold is a 2 x 2 system and
    nothing is fitted in a loop; for one unit a person this equals the residual divided by 1 - h_ii of the hat
    matrix. Assumes that truth is linear in age with one slope for both sexes. Where the others all share one
    sex (or one age), that term is left out.

    Returns:
        n predictions, in the target's unit; NaN where age or sex is unknown, and for all where fewer than
        four people have both or where age or sex is the target itself.
    """
    prediction = np.full(len(sample), np.nan)
    known = np.isfinite(sample.age) & np.isfinite(sample.sex)
    group = np.unique(sample.group[known], return_inverse=True)[1]
    if len(group) == 0 or group[-1] < 3 or sample.target.id in ("age", "sex"):
        return prediction
    x = np.column_stack([_standardised(sample.age[known]), _standardised(sample.sex[known])])
    centre = sample.y[known].mean()
    prediction[known] = centre + _leave_one_group_out(x, sample.y[known] - centre, group)
    return prediction


def _standardised(column: Floats) -> Floats:
    spread = column.std()
    centred = column - column.mean()
    return np.asarray(centred / spread if spread > 1e-10 * np.abs(column).max() else np.zeros_like(column))


def _leave_one_group_out(x: Floats, y: Floats, group: Indices) -> Floats:
    """Predict y (n) from x (n x 2) by least squares with intercept, fitted without the unit's own group."""

    def without(columns: Floats) -> Floats:
        per_group = np.column_stack([np.bincount(group, weights=column) for column in columns.T])
        return np.asarray(per_group.sum(axis=0) - per_group)

    n = without(np.ones((len(y), 1)))
    mean_x, mean_y = without(x) / n, without(y[:, None]) / n
    products = without((x[:, :, None] * x[:, None, :]).reshape(-1, 4)).reshape(-1, 2, 2) / n[:, :, None]
    covariance = products - mean_x[:, :, None] * mean_x[:, None, :]
    moment = without(x * y[:, None]) / n - mean_x * mean_y
    slopes = _solve(covariance, moment)
    return np.asarray(mean_y[group, 0] + ((x - mean_x[group]) * slopes[group]).sum(axis=1))


def _solve(covariance: Floats, moment: Floats) -> Floats:
    """Solve folds x 2 x 2 systems; the shortest solution where a system is singular."""
    a, b, c = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    determinant = a * c - b * b
    regular = determinant > _SINGULAR
    slopes = np.empty_like(moment)
    slopes[:, 0] = np.divide(c * moment[:, 0] - b * moment[:, 1], determinant, where=regular, out=np.zeros_like(a))
    slopes[:, 1] = np.divide(a * moment[:, 1] - b * moment[:, 0], determinant, where=regular, out=np.zeros_like(a))
    if not regular.all():
        inverse = np.linalg.pinv(covariance[~regular], rcond=1e-8, hermitian=True)
        slopes[~regular] = np.einsum("gij,gj->gi", inverse, moment[~regular])
    return slopes
