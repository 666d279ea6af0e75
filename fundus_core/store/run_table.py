"""The table of runs: what is asked for, and how far every photograph of a run has come.

An entry is ``queued``, ``in_flight`` (with the worker that holds it), or ended: ``predicted``, ``refused``,
``failed``. Nothing else decides what is still to do, so that whoever dies, it says where to go on.
"""

import time
from collections.abc import Sequence

import sqlalchemy as sa

from fundus_core import images
from fundus_core.errors import UsageError, kept
from fundus_core.store import access, cohorts, database, lease, photograph_table, prediction_table, schema, versions
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.store import Store
from fundus_core.store.values import ModelVersion

IN_FLIGHT = "in_flight"
SETTLED = ("predicted", "refused", "failed")
_MANY = 500
"""Ids in a statement: SQLite takes 32,766 at most."""

_RUN = schema.run.c
_ENTRY = schema.entry.c
_PHOTOGRAPH = schema.photograph.c
_OUTCOME = schema.outcome.c
_UNFINISHED = ("active", "paused", "stopped")


def submit(store: Store, cohort: CohortRef, models: Sequence[ModelVersion]) -> int:
    """Queue a cohort for model versions; see ``runs.submit``."""
    if not models:
        raise UsageError("A run needs a model; name one.")
    changed = _changed(store, cohort)

    def submit_(connection: sa.Connection) -> int:
        key = cohorts.id_of(connection, cohort)
        cohorts.update(connection, key)
        lease.asked(connection)
        ids = [versions.version_id(connection, version) for version in dict.fromkeys(models)]
        run = _unfinished(connection, key, ids)
        if run is None:
            run = _new(connection, key, ids)
        _forget_passing_faults(connection, key, ids)
        _enter_missing(connection, run, key)
        for version in ids:
            prediction_table.record_rejection(connection, version, _PHOTOGRAPH.cohort_id == key)
            prediction_table.attach(connection, version, _PHOTOGRAPH.cohort_id == key)
        _read_anew(connection, run, ids, [*changed, *_accepted_unread(connection, key, ids)])
        _settle_known(connection, run, key, ids)
        connection.execute(sa.update(schema.run).where(_RUN.id == run).values(state="active", note=""))
        finish_if_done(connection, run)
        return run

    return store.write(submit_)


def _changed(store: Store, cohort: CohortRef) -> list[int]:
    """The photographs outside the store whose files are not what they were when they were read.

    A file that is gone has not changed: what was read of it stays.
    """
    with store.reading() as connection:
        key = cohorts.id_of(connection, cohort)
        outside = sa.and_(_PHOTOGRAPH.cohort_id == key, ~_PHOTOGRAPH.kept, _PHOTOGRAPH.stamp != "")
        query = sa.select(_PHOTOGRAPH.id, _PHOTOGRAPH.locator, _PHOTOGRAPH.stamp).where(outside)
        rows = connection.execute(query).all()
    return [row.id for row in rows if images.stamp_at(row.locator) not in ("", row.stamp)]


def _accepted_unread(connection: sa.Connection, cohort: int, ids: Sequence[int]) -> list[int]:
    """The photographs that a person accepted and that were refused before a refused one was shown to models."""
    query = sa.select(_PHOTOGRAPH.id).join(schema.outcome, _OUTCOME.photograph_id == _PHOTOGRAPH.id)
    query = query.join(schema.reading, schema.reading.c.id == _OUTCOME.reading_id)
    accepted = sa.and_(_PHOTOGRAPH.cohort_id == cohort, _PHOTOGRAPH.decision == versions.ACCEPT)
    return list(
        connection.scalars(query.where(accepted, _OUTCOME.version_id.in_(ids), prediction_table.stale()).distinct())
    )


def _read_anew(connection: sa.Connection, run: int, ids: Sequence[int], changed: Sequence[int]) -> None:
    """Queue photographs whose files have changed; should the bytes be the same after all, this costs a look."""
    for some in photograph_table.chunks(changed, _MANY):
        outdated = sa.and_(_OUTCOME.photograph_id.in_(some), _OUTCOME.version_id.in_(ids))
        connection.execute(sa.delete(schema.outcome).where(outdated))
        mine = sa.update(schema.entry).where(_ENTRY.run_id == run, _ENTRY.photograph_id.in_(some))
        connection.execute(mine.values(state="queued", worker="", deaths=0, reused=False, finished_at=None))


