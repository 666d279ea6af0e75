"""Cohorts as wholes: made, renamed, selected, merged, deleted."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from fundus_core.errors import UsageError, heard, kept, say
from fundus_core.store import access, database, schema
from fundus_core.store.base import Progress, unheard
from fundus_core.store.values import Cohort

CohortRef = int | str
"""A cohort by its id or by its name."""

_COHORT = schema.cohort.c
_PHOTOGRAPH = schema.photograph.c
_SOME = 2_000
"""Photographs that are copied or deleted at a time: a tenth of a second, after which somebody may stop it."""
_MEMBER = (
    *("sha256", "locator", "kept", "stamp", "eye", "eye_source", "covariates"),
    *("door_status", "door_code", "door_reason", "door_values", "visit", "decision"),
)


Counted = dict[int, tuple[float, int, int, int]]
"""By a cohort's id when it was made, its revision, and how many photographs and files it has then."""


def every(
    connection: sa.Connection, ref: CohortRef | None = None, counted: Counted | None = None
) -> tuple[Cohort, ...]:
    """All cohorts of whoever asks in the order of their names, or the one that is asked for.

    Of very many photographs counting takes a second, and every page asks: what was ``counted`` of a revision stands. It
    is for connections that read, whose revisions are there to stay.
    """
    query = sa.select(schema.cohort).where(access.allowed(connection)).order_by(_COHORT.name)
    if ref is not None:
        query = query.where(_is(ref))
    return tuple(
        Cohort(
            id=row.id,
            name=row.name,
            rendered=bool(row.rendered),
            note=heard(row.note),
            selected_from=row.selected_from,
            photographs=photographs,
            revision=row.revision,
            created_at=row.created_at,
            files=files,
            owner=row.owner,
        )
        for row in connection.execute(query).all()
        for photographs, files in (_count(connection, row, {} if counted is None else counted),)
    )


def _count(connection: sa.Connection, row: sa.Row[Any], counted: Counted) -> tuple[int, int]:
    """How many photographs a cohort has, and how many of them a file."""
    made, revision, photographs, files = counted.get(row.id, (0.0, -1, 0, 0))
    if (made, revision) != (row.created_at, row.revision):
        mine = sa.select(sa.func.count()).where(_PHOTOGRAPH.cohort_id == row.id)
        photographs, files = (connection.execute(one).scalar_one() for one in (mine, mine.where(schema.has_file())))
        counted[row.id] = (row.created_at, row.revision, photographs, files)
    return photographs, files


def id_of(connection: sa.Connection, ref: CohortRef) -> int:
    """The cohort's id.

    Raises:
        UsageError: Whoever asks has none of that id or name; the message names those that they have.
    """
    mine = access.allowed(connection)
    found = connection.execute(sa.select(_COHORT.id).where(_is(ref), mine)).scalar()
    access.note(connection, "refused" if found is None else "saw", f"cohort {found or ref}")
    if found is None:
        names = connection.execute(sa.select(_COHORT.name).where(mine).order_by(_COHORT.name).limit(20)).scalars().all()
        known = say("the cohorts are {names}", names=names) if names else "there are no cohorts yet"
        raise UsageError("There is no cohort '{ref}'; {known}.", ref=ref, known=say(known))
    return int(found)


def create(connection: sa.Connection, name: str, *, rendered: bool, note: str = "", selected_from: str = "") -> int:
    """Make an empty cohort.

    Raises:
        UsageError: The name is empty or taken.
    """
    values = {
        "name": free_name(connection, name),
        "rendered": rendered,
        "note": kept(note),
        "selected_from": selected_from,
        "revision": 0,
        "created_at": time.time(),
        "owner": access.owner(connection),
    }
    result = connection.execute(sa.insert(schema.cohort).values(values).returning(_COHORT.id))
    return int(result.scalar_one())


def rename(connection: sa.Connection, ref: CohortRef, name: str) -> None:
    """Give a cohort another name."""
    cohort = id_of(connection, ref)
    current = connection.execute(sa.select(_COHORT.name).where(_COHORT.id == cohort)).scalar_one()
    if name.strip() != current:
        update(connection, cohort, name=free_name(connection, name))


def update(connection: sa.Connection, cohort: int, **values: str) -> None:
    """Change columns of a cohort and count its revision up; everything that changes one comes through here."""
    access.require(connection, cohort, "write")
    query = sa.update(schema.cohort).where(_COHORT.id == cohort)
    connection.execute(query.values(revision=_COHORT.revision + 1, **values))


