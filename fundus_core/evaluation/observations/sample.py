"""From a cohort's photographs to the units that are scored: visits, people, eyes or photographs.

A photograph counts for a target when it was predicted and both its measured and its predicted value are
finite. At the level ``visit`` the truths and the predictions of all counted photographs of one visit of a person are
averaged (those of whom nobody knows the visit form one unit per person), at the level ``eye`` those of one eye at
one visit. At the level ``patient`` there is one unit a person: of several visits the first that counts, at
``patient_last`` the last, at ``patient_nearest`` the one that was photographed nearest to its measurement.
Rows are put in one canonical order first, so that the order of a file changes no digit of any result.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.evaluation.observations import visits
from fundus_core.evaluation.observations.sorted_table import (
    Indices,
    LyingTable,
    SortedTable,
    firsts,
    is_predicted,
    numbered,
    numbered_people,
    told,
)
from fundus_core.evaluation.observations.visits import Photographs, interval_of_mean, mean_known
from fundus_core.records import DAYS_APART, CohortTable, Floats, Labels
from fundus_core.targets import TARGETS, Target, target

Level = Literal["visit", "patient", "patient_last", "patient_nearest", "eye", "photograph"]
"""What counts as one observation."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Truth and prediction of one target, a unit per row, units of a patient together.

    All arrays have n units except ``patients`` (G people) and ``starts`` (G).
    """

    target: Target
    """Of what."""
    level: Level
    """What one unit is."""
    y: Floats
    """Measured, in the target's unit."""
    p: Floats
    """Predicted, in the target's unit."""
    covered: Floats
    """1 where the unit's prediction interval holds its measured value, else 0; NaN without one. That of a mean of
    several photographs is made from theirs (:mod:`fundus_core.evaluation.observations.visits`)."""
    width: Floats
    """Of its prediction interval; NaN without one."""
    interval_score: Floats
    """Of its prediction interval (:func:`interval_score`); NaN without one."""
    age: Floats
    """Measured age in years; NaN where unknown."""
    sex: Floats
    """Measured sex, 1 female; NaN where unknown."""
    eye: Labels
    """``left``, ``right`` or empty; empty where a unit may hold both."""
    visit: Labels
    """When, or which visit; empty where nobody knows."""
    group: Indices
    """Index into ``patients``, never falling."""
    patients: Labels
    """Each person once, sorted."""
    starts: Indices
    """First unit of each person."""
    n_photographs: int
    """Photographs behind the units."""
    people: Indices
    """Number of each person among those of the sorted table."""
    left_out: int = 0
    """Units whose truth was no possible value (a sex other than 0 or 1, or contradictory)."""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def one_a_person(self) -> bool:
        """Whether no two units can be of one person."""
        return self.level.startswith("patient")

    @property
    def error(self) -> Floats:
        """Predicted minus measured, n."""
        return self.p - self.y


INTERVAL = 0.9
"""What prediction intervals promise: so many of them hold the measured value."""


def interval_score(y: Floats, low: Floats, high: Floats) -> Floats:
    """Return the interval score: the width, and what lies outside times 2 / (1 - promise); lower is better.

    With a = 1 - promise: (high - low) + 2 / a (low - y)+ + 2 / a (y - high)+ (Gneiting & Raftery 2007,
    doi:10.1198/016214506000001437, section 6.2). Only the true quantiles make its expectation smallest.

    >>> interval_score(np.array([5.0, 12.0]), np.array([0.0, 0.0]), np.array([10.0, 10.0])).tolist()
    [10.0, 50.0]
    """
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return np.asarray(high - low + 2 / round(1 - INTERVAL, 12) * outside)


def check_level(level: str) -> Level:
    """Return the level, or say which exist.

    Raises:
        UsageError: No such level.
    """
    for known in get_args(Level):
        if level == known:
            return known  # type: ignore[no-any-return]
    levels = get_args(Level)
    raise UsageError("There is no level '{level}'; choose one of {levels}.", level=level, levels=levels)


def usual_level(*tables: CohortTable) -> Level:
    """Return the level where nobody chose: ``visit`` where somebody has several visits, else ``patient``."""
    return "visit" if any(visits.has_several(person_ids(table), table.visit) for table in tables) else "patient"


