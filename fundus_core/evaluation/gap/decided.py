"""The main estimates with and without what a person decided about single photographs.

Whoever accepts refused photographs, or withdraws others, changes whom a result is about; it is shown by how much. The
change is one of the same people, so that its interval leaves them out one after another with both sides counted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.evaluation.gap.missing import few
from fundus_core.evaluation.gap.weighted import MAIN, main_errors
from fundus_core.evaluation.intervals.estimate import FEWEST_PEOPLE, Estimate, not_estimable, reach
from fundus_core.evaluation.intervals.jackknife_intervals import jackknife_error
from fundus_core.evaluation.observations.sample import Sample, check_level, sort_rows, units_of_analysis
from fundus_core.evaluation.one_cohort.evaluate import evaluate
from fundus_core.records import OVERRULED, WITHDRAWN, CohortTable, Floats, Status
from fundus_core.targets import target as find_target


@dataclass(frozen=True, slots=True)
class Decided:
    """A main estimate with what a person decided, and without."""

    target: str
    """Target id."""
    unit: str
    """Of the estimate."""
    estimate: str
    """Its name."""
    accepted: int
    """Photographs that count for the target because a person accepted them."""
    withdrawn: int
    """Photographs that a person withdrew."""
    n_patients: int
    """People who count."""
    n_patients_without: int
    """People who would count without any decision."""
    decided: Estimate
    """As it counts."""
    as_read: Estimate
    """Without any decision."""
    change: Estimate
    """The first minus the second."""


def as_read(table: CohortTable) -> CohortTable:
    """Return a cohort as it was read, without what a person decided: accepted photographs refused, withdrawn predicted.

    Of withdrawn ones there are predictions where the table holds them; a file of predictions does not.
    """
    accepted, withdrawn = table.decision == OVERRULED, table.decision == WITHDRAWN
    if not (accepted | withdrawn).any():
        return table
    status = np.select([accepted, withdrawn], [Status.REFUSED.value, Status.PREDICTED.value], table.status)
    nothing = np.full(len(table), np.nan)

    def values(name: str) -> Floats:
        own = table.predicted.get(name, nothing)
        return np.select([accepted, withdrawn], [nothing, table.withdrawn.get(name, nothing)], own)

    def ends(columns: Mapping[str, Floats]) -> dict[str, Floats]:
        return {name: np.where(accepted, np.nan, column) for name, column in columns.items()}

    predicted = {name: values(name) for name in dict.fromkeys([*table.predicted, *table.withdrawn])}
    return replace(
        table,
        status=status,
        predicted=predicted,
        low=ends(table.low),
        high=ends(table.high),
        decision=np.full(len(table), "", dtype=np.str_),
        withdrawn={},
    )


def decided(table: CohortTable, target: str, *, level: str = "patient") -> tuple[Decided, ...]:
    """Return the main estimates of a target with and without what a person decided; none where nobody did.

    Args:
        table: A row per photograph, any order.
        target: Target id.
        level: What one observation is.

    Raises:
        UsageError: Unknown target or level.
    """
    of, checked = find_target(target), check_level(level)
    nothing = np.full(len(table), np.nan)
    counts = (table.decision == OVERRULED) & np.isfinite(table.predicted.get(of.id, nothing))
    away = table.decision == WITHDRAWN
    if not (counts | away).any():
        return ()
    both = (table, as_read(table))
    own = [evaluate(each, level=checked, targets=[of.id], ranked=False).targets[of.id] for each in both]
    samples = [units_of_analysis(sort_rows(each), of, checked, ordered=True) for each in both]
    moves = _changes(samples, [main_errors(of, each.y, each.p) for each in samples])
    lost = away & ~np.isfinite(table.withdrawn.get(of.id, nothing))
    note = say("predictions of withdrawn photographs are not in this table") if lost.any() else ""
    return tuple(
        Decided(
            of.id,
            "" if of.binary else of.unit,
            name,
            int(counts.sum()),
            int(away.sum()),
            own[0].n_patients,
            own[1].n_patients,
            own[0].estimates.get(name, none),
            own[1].estimates.get(name, none),
            replace(moves[k], note=note) if note else moves[k],
        )
        for none in [not_estimable("no photograph has both a measured and a predicted value")]
        for k, name in enumerate(MAIN[of.binary])
    )


def _changes(samples: list[Sample], errors: list[Floats]) -> list[Estimate]:
    """Return how each main estimate changes, over the people of both sides."""
    if not all(map(len, errors)):
        none = not_estimable("no photograph has both a measured and a predicted value")
        return [none] * errors[0].shape[1]
    people = np.unique(np.concatenate([each.patients for each in samples]))
    whole, without = zip(*(_means(people, *each) for each in zip(samples, errors, strict=True)), strict=True)
    value, left = whole[0] - whole[1], without[0] - without[1]
    if len(people) < FEWEST_PEOPLE or not np.isfinite(left).all():
        return [Estimate(float(each), note=few(len(people))) for each in value]
    widths = [reach(len(people) - 1) * jackknife_error(left[:, k]) for k in range(left.shape[1])]
    words = say("Student's t, jackknife over people")
    return [
        Estimate(float(each), float(each - width), float(each + width), words)
        for each, width in zip(value, widths, strict=True)
    ]


def _means(people: NDArray[np.str_], sample: Sample, errors: Floats) -> tuple[Floats, Floats]:
    """Return the means of k columns, and without each of m people, m x k; NaN where nobody is left."""
    at = np.searchsorted(people, sample.patients)[sample.group]
    counts = np.bincount(at, minlength=len(people)).astype(np.float64)[:, None]
    sums = np.column_stack([np.bincount(at, weights=column, minlength=len(people)) for column in errors.T])
    left = counts.sum() - counts
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums.sum(axis=0) / counts.sum(), np.where(left > 0, (sums.sum(axis=0) - sums) / left, np.nan)
