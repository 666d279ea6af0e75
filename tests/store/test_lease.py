"""Whose a store is to work off, on both databases."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from fundus_core import runs
from fundus_core.runs import seat
from fundus_core.store import ModelVersion, NewPhotograph, Store, lease, queue, run_table, schema
from fundus_core.store.lease import Holder, LeasedError
from tests.store.conftest import address, empty_postgres, open_store, postgres, store

__all__ = ["address", "empty_postgres", "open_store", "postgres", "store"]

HERE, THERE = Holder("w", "worker", "here"), Holder("c", "cluster", "10.0.0.7:6379")


def silent_for(store: Store, seconds: float) -> None:
    """As if whoever holds the lease had said nothing, and done nothing, for so long."""
    column = schema.lease.c
    past = {"renewed_at": column.renewed_at - seconds, "since": column.since - seconds}
    store.write(lambda connection: connection.execute(sa.update(schema.lease).values(past)))


def test_one_holds_it_and_others_are_told_who_until_it_is_silent(store: Store) -> None:
    store.create_cohort("a")
    store.add_photographs("a", [NewPhotograph(str(i), "") for i in range(4)])
    run = run_table.submit(store, "a", [ModelVersion("m", "w", "c")])
    lease.take(store, THERE)
    turn = queue.next_turn(store)
    assert turn is not None
    assert len(queue.claim(store, THERE.id, turn, 3)) == 3
    lease.renew(store, THERE.id)
    silent_for(store, 50.0)
    with pytest.raises(LeasedError, match=r"the cluster '10.0.0.7:6379', last heard of 5\d s ago"):
        lease.take(store, HERE)
    assert runs.progress(store, run).in_flight == 3
    assert runs.progress(store, run).note == ""
    silent_for(store, 20.0)
    assert runs.progress(store, run).note.startswith("0 of 4, no worker for 7")
    lease.take(store, HERE)
    queue.release(store, HERE.id, died=True)
    assert not lease.is_held(store, THERE.id)
    assert runs.progress(store, run).in_flight == 0
    assert {one.deaths for one in queue.claim(store, HERE.id, turn, 9)} == {1}, "the suspects alone"
    queue.release(store, THERE.id, died=True)
    lease.give_back(store, THERE.id)
    assert lease.is_held(store, HERE.id)
    assert runs.progress(store, run).in_flight == 3, "who has lost it gives nothing back"


def test_no_machines_clock_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lease.take(store, THERE)
    real = time.time
    for wrong in (3600.0, -3600.0):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: real() + wrong)
        with pytest.raises(LeasedError):
            lease.take(store, HERE)
        lease.renew(store, THERE.id)
    assert lease.is_held(store, THERE.id)


def test_who_sat_there_and_was_killed_has_it_again_at_once(store: Store) -> None:
    with seat.Seat(store) as mine:
        mine.hold()
        with pytest.raises(LeasedError, match="the worker of the machine"), seat.Seat(store):
            pass
        mine.held = False  # as if it were killed: nothing is given back
    assert lease.is_held(store, mine.id)
    with seat.Seat(store) as mine, seat.Seat(store, "cluster", "there") as other:
        mine.hold()
        with pytest.raises(LeasedError):
            other.hold()
        mine.rest()
        other.hold()
        assert not mine.still_holds()
    assert lease.holder(store) is None


def test_the_seat_behind_a_url_is_in_a_folder_of_the_machine(store: Store, tmp_path: Path) -> None:
    ours = seat.folder(store)
    assert ours.is_relative_to(store.shelf.folder) == (store.engine.dialect.name == "sqlite")
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: seat.id_of(store), range(8)))) == 1, "one id, whoever made it"
    assert {one.name for one in ours.glob("*.id")} <= {"worker.id", "cluster.id"}, "and nothing half way"
    assert ours.stat().st_mode & 0o077 == 0
