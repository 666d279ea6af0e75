"""Recalibration: an intercept and a slope learnt on one cohort, tested on others, never on the same people.

A model from elsewhere is often right about who is high and who is low and wrong about how high. A line through truth
against prediction mends that (Steyerberg 2019, Clinical Prediction Models, chapter 15). Fitted and tested on the same
people it always seems to help, so that is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from fundus_core.errors import NotEstimableError, UsageError
from fundus_core.evaluation.intervals.estimate import FEWEST_EVENTS, NUMBER_OF_DRAWS, SEED, Estimate
from fundus_core.evaluation.observations.sample import Sample, person_ids, units_of_analysis
from fundus_core.evaluation.one_cohort.binary import logistic_line
from fundus_core.evaluation.one_cohort.bootstrap_scores import score_alone
from fundus_core.evaluation.one_cohort.models import ModelComparison, compare_models
from fundus_core.evaluation.one_cohort.scores import SCORES, columns, scales, scores
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import CohortTable, Floats, Labels
from fundus_core.targets import TARGETS
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


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a line learnt on one cohort does to the errors of another."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    fitted_on: str
    """The cohort that the line was learnt on."""
    tested_on: str
    """The cohort that it was tried on; other people."""
    intercept: float | None
    """Of the line, in the unit; ``None`` where none could be fitted or tested."""
    slope: float | None
    """Of the line."""
    mae_before: Estimate
    """Mean absolute error of the tested cohort as it is."""
    mae_after: Estimate
    """The same with recalibrated predictions."""
    mae_change: Estimate
    """After minus before, on the same people; below zero the line helps."""
    bias_before: Estimate
    """Mean of predicted minus true as it is."""
    bias_after: Estimate
    """The same with recalibrated predictions."""
    p: float | None
    """Of the change in mean absolute error."""
    note: str
    """Why there is nothing; empty where there is something."""


def transfers(
    cohorts: Mapping[str, CohortTable],
    *,
    targets: Sequence[str] | None = None,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> tuple[Transfer, ...]:
    """Learn a line on each cohort and test it on every other, for every target that is a number.

    People are told apart by their ids over all cohorts. Targets are by default all that both cohorts of a pair have
    measured and predicted. Lines are fitted to people, at whatever level errors are counted.

    Raises:
        UsageError: Unknown level.
    """
    return tuple(
        transfer(name, pair, cohorts, level=level, seed=seed, draws=draws)
        for pair in permutations(cohorts, 2)
        for name in _shared(cohorts, pair)
        if targets is None or name in targets
    )


def _shared(cohorts: Mapping[str, CohortTable], pair: tuple[str, str]) -> Iterator[str]:
    for name, target in TARGETS.items():
        if not target.binary and all(name in cohorts[each].truth and name in cohorts[each].predicted for each in pair):
            yield name


def transfer(
    target: str,
    pair: tuple[str, str],
    cohorts: Mapping[str, CohortTable],
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> Transfer:
    """Learn a line on the first cohort of a pair and test it on the second.

    >>> from fundus_core.evaluation import from_values
    >>> of = from_values("sbp", range(100, 130), range(90, 120), patient_id=[f"a{k}" for k in range(30)])
    >>> other = from_values("sbp", range(100, 130), range(90, 120), patient_id=[f"b{k}" for k in range(30)])
    >>> found = transfer("sbp", ("A", "B"), {"A": of, "B": other}, draws=100)
    >>> round(found.mae_before.value, 6), abs(round(found.mae_after.value, 6))
    (10.0, 0.0)
    """
    head = (target, TARGETS[target].unit, *pair)
    try:
        line = fit_recalibration(cohorts[pair[0]], target)
        found = recalibration_effect(cohorts[pair[1]], line, level=level, seed=seed, draws=draws)
    except (NotEstimableError, UsageError) as error:
        none = Estimate(None, note=str(error))
        return Transfer(*head, None, None, none, none, none, none, none, None, str(error))
    before, after = (found.results[name].estimates for name in ("as it is", "recalibrated"))
    gain = next(each for each in found.differences if each.score == "mae")
    return Transfer(
        *head, line.intercept, line.slope, before["mae"], after["mae"], _turned(gain.difference),
        before["bias"], after["bias"], gain.p, "",
    )  # fmt: skip


def _turned(estimate: Estimate) -> Estimate:
    """The same difference seen from the other side."""
    value, low, high = (None if each is None else -each for each in (estimate.value, estimate.high, estimate.low))
    return Estimate(value, low, high, estimate.method, estimate.note)
