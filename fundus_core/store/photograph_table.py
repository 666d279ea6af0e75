"""Photographs into a cohort, early or late, and what is known of them."""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa

from fundus_core.errors import UsageError, packed
from fundus_core.records import Eye
from fundus_core.store import cohorts, database, schema, versions
from fundus_core.store.values import Added, Cohort, NewPhotograph, TruthRow
from fundus_core.targets import target

_PHOTOGRAPH = schema.photograph.c
_MEASUREMENT = schema.measurement.c
_T = TypeVar("_T")


def add(
    connection: sa.Connection,
    cohort: int,
    photographs: Sequence[NewPhotograph],
    is_kept: Callable[[str], object],
) -> Added:
    """Add one chunk of photographs to a cohort; ``is_kept`` tells whether the store holds the bytes of a sha256.

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
        database.insert_new(connection, schema.photograph, [_row(cohort, each) for each in new], known=True)
        _hold(connection, new)
    return Added(added=len(new) - renamed, renamed=renamed, present=len(photographs) - len(new))


def bring(
    connection: sa.Connection,
    cohort: int,
    photographs: Sequence[NewPhotograph],
    truth: Sequence[TruthRow],
    is_kept: Callable[[str], object],
) -> None:
    """Add photographs with what is known of each to a cohort that has none of their names.

    Raises:
        UsageError: A photograph is said to be kept and is not, or two have one name.
    """
    for photograph in photographs:
        _check_kept(photograph, is_kept)
    rows = [
        _row(cohort, photograph) | {"covariates": _covariates(known), "visit": known.visit}
        for photograph, known in zip(photographs, truth, strict=True)
    ]
    new = database.insert_new(connection, schema.photograph, rows, _PHOTOGRAPH.id, _PHOTOGRAPH.name)
    if len(new) != len(rows):
        raise UsageError("The file names a photograph twice; export it again.")
    _hold(connection, photographs)
    ids = {row.name: row.id for row in new}
    measured = [one for known in truth for one in _measurements(ids[known.photograph], known)]
    database.insert_new(connection, schema.measurement, measured, known=True)


def _hold(connection: sa.Connection, new: Sequence[NewPhotograph]) -> None:
    """Take the files of photographs off the list of those that are to be removed."""
    wanted = {photograph.sha256 for photograph in new}
    connection.execute(sa.delete(schema.discard).where(schema.discard.c.sha256.in_(wanted)))


def named(connection: sa.Connection, cohort: int, names: Sequence[str], *columns: sa.Column[Any]) -> Sequence[Any]:
    """Columns of a cohort's photographs with these names, a thousand at most; the others are passed over."""
    return database.with_keys(connection, {_PHOTOGRAPH.cohort_id: cohort}, _PHOTOGRAPH.name, names, *columns)


def _known(connection: sa.Connection, cohort: int, names: list[str]) -> dict[str, NewPhotograph]:
    found = named(connection, cohort, names, _PHOTOGRAPH.name, _PHOTOGRAPH.locator, _PHOTOGRAPH.sha256)
    return {row.name: NewPhotograph(row.name, row.locator, row.sha256) for row in found}


def _check_kept(photograph: NewPhotograph, is_kept: Callable[[str], object]) -> None:
    if photograph.kept and not is_kept(photograph.sha256):
        raise UsageError(
            "The bytes of '{name}' are not in the store's folder; hand the photograph in again.", name=photograph.name
        )


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
        "visit": photograph.visit,
        "door_status": photograph.door.status if photograph.door else "",
        "door_code": photograph.door.reason_code if photograph.door else "",
        "door_reason": photograph.door.reason if photograph.door else "",
        "door_values": packed(photograph.door.reason) if photograph.door else "",
    }


def set_truth(connection: sa.Connection, cohort: int, rows: Iterable[TruthRow]) -> int:
    """Replace the truth of a whole cohort; returns how many photographs have a row."""
    mine = _PHOTOGRAPH.cohort_id == cohort
    ids = sa.select(_PHOTOGRAPH.id).where(mine)
    connection.execute(sa.delete(schema.measurement).where(_MEASUREMENT.photograph_id.in_(ids)))
    connection.execute(sa.update(schema.photograph).where(mine, _PHOTOGRAPH.covariates != "").values(covariates=""))
    for chunk in chunks(rows, 1000):
        _set_chunk(connection, cohort, {row.photograph: row for row in chunk})
    measured = sa.exists().where(_MEASUREMENT.photograph_id == _PHOTOGRAPH.id)
    with_truth = sa.select(sa.func.count()).where(mine, sa.or_(_PHOTOGRAPH.covariates != "", measured))
    return int(connection.execute(with_truth).scalar_one())


