"""One machine's seat at a store: who sits there may hold the lease, and keeps it alive by a thread.

The seat is a lock in a folder of this machine, which the system gives back when its holder dies: the next one who sits
there has the same id, and with it the lease at once. Elsewhere a holder is known by the lease alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from fundus_core import owner_only
from fundus_core.runs import queue
from fundus_core.store import Store, StoreUnavailableError, lease
from fundus_core.store.lease import Holder, Kind, LeasedError

HEARTBEAT_S = 5.0
_TRY_S = 0.1
"""A lock is tried for so long, since another process may just be looking whether it is free."""


def folder(store: Store) -> Path:
    """Return where this machine's seats are: beside an SQLite database, which only one machine can use."""
    if store.engine.dialect.name == "sqlite":
        return store.shelf.folder / "workers"
    name = hashlib.sha256(store.engine.url.set(password=None).render_as_string().encode()).hexdigest()[:16]
    return owner_only.temporary() / name


def lock(store: Store, kind: Kind = "worker") -> FileLock:
    """Return the lock of a seat; who takes it has it until its process ends, however that comes."""
    path = owner_only.folder(folder(store)) / f"{kind}.lock"
    owner_only.make(path)
    return FileLock(path, timeout=_TRY_S)


def is_taken(store: Store) -> bool:
    """Return whether somebody sits where this machine's worker does, be it this process; costs some milliseconds."""
    try:
        with lock(store):
            return False
    except Timeout:
        return True


def id_of(store: Store, kind: Kind = "worker") -> str:
    """Return a seat's id, made now where it has none."""
    path = owner_only.folder(folder(store)) / f"{kind}.id"
    if not path.exists():  # whole or not at all, and the first one's where two make it
        scrap = path.with_name(f"{secrets.token_hex(8)}.id")
        owner_only.write(scrap, scrap.stem.encode())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(scrap)
        scrap.unlink()
    return path.read_text(encoding="ascii")


def other(store: Store, kind: Kind = "worker") -> LeasedError | None:
    """Return the refusal where the store is worked off by somebody else than who sits here."""
    found = lease.holder(store)
    return None if found is None or found[0].id == id_of(store, kind) else found[0].refusal(found[1])


def ask_to_stop(store: Store) -> None:
    """Ask this machine's worker to end after its batch."""
    owner_only.make(_stop(store))


def _stop(store: Store) -> Path:
    return folder(store) / "worker.stop"


class Seat:
    """A seat that is taken until the block ends; a ``LeasedError`` where somebody sits there."""

    def __init__(self, store: Store, kind: Kind = "worker", place: str = "") -> None:
        self.store = store
        self.queue = queue.of(store)
        self.kind = kind
        self.place = place or socket.gethostname()
        self.id = ""
        self.held = False
        """Whether the lease is held too."""
        self.worked = True
        """Whether work is being done, as those who watch a run are told."""
        self._lock = lock(store, kind)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Seat:
        try:
            self._lock.acquire()
        except Timeout:
            raise Holder("", self.kind, self.place).refusal(0.0) from None
        self.id = id_of(self.store, self.kind)
        _stop(self.store).unlink(missing_ok=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        with contextlib.suppress(StoreUnavailableError):  # the next who sits here does it
            self.rest(died=isinstance(error, Exception))
        self._lock.release()

    def hold(self, *, over: Collection[str] = (), died: bool = True) -> None:
        """Take the lease as ``lease.take`` does, and queue again what whoever held it before has left in flight.

        ``died``: it may have killed whoever held it.
        """
        lease.take(self.store, Holder(self.id, self.kind, self.place), over=over)
        self.queue.release(self.store, self.id, died=died)
        self.held = True

    def rest(self, *, died: bool = False) -> None:
        """Give the lease back, and what is in flight: there is nothing to do."""
        if self.held:
            self.queue.release(self.store, self.id, died=died)
            lease.give_back(self.store, self.id)
            self.held = False

    def still_holds(self) -> bool:
        """Return whether the lease is held, having asked whether somebody took it."""
        self.held = self.held and lease.is_held(self.store, self.id)
        return self.held

    def asked_to_stop(self) -> bool:
        """Return whether somebody wants this machine's worker to end."""
        return _stop(self.store).exists()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            with contextlib.suppress(StoreUnavailableError):  # a full disk, a busy database: the next beat may pass
                if self.held:
                    lease.renew(self.store, self.id, worked=self.worked)
