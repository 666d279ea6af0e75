"""Would the main estimates be others if nobody were missing?

They are weighted by one over each person's chance of not being lost, from a logistic regression on what is known of
everybody (Seaman & White 2013, doi:10.1177/0962280210395740); that mends what goes with these columns, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.gap.missing import OF_PHOTOGRAPHS, People, people_of
from fundus_core.evaluation.gap.regression import chance, firth, logistic
from fundus_core.evaluation.intervals.bootstrap import MANY_PEOPLE
from fundus_core.evaluation.intervals.estimate import SEED, Estimate, Rule, Scale, not_estimable, onto, reach
from fundus_core.evaluation.intervals.jackknife_intervals import between, jackknife_error
from fundus_core.evaluation.observations.grouping import grouping, in_order
from fundus_core.evaluation.observations.sample import check_level, sort_rows, units_of_analysis
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import Target
from fundus_core.targets import target as find_target

PER_COLUMN = 5
"""People who are lost, or who are not, that each coefficient of the chances takes."""

TRUNCATED = (0.01, 0.99)
"""Quantiles of the weights beyond which they are cut: a weight of a hundred would let one person decide."""

MOST_BLOCKS = 100
"""Blocks of people that are left out one after another, each time with the chances fitted anew."""


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
    people = people_of(ordered, of)
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
    block = np.arange(len(people.who)) * 7919 % len(people.who) % min(len(people.who), MOST_BLOCKS)
    made = _of_kinds if len(block) > MANY_PEOPLE else _of_people
    whole, without = made(x, people.counted, errors, place, block)
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


def _design(ordered: CohortTable, people: People, of: Target, columns: Sequence[str]) -> tuple[Floats, str]:
    """Return what the chances depend on, m x k, and in words: age, its square, sex and groups, unknown a group."""
    made: list[Floats] = [np.ones(len(people.who))]
    names: list[str] = []
    age = people.mean(ordered.truth.get("age", np.full(len(ordered), np.nan)))
    if len(age) > MANY_PEOPLE:  # of few kinds: half a year is hardly another chance
        age = (2 * age).round() / 2
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


def _chances(x: Floats, counted: NDArray[np.bool_] | Floats, start: Floats, times: Floats | None = None) -> Floats:
    """Return the coefficients of the chance of being counted; penalised, where groups are told apart without error."""
    try:
        return logistic(x, counted.astype(np.float64), np.arange(len(x)), start=start, times=times).beta
    except NotEstimableError:
        return firth(x, counted.astype(np.float64), times=times)


def _of_people(
    x: Floats, counted: NDArray[np.bool_], errors: Floats, place: Indices, block: Indices
) -> tuple[Floats, Floats]:
    """Return the estimates as counted and weighted, 2 x 2, and those without each block of people."""
    start = _chances(x, counted, np.zeros(x.shape[1]))
    without = np.array([_both(x, counted, errors, place, block != k, start) for k in np.unique(block)])
    return _both(x, counted, errors, place, np.ones(len(block), dtype=bool), start), without


def _of_kinds(
    x: Floats, counted: NDArray[np.bool_], errors: Floats, place: Indices, block: Indices
) -> tuple[Floats, Floats]:
    """Return the same of very many people, who are of few kinds: what the chances depend on is the same in a kind."""
    mark = x @ np.random.default_rng(SEED).normal(size=x.shape[1])
    _, first, kind = np.unique(mark, return_index=True, return_inverse=True)
    rows, blocks = x[first], int(block.max()) + 1
    cell, shape = block * len(first) + kind, (blocks, len(first))

    def sums(at: Indices, values: Floats | None = None) -> Floats:
        return np.bincount(at, values, blocks * len(first)).reshape(shape).astype(np.float64)

    there, lost = sums(cell[counted]), sums(cell[~counted])
    units, *total = (sums(cell[place], values) for values in (None, *errors.T))
    beta = np.zeros(x.shape[1])
    found = []
    for left in (np.ones(blocks, dtype=bool), *(np.arange(blocks) != k for k in range(blocks))):
        own, none, n, *of = (each[left].sum(axis=0) for each in (there, lost, units, *total))
        beta = _chances(rows, own / np.maximum(own + none, 1), beta, own + none)
        weight = 1 / np.maximum(chance(rows @ beta), 1e-6)
        weight = np.clip(weight, *_quantiles(weight, own, TRUNCATED))
        both = [[each.sum() / n.sum(), (weight * each).sum() / (weight * n).sum()] for each in of]
        found.append(np.array(both).T)
    return found[0], np.array(found[1:])


def _quantiles(values: Floats, times: Floats, shares: Sequence[float]) -> Floats:
    """Quantiles, linearly interpolated, of values that are there so many times each.

    >>> _quantiles(np.array([3.0, 1.0]), np.array([1.0, 3.0]), [0.5, 0.9]).round(6).tolist()
    [1.0, 2.4]
    """
    order = np.argsort(values, kind="stable")
    up_to = np.cumsum(times[order])
    at = np.asarray(shares) * (up_to[-1] - 1)
    low, high = (values[order][np.searchsorted(up_to, whole, side="right")] for whole in (np.floor(at), np.ceil(at)))
    return np.asarray(low + (at - np.floor(at)) * (high - low))


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
