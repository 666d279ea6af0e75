"""Who is at work: every worker is known to the others, alive or dead.

On one machine a worker's lock tells exactly; of a worker on another machine only its heartbeat is known.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from types import TracebackType

from fundus_core.runs.locks import Lock
from fundus_core.store import Store, StoreUnavailableError, workers
from fundus_core.store.workers import WorkerEntry

HEARTBEAT_S = 5.0
DEAD_AFTER_S = 60.0
"""A worker on another machine counts as dead when its heart has not beaten for so long."""


def folder(store: Store) -> Path:
    """Where the locks lie."""
    return store.shelf.folder / "workers"


def worker_lock(store: Store) -> Lock:
    """The lock of the one worker that this machine keeps at work for a store."""
    return Lock(folder(store) / "seat.lock")


class Heartbeat:
    """A worker's own entry in the list, kept alive by a thread until the block ends."""

    def __init__(self, store: Store, *, seated: bool) -> None:
        self.store = store
        self.seated = seated
        self.id = secrets.token_hex(8)
        self._lock = Lock(folder(store) / f"{self.id}.lock")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._lock.take()
        workers.sign_on(self.store, self.id, host=socket.gethostname(), pid=os.getpid(), seated=self.seated)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        workers.sign_off(self.store, [self.id], died=error is not None)
        self._lock.give_back()
        self._lock.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            with contextlib.suppress(StoreUnavailableError):  # a full disk, a busy database: the next beat may pass
                workers.beat(self.store, self.id)


def requeue_dead(store: Store) -> int:
    """Put back what dead workers held; returns how many photographs."""
    dead = [one.id for one in workers.every(store) if not _alive(store, one)]
    if not dead:
        return 0
    found = workers.sign_off(store, dead, died=True)
    for worker in dead:
        (folder(store) / f"{worker}.lock").unlink(missing_ok=True)
    return found


def _alive(store: Store, worker: WorkerEntry) -> bool:
    lock = Lock(folder(store) / f"{worker.id}.lock")
    if worker.host == socket.gethostname() and lock.path.exists():
        return lock.held()
    return worker.heartbeat > time.time() - DEAD_AFTER_S
