"""A cohort as the columns that evaluation reads, and as the readings that exports write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from fundus_core.records import OVERRULED, WITHDRAWN, CohortTable, Floats, Labels, Reading, Status
from fundus_core.store import photograph_table, queries, schema
from fundus_core.store.decided import sentences
from fundus_core.store.values import QUEUED, ModelVersion, Where
from fundus_core.store.versions import join
from fundus_core.targets import TARGETS

_PHOTOGRAPH = schema.photograph.c
_AT_ONCE = 20
"""Targets in one query: SQLite joins at most 64 tables (sqlite.org/limits.html)."""
_ROWS = 50_000
_LOOKED_AT = 1_000
"""Measured values among which enough people are looked for before all of them are."""
_NO_BYTES_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one version found, a row per photograph of the cohort."""

    status: Labels
    """``queued`` where it has not come to the photograph."""
    reason: Labels
    """Why there is no prediction."""
    quality: Floats
    """0..1."""
    distance: Floats
    """1 at the model's limit."""
    predicted: Mapping[str, tuple[Floats, Floats, Floats]]
    """By target id: value, low, high."""
    read: Labels
    """How each was read, before anybody decided."""
    kind: Labels
    """What each picture is."""
    withdrawn: Mapping[str, Floats]
    """By target id: values of photographs that a person withdrew."""


Seen = Callable[[int], object]
"""Told of every some rows that were read, how many they are."""


def table(
    connection: sa.Connection, cohort: int, versions: Sequence[int], seen: Seen = int, patient_id: str = ""
) -> CohortTable:
    """The whole cohort, or one person of it, in the order in which its photographs were added."""
    mine = _PHOTOGRAPH.cohort_id == cohort
    mine = sa.and_(mine, _PHOTOGRAPH.patient_id == patient_id) if patient_id else mine
    words = (_PHOTOGRAPH.name, _PHOTOGRAPH.patient_id, _PHOTOGRAPH.eye, _PHOTOGRAPH.visit, _PHOTOGRAPH.covariates)
    text = ["words", "words", "words", "words", "columns"]
    name, patient, eye, visit, covariates = _columns(connection, _of(mine, *words), text, seen)
    parts = [_part(connection, mine, version, seen) for version in versions] or [_no_part(len(name))]
    status, reason = _status([(part.status, part.reason) for part in parts])
    read, _ = _status([(part.read, part.reason) for part in parts])
    predicted: dict[str, tuple[Floats, Floats, Floats]] = {}
    withdrawn: dict[str, Floats] = {}
    for part in parts:
        predicted, withdrawn = {**part.predicted, **predicted}, {**part.withdrawn, **withdrawn}
    order = [target for target in TARGETS if target in predicted]
    return CohortTable(
        photograph=name,
        patient_id=np.where(patient == "", name, patient) if (patient == "").any() else patient,  # no wider than needed
        eye=eye,
        visit=visit,
        status=status,
        reason=reason,
        quality=parts[0].quality,
        out_of_distribution=parts[0].distance,
        truth={
            target: column
            for target, (column,) in _numbers(connection, mine, schema.measurement, 0, len(name), seen).items()
        },
        predicted={target: predicted[target][0] for target in order},
        low={target: predicted[target][1] for target in order},
        high={target: predicted[target][2] for target in order},
        covariates=covariates,
        kind=parts[0].kind,
        decision=np.full(len(name), "")
        if (status == read).all()
        else np.where(status == read, "", np.where(status == Status.PREDICTED.value, OVERRULED, WITHDRAWN)),
        withdrawn=withdrawn,
    )


def has_people(connection: sa.Connection, cohort: int, target: str, people: int) -> bool:
    """Whether at least so many people of a cohort have a measured value of a target."""
    measured = schema.measurement.c
    who = sa.case((_PHOTOGRAPH.patient_id == "", _PHOTOGRAPH.name), else_=_PHOTOGRAPH.patient_id)
    found = sa.select(who).join(schema.measurement, measured.photograph_id == _PHOTOGRAPH.id)
    found = found.where(_PHOTOGRAPH.cohort_id == cohort, measured.target == target)
    first = connection.scalars(found.limit(_LOOKED_AT)).all()  # PostgreSQL would look for repeats in the whole cohort
    if len(set(first)) >= people or len(first) < _LOOKED_AT:
        return len(set(first)) >= people
    some = found.distinct().limit(people).subquery()
    return int(connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0) >= people


