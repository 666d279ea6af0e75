from __future__ import annotations

import dataclasses
import io
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from fundus_core import runs
from fundus_core.quality import LIMITS
from fundus_core.records import Eye, Pixels
from fundus_core.retina import CropRule
from fundus_core.runs import batch_prediction, loop, seat, supervisor, worker
from fundus_core.runs.model_loading import Model
from fundus_core.store import Finding, NewPhotograph, Store, StoreUnavailableError, Where, lease, queue, run_table
from fundus_core.store.lease import Holder
from tests.runs import fake
from tests.runs.conftest import Make


def with_reader(name: str, reader: Callable[[Pixels], fake.Answer]) -> Callable[[str], Model]:
    return lambda _: Model(fake.version(name), CropRule(32), reader)


def run(store: Store, cohort: str, *models: str) -> runs.Progress:
    key = run_table.submit(store, cohort, [fake.version(model) for model in models])
    worker.work(store, opening=fake.opening)
    return runs.progress(store, key)


def test_every_photograph_ends_with_a_reason(store: Store, make: Make, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    make("a", range(3), **{"noise.png": (tmp_path / "noise.png").read_bytes(), "text.jpg": b"not a photograph"})
    store.add_photographs("a", [NewPhotograph("gone.jpg", str(tmp_path / "gone.jpg"))])
    progress = run(store, "a", "red")
    assert (progress.state, progress.predicted, progress.refused, progress.failed) == ("done", 3, 1, 2)
    items = {item.name: item for item in store.photographs("a").items}
    assert [items[name].status for name in ("noise.png", "text.jpg", "gone.jpg")] == ["refused", "failed", "failed"]
    assert all(item.reason_code and item.reason for item in items.values() if item.status != "predicted")
    assert 0 <= items["noise.png"].quality <= 1
    assert math.isnan(items["text.jpg"].quality)
    assert items["gone.jpg"].sha256 == ""


def test_a_refused_photograph_is_shown_to_the_model_and_counts_if_a_person_accepts_it(store: Store, make: Make) -> None:
    blurred = io.BytesIO()
    Image.open(io.BytesIO(fake.eye(3))).filter(ImageFilter.GaussianBlur(9)).save(blurred, "JPEG", quality=95)
    make("a", range(2), **{"blurred.jpg": blurred.getvalue()})
    progress = run(store, "a", "red")
    assert (progress.predicted, progress.refused) == (2, 1)
    item = store.photograph("a", "blurred.jpg")
    assert (item.status, dict(item.predictions), item.kind) == ("refused", {}, "colour")
    assert store.thumbnail(item.sha256), "who decides sees it"
    store.decide("a", "accept", names=["blurred.jpg"], who="AB", why="well enough")
    assert 50 < store.photograph("a", "blurred.jpg").predictions["sbp"].value < 250


def test_predictions_are_those_of_the_crop(store: Store, make: Make) -> None:
    make("a", range(7))
    run(store, "a", "red", "green")
    table = store.table("a", ["red", "green"])
    assert list(table.predicted) == ["sbp", "age"]
    red = table.predicted["sbp"]
    assert np.all(np.diff(red) > 0), "the eyes are brighter from one to the next, in the order of their names"
    np.testing.assert_allclose(table.high["sbp"] - table.low["sbp"], 2)
    assert np.all(table.predicted["age"] < red)


def test_a_missing_file_is_tried_again_when_somebody_asks(store: Store, make: Make, tmp_path: Path) -> None:
    store.create_cohort("a")
    store.add_photographs("a", [NewPhotograph("late.jpg", str(tmp_path / "late.jpg"))])
    assert run(store, "a", "red").failed == 1
    (tmp_path / "late.jpg").write_bytes(fake.eye(1))
    progress = run(store, "a", "red")
    assert (progress.predicted, progress.failed) == (1, 0)
    assert store.photograph("a", "late.jpg").sha256 == store.shelf.sha256(fake.eye(1))


def test_equal_bytes_are_shown_to_the_network_once(store: Store, make: Make, tmp_path: Path) -> None:
    (tmp_path / "copy.jpg").write_bytes(fake.eye(0))
    make("a", range(1), twin=fake.eye(0), other=fake.eye(1))
    store.add_photographs("a", [NewPhotograph("lying elsewhere", str(tmp_path / "copy.jpg"))])
    reader = fake.Reader()
    key = run_table.submit(store, "a", [fake.version("red")])
    worker.work(store, opening=with_reader("red", reader))
    make("b", range(1))
    store.add_photographs("b", [NewPhotograph("unread", str(tmp_path / "copy.jpg"))])
    again = run_table.submit(store, "b", [fake.version("red")])
    worker.work(store, opening=with_reader("red", reader))
    assert sum(reader.shown) == 2
    assert (runs.progress(store, key).predicted, runs.progress(store, key).reused) == (4, 2)
    assert (runs.progress(store, again).predicted, runs.progress(store, again).reused) == (2, 2)


def test_pictures_are_black_outside_the_retina(store: Store, make: Make) -> None:
    make("a", range(1), **{"text.jpg": b"not a photograph"})
    run(store, "a", "red")
    eye, text = store.photographs("a").items
    for find, side in ((store.thumbnail, 160), (store.crop, 512)):
        path = find(eye.sha256)
        assert path is not None
        with Image.open(path) as image:
            pixels = np.asarray(image)
        assert pixels.shape == (side, side, 3)
        assert pixels[:8, :8].max() < 12
        assert pixels[side // 2, side // 2, 0] > 60
        assert find(text.sha256) is None


def test_what_the_user_said_of_an_eye_stays(store: Store, make: Make) -> None:
    store.create_cohort("a")
    given = {"x_OS.jpg": Eye.RIGHT, "y_OS.jpg": Eye.UNKNOWN}
    for seed, (name, eye) in enumerate(given.items()):
        kept = store.keep(fake.eye(seed))
        store.add_photographs("a", [NewPhotograph.of_kept(name, kept, eye=eye, eye_source="table" if eye else "")])
    run(store, "a", "red")
    found = {item.name: (item.eye, item.eye_source) for item in store.photographs("a").items}
    assert found == {"x_OS.jpg": (Eye.RIGHT, "table"), "y_OS.jpg": (Eye.LEFT, "name")}


def test_a_model_that_cannot_be_opened_stops_its_run_and_no_other(store: Store, make: Make) -> None:
    make("a", range(2))
    broken = run_table.submit(store, "a", [fake.version("missing")])
    progress = run(store, "a", "red")
    assert progress.state == "done"
    stopped = runs.progress(store, broken)
    assert (stopped.state, stopped.queued, stopped.ended, stopped.finished) == ("stopped", 2, True, False)
    assert "There is no model 'missing'" in stopped.note
    runs.resume(store, broken)
    assert runs.progress(store, broken).state == "waiting"


def test_a_model_that_changed_since_the_run_was_started_is_not_used(store: Store, make: Make) -> None:
    make("a", range(1))
    key = run_table.submit(store, "a", [fake.version("red")])
    worker.work(store, opening=with_reader("other weights", fake.Reader()))
    assert "have changed since" in runs.progress(store, key).note


def test_a_photograph_that_the_network_cannot_take_spoils_no_other(store: Store, make: Make) -> None:
    make("a", range(6))

    limits: list[float] = []

    def reader(crops: Pixels) -> fake.Answer:
        red = crops[..., 0].mean(axis=(1, 2))
        limits[:] = limits or [red[0] + 0.3]
        if np.any(red > limits[0]):
            message = "out of memory"
            raise RuntimeError(message)
        return fake.Reader()(crops)

    key = run_table.submit(store, "a", [fake.version("red")])
    worker.work(store, opening=with_reader("red", reader))
    progress = runs.progress(store, key)
    assert progress.predicted + progress.failed == 6
    assert 0 < progress.failed < 6
    reasons = {item.reason for item in store.photographs("a").items if item.status == "failed"}
    assert reasons == {"The model failed on this photograph: out of memory."}


def test_a_prediction_that_is_no_number_is_a_failure(store: Store, make: Make) -> None:
    make("a", range(1))
    key = run_table.submit(store, "a", [fake.version("red")])
    nothing = {"sbp": np.array([np.inf])}
    worker.work(store, opening=with_reader("red", lambda _: fake.Answer(nothing, nothing, nothing, np.zeros(1))))
    assert runs.progress(store, key).failed == 1
    assert "no number for sbp" in store.photographs("a").items[0].reason


@pytest.fixture
def at_work(store: Store) -> Iterator[threading.Event]:
    """A worker in a thread, whose every photograph takes half a second."""
    over = threading.Event()
    options = {"opening": fake.opening, "idle_exit": 60.0, "over": over}
    thread = threading.Thread(target=worker.work, args=(store,), kwargs=options)
    thread.start()
    yield over
    over.set()
    thread.join(20)
    assert not thread.is_alive()


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - since


def test_pause_resume_and_cancel_act_at_once(store: Store, make: Make, at_work: threading.Event) -> None:
    make("a", range(12))
    make("b", range(20, 24))
    key = run_table.submit(store, "a", [fake.version("very-slow")])
    wait_for(lambda: runs.progress(store, key).settled > 0)
    runs.pause(store, key)
    ended = runs.progress(store, key).settled
    other = run_table.submit(store, "b", [fake.version("red")])
    wait_for(lambda: runs.progress(store, other).state == "done", 15.0)
    assert runs.progress(store, key).settled == ended, "the other run was done and nothing was added to the paused one"
    runs.resume(store, key)
    wait_for(lambda: runs.progress(store, key).settled > ended)
    runs.cancel(store, key)
    ended = runs.progress(store, key).settled
    time.sleep(1.5)
    progress = runs.progress(store, key)
    assert (progress.state, progress.settled, progress.in_flight) == ("cancelled", ended, 0)


def test_a_worker_that_is_asked_to_end_puts_back_what_it_holds(
    store: Store, make: Make, at_work: threading.Event
) -> None:
    make("a", range(12))
    key = run_table.submit(store, "a", [fake.version("very-slow")])
    wait_for(lambda: runs.progress(store, key).in_flight > 0)
    at_work.set()
    wait_for(lambda: runs.progress(store, key).in_flight == 0)
    assert runs.progress(store, key).state in {"running", "waiting"}


def test_a_worker_leaves_its_photographs_to_who_takes_the_lease_and_goes_on_afterwards(
    store: Store, make: Make, at_work: threading.Event
) -> None:
    make("a", range(8))
    key = run_table.submit(store, "a", [fake.version("very-slow")])
    wait_for(lambda: runs.progress(store, key).in_flight > 0)
    lease.take(store, Holder("c", "cluster", "ray://there"), over=[seat.id_of(store)])
    queue.release(store, "c", died=False)

    def rests() -> bool:
        before = runs.progress(store, key).settled
        time.sleep(0.6)
        return (runs.progress(store, key).settled, runs.progress(store, key).in_flight) == (before, 0)

    time.sleep(1.2)
    wait_for(rests)
    ended = runs.progress(store, key).settled
    time.sleep(0.6)
    now = runs.progress(store, key)
    assert (now.settled, now.in_flight, now.state) == (ended, 0, "running" if ended else "waiting")
    refusal = seat.other(store)
    assert refusal is not None
    assert "the cluster 'ray://there'" in str(refusal)
    assert not runs.ensure_worker(store), "none is started beside another's lease"
    lease.give_back(store, "c")
    wait_for(lambda: runs.progress(store, key).state == "done")
    assert runs.progress(store, key).predicted == 8


def test_a_store_that_cannot_be_written_is_waited_for(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a", range(3))
    key = run_table.submit(store, "a", [fake.version("red")])
    real, calls = queue.end, []

    def full(*arguments: object) -> set[str]:
        calls.append(arguments)
        if len(calls) < 3:
            message = "The disk is full."
            raise StoreUnavailableError(message)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "end", full)
    monkeypatch.setattr(loop, "RETRY_S", 0.05)
    worker.work(store, opening=fake.opening)
    assert len(calls) >= 3
    assert runs.progress(store, key).predicted == 3


def test_who_was_turned_away_at_the_door_ends_so_under_every_model(store: Store, make: Make) -> None:
    make("a", range(2))
    door = Finding("", "refused", "not_colour_fundus", "A chart; remove it.")
    store.add_photographs("a", [NewPhotograph("F-000000000000", "", "c" * 64, door=door)])
    for model in ("red", "green"):
        now = run(store, "a", model)
        assert (now.state, now.predicted, now.refused, now.reused) == ("done", 2, 1, 0)
        item = store.photograph("a", "F-000000000000", model=model)
        assert (item.status, item.reason_code, item.reason) == (door.status, door.reason_code, door.reason)
    assert run(store, "a", "red").refused == 1, "asked again, it is still said"
    chosen = store.select("a", "b", Where(statuses=("refused",)), model="red")
    assert run(store, chosen.name, "slow").refused == 1, "and in a selection"


def test_other_limits_refuse_others_and_nothing_is_taken_from_before(store: Store, make: Make) -> None:
    make("a", range(2))
    assert run(store, "a", "red").predicted == 2
    strict = dataclasses.replace(LIMITS, focus=1e6)
    version = dataclasses.replace(fake.version("red"), limits=strict.as_text())
    key = run_table.submit(store, "a", [version])
    worker.work(store, opening=fake.opening)
    now = runs.progress(store, key)
    assert (now.refused, now.reused) == (2, 0)
    assert {item.reason_code for item in store.photographs("a", model="red").items} == {"focus"}
    assert run(store, "a", "red").reused == 2, "the usual limits again: read before"


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # each child takes a second
def test_pausing_acts_on_suspects_too(store: Store, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tried one by one, which takes long; whoever pauses does not wait for the last of them."""
    make("a", range(6))
    key = run_table.submit(store, "a", [fake.version("red")])
    turn = queue.next_turn(store)
    assert turn is not None
    queue.claim(store, "dead", turn, 6)
    lease.take(store, Holder("dead", "worker", "here"))
    queue.release(store, "dead", died=True)
    lease.give_back(store, "dead")
    real, tried = batch_prediction.Apart.each, []

    def each(*arguments: object) -> Iterator[batch_prediction.Answer]:
        for answer in real(*arguments):  # type: ignore[arg-type]
            tried.append(answer)
            if len(tried) == 2:
                runs.pause(store, key)
                time.sleep(loop.POLL_S)
            yield answer

    monkeypatch.setattr(batch_prediction.Apart, "each", each)
    worker.work(store, opening=fake.opening)
    paused = runs.progress(store, key)
    assert (paused.state, paused.in_flight, len(tried)) == ("paused", 0, 2)
    assert paused.settled < 2, "what was in hand when the pause came is not counted"
    monkeypatch.setattr(batch_prediction.Apart, "each", real)
    runs.resume(store, key)
    worker.work(store, opening=fake.opening)
    assert runs.progress(store, key).predicted == 6


def test_what_nobody_refers_to_is_tidied_away_when_there_is_time(store: Store, make: Make) -> None:
    make("a", range(1))
    stray = store.shelf.folder / store.keep(b"stray").locator
    os.utime(stray, (1.0, 1.0))
    key = run_table.submit(store, "a", [fake.version("red")])
    over = threading.Event()

    def opening(name: str) -> Model:
        assert stray.exists(), "first the work"
        return fake.opening(name)

    thread = threading.Thread(
        target=worker.work, args=(store,), kwargs={"opening": opening, "idle_exit": 60.0, "over": over}
    )
    thread.start()
    wait_for(lambda: not stray.exists())
    over.set()
    thread.join(20)
    assert runs.progress(store, key).predicted == 1


def test_a_worker_has_the_models_of_whoever_asked_wherever_the_store_lies(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(supervisor.subprocess, "Popen", lambda *_, env, **__: seen.append(env))
    with Store.open(tmp_path / "out" / "work") as store:
        supervisor._start(store, "fundus_core.runs.worker")
    assert seen[0]["FUNDUS_LAB_HOME"] == str(tmp_path / "own")
    assert seen[0]["FUNDUS_LAB_STORE"] == str(tmp_path / "out" / "work")
