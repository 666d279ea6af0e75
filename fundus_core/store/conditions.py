"""What a filter asks for, as conditions of the database on the tables that they need."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from fundus_core.records import Status
from fundus_core.store import schema
from fundus_core.store.values import QUEUED, Ids, Where
from fundus_core.store.versions import Beside, Joined, join

_PHOTOGRAPH = schema.photograph.c
OF_READING = ("quality", "distance")
"""Orders by what was read."""
LISTED, _APART = 1_000, 30
"""So many ids at most are looked up one by one, and more where they lie so far apart: to look up one takes as long as
to pass over that many."""
OF_PREDICTED = ("predicted", "error", "absolute_error")
_OF_TARGET = ("truth", *OF_PREDICTED)
_READ = attrgetter("kinds", "quality", "distance", "reason_codes")
"""What a filter asks for that no photograph without an outcome fits."""


def conditions(
    cohort: int, version: int | None, where: Where, order: str, *, known: bool | None = None
) -> tuple[Joined, list[sa.ColumnElement[bool]]]:
    """Everything that ``where`` asks for, and all that must be joined for it, and for an order.

    Where what they are sorted by is ``known``, they are sought among the outcomes alone, whose indexes hold it.
    """
    ended = any(_READ(where)) or where.statuses or where.target or order in (*_OF_TARGET, *OF_READING)
    own = list(_own(where))
    beside: Beside = "alone" if known else "outcome" if ended else "nothing"
    joined = join(version, beside=beside)
    parts = joined.reached(cohort, version) if known else [_PHOTOGRAPH.cohort_id == cohort]
    if known and own:
        joined = joined.with_photographs()
    parts += [sa.func.coalesce(joined.status, QUEUED).in_(where.statuses)] if where.statuses else []
    parts += [joined.code.in_(where.reason_codes)] if where.reason_codes else []
    return _further(joined, [*parts, *own], where)


def in_any_order(
    cohort: int, version: int | None, where: Where, order: str = "added"
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The ids of photographs of a cohort that fit, as the indexes of outcomes give them wherever these hold all.

    Beside them stands what was read, where they are to be sorted by that.

    Those of which nobody decided anything, the few others, and those that no run has come to, each by themselves: a
    condition with OR would be held against every outcome.
    """
    ended = where.statuses or any(_READ(where))
    if not ended or where.names or where.patient_id or (where.target and QUEUED in where.statuses):
        joined, parts = conditions(cohort, version, where, order if order in OF_READING else "added")
        key = [] if order == "added" else [_sorted_by(joined, order)]
        return sa.select(joined.id.label("id"), *key).select_from(joined.source).where(*parts)
    found = [_outcomes(cohort, version, where, order, decided=False)]
    if where.statuses or where.reason_codes:
        found.append(_outcomes(cohort, version, where, order, decided=True))
    if QUEUED in where.statuses and not any(_READ(where)):
        queued = _queued(cohort, version, replace(where, statuses=()))
        last: sa.ColumnElement[Any] = _PHOTOGRAPH.name if order == "name" else sa.null()
        found.append(queued if order == "added" else queued.add_columns(last))
    return sa.union_all(*found) if len(found) > 1 else found[0]


def _sorted_by(joined: Joined, order: str) -> sa.ColumnElement[Any]:
    return (_PHOTOGRAPH.name if order == "name" else joined.outcome.c[order]).label("key")


def _queued(cohort: int, version: int | None, where: Where) -> sa.Select[Any]:
    """Those without an outcome that fit, each looked for only where there are fewer outcomes than photographs."""
    joined = join(version, beside="alone")
    reached, n = joined.reached(cohort, version), sa.func.count()
    outcomes = sa.select(n).select_from(joined.source).where(*reached).scalar_subquery()
    other = schema.photograph.alias()
    photographs = sa.select(n).select_from(other).where(other.c.cohort_id == cohort).scalar_subquery()
    there = sa.select(joined.id).where(*reached, joined.id == _PHOTOGRAPH.id).exists()
    _, parts = conditions(cohort, version, where, "added")
    return sa.select(_PHOTOGRAPH.id).where(outcomes < photographs, *parts, ~there)


def _outcomes(cohort: int, version: int | None, where: Where, order: str, *, decided: bool) -> sa.Select[Any]:
    """Those with an outcome, about which a person decided or, where the filter speaks of how they ended, nobody did."""
    joined, some = join(version, beside="alone"), sa.select(schema.decision.c.photograph_id)
    status, code = (joined.status, joined.code) if decided else (joined.outcome.c.status, joined.outcome.c.reason_code)
    parts = joined.reached(cohort, version)
    if decided:  # few: found by themselves, not among all of the cohort
        parts[0] = _Beside(joined.outcome.c.cohort_id) == cohort
    if where.statuses or where.reason_codes:
        parts.append(joined.id.in_(some) if decided else joined.id.not_in(some))
    statuses = where.statuses or (tuple(Status) if where.kinds else ())  # by all of them to the kinds in their index
    parts += [status.in_(statuses)] if statuses else []
    parts += [code.in_(where.reason_codes)] if where.reason_codes else []
    if own := list(_own(where)):
        joined = joined.with_photographs()
        parts += own
    joined, parts = _further(joined, parts, where)
    key = [] if order == "added" else [_sorted_by(joined, order)]
    return sa.select(joined.id.label("id"), *key).select_from(joined.source).where(*parts)


