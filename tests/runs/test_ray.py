"""Runs on Ray itself: three nodes of one processor on the loopback, with a token, disturbed at random moments.

Skipped where Ray (``requirements-cluster.txt``) is not installed. ``FUNDUS_LAB_RAY_PHOTOGRAPHS`` says of how many.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from fundus_core import runs
from fundus_core.cluster import connection
from fundus_core.images import sources
from fundus_core.store import NewPhotograph, Store
from tests import s3
from tests.runs import lab
from tests.runs.test_survival import PATIENCE_S, check_all_there_once, reasons, undisturbed
from tests.store import databases
from tests.store.databases import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


WRONG_CLOCK = """
import sys, time
real, wrong = time.time, float(sys.argv.pop(1))
time.time = lambda: real() + wrong  # ours alone: Ray's own threads keep the machine's
from fundus_core.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


class Nodes:
    """A cluster of nodes that can be killed."""

    def __init__(self, environment: dict[str, str], count: int) -> None:
        command = [sys.executable, "-m", "tests.runs.ray_nodes", str(count)]
        self.process = subprocess.Popen(
            command, cwd=lab.ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.answer()

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, "the nodes do not start"
        return line

    def do(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.answer() == "done"

    def end(self) -> None:
        """End all of them; those of a process that hangs end with it, by Ray's own reaper."""
        try:
            self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    pytest.importorskip("ray", reason="needs requirements-cluster.txt")
    (tmp_path / "token").write_text(secrets.token_hex(32))
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"), **connection._QUIET}
    home = {"FUNDUS_LAB_HOME": str(tmp_path / "home"), "FUNDUS_LAB_KEY": str(tmp_path / "key")}
    return {**os.environ, **own, **home, "PYTHONPATH": str(lab.ROOT)}


@pytest.fixture
def storage(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Object storage; how to reach it is in the environment of this process and of the nodes."""
    with s3.served() as told:
        environment |= told
        yield told


def cohort(store: Store, paths: list[Path], storage: dict[str, str]) -> None:
    """A third kept in the store, a third in a folder, a third in object storage."""
    store.create_cohort("eyes", rendered=True)
    third = len(paths) // 3
    s3.bring(storage, "eyes", paths[2 * third :])
    kept = [NewPhotograph.of_kept(path.name, store.keep(path.read_bytes())) for path in paths[:third]]
    lying = [NewPhotograph(path.name, str(path)) for path in paths[third : 2 * third]]
    elsewhere = [NewPhotograph(one.name, one.locator) for one in sources([Path("s3://eyes")])]
    store.add_photographs("eyes", [*kept, *lying, *elsewhere])


class Driver:
    """``cluster run`` in a process, called again when it was killed."""

    def __init__(self, environment: dict[str, str], store: Store, run: int, address: str, log: Path) -> None:
        self.words = ["cluster", "run", "--run", str(run), "--cluster", address]
        self.words += ["--store", store.address, "--files", str(store.shelf.folder)]
        self.environment, self.log = environment, log
        self.start()

    def start(self, clock_s: int = 0) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WRONG_CLOCK, str(clock_s), *self.words],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def actors(address: str) -> list[psutil.Process]:
    """The processes of our actors; Ray names them."""
    return [one for one in psutil.process_iter(["cmdline"]) if "ray::Predictor" in " ".join(one.info["cmdline"] or ())]


def disturb(store: Store, run: int, nodes: Nodes, driver: Driver, database: Server, seed: int) -> Counter[str]:
    """Kill nodes, actors and the driver, and stop the database, at random moments and in random order.

    Once the database is away for a minute; drivers come back with clocks that are an hour wrong.
    """
    dice = np.random.default_rng(seed)
    total = runs.progress(store, run).total
    each = 3 if total > 500 else 2
    victims = dice.permutation(["node", "actor", "driver", "database"] * each + ["database for a minute"])
    for number, victim in enumerate(victims):
        mark = 0.85 * total * (number + dice.uniform()) / len(victims)
        lab.wait_for(lambda: runs.progress(store, run).settled >= mark, PATIENCE_S, f"{mark} photographs")  # noqa: B023
        time.sleep(dice.uniform(0, 3))
        if victim == "node":
            nodes.do("kill")
            nodes.do("add")
        elif victim == "driver":
            driver.kill()
            driver.start(clock_s=3600 * (-1) ** number)
        elif victim == "actor":
            for process in actors(nodes.address)[:1]:
                process.send_signal(signal.SIGKILL)
        else:
            database.stop()
            time.sleep(60 if victim != "database" else 0)
            database.start()
    return Counter(map(str, victims))


def listening() -> set[str]:
    """Addresses that Ray's processes listen at."""
    found = set()
    for process in psutil.process_iter(["name", "cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if "ray" in process.info["name"] or "gcs_server" in words or "ray::" in words or "/ray/" in words:
            with contextlib.suppress(psutil.Error):
                found |= {one.laddr.ip for one in process.net_connections("tcp") if one.status == "LISTEN"}
    return {one.removeprefix("::ffff:") for one in found}


@pytest.mark.parametrize("photographs", [int(os.environ.get("FUNDUS_LAB_RAY_PHOTOGRAPHS", "300"))])
def test_nodes_actors_and_the_driver_are_lost_and_nothing_is_missing_or_twice(
    tmp_path: Path, environment: dict[str, str], storage: dict[str, str], photographs: int
) -> None:
    if why := databases.missing():
        pytest.skip(why)
    paths = lab.photographs(tmp_path / "photographs", photographs)
    nodes = Nodes(environment, 3)
    try:
        with databases.server() as database, Store.open(database.url, files=tmp_path / "files") as store:
            cohort(store, paths, storage)
            run = runs.submit(store, "eyes", [lab.MODEL])
            driver = Driver(environment, store, run, nodes.address, tmp_path / "driver.log")
            try:
                killed = disturb(store, run, nodes, driver, database, seed=photographs)
                assert listening() == {"127.0.0.1"}
                lab.wait_for(lambda: driver.process.poll() is not None, PATIENCE_S, "the driver")
            finally:
                driver.kill()
            said_by_driver = (tmp_path / "driver.log").read_text()
            now = runs.progress(store, run)
            assert (now.state, now.failed, now.total) == ("done", 0, photographs), said_by_driver
            assert len(killed) == 5, "each of them was disturbed"
            check_all_there_once(store, "eyes", photographs)
            table, said = store.table("eyes"), reasons(store)
    finally:
        nodes.end()
    expected, why = undisturbed(tmp_path / "quiet", paths)
    assert Counter(said) == Counter(why)
    mine = {str(name): number for number, name in enumerate(table.photograph)}
    order = [mine[str(name)] for name in expected.photograph]
    for name, values in expected.predicted.items():
        np.testing.assert_array_equal(table.predicted[name][order], values, err_msg=name)


def test_a_token_is_asked_for(tmp_path: Path, environment: dict[str, str]) -> None:
    """Who has none does not get in, and is told in a sentence."""
    nodes = Nodes(environment, 1)
    try:
        with Store.open(tmp_path / "home") as store:
            lab.cohort(store, "eyes", lab.photographs(tmp_path / "photographs", 4))
            run = runs.submit(store, "eyes", [lab.MODEL])
        (tmp_path / "other").write_text(secrets.token_hex(32))
        stranger = environment | {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "other")}
        command = [sys.executable, "-m", "fundus_core", "cluster", "run", "--run", str(run), "--cluster", nodes.address]
        ended = subprocess.run(command, env=stranger, capture_output=True, text=True, check=False, timeout=300)
        assert ended.returncode == 2, ended.stderr
        assert "cannot be joined" in ended.stderr
    finally:
        nodes.end()
