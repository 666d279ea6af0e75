"""How far runs have come."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from fundus_core.errors import UsageError, heard, say
from fundus_core.store import access, cohorts, database, lease, schema
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.run_table import IN_FLIGHT, SETTLED, version_ids
from fundus_core.store.store import Store

State = Literal["waiting", "running", "paused", "cancelled", "stopped", "done"]
RECENT_S = 30.0
"""Speed is measured over the last so many seconds."""
LITTLE_BYTES = 20_000_000
"""With less room on the disk a run may have to wait."""

_RUN = schema.run.c
_ENTRY = schema.entry.c


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
        return self.state in _ENDED

    @property
    def finished(self) -> bool:
        """Whether every photograph has a result."""
        return self.state == "done"


def progress(store: Store, run: int) -> Progress:
    """How far a run has come; a ``UsageError`` where there is none."""
    with store.reading() as connection:
        mine = access.cohort_allowed(connection, _RUN.cohort_id)
        row = connection.execute(sa.select(schema.run).where(_RUN.id == run, mine)).first()
        if row is None:
            access.note(connection, "refused", f"run {run}")
            raise UsageError("There is no run {run}; it may have been deleted with its cohort.", run=run)
        models = tuple(version.model for version in version_ids(connection, run).values())
        counts, reused = _counts(connection, run)
        speed = _speed(connection, run)
        idle = lease.idle_s(connection)
    left = counts.get("queued", 0) + counts.get(IN_FLIGHT, 0)
    begun = any(counts.get(state, 0) for state in (*SETTLED, IN_FLIGHT))
    active: State = "running" if begun else "waiting"
    return Progress(
        run=run,
        cohort=row.cohort_id,
        models=models,
        state=active if row.state == "active" else row.state,
        note=heard(row.note) or (_obstacle(store, counts, idle) if row.state == "active" else ""),
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


def _obstacle(store: Store, counts: Mapping[str, int], idle_s: float) -> str:
    free = store.shelf.free_bytes()
    if free >= LITTLE_BYTES:
        done, total = sum(counts.get(state, 0) for state in SETTLED), sum(counts.values())
        idle = idle_s > lease.PATIENCE_S and done < total
        return say("{done} of {total}, no worker for {n:.0f} s.", done=done, total=total, n=idle_s) if idle else ""
    return say("The disk is full ({free:.0f} MB are free); make room, and the run goes on by itself.", free=free / 1e6)


def _counts(connection: sa.Connection, run: int) -> tuple[Mapping[str, int], int]:
    reused = sa.func.sum(sa.case((_ENTRY.reused, 1), else_=0))
    query = sa.select(_ENTRY.state, sa.func.count(), reused).where(_ENTRY.run_id == run).group_by(_ENTRY.state)
    rows = connection.execute(query).all()
    return {state: int(count) for state, count, _ in rows}, sum(int(again) for _, _, again in rows)


def _speed(connection: sa.Connection, run: int) -> float:
    """Photographs a second, those that cost nothing left out."""
    now = connection.scalars(
        sa.select(database.clock())
    ).one()  # asked of each row it would keep PostgreSQL from an index
    query = sa.select(sa.func.count(), now - sa.func.min(_ENTRY.finished_at)).where(
        _ENTRY.run_id == run, _ENTRY.finished_at > now - RECENT_S, ~_ENTRY.reused
    )
    count, seconds = connection.execute(query).one()
    return 0.0 if not count else float(count) / max(seconds, 1.0)


_ENDED = ("cancelled", "stopped", "done")
"""States in which nothing more happens unless somebody asks for it."""


def runs_of(store: Store, cohort: CohortRef | None = None, *, going: bool = False) -> tuple[Progress, ...]:
    """Every run of a cohort, or of the store, the latest first; ``going``: those that have not ended, alone.

    Every photograph of each run that is returned is counted.
    """
    with store.reading() as connection:
        query = sa.select(_RUN.id).where(access.cohort_allowed(connection, _RUN.cohort_id)).order_by(_RUN.id.desc())
        if cohort is not None:
            query = query.where(_RUN.cohort_id == cohorts.id_of(connection, cohort))
        if going:
            query = query.where(_RUN.state.not_in(_ENDED))
        found = connection.execute(query).scalars().all()
    return tuple(progress(store, run) for run in found)
