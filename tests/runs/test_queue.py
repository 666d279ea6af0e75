from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from fundus_core import runs
from fundus_core.errors import UsageError
from fundus_core.records import Prediction
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store, endings, lease, queue, run_table, schema
from fundus_core.store.endings import ClaimedPhotograph, Ending, Turn
from fundus_core.store.lease import Holder

ONE, TWO = ModelVersion("one", "w1", "c1"), ModelVersion("two", "w2", "c2")


def fill(store: Store, cohort: str, numbers: range) -> None:
    store.create_cohort(cohort)
    kept = ((f"{i:03}", store.keep(b"%d" % i)) for i in numbers)
    store.add_photographs(cohort, (NewPhotograph.of_kept(*pair) for pair in kept))


def ending(turn: Turn, member: ClaimedPhotograph, status: str = "predicted") -> Ending:
    found = {"sbp": Prediction(1.0, 0.0, 2.0)} if status == "predicted" else {}
    finding = Finding(member.sha256, status, predictions=found)
    return Ending(member, member.sha256, findings=dict.fromkeys(turn.versions, finding))


def work_off(store: Store, worker: str = "w", size: int = 4, status: str = "predicted") -> list[int]:
    """What a worker does, without networks: the photographs in the order in which they were taken."""
    taken = []
    while turn := queue.next_turn(store):
        members = queue.claim(store, worker, turn, size)
        taken += [member.id for member in members]
        queue.end(store, worker, turn, [ending(turn, member, status) for member in members])
    return taken


def check(progress: runs.Progress) -> runs.Progress:
    """The law that holds at every moment."""
    assert progress.total == progress.queued + progress.in_flight + progress.settled
    assert progress.reused <= progress.settled
    return progress


def test_a_run_is_waiting_running_done(store: Store) -> None:
    fill(store, "a", range(6))
    run = run_table.submit(store, "a", [ONE])
    assert check(runs.progress(store, run)).state == "waiting"
    turn = queue.next_turn(store)
    assert turn is not None
    members = queue.claim(store, "w", turn, 4)
    assert check(runs.progress(store, run)).in_flight == 4
    queue.end(store, "w", turn, [ending(turn, member) for member in members])
    progress = check(runs.progress(store, run))
    assert (progress.state, progress.predicted, progress.queued) == ("running", 4, 2)
    assert progress.per_second > 0
    work_off(store)
    progress = check(runs.progress(store, run))
    assert (progress.state, progress.predicted, progress.finished) == ("done", 6, True)
    assert runs.runs_of(store, "a") == (progress,)


def test_what_was_read_before_costs_nothing_in_any_cohort(store: Store) -> None:
    fill(store, "a", range(6))
    run_table.submit(store, "a", [ONE])
    work_off(store)
    fill(store, "b", range(3, 9))
    run = run_table.submit(store, "b", [ONE])
    progress = check(runs.progress(store, run))
    assert (progress.predicted, progress.reused, progress.queued) == (3, 3, 3)
    assert len(work_off(store)) == 3
    again = run_table.submit(store, "b", [ONE])
    progress = check(runs.progress(store, again))
    assert (progress.state, progress.reused) == ("done", 6)


def test_other_weights_or_another_card_are_another_model(store: Store) -> None:
    fill(store, "a", range(2))
    run_table.submit(store, "a", [ONE])
    work_off(store)
    for other in (ModelVersion("one", "w9", "c1"), ModelVersion("one", "w1", "c9")):
        assert runs.progress(store, run_table.submit(store, "a", [other])).queued == 2


def test_a_photograph_ends_as_the_worst_of_its_models(store: Store) -> None:
    fill(store, "a", range(4))
    run_table.submit(store, "a", [ONE])
    work_off(store, status="refused")
    run = run_table.submit(store, "a", [ONE, TWO])
    work_off(store)
    assert check(runs.progress(store, run)).refused == 4