def _set_chunk(connection: sa.Connection, cohort: int, rows: Mapping[str, TruthRow]) -> None:
    found = named(connection, cohort, list(rows), _PHOTOGRAPH.id, _PHOTOGRAPH.name)
    known = {photograph: rows[name] for photograph, name in found}
    database.update_each(connection, [_words(photograph, row) for photograph, row in known.items()], _set_words)
    refresh_eyes(connection, [photograph for photograph, row in known.items() if row.eye])
    connection.execute(sa.delete(schema.measurement).where(_MEASUREMENT.photograph_id.in_(list(known))))  # named twice
    measured = [one for photograph, row in known.items() for one in _measurements(photograph, row)]
    database.insert_new(connection, schema.measurement, measured, known=True)


def refresh_eyes(connection: sa.Connection, photographs: Sequence[int]) -> None:
    """Let outcomes name the eyes of photographs again, where these may have been changed."""
    if photographs:
        outcome = schema.outcome.c
        whose = sa.select(_PHOTOGRAPH.eye).where(_PHOTOGRAPH.id == outcome.photograph_id).scalar_subquery()
        changed = sa.update(schema.outcome).where(outcome.photograph_id.in_(photographs), outcome.eye != whose)
        connection.execute(changed.values(eye=whose))


def _set_words(given: Mapping[str, sa.ColumnElement[Any]]) -> sa.Update:
    """What a row says, or what is known where it says nothing."""
    said = {"patient_id": given["patient"], "visit": given["on"], "eye": given["side"]}
    values = {name: sa.case((word == "", _PHOTOGRAPH[name]), else_=word) for name, word in said.items()}
    source = sa.case((given["side"] == "", _PHOTOGRAPH.eye_source), else_="table")
    changed = sa.update(schema.photograph).where(_PHOTOGRAPH.id == given["of"])
    return changed.values(covariates=given["words"], eye_source=source, **values)


def _words(photograph: int, row: TruthRow) -> dict[str, Any]:
    of = {"of": photograph, "words": _covariates(row)}
    return {**of, "patient": row.patient_id, "side": Eye(row.eye).value, "on": row.visit}


def _covariates(row: TruthRow) -> str:
    return json.dumps(dict(row.covariates), ensure_ascii=False) if row.covariates else ""


def _measurements(photograph: int, row: TruthRow) -> Iterator[dict[str, Any]]:
    for name, value in row.truth.items():
        measured = number(value)
        if measured is not None:
            yield {"photograph_id": photograph, "target": target(name).id, "value": measured}


def number(value: float | None) -> float | None:
    """A number for the database: NaN becomes NULL, and an infinite one is refused."""
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        raise UsageError("A measured or predicted value is infinite; leave it empty where it is unknown.")
    return float(value)


def covariates(words: str) -> Mapping[str, str]:
    """The covariates as they were set."""
    return dict(json.loads(words)) if words else {}


def chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most ``size`` items, one at a time."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def place_of(connection: sa.Connection, cohort: int, name: str) -> tuple[str, bool]:
    """Return a photograph's locator, and whether the store keeps its bytes; a ``UsageError`` where there is none."""
    photograph = schema.photograph.c
    query = sa.select(photograph.locator, photograph.kept)
    row = connection.execute(query.where(photograph.cohort_id == cohort, photograph.name == name)).first()
    if row is None:
        raise UsageError("The cohort has no photograph '{name}'.", name=name)
    return row.locator, row.kept


def measured(connection: sa.Connection, cohort: int) -> bool:
    """Whether anything measured was joined to a cohort."""
    values = sa.select(schema.measurement.c.photograph_id).join(
        schema.photograph, schema.photograph.c.id == schema.measurement.c.photograph_id
    )
    return connection.execute(values.where(schema.photograph.c.cohort_id == cohort).limit(1)).first() is not None


_READING = schema.reading.c
_OUTCOME = schema.outcome.c
_PREDICTION = schema.prediction.c


