"""Whose photographs are refused: the share of each group, and its odds against the largest one.

A gate that refuses the sick, one camera or one site more often biases every result that follows. Photographs are
counted as they were read, whatever a person decided about them afterwards; those that failed or wait are left out. Two
photographs of one person are not two observations: intervals of shares leave people out one after another (Jeffreys,
with as many observations as the spread between people is worth), odds have a covariance that takes people as
independent, or, where a cell holds fewer than five photographs, are those of people with any refused one (Firth).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fundus_core.errors import say
from fundus_core.evaluation.gap.missing import FEW, few, odds_of
from fundus_core.evaluation.intervals.estimate import FEWEST_PEOPLE, Estimate, not_estimable, reach
from fundus_core.evaluation.intervals.jackknife_intervals import share_of_people
from fundus_core.evaluation.observations.grouping import NOT_STATED, grouping, in_order
from fundus_core.evaluation.observations.sample import sort_rows
from fundus_core.evaluation.observations.sorted_table import Indices, numbered
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.records import OVERRULED, WITHDRAWN, CohortTable, Floats, Status
from fundus_core.targets import target as find_target

REST = "all others"
"""What tenths of the measured value are held against."""
_IN_A_TENTH = 20
"""Photographs of a tenth at least; of fewer there are fewer parts."""


@dataclass(frozen=True, slots=True)
class RefusedIn:
    """One group of a column."""

    by: str
    """The column; a target's id for tenths of its measured value."""
    group: str
    """Its word."""
    n_patients: int
    """People with a photograph in it that was read."""
    n_photographs: int
    """Photographs that were read."""
    refused: int
    """Of which so many were refused."""
    share: Estimate
    """Of the photographs."""
    against: str
    """The group that the odds are held against; empty for that one itself."""
    odds_ratio: Estimate
    """Of being refused, against that group."""
    p: float | None
    """Of the same odds."""


@dataclass(frozen=True, slots=True)
class _Read:
    """The photographs that were read, counted by person and group: G x groups."""

    refused: Floats
    """Of them, those that were refused."""
    all: Floats
    """Of them."""


def refused(table: CohortTable, by: str) -> tuple[RefusedIn, ...]:
    """Count refused photographs in every group of a column, and hold the odds against those of the largest group.

    Args:
        table: A row per photograph, any order.
        by: A column; see :func:`fundus_core.evaluation.grouping`.

    Raises:
        UsageError: The cohort has no such column.

    >>> from dataclasses import replace
    >>> from fundus_core.evaluation import from_values
    >>> made = from_values("sbp", [120.0, 130, 140], [1.0, 2, 3], sex=[1, 1, 0])
    >>> made = replace(made, status=np.array(["refused", "predicted", "predicted"]))
    >>> [(each.group, each.refused, each.n_photographs) for each in refused(made, "sex")]
    [('female', 1, 2), ('male', 0, 1)]
    """
    ordered = sort_rows(table)
    words = grouping(ordered, by)
    read = _was_read(ordered)
    names = in_order(words[read])
    place = np.zeros(len(words), dtype=np.intp)
    for k, name in enumerate(names):
        place[words == name] = k
    found = _counted(ordered, read, place, len(names))
    sizes = dict(zip(names, found.all.sum(axis=0), strict=True))
    largest = max(sizes, key=lambda name: (name != NOT_STATED, sizes[name])) if sizes else ""
    other = names.index(largest) if names else 0
    return tuple(_group(found, by, name, k, other, against=largest) for k, name in enumerate(names))


