"""The process that works runs off: ``python -m fundus_core.runs.worker``.

Threads read and crop ahead of the network (decoding gives the interpreter free), so that the network never
waits; what is ahead is bounded, so that memory does not grow with the number of photographs. Runs take turns by
the batch. Nothing is kept that the store does not have: kill it at any moment and start it again.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from fundus_core import targets
from fundus_core.errors import FundusError
from fundus_core.runs import seat
from fundus_core.runs.loop import POLL_S, Worker, report
from fundus_core.runs.model_loading import OpenModel, open_model
from fundus_core.runs.seat import Seat
from fundus_core.store import Store, StoreUnavailableError

ORPHAN_S = 30.0
"""Seconds without work after which a worker ends whose starter has gone."""


def threads() -> int:
    """How many threads read ahead."""
    return max(2, min(8, os.cpu_count() or 2))


def work(
    store: Store,
    *,
    opening: OpenModel = open_model,
    idle_exit: float = 0.0,
    over: threading.Event | None = None,
    starter: int | None = None,
) -> None:
    """Work until there has been nothing to do for ``idle_exit`` seconds, or somebody asks for a stop (``over``).

    ``starter`` is the process that started this one, which may have ended before this line; the parent where ``None``.
    A ``LeasedError`` where this machine's worker is at work already.
    """
    with (
        Seat(store) as me,
        ThreadPoolExecutor(threads(), "look") as pool,
        _closing(Worker(store, opening, me, pool)) as worker,
    ):
        worker.over = over or worker.over
        busy, parent = time.monotonic(), starter or os.getppid()
        untidy = True
        while not worker.over.is_set():
            try:
                worked = worker.step()
            except StoreUnavailableError as error:
                report(f"the store could not be used yet ({error})")
                worker.drop()
                worked = False
            busy = time.monotonic() if worked else busy
            patience = idle_exit if os.getppid() == parent else min(idle_exit, ORPHAN_S)
            if not worked and time.monotonic() - busy >= patience:
                return
            if not worked:
                untidy = untidy and not _tidied(store)
                worker.over.wait(POLL_S)


def _tidied(store: Store) -> bool:
    """Tidy up, at a moment when there is nothing else to do: with many photographs it takes seconds."""
    try:
        store.tidy()
    except StoreUnavailableError:
        return False
    return True


@contextlib.contextmanager
def _closing(worker: Worker) -> Iterator[Worker]:
    """Whatever ends the work, drop what is ahead, so that the threads end."""
    try:
        yield worker
    finally:
        worker.over.set()
        worker.forget()


def main(arguments: Sequence[str] | None = None) -> int:
    """The process: lower priority, one per machine and store."""
    parser = argparse.ArgumentParser(prog="python -m fundus_core.runs.worker")
    parser.add_argument("--store", default=os.environ.get("FUNDUS_LAB_STORE"), help="folder or database URL")
    parser.add_argument("--files", help="folder for files, where the store is behind a URL")
    parser.add_argument("--idle-exit", type=float, default=1800.0, help="seconds without work before it ends")
    parser.add_argument("--starter", type=int, help="process without which it does not wait so long")
    options = parser.parse_args(arguments)
    if not options.store:
        parser.error("name the store: --store FOLDER")
    with contextlib.suppress(AttributeError, OSError):  # not on every system
        os.nice(10)
    over = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: over.set())
    os.umask(0o077)
    try:
        targets.check()
        return _work_at(options, over)
    except FundusError as error:
        report(str(error))
        return 2


def _work_at(options: argparse.Namespace, over: threading.Event) -> int:
    with Store.open(options.store, files=options.files) as store:
        if refusal := seat.other(store):
            raise refusal
        work(store, idle_exit=options.idle_exit, over=over, starter=options.starter)
    return 0


if __name__ == "__main__":
    sys.exit(main())
