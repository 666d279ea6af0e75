"""The ledger: what is asked for, and how far every photograph of a run has come.

An entry is ``queued``, ``in_flight`` (with the worker that holds it), or ended: ``predicted``, ``refused``,
``failed``. Nothing else decides what is still to do, so that whoever dies, the ledger says where to go on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.store import CohortRef, ModelVersion, Store, cohorts, database, findings, schema, versions

State = Literal["waiting", "running", "paused", "cancelled", "stopped", "done"]

IN_FLIGHT = "in_flight"
SETTLED = ("predicted", "refused", "failed")
RECENT_S = 30.0
"""Speed is measured over the last so many seconds."""
LITTLE_BYTES = 20_000_000
"""With less room on the disk a run may have to wait."""

_RUN = schema.run.c
_ENTRY = schema.entry.c
_PHOTOGRAPH = schema.photograph.c
_OUTCOME = schema.outcome.c
_UNFINISHED = ("active", "paused", "stopped")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    run: int
    """Its id."""
    cohort: int
    """Id of the cohort."""
    models: tuple[str, ...]
    """Ids of the cards, in the order asked for."""
    state: State
    """``waiting`` until a worker takes the first photograph; ``stopped`` where the model cannot be used."""
    note: str
    """Why it stopped, or what keeps it from going on; else empty."""
    total: int
    """Photographs; the next five add up to it."""
    queued: int
    """Not begun."""
    in_flight: int
    """With a worker now."""
    predicted: int
    """Predicted by every model."""
    refused: int
    """Refused, with the reason in the store."""
    failed: int
    """Unreadable, with the reason in the store."""
    reused: int
    """Of those that ended, how many had been read before and cost nothing."""
    per_second: float
    """Photographs a second over the last half minute; 0 where none ended."""
    seconds_left: float | None
    """At that speed; ``None`` where nobody can tell."""

    @property
    def settled(self) -> int:
        """How many photographs have a result."""
        return self.predicted + self.refused + self.failed

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it: done, stopped or cancelled."""
        return self.state in {"cancelled", "stopped", "done"}

    @property
    def finished(self) -> bool:
        """Whether every photograph has a result."""
        return self.state == "done"


def submit(store: Store, cohort: CohortRef, models: Sequence[ModelVersion]) -> int:
    """Queue a cohort for model versions; see ``runs.submit``."""
    if not models:
        message = "A run needs a model; name one."
        raise UsageError(message)
    with store.writing() as connection:
        key = cohorts.id_of(connection, cohort)
        ids = [versions.version_id(connection, version) for version in dict.fromkeys(models)]
        run = _unfinished(connection, key, ids)
        if run is None:
            run = _new(connection, key, ids)
        _forget_passing_faults(connection, key, ids)
        _enter_missing(connection, run, key)
        for version in ids:
            findings.attach(connection, version, _PHOTOGRAPH.cohort_id == key)
        _settle_known(connection, run, ids)
        connection.execute(sa.update(schema.run).where(_RUN.id == run).values(state="active", note=""))
        finish_if_done(connection, run)
        cohorts.update(connection, key)
        return run


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
        row.id: ModelVersion(row.model, row.weights_sha256, row.card_sha256, row.origin)
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

    def any_is(status: str) -> sa.ColumnElement[bool]:
        return sa.exists().where(
            _OUTCOME.photograph_id == photograph, _OUTCOME.version_id.in_(ids), _OUTCOME.status == status
        )

    return sa.case((any_is("failed"), "failed"), (any_is("refused"), "refused"), else_="predicted")


def outcomes_of(photograph: sa.ColumnElement[int], ids: Sequence[int]) -> sa.ScalarSelect[int]:
    """How many of the versions have come to a photograph."""
    query = sa.select(sa.func.count()).where(_OUTCOME.photograph_id == photograph, _OUTCOME.version_id.in_(ids))
    return query.scalar_subquery()


def _settle_known(connection: sa.Connection, run: int, ids: Sequence[int]) -> None:
    """End the entries whose bytes every version has read before."""
    known = outcomes_of(_ENTRY.photograph_id, ids) == len(ids)
    query = sa.update(schema.entry).where(_ENTRY.run_id == run, _ENTRY.state == "queued", known)
    state = ended_as(_ENTRY.photograph_id, ids)
    connection.execute(query.values(state=state, reused=True, finished_at=time.time()))


