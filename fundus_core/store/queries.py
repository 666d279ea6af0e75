"""Filters, orders and pages, answered by the database."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from fundus_core.errors import UsageError, unpacked
from fundus_core.records import Eye, Prediction
from fundus_core.store import database, photograph_table, schema
from fundus_core.store.conditions import OF_PREDICTED, OF_READING, conditions, in_any_order, is_known, searched
from fundus_core.store.decided import sentences
from fundus_core.store.values import QUEUED, Ids, Item, OrderBy, Where
from fundus_core.store.versions import Joined, join
from fundus_core.targets import TARGETS, target

_PHOTOGRAPH = schema.photograph.c
FEW = 100_000
"""So few photographs are sorted by themselves."""
_SOME, FIRST = 500, 20_000
"""Photographs asked about at first, and of how many in order at most, before all are sorted by the database."""


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
    counted: Callable[[], int],
) -> tuple[tuple[Item, ...], int | None]:
    """One page of a cohort's photographs, and how many fit where that was seen on the way; see ``Store.photographs``.

    Few that fit are all found, and sorted by themselves; many are met soon in whatever order. ``counted`` counts them.
    """
    few: Sequence[Any] | None = None
    by = order if order in OF_READING else "added"
    if where != Where():
        query, some = in_any_order(cohort, version, where, by), min(_SOME, FEW)
        few = connection.execute(query.limit(some)).all()
        if len(few) == some:
            few = connection.execute(query).all() if counted() < FEW else None
    if few is not None and by == order:
        rows = few if order == "added" else _sorted(few, descending=descending)
        found: Sequence[int] = [row.id for row in rows]
        found = (sorted(found, reverse=descending) if order == "added" else found)[offset : offset + limit]
    elif few is not None or order not in OF_READING:
        sought = where if few is None else Where(ids=Ids.of(row.id for row in few))
        sort = partial(select, order=order, target_id=target_id, descending=descending)
        in_order = few is None and order in ("added", "name")
        with database.along_an_index(connection) if in_order else nullcontext():
            found = connection.scalars(sort(cohort, version, sought).offset(offset).limit(limit)).all()
    else:
        sort = partial(select, cohort, version, where, order=order, descending=descending)
        with database.along_an_index(connection):
            found = connection.scalars(sort(known=True).offset(offset).limit(limit)).all()
        if len(found) < limit:
            known = offset + len(found) if found or not offset else _number(connection, sort(known=True).order_by(None))
            if known < counted():
                rest = sort(known=False).offset(max(0, offset - known)).limit(limit - len(found))
                found = [*found, *connection.scalars(rest)]
    seen = len(found) < limit and (found or not offset)
    total = len(few) if few is not None else offset + len(found) if seen else None
    return tuple(items(connection, version, found)), total


def _sorted(rows: Sequence[Any], *, descending: bool) -> list[Any]:
    """Rows with an id and a number to sort by: those without one come last, equal ones by their ids."""
    sign = -1 if descending else 1
    return sorted(rows, key=lambda row: (row[1] is None, sign * (row[1] or 0.0), row[0]))


def search(connection: sa.Connection, cohort: int, text: str) -> Ids:
    """The photographs of a cohort whose names or patients' ids hold a text, upper and lower case alike."""
    return Ids.of(np.fromstring(connection.execute(searched(cohort, text)).scalar_one(), dtype=np.int64, sep=","))


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
    asked = min(len(ranked), FIRST) if where != Where() else 0
    fit: list[int] = []
    start, some, mine = 0, _SOME, where.ids
    while start < asked and len(fit) < offset + limit:
        listed = np.asarray(ranked[start : min(start + some, asked)], dtype=np.int64)
        listed = listed if mine is None else listed[mine.hold(listed)]
        there = set(connection.scalars(select(cohort, version, replace(where, ids=Ids.of(listed))).order_by(None)))
        fit += [one for one in listed.tolist() if one in there]
        start, some = start + some, 4 * some  # where few of the first fit, many are asked about at once
    if len(fit) < offset + limit:
        fit = [] if where != Where() else [int(one) for one in ranked[: offset + limit]]
    return tuple(items(connection, version, fit[offset : offset + limit]))


def count(connection: sa.Connection, cohort: int, version: int | None, where: Where) -> int:
    """How many photographs of a cohort fit."""
    if where == Where():
        whole = sa.select(sa.func.count()).where(_PHOTOGRAPH.cohort_id == cohort)
        return int(connection.execute(whole).scalar_one())
    return _number(connection, in_any_order(cohort, version, where))


def _number(connection: sa.Connection, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())


def kinds(connection: sa.Connection, cohort: int, version: int | None) -> tuple[Mapping[str, int], int]:
    """How many pictures of each kind there are, and how many were read before pictures were named."""
    joined = join(version, decided=False, beside="alone")
    by = joined.status, joined.outcome.c.kind  # in the order of an index
    query = sa.select(*by, sa.func.count()).where(*joined.reached(cohort, version)).group_by(*by)
    found, unnamed = Counter[str](), 0
    for status, kind, number in connection.execute(query):
        if kind:
            found[kind] += number
        elif status in ("predicted", "refused"):
            unnamed += number
    return dict(found.most_common()), unnamed


def select(
    cohort: int,
    version: int | None,
    where: Where,
    *,
    order: OrderBy = "added",
    target_id: str = "",
    descending: bool = False,
    known: bool | None = None,
) -> sa.Select[Any]:
    """The ids of photographs of a cohort, in order.

    ``known``: those alone whose quality or distance, which they are sorted by, is known, or as they were added those
    alone of which it is not.
    """
    joined, parts = conditions(cohort, version, where, order, known=known)
    if order in OF_PREDICTED and where.statuses and "predicted" not in where.statuses:
        order, descending = "added", False  # none of these has one
    joined, key = _order(order, joined, target_id)
    missing = [] if key is None or order == "name" or known else [key.is_(None)]  # all have a name
    if known is not None and key is not None:
        parts += [is_known(key)] if known else missing
    keys = [] if key is None or known is False else [*missing, key.desc() if descending else key.asc()]
    last = joined.id.desc() if descending and key is None else joined.id.asc()
    return sa.select(joined.id).select_from(joined.source).where(*parts).order_by(*keys, last)


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
    more = (outcome.reason_code.label("gate"), outcome.quality, outcome.distance, reading.code_version, outcome.kind)
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


def _order(order: OrderBy, joined: Joined, target_id: str) -> tuple[Joined, sa.ColumnElement[Any] | None]:
    """What to sort by (``None``: as they were added), and all that must be joined for it."""
    plain = {
        "added": None,
        "name": _PHOTOGRAPH.name,
        "quality": joined.outcome.c.quality,
        "distance": joined.outcome.c.distance,
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
