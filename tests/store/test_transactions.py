"""Transactions that get in each other's way, and what a power cut may leave behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.store import NewPhotograph, Store, StoreUnavailableError, base, cohorts, schema


def test_two_that_lock_each_other_out_are_both_done_in_the_end(empty_postgres: str, tmp_path: Path) -> None:
    """Each holds one row and wants the other's: PostgreSQL ends one of them, which is then done again."""
    meet = threading.Barrier(2)
    tries: list[str] = []

    def both(store: Store, first: int, second: int) -> None:
        def change(connection: sa.Connection) -> None:
            tries.append(threading.current_thread().name)
            cohorts.update(connection, first)
            if len(tries) <= 2:
                meet.wait(10)
            cohorts.update(connection, second)

        store.write(change)

    with Store.open(empty_postgres, files=tmp_path) as store, ThreadPoolExecutor(2) as pool:
        one, other = (store.create_cohort(f"crossing {name}").id for name in "ab")
        for done in [pool.submit(both, store, one, other), pool.submit(both, store, other, one)]:
            done.result(30)
        assert len(tries) == 3, "one of the two had to give way once"
        assert [store.cohort(key).revision for key in (one, other)] == [2, 2]


def test_who_gives_way_again_and_again_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    class Deadlock(Exception):  # noqa: N818 (as the driver names it)
        sqlstate = "40P01"

    def always(_connection: sa.Connection) -> None:
        tries.append(1)
        statement = "UPDATE"
        raise sa.exc.OperationalError(statement, {}, Deadlock())

    monkeypatch.setattr(base, "_PAUSES_S", (0.0, 0.0))
    with pytest.raises(StoreUnavailableError, match=r"Others were writing the same rows of the store; do it again\."):
        store.write(always)
    assert len(tries) == 3


def test_work_at_fault_itself_is_done_once_and_leaves_nothing(store: Store) -> None:
    tries: list[int] = []

    def twice_the_same(connection: sa.Connection) -> None:
        tries.append(1)
        for _ in range(2):
            values = {"id": 77, "name": "a", "rendered": False, "note": "", "selected_from": "", "revision": 0}
            connection.execute(sa.insert(schema.cohort).values(**values, created_at=0.0))

    with pytest.raises(sa.exc.IntegrityError):
        store.write(twice_the_same)
    assert (len(tries), store.cohorts()) == (1, ())


def test_what_was_committed_has_reached_the_disk(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL (sqlite.org/pragma.html)
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_photographs_reach_the_disk_before_the_database_promises_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create_cohort("a")
    kept = [store.keep(b"%d" % number) for number in range(3)]
    flushed: list[list[str]] = []

    def settle(locators: list[str]) -> None:
        assert store.cohort("a").photographs == 3 * len(flushed), "not promised yet"
        flushed.append(locators)

    monkeypatch.setattr(store.shelf, "settle", settle)
    store.add_photographs("a", [NewPhotograph.of_kept(str(number), one) for number, one in enumerate(kept)])
    store.add_photographs("a", [NewPhotograph("outside", "/outside.jpg")])
    assert flushed == [[one.locator for one in kept], []]


def test_a_photograph_that_vanished_meanwhile_is_said_to_be_gone(store: Store) -> None:
    store.create_cohort("a")
    kept = store.keep(b"x")
    (store.shelf.folder / kept.locator).unlink()
    with pytest.raises(UsageError, match="hand the photograph in again"):
        store.add_photographs("a", [NewPhotograph.of_kept("x", kept)])
