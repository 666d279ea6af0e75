"""Recalibration: an intercept and a slope learnt on one cohort, tested on another, never on the same people.

A model from elsewhere is often right about who is high and who is low and wrong about how high. A line through truth
against prediction mends that (Steyerberg 2019, Clinical Prediction Models, chapter 15). Fitted and tested on the same
people it always seems to help, so that is refused.
"""

from dataclasses import dataclass, replace

import numpy as np

from fundus_core.errors import NotEstimableError, UsageError
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Estimate
from fundus_core.evaluation.intervals.interval_choice import FEWEST_EVENTS
from fundus_core.evaluation.observations.sample import Sample, person_ids, units_of_analysis
from fundus_core.evaluation.one_cohort.binary import logistic_line
from fundus_core.evaluation.one_cohort.bootstrap_scores import score_alone
from fundus_core.evaluation.one_cohort.models import ModelComparison, compare_models
from fundus_core.evaluation.one_cohort.scores import SCORES, columns, scales, scores
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import CohortTable, Floats, Labels
from fundus_core.targets import target as find_target


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A line from prediction to corrected prediction, and whom it was fitted to."""

    target: str
    """Target id."""
    intercept: float
    """In the target's unit."""
    slope: float
    """1 for a model that needs no correction; below 1 its predictions are too spread out."""
    patients: Labels
    """People it was fitted to; it is never tested on them."""

    def apply(self, predictions: Floats) -> Floats:
        """Return intercept + slope x prediction."""
        return np.asarray(self.intercept + self.slope * predictions)


def fit_recalibration(table: CohortTable, target: str) -> Recalibration:
    """Fit truth = intercept + slope x prediction by least squares, one observation per person.

    Raises:
        NotEstimableError: A probability, fewer than 20 people, or predictions that are all the same.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [100 + k for k in range(20)], [90 + 2 * k for k in range(20)])
    >>> line = fit_recalibration(table, "sbp")
    >>> round(line.slope, 6), round(line.intercept, 6)
    (0.5, 55.0)
    """
    of = find_target(target)
    if of.binary:
        raise NotEstimableError(
            "'{target}' is a probability; a line from prediction to truth does not suit it.", target=target
        )
    sample = _enough(units_of_analysis(table, of, "patient"))
    about = scales(sample)
    found = scores(columns(sample, about).sum(axis=1)[None], about)[0]
    slope, intercept = (float(found[list(SCORES).index(name)]) for name in ("slope", "intercept"))
    if not np.isfinite(slope):
        raise NotEstimableError(
            "Every prediction of '{target}' is the same, so no slope can be fitted; choose another cohort.",
            target=target,
        )
    return Recalibration(target, intercept, slope, sample.patients)


def _enough(sample: Sample) -> Sample:
    if len(sample) < FEWEST_PEOPLE:
        raise NotEstimableError(
            "A recalibration of '{target}' needs {fewest_people} people with measured and predicted "
            "values; this cohort has {sample}.",
            target=sample.target.id,
            fewest_people=FEWEST_PEOPLE,
            sample=len(sample),
        )
    return sample


@dataclass(frozen=True, slots=True)
class FittedLine:
    """A recalibration that can be kept: intercept and slope with their intervals."""

    target: str
    """Target id."""
    intercept: Estimate
    """In the target's unit; of a yes/no target in log odds."""
    slope: Estimate
    """Above zero."""
    people: int
    """It was fitted to, an observation each."""


def fit_line(table: CohortTable, target: str) -> FittedLine:
    """Fit what a kept model is made of, one observation per person.

    A number: truth = intercept + slope x prediction, least squares, with the intervals of an evaluation. Yes or no:
    logit P(yes) = intercept + slope x logit(prediction), maximum likelihood, both together, with Wald's intervals (Cox
    1958, doi:10.1093/biomet/45.3-4.562). Of a person with several photographs the mean prediction stands for all: a
    line passes through a mean, log odds do only where there is one photograph a person.

    Raises:
        NotEstimableError: Fewer than 20 people, fewer than 5 with or without the event, predictions that are all the
            same, classes that can be told apart without error, or predictions that fall where measured values rise.

    >>> from fundus_core.evaluation import from_values
    >>> line = fit_line(from_values("sbp", [100 + k for k in range(20)], [90 + 2 * k for k in range(20)]), "sbp")
    >>> round(line.slope.value, 6), round(line.intercept.value, 6), line.people
    (0.5, 55.0, 20)
    """
    of = find_target(target)
    if of.binary:
        found = _logistic(_enough(units_of_analysis(table, of, "patient")))
    else:
        people = len(fit_recalibration(table, target).patients)
        scored = score_alone(units_of_analysis(table, of, "patient"), ranked=False).estimates
        found = FittedLine(target, scored["intercept"], scored["slope"], people)
    if not (found.slope.value or 0) > 0:
        raise NotEstimableError(
            "Measured values of '{target}' do not rise with its predictions in this cohort (slope {slope:.3g}): no "
            "recalibration mends that.",
            target=target,
            slope=found.slope.value or 0.0,
        )
    return found


def _logistic(sample: Sample) -> FittedLine:
    yes = int(sample.y.sum())
    fewest = min(yes, len(sample) - yes)
    values, errors = logistic_line(sample.y, sample.p)
    if fewest < FEWEST_EVENTS or not np.isfinite([*values, *errors]).all():
        raise NotEstimableError(
            "A recalibration of '{target}' needs {fewest} people of either class, not told apart without error, and "
            "predictions that differ; the rarer class has {n}.",
            target=sample.target.id,
            fewest=FEWEST_EVENTS,
            n=fewest,
        )
    intercept, slope = (
        Estimate(float(value), float(value - Z * error), float(value + Z * error), "Wald")
        for value, error in zip(values, errors, strict=True)
    )
    return FittedLine(sample.target.id, intercept, slope, len(sample))


Z = 1.959963984540054
"""Standard errors in half of a 95 % interval."""


def recalibrate(table: CohortTable, recalibration: Recalibration) -> CohortTable:
    """Return the cohort with corrected predictions and intervals; the line must be fitted to other people."""
    shared = np.intersect1d(person_ids(table), recalibration.patients)
    if len(shared):
        raise UsageError(
            (
                "{shared} {shared:person|people} of this cohort {shared:was|were} used to fit the "
                "recalibration; fit it on other people, or leave these out of the test."
            ),
            shared=len(shared),
        )
    name = recalibration.target
    ends = [recalibration.apply(column[name]) for column in (table.low, table.high) if name in column]
    low, high = ({name: np.minimum(*ends)}, {name: np.maximum(*ends)}) if len(ends) == 2 else ({}, {})
    return replace(
        table,
        predicted={**table.predicted, name: recalibration.apply(table.predicted[name])},
        low={**table.low, **low},
        high={**table.high, **high},
    )


def recalibration_effect(
    table: CohortTable,
    recalibration: Recalibration,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> ModelComparison:
    """Score a cohort before and after recalibration, on the same people; the line must be fitted to others.

    The models are ``as it is`` and ``recalibrated``, with their paired differences.
    """
    both = {"as it is": table, "recalibrated": recalibrate(table, recalibration)}
    return compare_models(both, recalibration.target, level=level, seed=seed, draws=draws)