def refused_along(table: CohortTable, target: str, *, bins: int = 10) -> tuple[RefusedIn, ...]:
    """Count refused photographs along the measured value, of those whose value is known: tenths, or fewer of few.

    Raises:
        UsageError: Unknown target.
    """
    ordered = sort_rows(table)
    truth = ordered.truth.get(find_target(target).id, np.full(len(ordered), np.nan))
    known = _was_read(ordered) & np.isfinite(truth)
    values, place = truth[known], np.zeros(len(ordered), dtype=np.intp)
    place[known] = equal_counts(values, max(1, min(bins, len(values) // _IN_A_TENTH)))
    inside = [values[place[known] == k] for k in range(int(place[known].max(initial=-1)) + 1)]
    names = [say("{low:.4g} to {high:.4g}", low=float(each.min()), high=float(each.max())) for each in inside]
    found = _counted(ordered, known, place, len(names))
    return tuple(_group(found, target, name, k, None, against=REST) for k, name in enumerate(names))


def _was_read(ordered: CohortTable) -> NDArray[np.bool_]:
    return np.isin(ordered.status, (Status.PREDICTED.value, Status.REFUSED.value))


def _counted(ordered: CohortTable, rows: NDArray[np.bool_], place: Indices, groups: int) -> _Read:
    """Count the photographs of some rows, whose groups are numbered; refused is who was, before any person decided."""
    person = numbered(ordered.patient_id)
    stays = (ordered.status == Status.REFUSED.value) & (ordered.decision != WITHDRAWN)
    lost = (stays | (ordered.decision == OVERRULED))[rows]
    cell, shape = person[rows] * groups + place[rows], (int(person.max(initial=-1)) + 1, groups)
    counted = (np.bincount(cell, weights=each, minlength=shape[0] * groups) for each in (lost, None))
    return _Read(*(each.reshape(shape).astype(np.float64) for each in counted))


def _group(found: _Read, by: str, word: str, at: int, other: int | None, *, against: str) -> RefusedIn:
    """Return the group of a column of the counts, held against that of another, or against all others."""
    lost, n = found.refused[:, at], found.all[:, at]
    if at == other:
        odds, p, against = Estimate(None, note=say("the others are held against this group")), None, ""
    else:
        there = _Read(*(each.sum(axis=1) - each[:, at] if other is None else each[:, other] for each in _both(found)))
        odds, p = _odds(_Read(lost, n), there)
    share = _share(lost[n > 0], n[n > 0])
    return RefusedIn(by, word, int((n > 0).sum()), int(n.sum()), int(lost.sum()), share, against, odds, p)


def _both(found: _Read) -> tuple[Floats, Floats]:
    return found.refused, found.all


def _share(events: Floats, counts: Floats) -> Estimate:
    if len(counts) < FEWEST_PEOPLE:
        return Estimate(float(events.sum() / counts.sum()) if len(counts) else None, note=few(len(counts)))
    return Estimate(float(events.sum() / counts.sum()), *share_of_people(events, counts))


def _odds(mine: _Read, others: _Read) -> tuple[Estimate, float | None]:
    """Odds of one group over those of another, over people, G of each; penalised where a cell is small or empty."""
    people = [int((each.all > 0).sum()) for each in (mine, others)]
    if min(people) < FEWEST_PEOPLE:
        return not_estimable("too few people, or nobody or everybody is lost"), None
    cells = [float(count) for each in (mine, others) for count in (each.refused.sum(), (each.all - each.refused).sum())]
    if min(cells) >= FEW:
        return _of_photographs(mine, others)
    (lost, n), (lost_there, n_there) = (
        (int((each.refused > 0).sum()), people[at]) for at, each in enumerate((mine, others))
    )
    return odds_of(lost, n, lost_there, n_there)


def _of_photographs(mine: _Read, others: _Read) -> tuple[Estimate, float]:
    """Logistic regression of photographs on their group, whose fit is the two shares; covariance over people."""
    chances = [float(each.refused.sum() / each.all.sum()) for each in (mine, others)]
    beta = float(np.subtract(*(np.log(each / (1 - each)) for each in chances)))
    # what each person adds to the logarithm of the odds, to first order: their score over the information of the group
    added = [
        (each.refused - each.all * chance) / (each.all.sum() * chance * (1 - chance))
        for each, chance in zip((mine, others), chances, strict=True)
    ]
    people, n = int(((mine.all + others.all) > 0).sum()), float(mine.all.sum() + others.all.sum())
    few_people = people / (people - 1) * (n - 1) / (n - 2)
    error = float(np.sqrt(few_people * ((added[0] - added[1]) ** 2).sum()))
    away = reach(people - 1.0) * error
    low, high = np.exp(beta - away), np.exp(beta + away)
    words = say("logistic regression of photographs, covariance over people")
    p = float(2 * special.stdtr(people - 1, -abs(beta) / error))
    return Estimate(float(np.exp(beta)), float(low), float(high), words), p
