"""The gap: predicted minus measured, freed of what follows from the measured value and from age.

Predictions shrink toward the mean, so that a raw gap is high where the measured value is low, whatever the person's
health: its association with anything that goes with the measured value is built in (Butler 2021,
doi:10.1002/hbm.25533). de Lange & Cole 2020 (doi:10.1016/j.nicl.2020.102229) take off what a line through predictions
against measured values says. Here it is a curve of the measured value and of age, for predictions need not shrink along
a line, and each person's is fitted to other people.
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.one_cohort.baselines import (
    FEWEST_PEOPLE,
    cross_fitted,
    folds_of,
    knots_for,
    natural_spline,
    standardised,
)
from fundus_core.records import Floats


@dataclass(frozen=True, slots=True)
class Gap:
    """Of n observations."""

    raw: Floats
    """Predicted minus measured, in the target's unit."""
    corrected: Floats
    """The same less what the measured value and age say of it; NaN where age is not known or there are too few."""
    freed: tuple[str, ...]
    """Of what it was freed besides the measured value: ``age``, or nothing where nobody's age is known."""


def corrected_gap(sample: Sample) -> Gap:
    """Free the gap of its dependence on the measured value and on age, each tenth by what the others show.

    >>> from fundus_core.evaluation import from_values, units_of_analysis
    >>> from fundus_core.targets import target
    >>> truth = np.linspace(100, 180, 60)
    >>> gap = corrected_gap(units_of_analysis(from_values("sbp", truth, 90 + 0.3 * truth), target("sbp"), "patient"))
    >>> round(float(gap.raw[0]), 6), bool(np.abs(gap.corrected).max() < 1e-9)
    (20.0, True)
    """
    with_age = sample.target.id != "age" and np.isfinite(sample.age).any()
    known = np.isfinite(sample.age) if with_age else np.ones(len(sample), dtype=bool)
    corrected = np.full(len(sample), np.nan)
    people = len(np.unique(sample.group[known]))
    if people >= FEWEST_PEOPLE:
        knots = knots_for(people)
        along = [sample.y[known], *([sample.age[known]] if with_age else [])]
        curve = standardised(np.column_stack([natural_spline(column, knots) for column in along]))
        error = sample.error[known]
        corrected[known] = error - cross_fitted(curve, error, folds_of(sample, known), "squared")
    return Gap(sample.error, corrected, ("age",) if with_age else ())