def test_asking_again_takes_up_the_run_and_what_was_added(store: Store) -> None:
    fill(store, "a", range(2))
    run = run_table.submit(store, "a", [ONE])
    runs.pause(store, run)
    store.add_photographs("a", [NewPhotograph.of_kept("new", store.keep(b"new"))])
    assert run_table.submit(store, "a", [ONE]) == run
    assert runs.progress(store, run).total == 3
    assert runs.progress(store, run).state == "waiting"
    assert run_table.submit(store, "a", [TWO]) != run
    assert run_table.submit(store, "a", [ONE, TWO]) not in {run, run_table.submit(store, "a", [TWO])}


def test_pausing_puts_back_what_is_held_and_nothing_is_taken(store: Store) -> None:
    fill(store, "a", range(6))
    run = run_table.submit(store, "a", [ONE])
    turn = queue.next_turn(store)
    assert turn is not None
    members = queue.claim(store, "w", turn, 4)
    runs.pause(store, run)
    progress = check(runs.progress(store, run))
    assert (progress.state, progress.in_flight, progress.seconds_left) == ("paused", 0, None)
    assert queue.next_turn(store) is None
    assert queue.claim(store, "w", turn, 4) == []
    queue.end(store, "w", turn, [ending(turn, member) for member in members])
    assert check(runs.progress(store, run)).settled == 0
    runs.resume(store, run)
    work_off(store)
    assert check(runs.progress(store, run)).predicted == 6


def test_cancelling_is_for_good_and_keeps_what_was_found(store: Store) -> None:
    fill(store, "a", range(6))
    run = run_table.submit(store, "a", [ONE])
    turn = queue.next_turn(store)
    assert turn is not None
    members = queue.claim(store, "w", turn, 2)
    queue.end(store, "w", turn, [ending(turn, member) for member in members])
    runs.cancel(store, run)
    assert runs.progress(store, run).state == "cancelled"
    assert queue.next_turn(store) is None
    with pytest.raises(UsageError, match="cancelled; start a new one"):
        runs.resume(store, run)
    runs.pause(store, run)
    assert runs.progress(store, run).state == "cancelled"
    new = run_table.submit(store, "a", [ONE])
    assert new != run
    assert runs.progress(store, new).reused == 2
    assert [one.run for one in runs.runs_of(store)] == [new, run]
    assert (
        [one.run for one in runs.runs_of(store, going=True)]
        == [new]
        == [one.run for one in runs.runs_of(store) if not one.ended]
    )


def test_runs_take_turns_by_the_batch(store: Store) -> None:
    for number, name in enumerate("abc"):
        fill(store, name, range(10 * number, 10 * number + 4))
        run_table.submit(store, name, [ONE])
    served = []
    while turn := queue.next_turn(store):
        members = queue.claim(store, "w", turn, 2)
        queue.end(store, "w", turn, [ending(turn, member) for member in members])
        served.append(turn.run)
    first = served[:3]
    assert sorted(first) == first
    assert len(set(first)) == 3
    assert served == first * 2


def test_workers_at_once_never_hold_the_same_photograph(store: Store, open_store: Callable[[], Store]) -> None:
    fill(store, "a", range(60))
    run = run_table.submit(store, "a", [ONE])
    with ThreadPoolExecutor(3) as pool:
        others = [pool.submit(work_off, open_store(), f"w{i}", 3) for i in range(3)]
        taken = [photograph for other in others for photograph in other.result()]
    assert len(taken) == len(set(taken)) == 60
    assert check(runs.progress(store, run)).predicted == 60


def test_suspects_come_first_and_not_among_others(store: Store) -> None:
    fill(store, "a", range(6))
    run_table.submit(store, "a", [ONE])
    turn = queue.next_turn(store)
    assert turn is not None
    held = queue.claim(store, "dead", turn, 2)
    lease.take(store, Holder("next", "worker", "here"))
    queue.release(store, "next", died=True)
    again = queue.claim(store, "w", turn, 4)
    assert [member.id for member in again] == [member.id for member in held]
    assert {member.deaths for member in again} == {1}
    assert {member.deaths for member in queue.claim(store, "w", turn, 9)} == {0}