def shared_targets(table: CohortTable, wanted: Sequence[str] | None = None) -> tuple[Target, ...]:
    """Return the targets to score: those asked for, else those with a truth and a prediction column.

    Raises:
        UsageError: A target that does not exist was asked for.
    """
    if wanted is not None:
        return tuple(target(name) for name in dict.fromkeys(wanted))
    return tuple(t for name, t in TARGETS.items() if name in table.truth and name in table.predicted)


def select_rows(table: CohortTable, rows: NDArray[np.bool_] | Indices) -> CohortTable:
    """Return the chosen rows of a table, by mask or by index."""
    chosen: dict[str, Any] = {}
    for field in fields(table):
        value = getattr(table, field.name)
        chosen[field.name] = (
            value[rows] if isinstance(value, np.ndarray) else {key: column[rows] for key, column in value.items()}
        )
    return CohortTable(**chosen)


def person_ids(table: CohortTable) -> Labels:
    """Whose eye each photograph shows; a photograph without a patient counts as a person of its own."""
    if isinstance(table, SortedTable):
        return table.patient_id
    nobody = table.patient_id == ""
    return np.where(nobody, table.photograph, table.patient_id) if nobody.any() else table.patient_id


BETWEEN = " · "
"""Stands between a patient, a visit and an eye in the name of a unit."""


def unit_names(table: CohortTable, level: Level) -> Labels:
    """Return for each photograph the name of its unit: a person's, with visit and eye where the level parts them."""
    return table.photograph if level == "photograph" else named(person_ids(table), table.visit, table.eye, level)


def named(who: Labels, visit: Labels, eye: Labels, level: Level) -> Labels:
    """Return names of units of people, n of each; see :func:`unit_names`."""
    if level in ("visit", "eye"):
        who = np.where(visit == "", who, np.char.add(np.char.add(who, BETWEEN), visit))
    return np.char.add(np.char.add(who, BETWEEN), eye) if level == "eye" else who


def bootstrap_population(table: CohortTable) -> Labels:
    """Everybody with a prediction, each once and sorted: those whom a bootstrap draws."""
    if not isinstance(table, SortedTable):
        return np.unique(person_ids(table)[is_predicted(table)])
    rows = np.flatnonzero(is_predicted(table))
    return table.patient_id[rows[firsts(numbered(numbered_people(table)[rows]))]]


LARGE = 100_000
"""Photographs beyond which a sorted table holds no second copy of columns that are looked at one by one."""


def sort_rows(table: CohortTable) -> CohortTable:
    """Sort rows by person, visit, eye, photograph and, among true duplicates, by their numbers; once."""
    if isinstance(table, SortedTable):
        return table
    who = person_ids(table)
    keys: list[NDArray[np.generic]] = [table.photograph, table.eye, visits.ranks(table.visit), who]
    order = np.lexsort(keys)
    there = (order[1:] > order[:-1]).all()  # as photographs of a large cohort often come; nothing is copied then
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        lain = key if there else key[order]
        same &= lain[1:] == lain[:-1]
    if same.any():
        order = np.lexsort([*_numbers(table), table.status, *keys])
        there = (order[1:] > order[:-1]).all()
    chosen = {field.name: getattr(replace(table, patient_id=who), field.name) for field in fields(table)}
    if not there and len(table) > LARGE:
        return LyingTable.of(chosen, order)
    if not there:
        moved = select_rows(replace(table, patient_id=who), order)
        chosen = {field.name: getattr(moved, field.name) for field in fields(table)}
    return SortedTable(**chosen)


def _numbers(table: CohortTable) -> list[Floats]:
    columns = (table.high, table.low, table.predicted, table.truth)
    return [column[name] for column in columns for name in sorted(column)] + [table.quality]


def units_of_analysis(table: CohortTable, of: Target, level: Level, *, ordered: bool = False) -> Sample:
    """Reduce a cohort to the units of one target at one level.

    Args:
        table: A row per photograph, any order.
        of: The target.
        level: What one unit is.
        ordered: Whether the table went through :func:`sort_rows` already.

    Returns:
        The units; empty where no photograph has both values.
    """
    table = table if ordered else sort_rows(table)
    return next(units_of_parts(table, of, level, [None]))


