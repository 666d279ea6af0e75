"""A run on a cluster, with a stand-in for Ray that does at once what it is asked; Ray itself is in ``test_ray``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fundus_core import runs
from fundus_core.cluster import connected, driver, on_machines
from fundus_core.cluster.driver import Driver
from fundus_core.errors import FundusError, UsageError
from fundus_core.retina import CropRule
from fundus_core.runs import batch_prediction, preprocess, seat, supervisor
from fundus_core.store import NewPhotograph, Store, StoreUnavailableError, queue, run_table
from fundus_core.store.lease import LeasedError
from tests.runs import fake
from tests.runs.conftest import Make

pytestmark = pytest.mark.parametrize("address", ["sqlite"], indirect=True)


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class RayActorError(RayError):
    pass


@dataclass(eq=False)
class Reference:
    """What came of a call."""

    answer: Any


def remote(function: Callable[..., Any]) -> Any:
    """Something with a method ``remote``, and ``options`` that change nothing."""
    made = SimpleNamespace(remote=function)
    made.options = lambda **_: made
    return made


class Card:
    rule, folder = CropRule(32), Path("nowhere")


class Apart(batch_prediction.Apart):
    """Tries suspects in this process: that a death of theirs costs nothing is tried elsewhere."""

    def each(self, turn: Any, rules: Any, photographs: Any, carried: Any) -> Iterator[Any]:
        reader = batch_prediction._Reader(self._open_model)
        return (reader.read(turn, rules, one, carried.get(one.id)) for one in photographs)


class Cluster:
    """Ray as far as the driver uses it: one machine of one processor."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError, RayActorError=RayActorError)

    def __init__(self) -> None:
        self.faults: list[Exception] = []
        self.silent = False
        self.killed = 0

    def remote(self, *asked: Any, **_: Any) -> Any:
        if not asked:
            return self.remote
        kind = isinstance(asked[0], type)
        return remote(lambda *given: self.actor(*asked, *given) if kind else self.call(asked[0], *given))

    def actor(self, kind: Callable[..., Any], *given: Any) -> Any:
        made = kind(*(one.answer if isinstance(one, Reference) else one for one in given))
        return SimpleNamespace(
            ping=remote(lambda: Reference(None)), predict=remote(lambda *given: self.call(made.predict, *given))
        )

    def put(self, given: Any) -> Reference:
        return Reference(given)

    def call(self, function: Callable[..., Any], *given: Any) -> Reference:
        if function.__name__ == "predict" and self.faults:
            return Reference(self.faults.pop())
        return Reference(function(*(one.answer if isinstance(one, Reference) else one for one in given)))

    def wait(self, references: Sequence[Reference], **_: Any) -> tuple[list[Reference], list[Reference]]:
        away = [one for one in references if self.silent]
        return [one for one in references if one not in away], away

    def get(self, reference: Reference) -> Any:
        if isinstance(reference.answer, Exception):
            raise reference.answer
        return reference.answer

    def kill(self, _: object) -> None:
        self.killed += 1

    def cancel(self, *_: object, **__: object) -> None: ...

    def nodes(self) -> list[Any]:
        return [{"Alive": True, "Resources": {"CPU": 1.0}}]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}


@pytest.fixture
def ray() -> Cluster:
    return Cluster()


Drive = Callable[..., Driver]


@pytest.fixture
def drive(store: Store, ray: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drive]:
    """Gives the driver of a run; everything is looked after at every step."""
    monkeypatch.setattr(driver, "PING_S", 0.0)
    monkeypatch.setattr(driver, "POLL_S", 0.0)
    monkeypatch.setattr(batch_prediction, "Apart", Apart)
    with seat.Seat(store, "cluster", "there") as mine:
        mine.hold()
        yield lambda run: Driver(ray, mine, run, fake.opening, [Card])


def to_the_end(one: Driver, steps: int = 60) -> runs.Progress:
    for _ in range(steps):
        if not one.step():
            break
    return runs.progress(one.store, one.turn.run)


def test_what_is_lost_is_taken_from_the_ledger_again(store: Store, make: Make, ray: Cluster, drive: Drive) -> None:
    make("a", range(12))
    run = run_table.submit(store, "a", [fake.version("red")])
    one = drive(run)
    ray.faults = [RayActorError("it died with its node"), RayError("a node has died")]
    now = to_the_end(one)
    assert (now.state, now.predicted, now.failed) == ("done", 12, 0)
    item = store.photographs("a").items[0]
    assert store.thumbnail(item.sha256)
    with store.reading() as connection:
        deaths = connection.exec_driver_sql("SELECT sum(deaths) FROM entry").scalar()
    assert deaths > driver.BATCH, "each of the lost was tried alone"
    assert ray.killed == 1


def test_an_actor_that_answers_no_more_is_given_up(store: Store, make: Make, ray: Cluster, drive: Drive) -> None:
    make("a", range(3))
    run = run_table.submit(store, "a", [fake.version("red")])
    one = drive(run)
    one.patience, ray.silent = -1.0, True
    one.step()
    assert ray.killed == 0, "there was none"
    one.step()
    assert ray.killed == 1
    assert runs.progress(store, run).settled == 0
    ray.silent, one.patience = False, 60.0
    assert to_the_end(one).predicted == 3


