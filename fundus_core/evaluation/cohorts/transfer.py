"""A recalibration learnt on each cohort and tested on every other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from fundus_core.errors import NotEstimableError, UsageError
from fundus_core.evaluation.cohorts.recalibration import fit_recalibration, recalibration_effect
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Estimate
from fundus_core.records import CohortTable
from fundus_core.targets import TARGETS


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
