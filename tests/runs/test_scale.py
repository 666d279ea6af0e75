"""What a worker asks of the store must not grow with the run: every step is looked up, nothing is read through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from fundus_core import runs
from fundus_core.store import NewPhotograph, Store, endings, lease, queue, run_table
from fundus_core.store.lease import Holder
from tests.runs.test_queue import ONE, TWO, ending

LARGE = ("entry", "photograph", "outcome", "reading")
THROUGH = re.compile(rf"SCAN ({'|'.join(LARGE)})\b|SEARCH entry USING .*\(run_id=\?\)")
"""How SQLite says that it reads a whole table or a whole run (sqlite.org/eqp.html)."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        opened.create_cohort("a")
        new = (NewPhotograph(f"{i:04}", f"/nowhere/{i}", sha256=f"{i:064x}") for i in range(2000))
        opened.add_photographs("a", new)
        yield opened


@contextmanager
def plans(store: Store) -> Iterator[list[tuple[str, str]]]:
    """Collects how each statement of the block was carried out."""
    found: list[tuple[str, str]] = []

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            first = parameters[0] if isinstance(parameters, list) else parameters
            steps = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", first).fetchall()
            found.extend((statement, step[-1]) for step in steps)

    event.listen(store.engine, "before_cursor_execute", note)
    yield found
    event.remove(store.engine, "before_cursor_execute", note)


def test_taking_and_ending_look_everything_up(store: Store) -> None:
    run_table.submit(store, "a", [ONE, TWO])
    with plans(store) as found:
        turn = queue.next_turn(store)
        assert turn is not None
        members = queue.claim(store, "w", turn, 32)
        endings.known(store, list(turn.versions), [member.sha256 for member in members])
        run_table.active(store, [turn.run])
        queue.end(store, "w", turn, [ending(turn, member) for member in members])
        lease.take(store, Holder("w", "worker", "here"))
        queue.put_back(store, "w", turn.run, [members[0].id], died=True)
        queue.release(store, "w", died=True)
        lease.give_back(store, "w")
        assert queue.wanted(store)
    assert len({statement for statement, _ in found}) > 12
    assert [pair for pair in found if THROUGH.search(pair[1])] == []


def test_progress_is_counted_in_an_index(store: Store) -> None:
    run = run_table.submit(store, "a", [ONE])
    with plans(store) as found:
        runs.progress(store, run)
    counted = [step for statement, step in found if "GROUP BY" in statement]
    assert counted == ["SEARCH entry USING COVERING INDEX entry_queue (run_id=?)"]


def test_the_law_can_fail(store: Store) -> None:
    with plans(store) as found, store.reading() as connection:
        connection.execute(sa.text("SELECT name FROM photograph")).all()
        connection.execute(sa.text("SELECT worker FROM entry WHERE run_id = 1")).all()
    assert len([pair for pair in found if THROUGH.search(pair[1])]) == 2
