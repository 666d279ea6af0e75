"""Who is missing: people without a prediction or without a measured value, in which groups, and does it matter?

A person counts for a target where one photograph has both. Who does not is lost, to refusal (or failure) or to a
missing value; those whose photographs still wait for their run are left out. Odds of being lost compare each group with
the largest one. People who never were photographed are in no table and cannot be seen here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fundus_core.errors import say
from fundus_core.evaluation.gap.regression import firth_of_two, logistic
from fundus_core.evaluation.intervals.bootstrap import MANY_PEOPLE
from fundus_core.evaluation.intervals.estimate import (
    FEWEST_PEOPLE,
    Estimate,
    not_estimable,
    reach,
)
from fundus_core.evaluation.intervals.jackknife_intervals import jeffreys
from fundus_core.evaluation.observations.grouping import NOT_STATED, grouping, in_order
from fundus_core.evaluation.observations.person_means import mean_of_each
from fundus_core.evaluation.observations.sample import person_ids, sort_rows
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.targets import Target
from fundus_core.targets import target as find_target

OF_PHOTOGRAPHS = ("eye", "quality", "out_of_distribution")
"""Columns that say something of a photograph and not of its person."""

FEW = 5
"""People of a group, lost or not, below which odds are penalised (Firth) instead of largest likelihood."""


@dataclass(frozen=True, slots=True)
class MissingIn:
    """One group of a column."""

    target: str
    """Target id."""
    by: str
    """The column."""
    group: str
    """Its word."""
    n_patients: int
    """People."""
    not_predicted: int
    """Of whom no photograph has a prediction."""
    without_truth: int
    """With a prediction and without a measured value."""
    share_lost: Estimate
    """Either of the two."""
    odds_ratio: Estimate
    """Of being lost, against the largest group; none for that one."""
    p: float | None
    """Of the same odds."""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody of a cohort whose photographs were read, m people."""

    who: Labels
    person: Indices
    """Of each photograph of theirs, by position; those of others are left out."""
    rows: Indices
    predicted: NDArray[np.bool_]
    counted: NDArray[np.bool_]

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Who does not count."""
        return ~self.counted

    def word(self, words: Labels) -> Labels:
        """Return each person's first stated word."""
        own = words[self.rows]
        stated = np.flatnonzero(own != NOT_STATED)
        found = np.full(len(self.who), NOT_STATED, dtype=np.result_type(words, np.array([NOT_STATED])))
        people, first = np.unique(self.person[stated], return_index=True)
        found[people] = own[stated][first]
        return found

    def mean(self, values: Floats) -> Floats:
        """Return each person's mean of the finite values."""
        return mean_of_each(self.person, len(self.who), values[self.rows])


def people_of(ordered: CohortTable, of: Target) -> People:
    """Find who counts and who is lost."""
    nothing = np.full(len(ordered), np.nan)
    y, p = ordered.truth.get(of.id, nothing), ordered.predicted.get(of.id, nothing)
    made = (ordered.status == Status.PREDICTED.value) & np.isfinite(p)
    measured = np.isfinite(y) & (((y == 0) | (y == 1)) if of.binary else np.isfinite(y))
    rows = np.flatnonzero(ordered.status != "queued")
    who, person = np.unique(person_ids(ordered)[rows], return_inverse=True)

    def any_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(np.bincount(person, weights=mask[rows].astype(np.float64), minlength=len(who)) > 0)

    return People(who, person, rows, any_of(made), any_of(made & measured))


def missing(table: CohortTable, target: str, by: str) -> tuple[MissingIn, ...]:
    """Count who is lost in every group of a column, and hold the odds against those of the largest group.

    Args:
        table: A row per photograph, any order.
        target: Target id.
        by: A column (see :func:`fundus_core.evaluation.grouping`) that says something of people.

    Raises:
        UsageError: Unknown target or column.

    >>> from fundus_core.evaluation import from_values
    >>> nan = float("nan")
    >>> table = from_values("sbp", [120.0, nan, 130, 140], [1.0, 2, nan, 4], sex=[1, 1, 0, 0])
    >>> [(each.group, each.not_predicted, each.without_truth) for each in missing(table, "sbp", "sex")]
    [('female', 0, 1), ('male', 1, 0)]
    """
    of, ordered = find_target(target), sort_rows(table)
    people = people_of(ordered, of)
    words = people.word(grouping(ordered, by))
    names = in_order(words)
    sizes = {name: int((words == name).sum()) for name in names}
    largest = max(sizes, key=lambda name: (name != NOT_STATED, sizes[name])) if sizes else ""
    return tuple(_group(people, of, by, words, name, largest) for name in names)


def _group(people: People, of: Target, by: str, words: Labels, name: str, largest: str) -> MissingIn:
    mine = words == name
    n, lost = int(mine.sum()), int((mine & people.lost).sum())
    unread = int((mine & ~people.predicted).sum())
    odds, p = (Estimate(None, note="the largest group: the others are held against it"), None)
    if name != largest:
        odds, p = odds_of(lost, n, int((people.lost & (words == largest)).sum()), int((words == largest).sum()))
    return MissingIn(of.id, by, name, n, unread, lost - unread, _share(lost, n), odds, p)


def few(people: int) -> str:
    """Return why so few people have no interval."""
    return say("no interval: {people} {people:person|people}, fewer than {fewest}", people=people, fewest=FEWEST_PEOPLE)


def _share(events: int, n: int) -> Estimate:
    if n < FEWEST_PEOPLE:
        return Estimate(events / n if n else None, note=few(n))
    return Estimate(events / n, *jeffreys(events, n), say("Jeffreys' interval"))


@lru_cache(maxsize=4096)
def odds_of(lost: int, n: int, lost_there: int, n_there: int) -> tuple[Estimate, float | None]:
    """Odds of one group over those of another; penalised where a cell is small or empty."""
    if n < FEWEST_PEOPLE or n_there < FEWEST_PEOPLE or lost + lost_there == 0 or lost + lost_there == n + n_there:
        return not_estimable("too few people, or nobody or everybody is lost"), None
    cells = np.array([lost, n - lost, lost_there, n_there - lost_there], dtype=np.float64)
    if cells.min() < FEW:
        value, low, high, p = firth_of_two(*cells)
        words = say("penalised logistic regression (Firth), profile likelihood")
        return Estimate(math.exp(value), math.exp(low), math.exp(high), words), p
    x = np.column_stack([np.ones(n + n_there), np.repeat([1.0, 0.0], [n, n_there])])
    y = np.concatenate([np.arange(n) < lost, np.arange(n_there) < lost_there]).astype(np.float64)
    times = None
    if len(y) > MANY_PEOPLE:
        x, y, times = np.array([[1.0, 1], [1, 1], [1, 0], [1, 0]]), np.array([1.0, 0, 1, 0]), cells
    plain = logistic(x, y, np.arange(len(y)), times=times)
    error = float(np.sqrt(plain.bread[1, 1]))
    away = reach() * error
    value = float(plain.beta[1])
    ends = (float(np.exp(value - away)), float(np.exp(value + away)))
    return Estimate(float(np.exp(value)), *ends, say("logistic regression, Wald")), float(
        2 * special.ndtr(-abs(value) / error)
    )
