"""Starting and stopping the machine's worker from a process that only shows and asks."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fundus_core import home, owner_only, processes
from fundus_core.errors import FundusError, UsageError
from fundus_core.models import ownership
from fundus_core.models.card import Card
from fundus_core.quality import LIMITS, Limits
from fundus_core.records import Status
from fundus_core.runs import model_loading, queue, seat
from fundus_core.store import CohortRef, Finding, ModelVersion, Store, run_table

IDLE_EXIT_S = 1800.0
LOG = "worker.log"
CLUSTER = "FUNDUS_LAB_CLUSTER"
"""Names the address of a Ray cluster that runs may be given to."""
_MOST_LOG_BYTES = 5_000_000
_LAST_STEPS_S = 2.0

KEEP_S = 3.0
LONGEST_S = 60.0

_children: list[subprocess.Popen[bytes]] = []
_supervisors: dict[str, Supervisor] = {}
_starting_one = threading.Lock()


def worker_alive(store: Store) -> bool:
    """Whether this machine's worker is at work on the store."""
    return seat.is_taken(store)


def ensure_worker(store: Store, *, idle_exit: float = IDLE_EXIT_S) -> bool:
    """Start this machine's worker where none is at work, and from now on bring it back where it is killed.

    As long as this process lives, a thread starts the worker again when a run needs one; ``stop_worker`` ends that. The
    worker ends by itself after ``idle_exit`` seconds without work. Returns whether one was started.
    """
    store = store.as_machine()
    keeper = _supervisors.get(store.address)
    if keeper is None or keeper.store.closed:
        _supervisors[store.address] = keeper = Supervisor(store, idle_exit)
        keeper.thread.start()
    return _start_if_none(store, idle_exit)


def _start_if_none(store: Store, idle_exit: float) -> bool:
    with _starting_one:
        _children[:] = [child for child in _children if child.poll() is None]
        if worker_alive(store) or any(_on_its_way(child, store) for child in _children) or seat.other(store):
            return False
        files = ["--files", store.shelf.folder.absolute()]
        words = ["--idle-exit", idle_exit, "--starter", os.getpid(), *files]
        _children.append(_start(store, "fundus_core.runs.worker", *words))
        return True


class Supervisor:
    """Brings a store's worker back while there is work; waits longer and longer for one that dies again."""

    def __init__(self, store: Store, idle_exit: float) -> None:
        self.store = store
        self.idle_exit = idle_exit
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._keep, name="worker's keeper", daemon=True)

    def stop(self) -> None:
        """End, and wait until it has ended."""
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()

    def _keep(self) -> None:
        pause = KEEP_S
        while not self.over.wait(pause) and not self.store.closed:
            try:
                started = queue.of(self.store).wanted(self.store) and self._start()
            except FundusError:  # the database is away or damaged: look again later
                started = True
            pause = min(2 * pause, LONGEST_S) if started else KEEP_S

    def _start(self) -> bool:
        return not self.over.is_set() and _start_if_none(self.store, self.idle_exit)


def _on_its_way(child: subprocess.Popen[bytes], store: Store) -> bool:
    """Whether a child of ours is on its way to the store's seat."""
    return isinstance(child.args, list) and str(store.shelf.folder.absolute()) in child.args


def cluster() -> str:
    """Return the address of the cluster that runs may be given to; empty where none is configured."""
    return os.environ.get(CLUSTER, "")


def no_ray() -> UsageError:
    """What is said where a cluster is asked for without what drives it."""
    return UsageError(
        "A cluster needs Ray, which is not installed; type: python -m pip install -r requirements-cluster.txt"
    )


def run_on_cluster(store: Store, run: int) -> None:
    """Have the configured cluster go on with a run, in the place of this machine's worker.

    A process of its own drives it. Should that end before the run does, the worker goes on.

    Raises:
        UsageError: There is no such run, or Ray is not installed.
        LeasedError: Another cluster or machine works the store off.
    """
    if importlib.util.find_spec("ray") is None:
        raise no_ray()
    run_table.resume(store, run)
    store = store.as_machine()
    with seat.Seat(store, "cluster", cluster()) as driver:
        driver.hold(over=[seat.id_of(store)], died=False)
        driver.held = False  # left to the process, which sits there next
    _children.append(_start(store, "fundus_core", "cluster", "run", "--run", run, "--or-stop"))


