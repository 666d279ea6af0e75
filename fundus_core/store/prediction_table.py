"""Writing what a model found, and finding it again when the same bytes come back."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from fundus_core import __version__
from fundus_core.errors import packed
from fundus_core.store import database, photograph_table, schema
from fundus_core.store.values import Finding
from fundus_core.targets import target

_READING = schema.reading.c
_ENDED = ("status", "reason_code", "reason", "reason_values")


def write(connection: sa.Connection, version: int, findings: Iterable[Finding]) -> None:
    """Write readings once: bytes that have one under this version keep it.

    Refusals of before predictions and kinds of refused photographs were kept get these.
    """
    for chunk in photograph_table.chunks(findings, 1000):
        by_sha256 = {finding.sha256: finding for finding in reversed(chunk)}
        ordered = sorted(by_sha256)  # lest two workers wait for each other
        rows = [_row(version, by_sha256[sha256]) for sha256 in ordered]
        new = database.insert_new(connection, schema.reading, rows, _READING.id, _READING.sha256)
        there = set(ordered) - {sha256 for _, sha256 in new}
        query = sa.select(_READING.id, _READING.sha256).where(stale(), _READING.version_id == version)
        older = connection.execute(query.where(_READING.sha256.in_(there))).all() if there else []
        for reading, sha256 in older:
            told = by_sha256[sha256]
            known = {"kind": told.kind, "distance": photograph_table.number(told.out_of_distribution)}
            connection.execute(sa.update(schema.reading).where(_READING.id == reading).values(known))
        if older:
            refresh(connection, schema.outcome.c.reading_id.in_([reading for reading, _ in older]))
        numbers = [one for reading, sha256 in {*new, *older} for one in _numbers(reading, by_sha256[sha256])]
        database.insert_new(connection, schema.prediction, numbers)


def refresh(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> None:
    """Let outcomes say again what their readings do, where these were changed."""
    mine = _READING.id == schema.outcome.c.reading_id
    said = {name: sa.select(_READING[name]).where(mine).scalar_subquery() for name in schema.REPEATED}
    connection.execute(sa.update(schema.outcome).where(condition).values(said))


def stale() -> sa.ColumnElement[bool]:
    """Whether a reading is a refusal by an earlier version, which kept neither the kind nor what models said."""
    return sa.and_(_READING.status == "refused", _READING.kind == "", _READING.reason_code != "out_of_distribution")


def _numbers(reading: int, finding: Finding) -> Iterator[dict[str, Any]]:
    for name, found in finding.predictions.items():
        value = photograph_table.number(found.value)
        if value is not None:
            ends = {"low": photograph_table.number(found.low), "high": photograph_table.number(found.high)}
            yield {"reading_id": reading, "target": target(name).id, "value": value, **ends}


def _row(version: int, finding: Finding) -> dict[str, Any]:
    return {
        "sha256": finding.sha256,
        "version_id": version,
        "status": finding.status,
        "reason_code": finding.reason_code,
        "reason": finding.reason,
        "reason_values": packed(finding.reason),
        "quality": photograph_table.number(finding.quality),
        "distance": photograph_table.number(finding.out_of_distribution),
        "precision": finding.precision,
        "code_version": __version__,
        "created_at": time.time(),
        "kind": finding.kind,
    }


def have(connection: sa.Connection, version: int, sha256s: Iterable[str]) -> dict[str, int]:
    """The ids of readings under a version by the sha256 of the bytes."""
    query = sa.select(_READING.sha256, _READING.id).where(
        _READING.version_id == version, _READING.sha256.in_(set(sha256s))
    )
    return {row.sha256: row.id for row in connection.execute(query)}


def attach(connection: sa.Connection, version: int, condition: sa.ColumnElement[bool]) -> None:
    """Give photographs their outcome under a version where there is a reading of their bytes."""
    photograph, outcome = schema.photograph.c, schema.outcome
    has_one = sa.exists().where(outcome.c.photograph_id == photograph.id, outcome.c.version_id == version)
    query = (
        sa.select(
            photograph.id,
            _READING.version_id,
            _READING.id.label("reading_id"),
            _READING.status,
            _READING.reason_code,
            _READING.reason,
            _READING.reason_values,
            *(photograph[name] for name in schema.OWN),
            *(_READING[name] for name in schema.REPEATED),
        )
        .join(schema.reading, _READING.sha256 == photograph.sha256)
        .where(_READING.version_id == version, photograph.sha256 != "", condition, ~has_one)
    )
    columns = ["photograph_id", "version_id", "reading_id", *_ENDED, *schema.OWN, *schema.REPEATED]
    database.insert_new_from(connection, outcome, columns, query)


def record_rejection(connection: sa.Connection, version: int, condition: sa.ColumnElement[bool]) -> None:
    """Give photographs that were turned away at the door that outcome under a version."""
    photograph = schema.photograph.c
    query = sa.select(
        photograph.id,
        sa.literal(version),
        photograph.door_status,
        photograph.door_code,
        photograph.door_reason,
        photograph.door_values,
        *(photograph[name] for name in schema.OWN),
    ).where(photograph.door_status != "", condition)
    columns = ["photograph_id", "version_id", *_ENDED, *schema.OWN]
    database.insert_new_from(connection, schema.outcome, columns, query)


def fail(connection: sa.Connection, version: int, photograph: int, code: str, reason: str) -> None:
    """Give a photograph an outcome that says nothing about its bytes (missing file, died while reading)."""
    said = [sa.literal(one) for one in (version, "failed", code, reason, packed(reason))]
    own = schema.photograph.c
    query = sa.select(own.id, *said, *(own[name] for name in schema.OWN)).where(own.id == photograph)
    columns = ["photograph_id", "version_id", *_ENDED, *schema.OWN]
    database.insert_new_from(connection, schema.outcome, columns, query)