def _unfinished(connection: sa.Connection, cohort: int, ids: Sequence[int]) -> int | None:
    """A run of the same cohort and models that has not ended: to go on with, rather than to compete with."""
    query = sa.select(_RUN.id).where(_RUN.cohort_id == cohort, _RUN.state.in_(_UNFINISHED)).order_by(_RUN.id.desc())
    for run in connection.execute(query).scalars().all():
        if list(version_ids(connection, run)) == list(ids):
            return int(run)
    return None


def version_ids(connection: sa.Connection, run: int) -> dict[int, ModelVersion]:
    """The model versions of a run by id, in the order asked for."""
    of_run = schema.run_version.c
    query = (
        sa.select(schema.version)
        .join(schema.run_version, of_run.version_id == schema.version.c.id)
        .where(of_run.run_id == run)
        .order_by(of_run.position)
    )
    return {
        row.id: ModelVersion(row.model, row.weights_sha256, row.card_sha256, row.origin, row.limits)
        for row in connection.execute(query)
    }


def _new(connection: sa.Connection, cohort: int, ids: Sequence[int]) -> int:
    values = {"cohort_id": cohort, "state": "active", "note": "", "created_at": time.time(), "served_at": 0.0}
    run = int(connection.execute(sa.insert(schema.run).values(values).returning(_RUN.id)).scalar_one())
    rows = [{"run_id": run, "version_id": version, "position": i} for i, version in enumerate(ids)]
    connection.execute(sa.insert(schema.run_version), rows)
    return run


def _forget_passing_faults(connection: sa.Connection, cohort: int, ids: Sequence[int]) -> None:
    """A fault that says nothing about the bytes (a missing file) is tried again when somebody asks again."""
    members = sa.select(_PHOTOGRAPH.id).where(_PHOTOGRAPH.cohort_id == cohort)
    passing = sa.and_(_OUTCOME.version_id.in_(ids), _OUTCOME.reading_id.is_(None))
    connection.execute(sa.delete(schema.outcome).where(passing, _OUTCOME.photograph_id.in_(members)))


def _enter_missing(connection: sa.Connection, run: int, cohort: int) -> None:
    there = sa.exists().where(_ENTRY.run_id == run, _ENTRY.photograph_id == _PHOTOGRAPH.id)
    values = [
        sa.literal(run),
        _PHOTOGRAPH.id,
        sa.literal("queued"),
        sa.literal(""),
        sa.literal(0),
        sa.false(),
    ]
    query = sa.select(*values).where(_PHOTOGRAPH.cohort_id == cohort, ~there)
    columns = ["run_id", "photograph_id", "state", "worker", "deaths", "reused"]
    database.insert_new_from(connection, schema.entry, columns, query)
    failed = sa.and_(_ENTRY.run_id == run, _ENTRY.state == "failed", ~_has_outcome())
    again = sa.update(schema.entry).where(failed)
    connection.execute(again.values(state="queued", worker="", deaths=0, finished_at=None))


def _has_outcome() -> sa.ColumnElement[bool]:
    of_run = schema.run_version.c
    return sa.exists().where(
        _OUTCOME.photograph_id == _ENTRY.photograph_id,
        _OUTCOME.version_id == of_run.version_id,
        of_run.run_id == _ENTRY.run_id,
    )


def ended_as(photograph: sa.ColumnElement[int], ids: Sequence[int]) -> sa.ColumnElement[str]:
    """The state of an entry whose photograph has an outcome under every version: the worst of them."""
    of = sa.exists().where(_OUTCOME.photograph_id == photograph, _OUTCOME.version_id.in_(ids))
    return sa.case(*((of.where(_OUTCOME.status == worst), worst) for worst in ("failed", "refused")), else_="predicted")


def outcomes_of(photograph: sa.ColumnElement[int], ids: Sequence[int]) -> sa.ScalarSelect[int]:
    """How many of the versions have come to a photograph."""
    query = sa.select(sa.func.count()).where(_OUTCOME.photograph_id == photograph, _OUTCOME.version_id.in_(ids))
    return query.scalar_subquery()


