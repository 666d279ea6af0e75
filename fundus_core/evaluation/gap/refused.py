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

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.gap.missing import FEW, few, odds_of
from fundus_core.evaluation.gap.regression import logistic
from fundus_core.evaluation.intervals.estimate import Estimate, not_estimable
from fundus_core.evaluation.intervals.interval_choice import FEWEST_PEOPLE
from fundus_core.evaluation.intervals.jackknife_intervals import share_of_people
from fundus_core.evaluation.observations.grouping import NOT_STATED, grouping, in_order
from fundus_core.evaluation.observations.sample import Indices, person_ids, select_rows, sort_rows
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.records import OVERRULED, WITHDRAWN, CohortTable, Floats, Labels, Status
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
    """The photographs that were read, n."""

    refused: NDArray[np.bool_]
    person: Indices
    words: Labels


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
    read = _read(table)
    found = _Read(_is_refused(read), _people(read), grouping(read, by))
    names = in_order(found.words)
    sizes = {name: int((found.words == name).sum()) for name in names}
    largest = max(sizes, key=lambda name: (name != NOT_STATED, sizes[name])) if sizes else ""
    return tuple(_group(found, by, name, largest) for name in names)


def refused_along(table: CohortTable, target: str, *, bins: int = 10) -> tuple[RefusedIn, ...]:
    """Count refused photographs along the measured value, of those whose value is known: tenths, or fewer of few.

    Raises:
        UsageError: Unknown target.
    """
    read = _read(table)
    truth = read.truth.get(find_target(target).id, np.full(len(read), np.nan))
    known = select_rows(read, np.isfinite(truth))
    values = truth[np.isfinite(truth)]
    place = equal_counts(values, max(1, min(bins, len(values) // _IN_A_TENTH)))
    names = [
        say("{low:.4g} to {high:.4g}", low=float(values[place == k].min()), high=float(values[place == k].max()))
        for k in range(int(place.max(initial=-1)) + 1)
    ]
    found = _Read(_is_refused(known), _people(known), place.astype(np.str_))
    return tuple(_group(found, target, str(k), REST, word=name) for k, name in enumerate(names))


def _read(table: CohortTable) -> CohortTable:
    ordered = sort_rows(table)
    return select_rows(ordered, np.isin(ordered.status, (Status.PREDICTED.value, Status.REFUSED.value)))


def _is_refused(table: CohortTable) -> NDArray[np.bool_]:
    """Whether each photograph was refused, before any person decided."""
    stays = (table.status == Status.REFUSED.value) & (table.decision != WITHDRAWN)
    return np.asarray(stays | (table.decision == OVERRULED))


def _people(table: CohortTable) -> Indices:
    return np.unique(person_ids(table), return_inverse=True)[1]


def _group(found: _Read, by: str, name: str, against: str, *, word: str = "") -> RefusedIn:
    mine = found.words == name
    others = ~mine if against == REST else found.words == against
    people, n, lost = _count(found.person[mine]), int(mine.sum()), int((mine & found.refused).sum())
    if name == against:
        odds, p, against = Estimate(None, note=say("the others are held against this group")), None, ""
    else:
        odds, p = _odds(found, mine, others)
    return RefusedIn(by, word or name, people, n, lost, _share(found, mine), against, odds, p)


def _count(people: Indices) -> int:
    return len(np.unique(people))


def _sums(found: _Read, mine: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return of each person with a photograph in a group how many were refused, and how many there are."""
    who = np.unique(found.person[mine], return_inverse=True)[1]
    events = np.bincount(who, weights=found.refused[mine].astype(np.float64))
    return events.astype(np.float64), np.bincount(who).astype(np.float64)


def _share(found: _Read, mine: NDArray[np.bool_]) -> Estimate:
    events, counts = _sums(found, mine)
    if len(counts) < FEWEST_PEOPLE:
        return Estimate(float(events.sum() / counts.sum()) if len(counts) else None, note=few(len(counts)))
    return Estimate(float(events.sum() / counts.sum()), *share_of_people(events, counts))


def _odds(found: _Read, mine: NDArray[np.bool_], others: NDArray[np.bool_]) -> tuple[Estimate, float | None]:
    """Odds of one group over those of another, over people; penalised where a cell is small or empty."""
    if min(_count(found.person[mine]), _count(found.person[others])) < FEWEST_PEOPLE:
        return not_estimable("too few people, or nobody or everybody is lost"), None
    y = found.refused
    cells = [int((group & kind).sum()) for group in (mine, others) for kind in (y, ~y)]
    if min(cells) >= FEW:
        rows = mine | others
        x = np.column_stack([np.ones(int(rows.sum())), mine[rows].astype(np.float64)])
        try:
            fit = logistic(x, y[rows].astype(np.float64), np.unique(found.person[rows], return_inverse=True)[1])
        except NotEstimableError as error:
            return not_estimable(str(error)), None
        low, high = fit.ends(1)
        words = say("logistic regression of photographs, covariance over people")
        return Estimate(float(np.exp(fit.beta[1])), float(np.exp(low)), float(np.exp(high)), words), fit.p(1)
    (lost, n), (lost_there, n_there) = (_any(found, group) for group in (mine, others))
    return odds_of(lost, n, lost_there, n_there)


def _any(found: _Read, mine: NDArray[np.bool_]) -> tuple[int, int]:
    """Return how many people of a group have any refused photograph in it, and how many there are."""
    events, counts = _sums(found, mine)
    return int((events > 0).sum()), len(counts)