def hashes(connection: sa.Connection, cohort: int) -> Labels:
    """The sha256 of each photograph, in the order of ``table``."""
    (sha256,) = _columns(connection, _of(_PHOTOGRAPH.cohort_id == cohort, _PHOTOGRAPH.sha256), ["words"], int)
    return np.asarray(sha256)


def _of(mine: sa.ColumnElement[bool], *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(mine).order_by(_PHOTOGRAPH.id)


def _part(connection: sa.Connection, mine: sa.ColumnElement[bool], version: int, seen: Seen) -> _Part:
    joined = join(version, beside="outcome")
    outcome = joined.outcome
    ended = [sa.func.coalesce(column, QUEUED) for column in (joined.status, outcome.c.status)]
    said = [sa.func.coalesce(column, "") for column in (outcome.c.reason, outcome.c.kind, joined.decided)]
    query = _of(mine, *ended, *said, outcome.c.quality, outcome.c.distance).select_from(joined.source)
    kinds = ["words", "words", "sentences", "words", "words", "numbers", "numbers"]
    status, read, reason, kind, decided, quality, distance = _columns(connection, query, kinds, seen)
    if (changed := np.flatnonzero(decided != "")).size:
        query = _of(mine, _PHOTOGRAPH.id, sa.func.coalesce(outcome.c.reason_code, "")).select_from(joined.source)
        rows = connection.execute(query.where(joined.decided != "")).all()
        words = sentences(connection, {one: code for one, code in rows})
        reason[changed] = [words.get(one) or reason[at] for at, (one, _code) in zip(changed, rows, strict=True)]
    numbers = _numbers(connection, mine, schema.prediction, version, len(status), seen)
    away = (decided == WITHDRAWN).any()
    back = _numbers(connection, mine, schema.prediction, version, len(status), seen, withdrawn=True) if away else {}
    return _Part(
        status=status,
        reason=reason,
        quality=quality,
        distance=distance,
        predicted={name: (value, low, high) for name, (value, low, high) in numbers.items()},
        read=read,
        kind=kind,
        withdrawn={name: value for name, (value, _low, _high) in back.items()},
    )


def _no_part(n: int) -> _Part:
    nothing, queued, empty = np.full(n, np.nan), np.full(n, QUEUED), np.full(n, "")
    return _Part(queued, empty, nothing, nothing.copy(), {}, queued, empty, {})


def _numbers(
    connection: sa.Connection,
    mine: sa.ColumnElement[bool],
    rows: sa.Table,
    version: int,
    n: int,
    seen: Seen,
    *,
    withdrawn: bool = False,
) -> dict[str, tuple[Floats, ...]]:
    """The targets of which there is any number: a tuple of columns each, rows turned into columns by the database.

    Side by side in one answer it takes half the time of an answer for each target.
    """
    joined = join(version, beside="outcome")
    key, *kinds = [column.name for column in rows.c if column.name != "target"]
    counted = sa.case((joined.decided == WITHDRAWN, joined.outcome.c.reading_id)) if withdrawn else joined.counted
    of = _PHOTOGRAPH.id if rows is schema.measurement else counted
    there = sa.select(rows.c.target).distinct().select_from(joined.source.join(rows, rows.c[key] == of))
    known = set(connection.scalars(there.where(mine)))
    found: dict[str, tuple[Floats, ...]] = {}
    for some in photograph_table.chunks([name for name in TARGETS if name in known], _AT_ONCE):
        columns: list[sa.ColumnElement[float]] = []
        source = joined.source
        for name in some:
            one = rows.alias()
            source = source.outerjoin(one, sa.and_(one.c[key] == of, one.c.target == name))
            columns += [one.c[kind] for kind in kinds]
        numbers = iter(_matrix(connection, _of(mine, *columns).select_from(source), n, seen))
        found |= {name: tuple(next(numbers) for _ in kinds) for name in some}
    return found


def _matrix(connection: sa.Connection, query: sa.Select[Any], n: int, seen: Seen) -> Floats:
    """A query's answer of n rows, a row per column of it; a part at a time, into its place, so that it is held once."""
    result, at = connection.execute(query), 0
    found = np.empty((len(query.selected_columns), n))
    while result.cursor is not None and (rows := result.cursor.fetchmany(_ROWS)):
        found[:, at : at + len(rows)] = np.array(rows, dtype=np.float64).T
        at += len(rows)
        seen(len(rows))
    return found


def _status(parts: Sequence[tuple[Labels, Labels]]) -> tuple[Labels, Labels]:
    """Predicted where every version predicted, else how the first one ended that did not; with its reason."""
    status, reason = parts[0]
    for other, why in parts[1:]:
        fine = status == Status.PREDICTED.value
        status, reason = np.where(fine, other, status), np.where(fine, why, reason)
    return status, reason


def _columns(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[str], seen: Seen) -> list[Any]:
    """A query's answer as columns, some rows at a time, so that Python never holds it all; the driver's own rows.

    Of what ``kinds`` says: numbers, words, ``sentences`` (few long ones, each kept once), or ``columns`` (JSON objects,
    each of their keys a column).
    """
    result = connection.execute(query)
    parts: list[list[Any]] = [[] for _ in kinds]
    while result.cursor is not None and (rows := result.cursor.fetchmany(_ROWS)):
        for part, kind, values in zip(parts, kinds, zip(*rows, strict=True), strict=True):
            part.append(_PARTS[kind](values))
        seen(len(rows))
    whole = []
    for part, kind in zip(parts, kinds, strict=True):
        whole.append(_WHOLE.get(kind, np.concatenate)(part or [_PARTS[kind](())]))
        part.clear()  # no column is held twice but the one at hand
    return whole


def _sentences(values: Sequence[str]) -> Any:
    known = {value: value for value in values}
    out = np.empty(len(values), dtype=object)
    out[:] = [known[value] for value in values]
    return out


def _covariates(words: Sequence[str]) -> tuple[int, dict[str, Labels]]:
    """Some rows' covariates as columns, with how many rows they are; each text is read once."""
    texts = dict.fromkeys(words)
    read = json.loads(f"[{','.join(word or '{}' for word in texts)}]")  # at once: seven times as fast
    known = dict(zip(texts, read, strict=True))
    rows = [known[word] for word in words]
    names = dict.fromkeys(name for row in read for name in row)
    return len(words), {name: np.array([row.get(name, "") for row in rows], dtype=np.str_) for name in names}


def _joined(parts: Sequence[tuple[int, dict[str, Labels]]]) -> dict[str, Labels]:
    names = dict.fromkeys(name for _, part in parts for name in part)
    return {name: np.concatenate([part.get(name, np.full(n, "")) for n, part in parts]) for name in names}


_PARTS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "numbers": lambda values: np.array(values, dtype=np.float64),
    "words": lambda values: np.array(values, dtype=np.str_),
    "sentences": _sentences,
    "columns": _covariates,
}
_WHOLE: Mapping[str, Callable[[Sequence[Any]], Any]] = {"columns": _joined}


def readings(connection: sa.Connection, cohort: int, version: int, identity: ModelVersion) -> Iterator[Reading]:
    """Every photograph that the version has come to, in the order in which they were added."""
    come_to = Where(statuses=("predicted", "refused", "failed"))
    ids = connection.scalars(queries.select(cohort, version, come_to)).all()
    for item in queries.items(connection, version, ids):
        yield Reading(
            photograph=item.name,
            sha256=item.sha256 or _NO_BYTES_SHA256,
            patient_id=item.patient_id,
            eye=item.eye,
            status=Status(item.status),
            reason_code=item.reason_code,
            reason=item.reason,
            quality=item.quality,
            out_of_distribution=item.out_of_distribution,
            model=identity.model,
            weights_sha256=identity.weights_sha256,
            code_version=item.code_version,
            predictions=item.predictions,
            visit=item.visit,
        )
