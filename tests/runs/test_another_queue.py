"""Another queue is a module of functions and a line in ``runs.queue``: here one that keeps in memory who holds what."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from fundus_core import runs
from fundus_core.runs import queue, worker
from fundus_core.store import Store, endings, lease, run_table, schema
from fundus_core.store import queue as table
from fundus_core.store.endings import ClaimedPhotograph, Ending, Turn
from tests.runs import fake
from tests.runs.conftest import Make


class InMemory:
    """Hands out the photographs whose entries wait in the store; forgets everything with its process."""

    def __init__(self) -> None:
        self.held: dict[tuple[int, int], str] = {}
        """The worker, by run and photograph."""
        self.deaths: dict[tuple[int, int], int] = {}

    def _left(self, store: Store, run: int) -> list[int]:
        entry = schema.entry.c
        query = sa.select(entry.photograph_id).where(entry.run_id == run, entry.state == "queued")
        with store.reading() as connection:
            return [one for one in connection.scalars(query) if (run, one) not in self.held]

    def wanted(self, store: Store) -> bool:
        return any(run.queued for run in runs.runs_of(store) if run.state in ("waiting", "running"))

    def next_turn(self, store: Store) -> Turn | None:
        active = (run.run for run in runs.runs_of(store) if run.state in ("waiting", "running"))
        return next((endings.turn_of(store, run) for run in active if self._left(store, run)), None)

    def claim(self, store: Store, worker: str, turn: Turn, limit: int) -> list[ClaimedPhotograph]:
        left = self._left(store, turn.run)
        suspects = [one for one in left if self.deaths.get((turn.run, one))]
        taken = {one: self.deaths.get((turn.run, one), 0) for one in (suspects or left)[:limit]}
        self.held |= {(turn.run, one): worker for one in taken}
        with store.reading() as connection:
            return endings.claimed(store, connection, taken)

    def end(self, store: Store, worker: str, turn: Turn, ended: Sequence[Ending]) -> set[str]:
        gone = endings.write(store, turn, ended)
        self.put_back(store, worker, turn.run, [one.member.id for one in ended], died=False)
        return gone

    def put_back(self, store: Store, worker: str, run: int, photographs: Sequence[int], *, died: bool) -> None:
        for key in [(run, one) for one in photographs if self.held.pop((run, one), "")]:
            self.deaths[key] = self.deaths.get(key, 0) + died

    def release(self, store: Store, worker: str, *, died: bool) -> None:
        if lease.is_held(store, worker):
            for run, photograph in list(self.held):
                self.put_back(store, worker, run, [photograph], died=died)


def test_a_run_is_worked_off_by_another_queue(store: Store, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker asks nobody else: the store's own queue hands nothing out."""
    other = InMemory()
    monkeypatch.setattr(queue, "of", lambda store: other)
    for name in ("next_turn", "claim", "end", "put_back", "release"):
        monkeypatch.delattr(table, name)
    make("a", range(5), broken=b"no photograph")
    keys = [run_table.submit(store, "a", [fake.version(model)]) for model in ("red", "green")]
    turn = other.next_turn(store)
    assert turn is not None
    lost = other.claim(store, "dead", turn, 2)
    other.release(store, "dead", died=True)
    assert len(other.held) == 2, "who has lost the lease gives nothing back"
    worker.work(store, opening=fake.opening)
    for now in (runs.progress(store, key) for key in keys):
        assert (now.state, now.predicted, now.failed) == ("done", 5, 1)
    assert not other.held
    assert {key for key, deaths in other.deaths.items() if deaths} == {(turn.run, one.id) for one in lost}