def waiting(connection: sa.Connection, cohort: int) -> list[str]:
    """Names of the rows that have no photograph; those that were turned away at the door wait for none."""
    query = sa.select(_PHOTOGRAPH.name).where(
        _PHOTOGRAPH.cohort_id == cohort, ~schema.has_file(), _PHOTOGRAPH.door_status == ""
    )
    return list(connection.scalars(query.order_by(_PHOTOGRAPH.id)))


def give(connection: sa.Connection, cohort: Cohort, given: Mapping[str, NewPhotograph]) -> None:
    """Give rows of a cohort, by their names, their photographs; see ``Store.give_photographs``."""
    mine = _PHOTOGRAPH.cohort_id == cohort.id
    old = cohorts.hashes_of(connection, cohort.id, list(given))
    for name, photograph in given.items():
        changed = sa.update(schema.photograph).where(mine, _PHOTOGRAPH.name == name).values(_file(photograph))
        refresh_eyes(connection, connection.scalars(changed.returning(_PHOTOGRAPH.id)).all())
    new = {photograph.sha256 for photograph in given.values()}
    connection.execute(sa.delete(schema.discard).where(schema.discard.c.sha256.in_(new)))
    for version, identity in versions.versions(connection, cohort.id).items():
        if identity.origin:
            own = replace(identity, origin=f"{identity.origin.partition(' ')[0]} {cohort.key}")
            _move(connection, cohort.id, version, versions.version_id(connection, own))
    database.insert_new(connection, schema.discard, [{"sha256": sha256} for sha256 in sorted(old - new)])
    cohorts.forget_discarded(connection)


def _file(photograph: NewPhotograph) -> dict[str, object]:
    known = {"sha256": photograph.sha256, "locator": photograph.locator, "kept": photograph.kept}
    side = {"eye": photograph.eye.value, "eye_source": photograph.eye_source}
    unsaid = _PHOTOGRAPH.eye == ""
    return known | {name: sa.case((unsaid, word), else_=_PHOTOGRAPH[name]) for name, word in side.items()}


def _move(connection: sa.Connection, cohort: int, old: int, new: int) -> None:
    """Write what a version found elsewhere again, under the rows' own bytes and a version of this cohort alone.

    Two tables may say different things of one photograph, and readings are found by bytes and version: under a version
    that cohorts share, one would be given the other's. The old readings stay for selections that refer to them.
    """
    of_row = sa.and_(_OUTCOME.photograph_id == _PHOTOGRAPH.id, _OUTCOME.version_id == old)
    rows = schema.photograph.join(schema.outcome, of_row).join(schema.reading, _READING.id == _OUTCOME.reading_id)
    mine = _PHOTOGRAPH.cohort_id == cohort
    kept = [column for column in _READING if column.name not in ("id", "sha256", "version_id")]
    query = sa.select(_PHOTOGRAPH.sha256, sa.literal(new), *kept).select_from(rows).where(mine)
    names = ["sha256", "version_id", *(column.name for column in kept)]
    database.insert_new_from(connection, schema.reading, names, query)
    again = schema.reading.alias()
    same = sa.and_(again.c.sha256 == _PHOTOGRAPH.sha256, again.c.version_id == new)
    numbers = [_PREDICTION.target, _PREDICTION.value, _PREDICTION.low, _PREDICTION.high]
    copied = sa.select(again.c.id, *numbers).select_from(
        rows.join(schema.prediction, _PREDICTION.reading_id == _READING.id).join(again, same)
    )
    database.insert_new_from(
        connection, schema.prediction, ["reading_id", "target", "value", "low", "high"], copied.where(mine)
    )
    ids = sa.select(_PHOTOGRAPH.id).where(mine)
    found = sa.select(again).select_from(schema.photograph.join(again, same))
    found = found.where(_PHOTOGRAPH.id == _OUTCOME.photograph_id)
    read = {
        name: found.with_only_columns(again.c[of]).scalar_subquery()
        for name, of in {"reading_id": "id", **{name: name for name in schema.REPEATED}}.items()
    }
    changed = sa.update(schema.outcome).where(
        _OUTCOME.version_id == old, _OUTCOME.photograph_id.in_(ids), _OUTCOME.reading_id.is_not(None)
    )
    connection.execute(changed.values(version_id=new, **read))
