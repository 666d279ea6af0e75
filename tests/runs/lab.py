"""The whole laboratory as a user has it - the app, its worker, the sample model - and ways to disturb it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from fundus_core import runs
from fundus_core.runs import seat
from fundus_core.store import NewPhotograph, Store

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample" / "photographs"
MODEL = "sample-rendered"
"""The small network that ships with the project; it accepts rendered eyes."""


def photographs(folder: Path, count: int) -> list[Path]:
    """Different files of the same kind: the sample's photographs, shifted by some pixels and encoded anew."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = sorted(SAMPLE.glob("*.jpg"))
    paths = [folder / f"{number:05}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        with Image.open(originals[number % len(originals)]) as image:
            shifted = np.roll(np.asarray(image), number // len(originals), axis=1)
        Image.fromarray(shifted).save(path, "JPEG", quality=90, subsampling="4:2:0")
    return paths


def cohort(store: Store, name: str, paths: list[Path]) -> None:
    """Half of the photographs kept in the store, half where they lie."""
    store.create_cohort(name, rendered=True)
    half = len(paths) // 2
    kept = (NewPhotograph.of_kept(path.name, store.keep(path.read_bytes())) for path in paths[:half])
    store.add_photographs(name, kept)
    store.add_photographs(name, (NewPhotograph(path.name, str(path)) for path in paths[half:]))


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something that must come."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def memory_mb(pid: int) -> float:
    """What a process holds of the machine's memory."""
    with contextlib.suppress(FileNotFoundError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    """What a process has used of the processor, in seconds."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Lab:
    """A home folder, the application on it, and the application's worker."""

    home: Path
    port: int = field(default_factory=free_port)
    app: subprocess.Popen[bytes] | None = None
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {"FUNDUS_LAB_HOME": str(self.home), "FUNDUS_LAB_KEY": f"{self.home}.key"}
        return {**os.environ, "PYTHONPATH": str(ROOT), **own, **self.variables}

    def open(self) -> Store:
        address = self.variables.get("FUNDUS_LAB_STORE")
        return Store.open(address, files=self.home) if address else Store.open(self.home)

    def start(self) -> None:
        """``streamlit run app.py``, as the README says; its start wakes the worker."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "app.log").open("ab") as log:
            self.app = subprocess.Popen(
                [*command, "--server.headless", "true"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def wait_for(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for something that must come while the app lives."""

        def come() -> bool:
            dead = self.app is not None and self.app.poll() is not None
            assert not dead, (self.home / "app.log").read_text()
            return condition()

        wait_for(come, seconds, what)

    def answers(self) -> bool:
        """Whether the page server serves."""
        try:
            with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):  # noqa: S310 (our own server)
                return True
        except OSError:
            return False

    def worker(self, store: Store) -> int | None:
        """The process id of the machine's worker, where one lives."""
        if not seat.is_taken(store):
            return None
        ours = ["fundus_core.runs.worker", str(store.shelf.folder.absolute())]
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.process_iter(["cmdline"]):
                if set(ours) <= set(process.info["cmdline"] or ()):
                    return int(process.pid)
        return None

    def kill_app(self) -> None:
        """As a power cut would: nothing is said good-bye to."""
        if self.app is not None:
            self.app.kill()
            self.app.wait()
            self.app = None

    def kill_worker(self, store: Store) -> None:
        pid = self.worker(store)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """In order: the app, and with it the worker."""
        if self.app is not None:
            self.app.send_signal(signal.SIGTERM)
            try:
                self.app.wait(30)
            except subprocess.TimeoutExpired:
                self.kill_app()
        with self.open() as store:
            assert runs.stop_worker(store, wait_s=60.0), "the worker does not end"


@contextlib.contextmanager
def lab(home: Path, **variables: str) -> Iterator[Lab]:
    """A laboratory that is closed when the test is over, however it ends."""
    made = Lab(home, variables=variables)
    try:
        yield made
    finally:
        made.end()