def free_name(connection: sa.Connection, name: str) -> str:
    """The name without blanks around it; a ``UsageError`` where it is empty or taken."""
    name = name.strip()
    if not name:
        raise UsageError("A cohort needs a name; type one.")
    if connection.execute(sa.select(_COHORT.id).where(_COHORT.name == name)).scalar() is not None:
        raise UsageError("There is a cohort '{name}' already; choose another name.", name=name)
    return name


def merge(
    connection: sa.Connection, refs: Sequence[CohortRef], name: str, *, same_people: bool, progress: Progress
) -> int:
    """Make a cohort of all photographs of others; see ``Store.merge``."""
    ids = list(dict.fromkeys(id_of(connection, ref) for ref in refs))
    if len(ids) < 2:
        raise UsageError("Merging needs two cohorts or more; name them.")
    parts = [every(connection, cohort)[0] for cohort in ids]
    note = say("Merged from {name}.", name=[part.name for part in parts])
    rendered = any(part.rendered for part in parts)
    merged = create(connection, name, rendered=rendered, note=note)
    # A's 'B/1' must not become one with the 1 of a cohort called A/B
    alike = any(one.name.startswith(f"{other.name}/") for one in parts for other in parts)
    done, total = 0, sum(part.photographs for part in parts)
    for part in parts:
        prefix = f"{part.id if alike else part.name}/"
        told = partial(_further, progress, done, total)
        _take(connection, part, merged, prefix=prefix, same_people=same_people, progress=told)
        done += part.photographs
    return merged


def _further(progress: Progress, before: int, total: int, done: int, _of: int) -> None:
    progress(before + done, total)


def _take(
    connection: sa.Connection, part: Cohort, merged: int, *, prefix: str, same_people: bool, progress: Progress
) -> None:
    # not by the database: PostgreSQL has not counted the new rows yet, and would hold each photograph against each
    there = sa.select(_PHOTOGRAPH.sha256).where(_PHOTOGRAPH.cohort_id == merged, _PHOTOGRAPH.sha256 != "")
    known = set(connection.scalars(there))
    mine = sa.select(_PHOTOGRAPH.id, _PHOTOGRAPH.sha256).where(_PHOTOGRAPH.cohort_id == part.id)
    ids = [row.id for row in connection.execute(mine.order_by(_PHOTOGRAPH.id)) if row.sha256 not in known]
    patient: sa.ColumnElement[str] = _PHOTOGRAPH.patient_id
    if not same_people:
        patient = sa.case((patient == "", ""), else_=sa.literal(prefix).concat(patient))
    name = sa.literal(prefix).concat(_PHOTOGRAPH.name)
    copy(connection, part.id, merged, ids, name=name, patient=patient, progress=progress)


def copy(
    connection: sa.Connection,
    source: int,
    cohort: int,
    ids: Sequence[int],
    *,
    name: sa.ColumnElement[str] = _PHOTOGRAPH.name,
    patient: sa.ColumnElement[str] = _PHOTOGRAPH.patient_id,
    progress: Progress = unheard,
) -> None:
    """Copy photographs, by their ids, with truth and outcomes into a cohort, some at a time; files are shared."""
    if not connection.execute(sa.select(_COHORT.rendered).where(_COHORT.id == source)).scalar():
        access.require(connection, source, "own")  # whoever owns the copy could export it
    columns = ["cohort_id", "name", "patient_id", *_MEMBER]
    whole = sa.select(sa.literal(cohort), name, patient).add_columns(*(_PHOTOGRAPH[column] for column in _MEMBER))
    last = sa.select(sa.func.coalesce(sa.func.max(_PHOTOGRAPH.id), 0)).where(_PHOTOGRAPH.cohort_id == cohort)
    for number, start in enumerate(range(0, len(ids), _SOME), 1):
        some, before = _PHOTOGRAPH.id.in_(ids[start : start + _SOME]), connection.execute(last).scalar_one()
        query = whole.where(some).order_by(_PHOTOGRAPH.id)
        connection.execute(sa.insert(schema.photograph).from_select(columns, query))
        if number & (number - 1) == 0:  # twice as many as the last time
            database.count_anew(connection, schema.photograph)
        for table in (schema.measurement, schema.outcome, schema.decision):
            _copy_rows(connection, table, some, name, cohort=cohort, before=before)
        progress(min(start + _SOME, len(ids)), len(ids))
    update(connection, cohort)