def test_a_photograph_deleted_meanwhile_leaves_no_trace(store: Store) -> None:
    fill(store, "a", range(2))
    run = run_table.submit(store, "a", [ONE])
    turn = queue.next_turn(store)
    assert turn is not None
    members = queue.claim(store, "w", turn, 2)
    store.remove_photographs("a", [members[0].name])
    store.shelf.write("crops", members[0].sha256, b"made meanwhile")
    gone = queue.end(store, "w", turn, [ending(turn, member) for member in members])
    assert gone == {members[0].sha256}
    endings.purge(store, gone)
    assert store.shelf.all("crops") == set()
    progress = check(runs.progress(store, run))
    assert (progress.total, progress.predicted, progress.state) == (1, 1, "done")
    store.delete("a")
    queue.end(store, "w", turn, [ending(turn, member) for member in members])
    with pytest.raises(UsageError, match=f"no run {run}"):
        runs.progress(store, run)


def test_ending_twice_writes_once(store: Store) -> None:
    fill(store, "a", range(3))
    run = run_table.submit(store, "a", [ONE])
    turn = queue.next_turn(store)
    assert turn is not None
    ended = [ending(turn, member) for member in queue.claim(store, "w", turn, 3)]
    queue.end(store, "w", turn, ended)
    before = runs.progress(store, run)
    queue.end(store, "w", turn, ended)
    assert runs.progress(store, run).predicted == before.predicted == 3
    assert len(list(store.readings("a", "one"))) == 3


def test_an_empty_cohort_and_a_run_without_a_model(store: Store) -> None:
    store.create_cohort("empty")
    assert runs.progress(store, run_table.submit(store, "empty", [ONE])).state == "done"
    with pytest.raises(UsageError, match="needs a model"):
        run_table.submit(store, "empty", [])
    for act in (runs.progress, runs.pause, runs.resume, runs.cancel):
        with pytest.raises(UsageError, match="no run 77"):
            act(store, 77)


def test_deleting_a_cohort_while_workers_write_takes_turns_with_them(
    store: Store, open_store: Callable[[], Store]
) -> None:
    """On PostgreSQL they locked each other out, and the one that had to give way said that the store was broken."""
    for attempt in range(3):
        for name, numbers in (("a", range(40)), ("b", range(20, 60))):
            fill(store, name, numbers)
            run_table.submit(store, name, [ONE, TWO])
        with ThreadPoolExecutor(3) as pool:
            workers = [pool.submit(work_off, open_store(), f"w{attempt}{i}", 8) for i in range(3)]
            for name in "ab":
                store.delete(name)
            for worker in workers:
                worker.result(60)
        with store.reading() as connection:
            for table in (schema.photograph, schema.entry, schema.outcome, schema.reading, schema.run):
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0, table.name


def test_a_reading_that_was_deleted_before_it_could_be_used_again_is_made_anew(store: Store, tmp_path: Path) -> None:
    """A worker has just seen that the bytes are known, and their only cohort is deleted: back into the queue."""
    (tmp_path / "x").write_bytes(b"0")
    fill(store, "a", range(1))
    run_table.submit(store, "a", [ONE])
    work_off(store)
    store.create_cohort("b")
    store.add_photographs("b", [NewPhotograph("x", str(tmp_path / "x"))])
    run = run_table.submit(store, "b", [ONE])
    turn = queue.next_turn(store)
    assert turn is not None
    (member,) = queue.claim(store, "w", turn, 1)
    store.delete("a")
    queue.end(store, "w", turn, [Ending(member, store.shelf.sha256(b"0"))])
    progress = check(runs.progress(store, run))
    assert (progress.state, progress.queued, progress.in_flight) == ("waiting", 1, 0)
