"""Who is at work: every worker is known to the others, alive or dead.

On one machine a worker's lock tells exactly; of a worker on another machine only its heartbeat is known.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from fundus_core.runs.locks import Lock
from fundus_core.store import Store, StoreUnavailableError, schema

HEARTBEAT_S = 5.0
DEAD_AFTER_S = 60.0
"""A worker on another machine counts as dead when its heart has not beaten for so long."""

_WORKER = schema.worker.c


def folder(store: Store) -> Path:
    """Where the locks lie."""
    return store.shelf.folder / "workers"


def seat(store: Store) -> Lock:
    """The lock of the one worker that this machine keeps at work for a store."""
    return Lock(folder(store) / "seat.lock")


class Presence:
    """A worker's own entry in the list, kept alive by a thread until the block ends."""

    def __init__(self, store: Store, *, seated: bool) -> None:
        self.store = store
        self.seated = seated
        self.id = secrets.token_hex(8)
        self._lock = Lock(folder(store) / f"{self.id}.lock")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Presence:
        self._lock.take()
        now = time.time()
        values = {
            "id": self.id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "seat": self.seated,
            "stop": False,
            "started_at": now,
            "heartbeat": now,
        }
        with self.store.writing() as connection:
            connection.execute(sa.insert(schema.worker).values(values))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.store.write(lambda connection: _sign_off(connection, [self.id], died=error is not None))
        self._lock.give_back()
        self._lock.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            query = sa.update(schema.worker).where(_WORKER.id == self.id).values(heartbeat=time.time())
            try:
                with self.store.writing() as connection:
                    connection.execute(query)
            except StoreUnavailableError:
                continue  # a full disk or a busy database: the next beat may pass

    def asked_to_stop(self) -> bool:
        """Whether somebody wants this worker to end."""
        with self.store.reading() as connection:
            query = sa.select(_WORKER.stop).where(_WORKER.id == self.id)
            return connection.execute(query).scalar() in {None, True}


def release(connection: sa.Connection, workers: Sequence[str], *, died: bool) -> int:
    """Put back what workers hold; if they died, each photograph is marked as one that may have killed them."""
    entry = schema.entry.c
    held = sa.and_(entry.worker.in_(workers), entry.state == "in_flight")
    query = sa.update(schema.entry).where(held)
    deaths = entry.deaths + 1 if died else entry.deaths
    return connection.execute(query.values(state="queued", worker="", deaths=deaths)).rowcount


def _sign_off(connection: sa.Connection, workers: Sequence[str], *, died: bool) -> int:
    found = release(connection, workers, died=died)
    connection.execute(sa.delete(schema.worker).where(_WORKER.id.in_(workers)))
    return found


def bury(store: Store) -> int:
    """Put back what dead workers held; returns how many photographs."""
    with store.reading() as connection:
        rows = connection.execute(sa.select(schema.worker)).all()
    dead = [row.id for row in rows if not _alive(store, row)]
    if not dead:
        return 0
    found = store.write(lambda connection: _sign_off(connection, dead, died=True))
    for worker in dead:
        (folder(store) / f"{worker}.lock").unlink(missing_ok=True)
    return found


def _alive(store: Store, row: sa.Row[Any]) -> bool:
    lock = Lock(folder(store) / f"{row.id}.lock")
    if row.host == socket.gethostname() and lock.path.exists():
        return lock.held()
    return bool(row.heartbeat > time.time() - DEAD_AFTER_S)