def _copy_rows(
    connection: sa.Connection,
    table: sa.Table,
    some: sa.ColumnElement[bool],
    name: sa.ColumnElement[str],
    *,
    cohort: int,
    before: int,
) -> None:
    """Copy what a table holds of some photographs, whose copies are those of the cohort after a number."""
    new = schema.photograph.alias()
    columns = [column for column in table.c if column.name not in ("photograph_id", "cohort_id")]
    whose = {"cohort_id": sa.literal(cohort)} if "cohort_id" in table.c else {}
    query = (
        sa.select(new.c.id, *whose.values(), *columns)
        .select_from(table)
        .join(schema.photograph, _PHOTOGRAPH.id == table.c.photograph_id)
        .join(new, sa.and_(new.c.cohort_id == cohort, new.c.id > before, new.c.name == name))
        .where(some)
    )
    names = ["photograph_id", *whose, *(column.name for column in columns)]
    connection.execute(sa.insert(table).from_select(names, query))


def delete(connection: sa.Connection, ref: CohortRef, progress: Progress = unheard) -> None:
    """Delete a cohort with its runs and all that no other cohort shares; files are noted to be removed."""
    cohort = id_of(connection, ref)
    access.require(connection, cohort, "own")
    access.note(connection, "deleted", f"cohort {cohort}")
    update(connection, cohort)
    note_discards(connection, _PHOTOGRAPH.cohort_id == cohort)
    ids = connection.scalars(sa.select(_PHOTOGRAPH.id).where(_PHOTOGRAPH.cohort_id == cohort)).all()
    for start in range(0, len(ids), _SOME):
        connection.execute(sa.delete(schema.photograph).where(_PHOTOGRAPH.id.in_(ids[start : start + _SOME])))
        progress(min(start + _SOME, len(ids)), len(ids))
    connection.execute(sa.delete(schema.cohort).where(_COHORT.id == cohort))
    forget_discarded(connection, progress)


def remove_photographs(connection: sa.Connection, cohort: int, names: Sequence[str]) -> int:
    """Delete photographs out of a cohort; returns how many there were."""
    access.require(connection, cohort, "own")
    access.note(connection, "deleted", f"cohort {cohort}: {len(names)}")
    condition = sa.and_(_PHOTOGRAPH.cohort_id == cohort, _PHOTOGRAPH.name.in_(names))
    update(connection, cohort)
    note_discards(connection, condition)
    result = connection.execute(sa.delete(schema.photograph).where(condition))
    forget_discarded(connection)
    return result.rowcount


def hashes_of(connection: sa.Connection, cohort: int, names: Sequence[str]) -> set[str]:
    """What a cohort's photographs of these names are known by."""
    found = sa.select(_PHOTOGRAPH.sha256).where(_PHOTOGRAPH.cohort_id == cohort, _PHOTOGRAPH.sha256 != "")
    return set(connection.scalars(found.where(_PHOTOGRAPH.name.in_(names))))


def note_discards(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> None:
    """Note the files of photographs that are about to be deleted, in the same transaction."""
    going = sa.select(_PHOTOGRAPH.sha256).where(condition, _PHOTOGRAPH.sha256 != "").distinct()
    database.insert_new_from(connection, schema.discard, ["sha256"], going)


def forget_discarded(connection: sa.Connection, progress: Progress = unheard) -> None:
    """Take those off the list that another cohort still holds; delete what was read from the others."""
    used = sa.exists().where(_PHOTOGRAPH.sha256 == schema.discard.c.sha256)
    connection.execute(sa.delete(schema.discard).where(used))
    reading = schema.reading.c
    gone = sa.select(reading.id).where(reading.sha256.in_(sa.select(schema.discard.c.sha256)))
    ids = connection.scalars(gone).all()
    for start in range(0, len(ids), _SOME):
        connection.execute(sa.delete(schema.reading).where(reading.id.in_(ids[start : start + _SOME])))
        progress(min(start + _SOME, len(ids)), len(ids))


def _is(ref: CohortRef) -> sa.ColumnElement[bool]:
    return _COHORT.id == ref if isinstance(ref, int) else _COHORT.name == ref
