"""Filters, orders and pages, answered by the database."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from fundus_core.errors import UsageError, unpacked
from fundus_core.records import Eye, Prediction
from fundus_core.store import photograph_table, schema
from fundus_core.store.decided import sentences
from fundus_core.store.values import QUEUED, Item, OrderBy, Where
from fundus_core.store.versions import Beside, Joined, join
from fundus_core.targets import TARGETS, target

_PHOTOGRAPH = schema.photograph.c
_SOME, FIRST, _FEW = 500, 20_000, 100_000
"""Photographs asked about at a time, and of how many in order at most, before all are sorted by the database; and so
few that fit are sorted by themselves."""
_USUAL = "colour"
"""The kind of most pictures."""


def page(
    connection: sa.Connection,
    cohort: int,
    version: int | None,
    where: Where,
    order: OrderBy,
    target_id: str,
    *,
    descending: bool,
    offset: int,
    limit: int,
) -> tuple[tuple[Item, ...], int | None]:
    """One page of a cohort's photographs, and how many fit where that was seen on the way; see ``Store.photographs``.

    To sort few that fit, every photograph is looked at once.
    """
    total, sought = None, where
    if where != Where() and order != "added":
        few = connection.scalars(select(cohort, version, where).limit(_FEW)).all()
        if len(few) < _FEW:
            total, sought = len(few), Where(ids=tuple(few) or (0,))  # nobody has that one
    query = select(cohort, version, sought, order=order, target_id=target_id, descending=descending)
    found = connection.scalars(query.offset(offset).limit(limit)).all()
    if total is None and (len(found) < limit and (found or not offset)):
        total = offset + len(found)
    return tuple(items(connection, version, found)), total


_OF_PREDICTED = ("predicted", "error", "absolute_error")
_OF_TARGET = ("truth", *_OF_PREDICTED)


def page_of(
    connection: sa.Connection,
    cohort: int,
    version: int | None,
    where: Where,
    ranked: Sequence[int],
    *,
    offset: int,
    limit: int,
) -> tuple[Item, ...]:
    """One page of photographs whose ids come in order; empty where so few of the first fit that all must be asked."""
    fit: list[int] = []
    for start in range(0, min(len(ranked), FIRST) if where != Where() else 0, _SOME):
        some = [int(one) for one in ranked[start : start + _SOME]]
        there = set(connection.scalars(select(cohort, version, replace(where, ids=tuple(some))).order_by(None)))
        fit += [one for one in some if one in there]
        if len(fit) >= offset + limit:
            break
    else:
        fit = [] if where != Where() else [int(one) for one in ranked[: offset + limit]]
    return tuple(items(connection, version, fit[offset : offset + limit]))


def count(connection: sa.Connection, cohort: int, version: int | None, where: Where) -> int:
    """How many photographs of a cohort fit."""
    if where == Where():
        whole = sa.select(sa.func.count()).where(_PHOTOGRAPH.cohort_id == cohort)
        return int(connection.execute(whole).scalar_one())
    chosen = select(cohort, version, where).order_by(None)
    return int(connection.execute(sa.select(sa.func.count()).select_from(chosen.subquery())).scalar_one())


def kinds(connection: sa.Connection, cohort: int, version: int | None) -> tuple[Mapping[str, int], int]:
    """How many pictures of each kind there are, and how many were read before pictures were named."""
    joined = join(version, decided=False)
    kind, n = joined.reading.c.kind, sa.func.count()
    unnamed = sa.and_(sa.func.coalesce(kind, "") == "", joined.status.in_(("predicted", "refused")))
    other = kind.not_in((_USUAL, ""))  # to group by them SQLite sorts the rows: the others are few, mostly none
    counts = sa.select(n.filter(kind == _USUAL), n.filter(other), n.filter(unnamed)).select_from(joined.source)
    usual, others, without = connection.execute(counts.where(_PHOTOGRAPH.cohort_id == cohort)).one()
    found = Counter({_USUAL: usual} if usual else {})
    if others:
        query = sa.select(kind, n).select_from(joined.source).where(_PHOTOGRAPH.cohort_id == cohort, other)
        found.update({name: number for name, number in connection.execute(query.group_by(kind))})
    return dict(found.most_common()), without


def select(
    cohort: int,
    version: int | None,
    where: Where,
    *,
    order: OrderBy = "added",
    target_id: str = "",
    descending: bool = False,
) -> sa.Select[Any]:
    """The ids of photographs of a cohort, in order."""
    joined, parts = _conditions(cohort, version, where, order)
    if order in _OF_PREDICTED and where.statuses and "predicted" not in where.statuses:
        order, descending = "added", False  # none of these has one
    joined, key = _order(order, joined, target_id)
    missing = [] if key is None or order == "name" else [key.is_(None)]  # all have a name
    keys = [] if key is None else [*missing, key.desc() if descending else key.asc()]
    last = _PHOTOGRAPH.id.desc() if descending and key is None else _PHOTOGRAPH.id.asc()
    return sa.select(_PHOTOGRAPH.id).select_from(joined.source).where(*parts).order_by(*keys, last)


def items(
    connection: sa.Connection, version: int | None, ids: Iterable[int], *, decided: bool = True
) -> Iterator[Item]:
    """Photographs as a gallery shows them, in the order of their ids, some at a time.

    Without what people decided each ends as it was read, and has whatever was predicted.
    """
    joined = join(version, decided=decided)
    outcome, reading = joined.outcome.c, joined.reading.c
    ended = (joined.status.label("status"), joined.code.label("reason_code"), joined.decided.label("decided"))
    wanted = (*ended, outcome.reason, outcome.reason_values, joined.counted.label("counted"))
    more = (outcome.reason_code.label("gate"), reading.quality, reading.distance, reading.code_version, reading.kind)
    query = sa.select(schema.photograph, *wanted, *more).select_from(joined.source)
    for chunk in photograph_table.chunks(ids, 500):
        rows = {row.id: row for row in connection.execute(query.where(_PHOTOGRAPH.id.in_(chunk)))}
        truth = _measured(connection, chunk)
        found = _predicted(connection, [row.counted for row in rows.values() if row.counted is not None])
        said = sentences(connection, {row.id: row.gate or "" for row in rows.values() if row.decided})
        for one in chunk:
            yield _item(rows[one], truth.get(one, {}), found.get(rows[one].counted, {}), said.get(one, ""))


def _measured(connection: sa.Connection, photographs: Sequence[int]) -> Mapping[int, Mapping[str, float]]:
    columns = schema.measurement.c
    query = sa.select(columns.photograph_id, columns.target, columns.value)
    found: dict[int, dict[str, float]] = {}
    for photograph, name, value in _in_order(connection, query.where(columns.photograph_id.in_(photographs))):
        found.setdefault(photograph, {})[name] = value
    return found


def _predicted(connection: sa.Connection, readings: Sequence[int]) -> Mapping[int, Mapping[str, Prediction]]:
    columns = schema.prediction.c
    query = sa.select(columns.reading_id, columns.target, columns.value, columns.low, columns.high)
    found: dict[int, dict[str, Prediction]] = {}
    for reading, name, value, low, high in _in_order(connection, query.where(columns.reading_id.in_(readings))):
        found.setdefault(reading, {})[name] = Prediction(value, _or_nan(low), _or_nan(high))
    return found


def _in_order(connection: sa.Connection, query: sa.Select[Any]) -> list[Any]:
    """Rows with a target in their second place, in the order of the targets; one that nobody defines now comes last."""
    rank = {name: place for place, name in enumerate(TARGETS)}
    return sorted(connection.execute(query), key=lambda row: (rank.get(row[1], len(rank)), row[1]))


def _item(row: sa.Row[Any], truth: Mapping[str, float], predictions: Mapping[str, Prediction], said: str) -> Item:
    return Item(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        patient_id=row.patient_id,
        eye=Eye(row.eye),
        eye_source=row.eye_source,
        status=row.status or QUEUED,
        reason_code=row.reason_code or "",
        reason=said or unpacked(row.reason or "", row.reason_values or ""),
        quality=_or_nan(row.quality),
        out_of_distribution=_or_nan(row.distance),
        truth=truth,
        predictions=predictions,
        covariates=photograph_table.covariates(row.covariates),
        visit=row.visit,
        code_version=row.code_version or "",
        kind=row.kind or "",
        gate=row.gate or "",
    )


def _or_nan(value: float | None) -> float:
    """NULL as NaN."""
    return math.nan if value is None else value


def _conditions(
    cohort: int, version: int | None, where: Where, order: OrderBy
) -> tuple[Joined, list[sa.ColumnElement[bool]]]:
    """Everything that ``where`` asks for, and all that must be joined for it, and for an order."""
    ended = where.statuses or where.reason_codes or where.target or order in _OF_TARGET
    beside: Beside = "outcome" if ended else "nothing"
    if where.kinds or where.quality or where.distance or order in ("quality", "distance"):
        beside = "reading"
    joined = join(version, beside=beside)
    status = sa.func.coalesce(joined.status, QUEUED)
    reading = joined.reading.c
    parts = [_PHOTOGRAPH.cohort_id == cohort]
    listed = (
        (status, where.statuses),
        (joined.code, where.reason_codes),
        (reading.kind, where.kinds),
    )
    parts += [column.in_(values) for column, values in listed if values]
    if where.names:
        parts.append(_PHOTOGRAPH.name.in_(sa.select(_words(where.names))))
    if where.ids:
        parts.append(_PHOTOGRAPH.id.in_(sa.select(sa.cast(_words(where.ids), sa.Integer))))
    if where.patient_id:
        parts.append(_PHOTOGRAPH.patient_id == where.patient_id)
    if where.eye is not None:
        parts.append(_PHOTOGRAPH.eye == where.eye.value)
    if where.text:
        parts.append(_holds(where.text))
    parts += _between(reading.quality, where.quality)
    parts += _between(reading.distance, where.distance)
    if not where.target:
        return joined, parts
    joined, truth, predicted = joined.with_target(where.target)
    parts += _between(truth, where.truth) + _between(predicted, where.predicted)
    return joined, parts + _between(sa.func.abs(predicted - truth), where.absolute_error)


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
    return f"lower({compiler.process(element.clauses, **options)})"


def _words(names: Sequence[str] | Sequence[int]) -> sa.ColumnElement[str]:
    listed = sa.literal(json.dumps(names, ensure_ascii=False), sa.Text)
    return _JsonWords(listed).table_valued(sa.column("value", sa.Text)).c.value


def _between(value: sa.ColumnElement[Any], limits: tuple[float, float] | None) -> list[sa.ColumnElement[bool]]:
    return [] if limits is None else [value >= limits[0], value <= limits[1]]


def _holds(text: str) -> sa.ColumnElement[bool]:
    escaped = "".join(f"/{letter}" if letter in "/%_" else letter for letter in text)
    pattern = _Folded(sa.literal(f"%{escaped}%"))
    return sa.or_(*(_Folded(column).like(pattern, escape="/") for column in (_PHOTOGRAPH.name, _PHOTOGRAPH.patient_id)))


def _order(order: OrderBy, joined: Joined, target_id: str) -> tuple[Joined, sa.ColumnElement[Any] | None]:
    """What to sort by (``None``: as they were added), and all that must be joined for it."""
    plain = {
        "added": None,
        "name": _PHOTOGRAPH.name,
        "quality": joined.reading.c.quality,
        "distance": joined.reading.c.distance,
    }
    if order in plain:
        return joined, plain[order]
    joined, truth, predicted = joined.with_target(target(target_id).id)
    by_target = {
        "truth": truth,
        "predicted": predicted,
        "error": predicted - truth,
        "absolute_error": sa.func.abs(predicted - truth),
    }
    if order not in by_target:
        raise UsageError(
            "Photographs cannot be sorted by '{order}'; choose {plain}.", order=order, plain=[*plain, *by_target]
        )
    return joined, by_target[order]