def units_of_parts(
    table: CohortTable, of: Target, level: Level, parts: Iterable[NDArray[np.integer[Any]] | None]
) -> Iterator[Sample]:
    """Yield of each part of a sorted table the units as :func:`units_of_analysis` makes them, in one pass over all.

    Args:
        table: Went through :func:`sort_rows`.
        of: The target.
        level: What one unit is.
        parts: Ascending rows of each; ``None`` for all.
    """
    nothing = np.full(len(table), np.nan)
    y, p = table.truth.get(of.id, nothing), table.predicted.get(of.id, nothing)
    counted = is_predicted(table) & np.isfinite(y) & np.isfinite(p)
    columns = (y, p, table.low.get(of.id, nothing), table.high.get(of.id, nothing))
    known = (table.truth.get("age", nothing), table.truth.get("sex", nothing))
    for rows in parts:
        chosen = np.flatnonzero(counted) if rows is None else rows[counted[rows]]
        if level.startswith("patient") and told(table, "dated", lambda: bool((table.visit != "").any())):
            mine = np.zeros(len(table), dtype=bool)
            mine[chosen] = True
            chosen = np.flatnonzero(one_visit(table, mine, level))
        unit = unit_of_each(table, chosen, level)
        of_unit = chosen[firsts(unit)]
        theirs = Photographs(*(column[chosen] for column in columns))
        k = np.bincount(unit, minlength=len(of_unit))
        means = [mean_known(column, unit, k) for column in (theirs.y, theirs.p, *(one[chosen] for one in known))]
        low, high = interval_of_mean(theirs, unit, numbered(numbered_people(table)[of_unit]))
        inside = np.where(np.isfinite(low) & np.isfinite(high), (low <= means[0]) & (means[0] <= high), np.nan)
        means[2:2] = [inside, high - low, interval_score(means[0], low, high)]
        yield _assemble(table, of, level, means, of_unit, k)


def one_visit(table: CohortTable, counted: NDArray[np.bool_], level: Level) -> NDArray[np.bool_]:
    """Keep of the rows that count those of one visit a person: the first, the last or the nearest.

    Args:
        table: A row per photograph.
        counted: Whether each may be kept.
        level: One of those with one unit a person.
    """
    apart = table.covariates.get(DAYS_APART)
    if not told(table, "dated", lambda: bool((table.visit != "").any())):
        return counted
    return visits.chosen(person_ids(table), table.visit, counted, level.removeprefix("patient_"), apart)


def unit_of_each(table: CohortTable, chosen: Indices, level: Level) -> Indices:
    """Number the units of chosen rows of a sorted table, n numbers from 0 that never fall."""
    if level == "photograph":
        return np.arange(len(chosen))
    return numbered(told(table, "eyes" if level == "eye" else "visits", lambda: _each_unit(table, level))[chosen])


def _each_unit(table: CohortTable, level: Level) -> Indices:
    """Number every unit of a sorted table."""
    who, visit, eye = numbered_people(table), table.visit, table.eye
    changed = (who[1:] != who[:-1]) | (visit[1:] != visit[:-1])
    if level == "eye":
        changed |= eye[1:] != eye[:-1]
    return np.cumsum(np.concatenate([np.zeros(min(len(who), 1), dtype=bool), changed]), dtype=np.intp)


def _assemble(
    table: CohortTable, of: Target, level: Level, means: list[Floats], of_unit: Indices, photographs: Indices
) -> Sample:
    """Put units together, each with the words of the first of its photographs."""
    if of.binary:
        kept = (means[0] == 0) | (means[0] == 1)
        means, of_unit, photographs = [column[kept] for column in means], of_unit[kept], photographs[kept]
        left_out = int((~kept).sum())
    person = numbered_people(table)[of_unit]
    group = numbered(person)
    starts = firsts(group)
    y, p, covered, width, score, age, sex = means
    eye = table.eye[of_unit] if level in ("eye", "photograph") else np.full(len(of_unit), "", dtype=np.str_)
    patients = table.patient_id[of_unit[starts]]
    return Sample(
        of, level, y, p, covered, width, score, age, sex, eye, table.visit[of_unit], group, patients, starts,
        n_photographs=int(photographs.sum()),
        people=person[starts],
        left_out=left_out if of.binary else 0,
    )  # fmt: skip


_BY_UNIT = ("y", "p", "covered", "width", "interval_score", "age", "sex", "eye", "visit")


def units(sample: Sample, chosen: NDArray[np.bool_]) -> Sample:
    """Return the chosen units of a sample; people without a unit are gone."""
    of = sample.group[chosen]
    group, columns = numbered(of), {name: getattr(sample, name)[chosen] for name in _BY_UNIT}
    starts = firsts(group)
    mine = of[starts]
    names, people = sample.patients[mine], sample.people[mine]
    return replace(sample, **columns, patients=names, people=people, starts=starts, group=group)