def finish_if_done(connection: sa.Connection, run: int) -> bool:
    """End a run that has nothing left to do; returns whether it has ended."""
    left = sa.exists().where(_ENTRY.run_id == run, _ENTRY.state.in_(("queued", IN_FLIGHT)))
    query = sa.update(schema.run).where(_RUN.id == run, _RUN.state == "active", ~left)
    ended = connection.execute(query.values(state="done", finished_at=time.time()))
    return ended.rowcount > 0


def progress(store: Store, run: int) -> Progress:
    """How far a run has come.

    Raises:
        UsageError: There is no such run.
    """
    with store.reading() as connection:
        row = connection.execute(sa.select(schema.run).where(_RUN.id == run)).first()
        if row is None:
            message = f"There is no run {run}; it may have been deleted with its cohort."
            raise UsageError(message)
        models = tuple(version.model for version in version_ids(connection, run).values())
        counts, reused = _counts(connection, run)
        speed = _speed(connection, run)
    left = counts.get("queued", 0) + counts.get(IN_FLIGHT, 0)
    begun = any(counts.get(state, 0) for state in (*SETTLED, IN_FLIGHT))
    active: State = "running" if begun else "waiting"
    return Progress(
        run=run,
        cohort=row.cohort_id,
        models=models,
        state=active if row.state == "active" else row.state,
        note=row.note or (_obstacle(store) if row.state == "active" else ""),
        total=sum(counts.values()),
        queued=counts.get("queued", 0),
        in_flight=counts.get(IN_FLIGHT, 0),
        predicted=counts.get("predicted", 0),
        refused=counts.get("refused", 0),
        failed=counts.get("failed", 0),
        reused=reused,
        per_second=speed,
        seconds_left=left / speed if speed and row.state == "active" else None,
    )


def _obstacle(store: Store) -> str:
    free = store.shelf.free_bytes()
    if free >= LITTLE_BYTES:
        return ""
    return f"The disk is full ({free / 1e6:.0f} MB are free); make room, and the run goes on by itself."


def _counts(connection: sa.Connection, run: int) -> tuple[Mapping[str, int], int]:
    reused = sa.func.sum(sa.case((_ENTRY.reused, 1), else_=0))
    query = sa.select(_ENTRY.state, sa.func.count(), reused).where(_ENTRY.run_id == run).group_by(_ENTRY.state)
    rows = connection.execute(query).all()
    return {state: int(count) for state, count, _ in rows}, sum(int(again) for _, _, again in rows)


def _speed(connection: sa.Connection, run: int) -> float:
    """Photographs a second, those that cost nothing left out."""
    now = time.time()
    query = sa.select(sa.func.count(), sa.func.min(_ENTRY.finished_at)).where(
        _ENTRY.run_id == run, _ENTRY.finished_at > now - RECENT_S, ~_ENTRY.reused
    )
    count, since = connection.execute(query).one()
    return 0.0 if not count else float(count) / max(now - since, 1.0)


def of(store: Store, cohort: CohortRef | None = None) -> tuple[Progress, ...]:
    """Every run of a cohort, or of the store, the latest first."""
    with store.reading() as connection:
        query = sa.select(_RUN.id).order_by(_RUN.id.desc())
        if cohort is not None:
            query = query.where(_RUN.cohort_id == cohorts.id_of(connection, cohort))
        found = connection.execute(query).scalars().all()
    return tuple(progress(store, run) for run in found)


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
    with store.writing() as connection:
        known = connection.execute(sa.select(_RUN.state).where(_RUN.id == run)).scalar()
        if known is None:
            message = f"There is no run {run}; it may have been deleted with its cohort."
            raise UsageError(message)
        if known in states:
            connection.execute(sa.update(schema.run).where(_RUN.id == run).values(state=state, note=note))
            held = sa.and_(_ENTRY.run_id == run, _ENTRY.state == IN_FLIGHT)
            if state != "active":
                connection.execute(sa.update(schema.entry).where(held).values(state="queued", worker=""))
            else:
                finish_if_done(connection, run)
        elif known == "cancelled" and state == "active":
            message = "This run was cancelled; start a new one: what was found already costs nothing again."
            raise UsageError(message)