def _further(
    joined: Joined, parts: list[sa.ColumnElement[bool]], where: Where
) -> tuple[Joined, list[sa.ColumnElement[bool]]]:
    """What a filter asks for besides how they ended and what is asked of the photographs themselves."""
    outcome = joined.outcome.c
    parts += [outcome.kind.in_(where.kinds)] if where.kinds else []
    parts += [joined.eye == where.eye.value] if where.eye is not None else []
    parts += [_among(joined.id, where.ids)] if where.ids is not None else []
    limited: list[tuple[sa.ColumnElement[Any], tuple[float, float] | None]]
    limited = [(outcome.quality, where.quality), (outcome.distance, where.distance)]
    if where.target:
        joined, truth, predicted = joined.with_target(where.target)
        limited += [(truth, where.truth), (predicted, where.predicted)]
        limited.append((sa.func.abs(predicted - truth), where.absolute_error))
    for value, limits in limited:
        of = _Beside(value) if where.statuses else value  # fewer have a status than a quality of so much
        parts += [] if limits is None else [of >= limits[0], of <= limits[1]]
    return joined, parts


def is_known(value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether there is a number, as a range of an index, which SQLite does not make of IS NOT NULL."""
    return value >= -math.inf


def _own(where: Where) -> Iterator[sa.ColumnElement[bool]]:
    """What is asked of the photographs themselves."""
    assert not where.text  # noqa: S101 (what a search finds is given by its ids; else every photograph would fit)
    if where.names:
        yield _PHOTOGRAPH.name.in_(sa.select(_words(where.names)))
    if where.patient_id:
        yield _PHOTOGRAPH.patient_id == where.patient_id


def _among(one: sa.ColumnElement[int], ids: Ids) -> sa.ColumnElement[bool]:
    """Whether an id is one of some; where these lie close it is looked up in a row of bytes, one for each id."""
    marks = ids.marks
    if len(ids) <= max(LISTED, len(marks) // _APART):
        return one.in_(sa.select(sa.cast(_words(ids.array().tolist()), sa.Integer)))
    marked = _Marked(sa.literal(marks.tobytes(), sa.LargeBinary), one - ids.first)
    return sa.case((one.between(ids.first, ids.first + len(marks) - 1), marked), else_=sa.false())


class _Marked(sa.sql.functions.GenericFunction[bool]):
    """Whether the byte at a place, counted from 0, is 1."""

    name = "marked"
    type = sa.Boolean()
    inherit_cache = True


@compiles(_Marked)
def _marked_by_sqlite(element: _Marked, compiler: Any, **options: Any) -> str:
    marks, place = (compiler.process(one, **options) for one in element.clauses)
    return f"(substr({marks}, {place} + 1, 1) = x'01')"


@compiles(_Marked, "postgresql")
def _marked_by_postgresql(element: _Marked, compiler: Any, **options: Any) -> str:
    marks, place = (compiler.process(one, **options) for one in element.clauses)
    return f"(get_byte({marks}, {place}) = 1)"


class _Beside(sa.sql.functions.GenericFunction[Any]):
    """A column by which SQLite, which counts no rows beforehand, shall not look for them: another finds fewer."""

    name = "beside"
    inherit_cache = True


@compiles(_Beside)
def _beside_in_sqlite(element: _Beside, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(_Beside, "postgresql")
def _beside_in_postgresql(element: _Beside, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


class _JsonWords(sa.sql.functions.GenericFunction[str]):
    """The words of a JSON list as rows: databases limit how many may be bound one by one (PostgreSQL at 65,535)."""

    name = "json_words"
    inherit_cache = True


@compiles(_JsonWords)
def _of_sqlite(element: _JsonWords, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_JsonWords, "postgresql")
def _of_postgresql(element: _JsonWords, compiler: Any, **options: Any) -> str:
    return f"jsonb_array_elements_text({compiler.process(element.clauses, **options)}::jsonb)"


class _Folded(sa.sql.functions.GenericFunction[str]):
    """Words as LIKE compares them: in SQLite it takes upper and lower case alike, and folding first takes as long."""

    name = "folded"
    inherit_cache = True


@compiles(_Folded)
def _folded_by_sqlite(element: _Folded, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Folded, "postgresql")
def _folded_by_postgresql(element: _Folded, compiler: Any, **options: Any) -> str:
    return f'lower(({compiler.process(element.clauses, **options)}) COLLATE "C")'  # by bytes: three times as fast


def _words(names: Sequence[str] | Sequence[int]) -> sa.ColumnElement[str]:
    listed = sa.literal(json.dumps(names, ensure_ascii=False), sa.Text)
    return _JsonWords(listed).table_valued(sa.column("value", sa.Text)).c.value


def searched(cohort: int, text: str) -> sa.Select[str]:
    """The ids, in one line, of a cohort's photographs whose names or patients' ids hold a text.

    An index has all that it asks for, and rows one by one would take longer than to look through them.
    """
    escaped = "".join(f"/{letter}" if letter in "/%_" else letter for letter in text)
    pattern = _Folded(sa.literal(f"%{escaped}%"))
    columns = (_PHOTOGRAPH.name, _PHOTOGRAPH.patient_id)
    fits = sa.or_(*(_Folded(column).like(pattern, escape="/") for column in columns))
    line = sa.func.aggregate_strings(sa.cast(_PHOTOGRAPH.id, sa.Text), ",")
    return sa.select(sa.func.coalesce(line, "")).where(_PHOTOGRAPH.cohort_id == cohort, fits)
