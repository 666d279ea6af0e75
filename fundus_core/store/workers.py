"""The list of workers: who is at work on the queue, and what becomes of what they hold."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from fundus_core.store import schema
from fundus_core.store.run_table import IN_FLIGHT
from fundus_core.store.store import Store

_WORKER = schema.worker.c


@dataclass(frozen=True, slots=True)
class WorkerEntry:
    """A worker as it stands in the list, alive or dead."""

    id: str
    """Its own."""
    host: str
    """Name of its machine."""
    heartbeat: float
    """When its heart beat last; seconds since 1970-01-01 UTC."""


def sign_on(store: Store, worker: str, *, host: str, pid: int, seated: bool) -> None:
    """Enter a worker; ``seated`` where it is the one that its machine keeps at work."""
    now = time.time()
    values = {"id": worker, "host": host, "pid": pid, "seat": seated, "stop": False}
    with store.writing() as connection:
        connection.execute(sa.insert(schema.worker).values(**values, started_at=now, heartbeat=now))


def beat(store: Store, worker: str) -> None:
    """Note that a worker is alive.

    Raises:
        StoreUnavailableError: The disk is full or the database busy.
    """
    with store.writing() as connection:
        connection.execute(sa.update(schema.worker).where(_WORKER.id == worker).values(heartbeat=time.time()))


def every(store: Store) -> list[WorkerEntry]:
    """Return all that are in the list."""
    with store.reading() as connection:
        rows = connection.execute(sa.select(_WORKER.id, _WORKER.host, _WORKER.heartbeat)).all()
    return [WorkerEntry(row.id, row.host, row.heartbeat) for row in rows]


def ask_to_stop(store: Store, host: str) -> None:
    """Ask the worker that a machine keeps at work to end after its batch."""
    mine = sa.and_(_WORKER.seat, _WORKER.host == host)
    store.write(lambda connection: connection.execute(sa.update(schema.worker).where(mine).values(stop=True)))


def asked_to_stop(store: Store, worker: str) -> bool:
    """Return whether somebody wants a worker to end; one that is not in the list shall."""
    with store.reading() as connection:
        return connection.execute(sa.select(_WORKER.stop).where(_WORKER.id == worker)).scalar() in {None, True}


def release(store: Store, worker: str) -> None:
    """Put back what a worker holds.

    Raises:
        StoreUnavailableError: The disk is full or the database busy.
    """
    with store.writing() as connection:
        _release(connection, [worker], died=False)


def sign_off(store: Store, workers: Sequence[str], *, died: bool) -> int:
    """Take workers off the list and put back what they hold; returns how many photographs.

    If they died, each photograph is marked as one that may have killed them.
    """

    def signing_off(connection: sa.Connection) -> int:
        found = _release(connection, workers, died=died)
        connection.execute(sa.delete(schema.worker).where(_WORKER.id.in_(workers)))
        return found

    return store.write(signing_off)


def _release(connection: sa.Connection, workers: Sequence[str], *, died: bool) -> int:
    entry = schema.entry.c
    held = sa.and_(entry.worker.in_(workers), entry.state == IN_FLIGHT)
    deaths = entry.deaths + 1 if died else entry.deaths
    query = sa.update(schema.entry).where(held).values(state="queued", worker="", deaths=deaths)
    return connection.execute(query).rowcount
