"""Workers that are killed at any moment, and photographs that kill them.

What needs several processes, seconds each, is tried on one database: SQLite under random kills is in
``test_survival``, and what both databases let happen at once in ``test_queue``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fundus_core import runs
from fundus_core.runs import seat, supervisor, worker
from fundus_core.runs.seat import Seat
from fundus_core.store import NewPhotograph, Store, queue, run_table, schema
from fundus_core.store.lease import LeasedError
from tests.runs import fake, killing
from tests.runs.conftest import Make

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(store: Store) -> Iterator[Start]:
    """Starts worker processes on the store; those that still live are ended after the test."""
    children: list[subprocess.Popen[bytes]] = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", killing.DANGER: "yes"}

    def start_() -> subprocess.Popen[bytes]:
        code = "import sys; from tests.runs import killing; killing.work(*sys.argv[1:])"
        command = [sys.executable, "-c", code, store.address, str(store.shelf.folder)]
        children.append(subprocess.Popen(command, env=environment))
        return children[-1]

    yield start_
    for child in children:
        child.kill()
        child.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds, "waited in vain"
        time.sleep(0.02)


def finish(store: Store, run: int, start: Start) -> runs.Progress:
    """Start workers until the run is done; each ends by itself when there is nothing to do."""
    for _ in range(5):
        start().wait(90)
        progress = runs.progress(store, run)
        if progress.state == "done":
            return progress
    raise AssertionError(progress)


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_killed_at_random_moments_nothing_is_missing_and_nothing_twice(store: Store, make: Make, start: Start) -> None:
    make("a", range(24))
    run = run_table.submit(store, "a", [fake.version("slow")])
    dice = np.random.default_rng(7)
    ended = 0
    for _ in range(2):
        child = start()
        wait_for(lambda: runs.progress(store, run).in_flight > 0 or runs.progress(store, run).state == "done")
        time.sleep(dice.uniform(0.0, 0.6))
        child.send_signal(signal.SIGKILL)
        child.wait()
        progress = runs.progress(store, run)
        assert progress.settled >= ended, "what has ended stays ended"
        ended = progress.settled
    progress = finish(store, run, start)
    assert (progress.predicted, progress.failed, progress.total) == (24, 0, 24)
    with store.reading() as connection:
        readings = connection.execute(sa.select(sa.func.count()).select_from(schema.reading)).scalar_one()
        assert connection.execute(sa.select(schema.lease.c.id)).scalar_one() == ""
    assert readings == 24
    _equal_to_an_undisturbed_run(store)


def _equal_to_an_undisturbed_run(store: Store) -> None:
    """Another model of the same kind, worked off here without a break, says the same."""
    run_table.submit(store, "a", [fake.version("red")])
    worker.work(store, opening=fake.opening)
    np.testing.assert_array_equal(
        store.table("a", ["slow"]).predicted["sbp"], store.table("a", ["red"]).predicted["sbp"]
    )


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_a_photograph_that_kills_twice_is_marked_and_the_others_go_on(store: Store, make: Make, start: Start) -> None:
    make("a", range(3), **{"bomb.jpg": b"KILL the decoder"})
    run = run_table.submit(store, "a", [fake.version("red")])
    progress = finish(store, run, start)
    assert (progress.predicted, progress.failed) == (3, 1)
    bomb = store.photograph("a", "bomb.jpg")
    assert (bomb.status, bomb.reason_code) == ("failed", "killed_worker")
    assert "crash" in bomb.reason


def test_the_machines_worker_is_one_and_comes_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        assert not runs.worker_alive(store)
        assert runs.ensure_worker(store, idle_exit=60.0)
        assert not runs.ensure_worker(store, idle_exit=60.0), "one is on its way"
        try:
            wait_for(lambda: runs.worker_alive(store))
            child = supervisor._children[-1]
            assert os.getpriority(os.PRIO_PROCESS, child.pid) >= 10
            child.send_signal(signal.SIGKILL)
            child.wait()
            assert not runs.worker_alive(store), "a dead worker gives its seat back at once"
            store.create_cohort("a")
            store.add_photographs("a", [NewPhotograph("x", "/nowhere")])
            run = run_table.submit(store, "a", [fake.version("not in the registry")])
            _hold_all_and_die(store)
            wait_for(lambda: runs.progress(store, run).state == "stopped")  # by a worker that came back by itself
            assert "no model 'not in the registry'" in runs.progress(store, run).note
        finally:
            assert runs.stop_worker(store, wait_s=30.0)
        wait_for(lambda: supervisor._children[-1].poll() is not None)
        assert supervisor._children[-1].returncode == 0, (tmp_path / "store" / supervisor.LOG).read_text()


def _hold_all_and_die(store: Store) -> None:
    """Leave nothing in the queue: a dead worker held all that was left."""
    turn = queue.next_turn(store)
    assert turn is not None
    assert queue.claim(store, "dead", turn, 9)
    assert queue.next_turn(store) is None


def test_a_seat_belongs_to_one_process_and_ends_with_it(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        assert not seat.is_taken(store)
        code = "import sys, time; from fundus_core.runs.seat import Seat; from fundus_core.store import Store\n"
        code += "with Store.open(sys.argv[1]) as store, Seat(store): print('taken', flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"taken\n"
            assert seat.is_taken(store)
            with pytest.raises(LeasedError), Seat(store):
                pass
            child.kill()
            child.wait()
        assert not seat.is_taken(store)
        with Seat(store):
            assert seat.is_taken(store), "looking does not give it back"
            assert seat.is_taken(store)
        assert not seat.is_taken(store)
