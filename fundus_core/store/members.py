"""Photographs into a cohort, and what is known of them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import Eye
from fundus_core.store import schema
from fundus_core.store.values import Added, NewPhotograph, TruthRow
from fundus_core.targets import TARGETS, target

_PHOTOGRAPH = schema.photograph.c
_T = TypeVar("_T")


def add(
    connection: sa.Connection,
    cohort: int,
    photographs: Sequence[NewPhotograph],
    is_kept: Callable[[str], bool],
) -> Added:
    """Add one chunk of photographs to a cohort.

    Args:
        connection: Of a transaction that writes.
        cohort: Its id.
        photographs: A chunk.
        is_kept: Whether the store's folder holds the bytes of that sha256.

    Raises:
        UsageError: A photograph is said to be kept and is not.
    """
    known = _known(connection, cohort, [photograph.name for photograph in photographs])
    new: list[NewPhotograph] = []
    renamed = 0
    for photograph in photographs:
        _check_kept(photograph, is_kept)
        before = known.get(photograph.name)
        if before is not None and not _same(before, photograph):
            photograph = _renamed(connection, cohort, photograph, known)
            before = known.get(photograph.name)
            renamed += before is None
        if before is None:
            known[photograph.name] = photograph
            new.append(photograph)
    if new:
        connection.execute(sa.insert(schema.photograph), [_row(cohort, photograph) for photograph in new])
        wanted = {photograph.sha256 for photograph in new}
        connection.execute(sa.delete(schema.discard).where(schema.discard.c.sha256.in_(wanted)))
    return Added(added=len(new) - renamed, renamed=renamed, present=len(photographs) - len(new))


def _known(connection: sa.Connection, cohort: int, names: list[str]) -> dict[str, NewPhotograph]:
    query = sa.select(_PHOTOGRAPH.name, _PHOTOGRAPH.locator, _PHOTOGRAPH.sha256).where(
        _PHOTOGRAPH.cohort_id == cohort, _PHOTOGRAPH.name.in_(names)
    )
    return {row.name: NewPhotograph(row.name, row.locator, row.sha256) for row in connection.execute(query)}


def _check_kept(photograph: NewPhotograph, is_kept: Callable[[str], bool]) -> None:
    if photograph.kept and not is_kept(photograph.sha256):
        message = f"The bytes of '{photograph.name}' are not in the store's folder; hand the photograph in again."
        raise UsageError(message)


def _same(one: NewPhotograph, other: NewPhotograph) -> bool:
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return one.locator == other.locator


def _renamed(
    connection: sa.Connection, cohort: int, photograph: NewPhotograph, known: dict[str, NewPhotograph]
) -> NewPhotograph:
    for number in itertools.count(2):
        name = f"{photograph.name} ({number})"
        known.update({} if name in known else _known(connection, cohort, [name]))
        if name not in known or _same(known[name], photograph):
            return replace(photograph, name=name)
    raise AssertionError  # count() does not end


def _row(cohort: int, photograph: NewPhotograph) -> dict[str, Any]:
    return {
        "cohort_id": cohort,
        "name": photograph.name,
        "sha256": photograph.sha256,
        "locator": photograph.locator,
        "kept": photograph.kept,
        "patient_id": photograph.patient_id,
        "eye": photograph.eye.value,
        "eye_source": photograph.eye_source,
        "covariates": "",
        "door_status": photograph.door.status if photograph.door else "",
        "door_code": photograph.door.code if photograph.door else "",
        "door_reason": photograph.door.reason if photograph.door else "",
    }


def set_truth(connection: sa.Connection, cohort: int, rows: Iterable[TruthRow]) -> int:
    """Replace the truth of a whole cohort; returns how many photographs have a row."""
    nothing: dict[str, Any] = dict.fromkeys(TARGETS, None)
    mine = _PHOTOGRAPH.cohort_id == cohort
    connection.execute(sa.update(schema.photograph).where(mine).values(covariates="", **nothing))
    query = sa.update(schema.photograph).where(mine, _PHOTOGRAPH.name == sa.bindparam("of"))
    patient, eye = sa.bindparam("patient", type_=sa.Text), sa.bindparam("side", type_=sa.Text)
    query = query.values(
        covariates=sa.bindparam("words"),
        patient_id=sa.case((patient == "", _PHOTOGRAPH.patient_id), else_=patient),
        eye=sa.case((eye == "", _PHOTOGRAPH.eye), else_=eye),
        eye_source=sa.case((eye == "", _PHOTOGRAPH.eye_source), else_="table"),
        **{name: sa.bindparam(f"t_{name}") for name in TARGETS},
    )
    for chunk in chunks(rows, 1000):
        connection.execute(query, [_truth_row(row) for row in chunk])
    with_truth = sa.select(sa.func.count()).where(mine, known_truth())
    return int(connection.execute(with_truth).scalar_one())


def known_truth() -> sa.ColumnElement[bool]:
    """Whether anything was measured or written beside a photograph."""
    return sa.or_(_PHOTOGRAPH.covariates != "", *(_PHOTOGRAPH[name].is_not(None) for name in TARGETS))


def _truth_row(row: TruthRow) -> dict[str, Any]:
    for name in row.truth:
        target(name)
    values = {f"t_{name}": number(row.truth.get(name)) for name in TARGETS}
    words = json.dumps(dict(row.covariates), ensure_ascii=False) if row.covariates else ""
    side = Eye(row.eye).value
    return {"of": row.photograph, "words": words, "patient": row.patient_id, "side": side, **values}


def number(value: float | None) -> float | None:
    """A number for the database: NaN becomes NULL.

    Raises:
        UsageError: It is infinite.
    """
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        message = "A measured or predicted value is infinite; leave it empty where it is unknown."
        raise UsageError(message)
    return float(value)


def covariates(words: str) -> Mapping[str, str]:
    """The covariates as they were set."""
    return dict(json.loads(words)) if words else {}


def chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most ``size`` items, one at a time."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