def _settle_known(connection: sa.Connection, run: int, cohort: int, ids: Sequence[int]) -> None:
    """End the entries whose bytes every version has read before."""
    known = outcomes_of(_ENTRY.photograph_id, ids) == len(ids)
    # a new model has come to none: their number is not asked of every photograph
    some = sa.select(_OUTCOME.photograph_id).where(_OUTCOME.cohort_id == cohort, _OUTCOME.version_id == ids[0])
    query = sa.update(schema.entry).where(
        _ENTRY.run_id == run, _ENTRY.state == "queued", _ENTRY.photograph_id.in_(some), known
    )
    state = ended_as(_ENTRY.photograph_id, ids)
    at_door = sa.exists().where(_PHOTOGRAPH.id == _ENTRY.photograph_id, _PHOTOGRAPH.door_status != "")
    connection.execute(query.values(state=state, reused=~at_door, finished_at=database.clock()))


def settle(
    connection: sa.Connection,
    run: int,
    ids: Sequence[int],
    photographs: Sequence[int],
    fresh: Sequence[int],
    worker: str | None,
) -> None:
    """End the entries whose photograph has an outcome of every version.

    Where a ``worker`` is named, those alone that it holds. The others go back into the queue: a reading that was to be
    used again has been deleted with its cohort. All but ``fresh`` photographs had been read before.
    """
    held = _ENTRY.state.in_(("queued", IN_FLIGHT)) if worker is None else _ENTRY.worker == worker
    mine = sa.and_(_ENTRY.run_id == run, _ENTRY.photograph_id.in_(photographs), held)
    complete = outcomes_of(_ENTRY.photograph_id, ids) == len(ids)
    connection.execute(
        sa.update(schema.entry)
        .where(mine, complete)
        .values(
            state=ended_as(_ENTRY.photograph_id, ids),
            worker="",
            reused=_ENTRY.photograph_id.not_in(fresh),
            finished_at=database.clock(),
        )
    )
    connection.execute(sa.update(schema.entry).where(mine).values(state="queued", worker=""))
    finish_if_done(connection, run)


def finish_if_done(connection: sa.Connection, run: int) -> bool:
    """End a run that has nothing left to do; returns whether it has ended."""
    left = sa.exists().where(_ENTRY.run_id == run, _ENTRY.state.in_(("queued", IN_FLIGHT)))
    query = sa.update(schema.run).where(_RUN.id == run, _RUN.state == "active", ~left)
    ended = connection.execute(query.values(state="done", finished_at=database.clock()))
    return ended.rowcount > 0


def active(store: Store, runs: Sequence[int]) -> set[int]:
    """Those of the runs that are still wanted."""
    query = sa.select(_RUN.id).where(_RUN.id.in_(runs), _RUN.state == "active")
    with store.reading() as connection:
        return set(connection.execute(query).scalars())


def pause(store: Store, run: int) -> None:
    """Stop taking photographs; what a worker has in its hands may still end."""
    _move(store, run, ("active",), "paused")


def resume(store: Store, run: int) -> None:
    """Go on with a paused or stopped run."""
    _move(store, run, ("paused", "stopped"), "active")


def cancel(store: Store, run: int) -> None:
    """End a run for good; what it has found stays."""
    _move(store, run, _UNFINISHED, "cancelled")


def stop(store: Store, run: int, note: str) -> None:
    """End a run until somebody resumes it, and say why."""
    _move(store, run, ("active",), "stopped", note=note)


def _move(store: Store, run: int, states: Sequence[str], state: str, *, note: str = "") -> None:

    def move(connection: sa.Connection) -> None:
        mine = access.cohort_allowed(connection, _RUN.cohort_id)
        found = connection.execute(sa.select(_RUN.state, _RUN.cohort_id).where(_RUN.id == run, mine)).first()
        if found is None:
            access.note(connection, "refused", f"run {run}")
            raise UsageError("There is no run {run}; it may have been deleted with its cohort.", run=run)
        known = found.state
        access.require(connection, found.cohort_id, "write")
        if known in states:
            if state == "active":
                lease.asked(connection)
            connection.execute(sa.update(schema.run).where(_RUN.id == run).values(state=state, note=kept(note)))
            held = sa.and_(_ENTRY.run_id == run, _ENTRY.state == IN_FLIGHT)
            if state != "active":
                connection.execute(sa.update(schema.entry).where(held).values(state="queued", worker=""))
            else:
                finish_if_done(connection, run)
        elif known == "cancelled" and state == "active":
            raise UsageError("This run was cancelled; start a new one: what was found already costs nothing again.")

    store.write(move)
