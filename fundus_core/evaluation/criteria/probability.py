"""How likely a person meets a criterion, given predictions and the errors seen in a validation.

A predicted waist of 84 cm is no "no" at a threshold of 85. Predictions are shrunken, so cutting them at a threshold
calls too few people positive; the probability over the validated errors does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from fundus_core.errors import NotEstimableError
from fundus_core.evaluation.criteria.definitions import INDETERMINATE, YES, Criterion
from fundus_core.evaluation.intervals.estimate import SEED
from fundus_core.evaluation.observations.person_means import CONTINUOUS, PersonMeans
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import Floats, Labels

DRAWS = 1024
"""Draws of errors, from a scrambled Sobol sequence."""

_AT_ONCE = 65_536
"""Draws times people that are decided together: fits the cache."""


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """Truth given predictions: a line per target, and errors about the lines that go together."""

    intercept: Floats
    """Per target of ``CONTINUOUS``, 5; NaN where not fitted."""
    slope: Floats
    """Per target, 5; NaN where not fitted."""
    covariance: Floats
    """Of the errors of the five targets, 5 x 5, in their units; 0 where not fitted."""


def errors_between(truth: PersonMeans, predicted: PersonMeans, targets: Sequence[str] = CONTINUOUS) -> ErrorModel:
    """Learn how truth scatters about predictions, from what was measured and predicted of the same people.

    Truth = intercept + slope x prediction + e by least squares for each target; the covariance of the errors is taken
    over people with all targets asked for, with n - 2 in the denominator. Assumes errors that are jointly normal and of
    constant spread. Targets are some of ``CONTINUOUS``, those that matter; the others stay unknown (NaN, covariance 0).

    Raises:
        NotEstimableError: Fewer than 20 people have all of them measured and predicted, or a prediction is constant.
    """
    y, p = (np.column_stack([getattr(m, name) for name in targets]) for m in (truth, predicted))
    complete = np.isfinite(y).all(axis=1) & np.isfinite(p).all(axis=1)
    if complete.sum() < FEWEST_PEOPLE:
        raise NotEstimableError(
            "The covariance of errors needs {fewest_people} people with all of {targets} measured and "
            "predicted; this cohort has {sum}.",
            fewest_people=FEWEST_PEOPLE,
            targets=targets,
            sum=complete.sum(),
        )
    y, p = y[complete], p[complete]
    if not (np.ptp(p, axis=0) > 0).all():
        raise NotEstimableError(
            "Every prediction of a target is the same, so its errors cannot be described; use another model."
        )
    u, v = y - y.mean(axis=0), p - p.mean(axis=0)
    slope = (u * v).sum(axis=0) / (v * v).sum(axis=0)
    errors = u - slope * v
    lines = (y.mean(axis=0) - slope * p.mean(axis=0), slope, errors.T @ errors / (len(y) - 2))
    return _spread_out(targets, *lines)


def _spread_out(targets: Sequence[str], intercept: Floats, slope: Floats, covariance: Floats) -> ErrorModel:
    """Put the lines of some targets at their places among all."""
    at = [CONTINUOUS.index(name) for name in targets]
    all_lines, all_covariance = np.full((2, len(CONTINUOUS)), np.nan), np.zeros((len(CONTINUOUS),) * 2)
    all_lines[:, at] = intercept, slope
    all_covariance[np.ix_(at, at)] = covariance
    return ErrorModel(all_lines[0], all_lines[1], all_covariance)


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Per person; the three add up to 1."""

    patient: Labels
    """Whose, n."""
    yes: Floats
    """Probability that the criterion is met."""
    no: Floats
    """Probability that it is not."""
    indeterminate: Floats
    """Probability that it cannot be told without what is unknown (lipids, a missing prediction)."""


def probabilities(
    predicted: PersonMeans, criterion: Criterion, errors: ErrorModel, *, draws: int = DRAWS, seed: int = SEED
) -> Probabilities:
    """Draw truths around predictions and count how often the criterion is met.

    The same errors, fitted to other people, are drawn for everybody (quasi-Monte Carlo: a scrambled Sobol sequence
    through the normal quantile function; draws are a power of two), so that a person's answer does not depend on who
    else is in the cohort.
    """
    uniform = qmc.Sobol(len(CONTINUOUS), rng=np.random.default_rng(seed)).random(draws)
    values, vectors = np.linalg.eigh(errors.covariance)
    scattered = ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    centre = [
        errors.intercept[k] + errors.slope[k] * getattr(predicted, name) for k, name in enumerate(CONTINUOUS)
    ]  # fmt: skip
    yes, unknown = np.zeros(len(predicted)), np.zeros(len(predicted))
    for some in np.array_split(scattered, max(1, draws * len(predicted) // _AT_ONCE)):
        moved = {name: centre[k] + some[:, k, None] for k, name in enumerate(CONTINUOUS)}
        verdict = criterion.decide(replace(predicted, **moved))
        yes += (verdict == YES).sum(axis=0)
        unknown += (verdict == INDETERMINATE).sum(axis=0)
    return Probabilities(predicted.patient, yes / draws, 1 - (yes + unknown) / draws, unknown / draws)