def test_files_that_machines_do_not_see_travel_with_the_task(
    store: Store, ray: Cluster, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create_cohort("a")
    for seed in range(3):
        (tmp_path / f"{seed}.jpg").write_bytes(fake.eye(seed))
    store.add_photographs("a", [NewPhotograph(f"{i}", str(tmp_path / f"{i}.jpg")) for i in range(4)])
    run = run_table.submit(store, "a", [fake.version("red")])
    one = drive(run)
    monkeypatch.setattr(preprocess, "is_missing", lambda _: True)
    now = to_the_end(one)
    assert one.carry_all
    assert (now.predicted, now.failed) == (3, 1), "the fourth is nowhere"
    assert store.photographs("a").items[3].reason_code == "missing_file"


def test_a_model_that_cannot_be_opened_stops_the_run_and_a_fault_of_ours_ends_the_driver(
    store: Store, make: Make, ray: Cluster, drive: Drive
) -> None:
    make("a", range(3))
    wrong = run_table.submit(store, "a", [fake.version("none of that name")])
    now = to_the_end(drive(wrong))
    assert (now.state, now.settled) == ("stopped", 0)
    assert "no model 'none of that name'" in now.note
    run = run_table.submit(store, "a", [fake.version("red")])
    ray.faults = [RayTaskError("ModuleNotFoundError: fundus_core")] * 9
    with pytest.raises(FundusError, match="cannot run this program: ModuleNotFoundError"):
        to_the_end(drive(run))


def test_a_database_that_is_away_costs_a_repetition(
    store: Store, make: Make, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a", range(20))
    run = run_table.submit(store, "a", [fake.version("red")])
    one = drive(run)
    monkeypatch.setattr(driver.loop, "RETRY_S", 0.0)
    real, calls = queue.claim, []

    def away(*given: Any) -> Any:
        calls.append(given)
        taken = real(*given)
        if len(calls) == 2:  # it was noted, and the answer lost
            message = "The server closed the connection."
            raise StoreUnavailableError(message)
        return taken

    told: list[runs.Progress] = []

    def tell(now: runs.Progress) -> None:
        told.append(now)
        if len(told) == 2:
            message = "The server is starting up."
            raise StoreUnavailableError(message)

    monkeypatch.setattr(queue, "claim", away)
    monkeypatch.setattr(driver, "TELL_S", 0.0)
    driver._drive(one, tell)
    assert len(told) > 2, "nor does it end the driver while it says how far the run is"
    assert runs.progress(store, run).predicted == 20


def test_who_loses_the_lease_stops_and_names_who_has_it(store: Store, make: Make, drive: Drive) -> None:
    make("a", range(3))
    run = run_table.submit(store, "a", [fake.version("red")])
    one = drive(run)
    with seat.Seat(store) as mine:
        mine.hold(over=[one.seat.id], died=False)
        assert not one.step()
        refusal = seat.other(store, "cluster")
        assert isinstance(refusal, LeasedError)
        assert "the worker of the machine" in str(refusal)


def test_the_pages_button_takes_the_run_from_the_worker(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a", range(3))
    run = run_table.submit(store, "a", [fake.version("red")])
    runs.pause(store, run)
    monkeypatch.setenv(runs.CLUSTER, "10.0.0.7:6379")
    started: list[Any] = []
    monkeypatch.setattr(supervisor, "_start", lambda *words: started.append(words))
    monkeypatch.setattr(supervisor, "_children", [])
    monkeypatch.setattr(supervisor.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install -r requirements-cluster\.txt"):
        runs.run_on_cluster(store, run)
    assert runs.progress(store, run).state == "paused", "nothing goes on that nobody can drive"
    monkeypatch.setattr(supervisor.importlib.util, "find_spec", lambda _: "there")
    with seat.Seat(store) as mine:
        mine.hold()
        runs.run_on_cluster(store, run)
        assert not mine.still_holds()
        assert "the cluster '10.0.0.7:6379'" in str(seat.other(store))
    assert started[0][1:] == ("fundus_core", "cluster", "run", "--run", run, "--or-stop")


def test_nobody_joins_a_cluster_without_a_token(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(UsageError, match="without a token"), connected("10.0.0.7:6379"):
        pass


def test_a_models_folder_travels_and_is_found_where_it_arrives(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there"))
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "here"))
    own = tmp_path / "here" / "models" / "mine"
    own.mkdir(parents=True)
    (own / "card.toml").write_bytes(b"card")
    (own / "weights.onnx").write_bytes(b"weights")
    card = SimpleNamespace(folder=own)
    brought = driver._folders([card, Card])  # type: ignore[list-item]
    on_machines.unpack(brought)
    arrived = Path(os.environ["FUNDUS_LAB_HOME"]) / "models" / "mine"
    assert arrived.is_relative_to(tmp_path / "there")
    assert {one.name: one.read_bytes() for one in arrived.iterdir()} == brought["mine"]
    assert arrived.parent.parent.stat().st_mode & 0o077 == 0