def _start(store: Store, module: str, *words: object) -> subprocess.Popen[bytes]:
    address = store.address if "://" in store.address else str(Path(store.address).absolute())
    # the address travels in the environment, since it may hold a password and arguments are public
    # models are those of whoever asked, wherever the store lies; one behind a URL keeps its files in the home
    own = store.shelf.folder.absolute() if "://" in address else home.home()
    environment = processes.environment(FUNDUS_LAB_STORE=address, FUNDUS_LAB_HOME=str(own))
    with open(_log(store), "ab", opener=owner_only.opener) as log:
        return subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            processes.command(module, *words),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
            creationflags=_creation_flags(),
        )


def _creation_flags() -> int:
    """Lower priority where a process cannot lower its own."""
    if sys.platform == "win32":
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return 0


def _log(store: Store) -> Path:
    path = store.shelf.folder / LOG
    if path.exists() and path.stat().st_size > _MOST_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return path


def stop_worker(store: Store, *, wait_s: float = 10.0) -> bool:
    """Ask this machine's worker to end after its batch, and wait for it; returns whether it has ended."""
    keeper = _supervisors.pop(store.address, None)
    if keeper is not None:
        keeper.stop()
    until = time.monotonic() + wait_s
    while worker_alive(store) and time.monotonic() < until:
        seat.ask_to_stop(store)
        time.sleep(0.2)
    ended = not worker_alive(store)
    if ended:
        _reap(store)
    return ended


def _reap(store: Store) -> None:
    """Take note of the end of our own child, which gives its seat back a moment before."""
    for child in _children:
        if _on_its_way(child, store):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LAST_STEPS_S)


_NO_BYTES = hashlib.sha256(b"").hexdigest()
"""Of photographs that were turned away at the door."""


def derive(store: Store, cohort: CohortRef, card: Card, version: ModelVersion) -> None:
    """Write what a recalibrated model finds in a cohort that the model which it was made of has read.

    Only where weights, card and limits of quality are the same; photographs that are not read yet are left to a run,
    and so are those about which a person decided: what is told of them is the cohort's, not what the model found.
    """
    if not card.recalibrated:
        return
    from fundus_core.models import recalibrated  # scipy, which no other run waits for

    for source in store.models(cohort):
        steps = recalibrated.steps_from(card, source.model, source.card_sha256)
        same = all(getattr(source, of) == getattr(version, of) for of in ("weights_sha256", "limits", "origin"))
        if steps and same and source.card_sha256:
            decided = {name for decision in store.decisions(cohort) for name in decision.photographs}
            whole = (each for each in store.readings(cohort, source.model) if each.status is not Status.FAILED)
            readings = [each for each in whole if each.sha256 != _NO_BYTES and each.photograph not in decided]
            found = (Finding.of(one, predictions=recalibrated.derived(steps, one.predictions)) for one in readings)
            store.record(cohort, version, found)
            return


def submit(store: Store, cohort: CohortRef, models: Sequence[str], *, limits: Limits = LIMITS) -> int:
    """Ask for predictions of a whole cohort by the models of some cards; return the run's id.

    A run of the same cohort and models that has not ended is taken up again, with the photographs that were added
    since; whatever was read before under the same limits of quality, in any cohort and run, is used again. So is, of a
    recalibrated model, what the one that it was made of has read in this cohort.

    Raises:
        FundusError: There is no such cohort or model, or its weights are not there.
    """
    cards = [model_loading.ready_card(model) for model in models]
    if store.person:
        for card in cards:
            ownership.require(card, store.person.names)
    versions = [replace(model_loading.version_of(card), limits=limits.as_text()) for card in cards]
    for card, version in zip(cards, versions, strict=True):
        derive(store, cohort, card, version)
    return run_table.submit(store, cohort, versions)
