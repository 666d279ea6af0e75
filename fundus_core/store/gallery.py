"""Filters, orders and pages, answered by the database."""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction
from fundus_core.store import members, schema
from fundus_core.store.values import QUEUED, Item, OrderBy, Page, Where
from fundus_core.store.versions import Joined, join
from fundus_core.targets import TARGETS, target

_PHOTOGRAPH = schema.photograph.c


def page(
    connection: sa.Connection,
    cohort: int,
    version: int | None,
    where: Where,
    *,
    order: OrderBy,
    target_id: str,
    descending: bool,
    offset: int,
    limit: int,
) -> Page:
    """One page of a cohort's photographs; see ``Store.photographs``."""
    joined = join(schema.photograph, version)
    fits = condition(cohort, joined, where)
    total = connection.execute(sa.select(sa.func.count()).select_from(joined.source).where(fits)).scalar_one()
    key = _order(order, joined, target_id)
    keys = [] if key is None else [key.is_(None), key.desc() if descending else key.asc()]
    last = _PHOTOGRAPH.id.desc() if descending and key is None else _PHOTOGRAPH.id.asc()
    query = select_items(joined).where(fits).order_by(*keys, last).offset(offset).limit(limit)
    return Page(tuple(item(row) for row in connection.execute(query)), int(total))


def select_items(joined: Joined) -> sa.Select[Any]:
    """The columns that ``item`` reads."""
    outcome, reading = joined.outcome.c, joined.reading.c
    numbers = [reading[f"{kind}_{name}"] for name in TARGETS for kind in ("p", "l", "h")]
    columns = [outcome.status, outcome.reason_code, outcome.reason, reading.quality, reading.distance]
    return sa.select(schema.photograph, *columns, *numbers).select_from(joined.source)


def item(row: sa.Row[Any]) -> Item:
    """A row as the gallery shows it."""
    values = row._mapping
    return Item(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        patient_id=row.patient_id,
        eye=Eye(row.eye),
        eye_source=row.eye_source,
        status=row.status or QUEUED,
        reason_code=row.reason_code or "",
        reason=row.reason or "",
        quality=or_nan(row.quality),
        out_of_distribution=or_nan(row.distance),
        truth={name: values[name] for name in TARGETS if values[name] is not None},
        predictions=predictions(values),
        covariates=members.covariates(row.covariates),
    )


def predictions(values: Any) -> dict[str, Prediction]:
    """The predictions of a row of readings by target id."""
    return {
        name: Prediction(values[f"p_{name}"], or_nan(values[f"l_{name}"]), or_nan(values[f"h_{name}"]))
        for name in TARGETS
        if values[f"p_{name}"] is not None
    }


def or_nan(value: float | None) -> float:
    """NULL as NaN."""
    return math.nan if value is None else value


def condition(cohort: int, joined: Joined, where: Where) -> sa.ColumnElement[bool]:
    """Everything that ``where`` asks for, as one condition."""
    status = sa.func.coalesce(joined.outcome.c.status, QUEUED)
    reading = joined.reading.c
    parts = [_PHOTOGRAPH.cohort_id == cohort]
    if where.statuses:
        parts.append(status.in_(where.statuses))
    if where.reason_codes:
        parts.append(joined.outcome.c.reason_code.in_(where.reason_codes))
    if where.names:
        parts.append(_PHOTOGRAPH.name.in_(where.names))
    if where.ids:
        parts.append(_PHOTOGRAPH.id.in_(where.ids))
    if where.patient_id:
        parts.append(_PHOTOGRAPH.patient_id == where.patient_id)
    if where.eye is not None:
        parts.append(_PHOTOGRAPH.eye == where.eye.value)
    if where.text:
        parts.append(_holds(where.text))
    parts += _between(reading.quality, where.quality)
    parts += _between(reading.distance, where.distance)
    return sa.and_(*parts, *_target_parts(joined, where))


def _target_parts(joined: Joined, where: Where) -> list[sa.ColumnElement[bool]]:
    if not where.target:
        return []
    truth, predicted = _PHOTOGRAPH[where.target], joined.reading.c[f"p_{where.target}"]
    return [
        *_between(truth, where.truth),
        *_between(predicted, where.predicted),
        *_between(sa.func.abs(predicted - truth), where.absolute_error),
    ]


def _between(value: sa.ColumnElement[Any], limits: tuple[float, float] | None) -> list[sa.ColumnElement[bool]]:
    return [] if limits is None else [value >= limits[0], value <= limits[1]]


def _holds(text: str) -> sa.ColumnElement[bool]:
    columns = (_PHOTOGRAPH.name, _PHOTOGRAPH.patient_id)
    return sa.or_(*(column.icontains(text, autoescape=True) for column in columns))


def _order(order: OrderBy, joined: Joined, target_id: str) -> sa.ColumnElement[Any] | None:
    plain = {
        "added": None,
        "name": _PHOTOGRAPH.name,
        "quality": joined.reading.c.quality,
        "distance": joined.reading.c.distance,
    }
    if order in plain:
        return plain[order]
    target(target_id)
    truth, predicted = _PHOTOGRAPH[target_id], joined.reading.c[f"p_{target_id}"]
    by_target = {
        "truth": truth,
        "predicted": predicted,
        "error": predicted - truth,
        "absolute_error": sa.func.abs(predicted - truth),
    }
    if order not in by_target:
        message = f"Photographs cannot be sorted by '{order}'; choose {', '.join([*plain, *by_target])}."
        raise UsageError(message)
    return by_target[order]
