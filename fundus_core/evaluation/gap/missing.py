"""Who is missing: people without a prediction or without a measured value, in which groups, and does it matter?

A person counts for a target where one photograph has both. Who does not is lost, to refusal (or failure) or to a
missing value; those whose photographs still wait for their run are left out. Odds of being lost compare each group with
the largest one. The main estimates are weighted by one over each person's chance of not being lost, from a logistic
regression on what is known of everybody (Seaman & White 2013, doi:10.1177/0962280210395740); that mends what goes with
these columns, and nothing else. People who never were photographed are in no table and cannot be seen here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.gap.regression import chance, firth, firth_ends, logistic
from fundus_core.evaluation.intervals.estimate import FEWEST_PEOPLE, Estimate, Rule, Scale, not_estimable, onto, reach
from fundus_core.evaluation.intervals.jackknife_intervals import between, jackknife_error, jeffreys
from fundus_core.evaluation.observations.grouping import NOT_STATED, grouping, in_order
from fundus_core.evaluation.observations.person_means import mean_of_each
from fundus_core.evaluation.observations.sample import (
    Indices,
    check_level,
    person_ids,
    sort_rows,
    units_of_analysis,
)
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.targets import Target
from fundus_core.targets import target as find_target

OF_PHOTOGRAPHS = ("eye", "quality", "out_of_distribution")
"""Columns that say something of a photograph and not of its person."""

FEW = 5
"""People of a group, lost or not, below which odds are penalised (Firth) instead of largest likelihood."""

PER_COLUMN = 5
"""People who are lost, or who are not, that each coefficient of the chances takes."""

TRUNCATED = (0.01, 0.99)
"""Quantiles of the weights beyond which they are cut: a weight of a hundred would let one person decide."""

MOST_BLOCKS = 100
"""Blocks of people that are left out one after another, each time with the chances fitted anew."""


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
class Weighted:
    """A main estimate as counted, and as it would be if nobody were missing."""

    target: str
    """Target id."""
    unit: str
    """Of the estimate."""
    estimate: str
    """Its name."""
    n_patients: int
    """People who count."""
    lost: int
    """People who are lost."""
    by: str
    """What the chances were fitted on, in words."""
    counted: float | None
    """As the people who count have it."""
    weighted: Estimate
    """Weighted for those who are lost."""
    change: Estimate
    """Weighted minus counted."""


@dataclass(frozen=True, slots=True)
class _People:
    """Everybody of a cohort whose photographs were read, m people."""

    who: Labels
    person: Indices
    """Of each photograph of theirs, by position; those of others are left out."""
    rows: Indices
    predicted: NDArray[np.bool_]
    counted: NDArray[np.bool_]

    @property
    def lost(self) -> NDArray[np.bool_]:
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


def _people(ordered: CohortTable, of: Target) -> _People:
    """Find who counts and who is lost."""
    nothing = np.full(len(ordered), np.nan)
    y, p = ordered.truth.get(of.id, nothing), ordered.predicted.get(of.id, nothing)
    made = (ordered.status == Status.PREDICTED.value) & np.isfinite(p)
    measured = np.isfinite(y) & (((y == 0) | (y == 1)) if of.binary else np.isfinite(y))
    rows = np.flatnonzero(ordered.status != "queued")
    who, person = np.unique(person_ids(ordered)[rows], return_inverse=True)

    def any_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(np.bincount(person, weights=mask[rows].astype(np.float64), minlength=len(who)) > 0)

    return _People(who, person, rows, any_of(made), any_of(made & measured))


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
    people = _people(ordered, of)
    words = people.word(grouping(ordered, by))
    names = in_order(words)
    sizes = {name: int((words == name).sum()) for name in names}
    largest = max(sizes, key=lambda name: (name != NOT_STATED, sizes[name])) if sizes else ""
    return tuple(_group(people, of, by, words, name, largest) for name in names)


def _group(people: _People, of: Target, by: str, words: Labels, name: str, largest: str) -> MissingIn:
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
        each, yes = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 0.0, 1.0, 0.0])
        fit = firth(each, yes, times=cells)
        low, high, p = firth_ends(each, yes, 1, fit, times=cells)
        words = say("penalised logistic regression (Firth), profile likelihood")
        return Estimate(float(np.exp(fit.beta[1])), float(np.exp(low)), float(np.exp(high)), words), p
    x = np.column_stack([np.ones(n + n_there), np.repeat([1.0, 0.0], [n, n_there])])
    y = np.concatenate([np.arange(n) < lost, np.arange(n_there) < lost_there]).astype(np.float64)
    plain = logistic(x, y, np.arange(len(y)))
    error = float(np.sqrt(plain.bread[1, 1]))
    away = reach() * error
    value = float(plain.beta[1])
    ends = (float(np.exp(value - away)), float(np.exp(value + away)))
    return Estimate(float(np.exp(value)), *ends, say("logistic regression, Wald")), float(
        2 * stats.norm.sf(abs(value) / error)
    )


MAIN: Mapping[bool, Mapping[str, Scale]] = MappingProxyType(
    {
        False: MappingProxyType({"mae": "log", "bias": "plain"}),
        True: MappingProxyType({"accuracy": "logit", "brier": "log"}),
    }
)
"""The estimates that are weighted, by whether a target is yes or no, and the scale of their intervals."""


def weighted(
    table: CohortTable, target: str, columns: Sequence[str] = (), *, level: str = "patient"
) -> tuple[Weighted, ...]:
    """Weight the main estimates by one over each person's chance of not being lost.

    The interval leaves out people in up to 100 blocks, fits the chances anew each time and truncates the weights anew.

    Args:
        table: A row per photograph, any order.
        target: Target id.
        columns: Columns of people that the chances are fitted on beside age and sex.
        level: What one observation is.

    Raises:
        UsageError: Unknown target, column or level.
    """
    of, ordered, checked = find_target(target), sort_rows(table), check_level(level)
    people = _people(ordered, of)
    sample = units_of_analysis(ordered, of, checked, ordered=True)
    x, words = _design(ordered, people, of, columns)
    lost, there = int(people.lost.sum()), int(people.counted.sum())
    head = (there, lost, words)
    reason = _unweighable(lost, there, x.shape[1])
    if not len(sample) or reason:
        none = not_estimable(reason or "no photograph has both a measured and a predicted value")
        return tuple(Weighted(of.id, of.unit, name, *head, None, none, none) for name in MAIN[of.binary])
    errors = main_errors(of, sample.y, sample.p)
    place = np.searchsorted(people.who, sample.patients)[sample.group]
    start = _chances(x, people.counted, np.zeros(x.shape[1]))
    block = np.arange(len(people.who)) * 7919 % len(people.who) % min(len(people.who), MOST_BLOCKS)
    without = np.array([_both(x, people.counted, errors, place, block != k, start) for k in np.unique(block)])
    whole = _both(x, people.counted, errors, place, np.ones(len(block), dtype=bool), start)
    found = []
    for k, (name, scale) in enumerate(MAIN[of.binary].items()):
        counted, value = float(whole[0, k]), float(whole[1, k])
        moved = onto(scale, without[:, 1, k])
        change = without[:, 1, k] - without[:, 0, k]
        ends = between(value, moved, Rule(scale=scale), np.ones(len(moved)))[:2] if np.isfinite(moved).all() else None
        lost_value = say("no interval: without one of the people there is no value")
        one = Estimate(value, *ends, say(METHOD)) if ends else Estimate(value, note=lost_value)
        width = reach(len(without) - 1) * jackknife_error(change)
        moves = Estimate(value - counted, value - counted - width, value - counted + width, say(METHOD))
        found.append(Weighted(of.id, "" if of.binary else of.unit, name, *head, counted, one, moves))
    return tuple(found)


METHOD = (
    "inverse probability of being counted, weights cut at their 1st and 99th percentile; Student's t, jackknife over "
    "blocks of people, chances fitted anew"
)


def _unweighable(lost: int, there: int, columns: int) -> str:
    if lost == 0:
        return say("nobody is lost")
    if min(lost, there) < PER_COLUMN * columns:
        return say(
            "{lost} lost and {there} counted people are too few for {columns} coefficients: each takes {fewest}",
            lost=lost, there=there, columns=columns, fewest=PER_COLUMN,
        )  # fmt: skip
    return ""


def main_errors(of: Target, y: Floats, p: Floats) -> Floats:
    """Return what the main estimates are means of, n x 2."""
    if of.binary:
        return np.column_stack([(p >= 0.5) == (y == 1), (p - y) ** 2]).astype(np.float64)
    return np.column_stack([np.abs(p - y), p - y])


def _design(ordered: CohortTable, people: _People, of: Target, columns: Sequence[str]) -> tuple[Floats, str]:
    """Return what the chances depend on, m x k, and in words: age, its square, sex and groups, unknown a group."""
    made: list[Floats] = [np.ones(len(people.who))]
    names: list[str] = []
    age = people.mean(ordered.truth.get("age", np.full(len(ordered), np.nan)))
    if of.id != "age" and np.isfinite(age).any() and np.nanstd(age) > 0:
        away = np.where(np.isfinite(age), (age - np.nanmean(age)) / np.nanstd(age), 0.0)
        made += [away, away**2]
        made += [] if np.isfinite(age).all() else [(~np.isfinite(age)).astype(np.float64)]
        names.append(say("age"))
    for name in ("sex", *columns):
        if name in (of.id, "age") or name in OF_PHOTOGRAPHS:
            continue
        words = people.word(grouping(ordered, name))
        groups = in_order(words)
        made += [(words == group).astype(np.float64) for group in groups[1:]]
        names += [say(name) if name == "sex" else name] if len(groups) > 1 else []
    return np.column_stack(made), say("{names:and}", names=names) if names else ""


def _chances(x: Floats, counted: NDArray[np.bool_], start: Floats) -> Floats:
    """Return the coefficients of the chance of being counted; penalised, where groups are told apart without error."""
    try:
        return logistic(x, counted.astype(np.float64), np.arange(len(x)), start=start).beta
    except NotEstimableError:
        return firth(x, counted.astype(np.float64)).beta


def _both(
    x: Floats, counted: NDArray[np.bool_], errors: Floats, place: Indices, kept: NDArray[np.bool_], start: Floats
) -> Floats:
    """Return the estimates as counted and weighted, 2 x 2, of the people who are kept."""
    beta = _chances(x[kept], counted[kept], start)
    weight = 1 / np.maximum(chance(x @ beta), 1e-6)
    low, high = np.quantile(weight[kept & counted], TRUNCATED)
    mine = kept[place]
    own = np.clip(weight, low, high)[place][mine]
    return np.array([errors[mine].mean(axis=0), (own[:, None] * errors[mine]).sum(axis=0) / own.sum()])
