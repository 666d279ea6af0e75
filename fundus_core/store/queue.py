"""The store's own queue: a table says which photographs of a run wait, and which worker holds which.

It offers what ``runs.queue.Queue`` asks of any. Two workers never hold the same photograph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from fundus_core.store import database, endings, run_table, schema
from fundus_core.store.endings import ClaimedPhotograph, Ending, Turn
from fundus_core.store.store import Store

_RUN = schema.run.c
_ENTRY = schema.entry.c


def wanted(store: Store) -> bool:
    """Whether an active run has a photograph without a result, be it in the hands of somebody who died."""
    left = sa.exists().where(_ENTRY.run_id == _RUN.id, _ENTRY.state.in_(("queued", run_table.IN_FLIGHT)))
    with store.reading() as connection:
        return connection.execute(sa.select(_RUN.id).where(_RUN.state == "active", left).limit(1)).first() is not None


def next_turn(store: Store) -> Turn | None:
    """The active run with something queued that has waited longest, or ``None``."""
    queued = sa.exists().where(_ENTRY.run_id == _RUN.id, _ENTRY.state == "queued")
    query = sa.select(_RUN.id).where(_RUN.state == "active", queued).order_by(_RUN.served_at, _RUN.id)
    with store.reading() as connection:
        run = connection.execute(query.limit(1)).scalar()
        return None if run is None else Turn(run, run_table.version_ids(connection, run))


def claim(store: Store, worker: str, turn: Turn, limit: int) -> list[ClaimedPhotograph]:
    """Take up to ``limit`` photographs of a run; those that may have killed a worker come first and alone."""

    def taking(connection: sa.Connection) -> list[ClaimedPhotograph]:
        query = sa.update(schema.run).where(_RUN.id == turn.run, _RUN.state == "active")
        if not connection.execute(query.values(served_at=database.clock())).rowcount:
            return []
        suspects = _take(connection, worker, turn.run, _ENTRY.deaths > 0, limit)
        taken = suspects or _take(connection, worker, turn.run, _ENTRY.deaths == 0, limit)
        return endings.claimed(store, connection, taken)

    return store.write(taking)


def _take(
    connection: sa.Connection, worker: str, run: int, condition: sa.ColumnElement[bool], limit: int
) -> Mapping[int, int]:
    """Take entries; returns how many workers died of each, by the photograph's id."""
    # two statements, since PostgreSQL may run a subquery with SKIP LOCKED twice; the rows stay locked between
    queued = (
        sa.select(_ENTRY.photograph_id, _ENTRY.deaths)
        .where(_ENTRY.run_id == run, _ENTRY.state == "queued", condition)
        .order_by(_ENTRY.photograph_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = {photograph: deaths for photograph, deaths in connection.execute(queued)}
    if taken:
        mine = sa.and_(_ENTRY.run_id == run, _ENTRY.photograph_id.in_(taken))
        connection.execute(sa.update(schema.entry).where(mine).values(state=run_table.IN_FLIGHT, worker=worker))
    return taken


def end(store: Store, worker: str, turn: Turn, ended: Sequence[Ending]) -> set[str]:
    """Write how photographs ended; those that the worker still holds leave the queue. Returns as ``endings.write``."""
    return endings.write(store, turn, ended, worker)


def put_back(store: Store, worker: str, run: int, photographs: Sequence[int], *, died: bool) -> None:
    """Queue photographs of a run again; ``died``: each may have killed what held it."""
    held = sa.and_(_ENTRY.run_id == run, _ENTRY.photograph_id.in_(photographs), _ENTRY.worker == worker)
    store.write(lambda connection: _put_back(connection, held, died=died))


def release(store: Store, worker: str, *, died: bool) -> None:
    """Queue again whatever is in flight, unless the worker has lost the lease: then it is not for it to say."""
    held = sa.and_(_ENTRY.worker > "", sa.exists().where(schema.lease.c.id == worker))
    store.write(lambda connection: _put_back(connection, held, died=died))


def _put_back(connection: sa.Connection, held: sa.ColumnElement[bool], *, died: bool) -> None:
    deaths = _ENTRY.deaths + 1 if died else _ENTRY.deaths
    connection.execute(sa.update(schema.entry).where(held).values(state="queued", worker="", deaths=deaths))
