"""Photographs for rows that came without any: what was found of the rows stays theirs, and nobody else's."""

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from fundus_core.store import cohorts, database, schema, versions
from fundus_core.store.values import Cohort, NewPhotograph

_PHOTOGRAPH = schema.photograph.c
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
        connection.execute(sa.update(schema.photograph).where(mine, _PHOTOGRAPH.name == name).values(_file(photograph)))
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
    found = (
        sa.select(again.c.id)
        .select_from(schema.photograph.join(again, same))
        .where(_PHOTOGRAPH.id == _OUTCOME.photograph_id)
        .scalar_subquery()
    )
    changed = sa.update(schema.outcome).where(
        _OUTCOME.version_id == old, _OUTCOME.photograph_id.in_(ids), _OUTCOME.reading_id.is_not(None)
    )
    connection.execute(changed.values(version_id=new, reading_id=found))
