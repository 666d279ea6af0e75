"""Work that outlives the page that asked for it: a verb in a process of its own, watched and stopped by small files.

A job is a folder. ``start`` writes the verb's words there and runs it; the verb says how far it is by a ``Notice`` of
that folder and ends with ``done``; whoever looks reads ``stage``, and may ``stop`` it and ``go_on``.
"""

import _thread
import contextlib
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from types import FrameType
from typing import Any

import psutil

from fundus_core import owner_only, processes
from fundus_core.errors import UsageError, as_json, from_json, heard

PROGRESS, STOP, COMMAND, LOG, RESULT = "progress.json", "stop", "command.txt", "job.log", "result.json"
"""Names of the files: how far it is, that it shall stop, its words, all that it says, and what came of it."""
GIVEN = "given"
"""Name of the folder with what was written for a job alone: values of patients, which nobody would look for there."""
EVERY_S = 1.0
STARTING, WORKING, DONE = "starting", "working", "done"
"""The first stage of every job, the only one of many, and the last."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a job is at."""

    name: str
    """A word of the verb's own, ``starting`` before its first and ``done`` after its last."""
    done: int = 0
    """Photographs, steps, or whatever is counted here."""
    total: int = 0
    """Of them; 0 where it cannot be counted."""
    seconds_left: float = 0.0
    """At the present speed; 0 where nobody knows."""
    words: str = ""
    """What it is about right now."""
    pid: int = 0
    """Of the process at work."""
    started: float = 0.0
    """When that process was made, in seconds since 1970."""

    @property
    def over(self) -> bool:
        """Whether it was done, or its process is gone."""
        if self.name == DONE:
            return True
        try:
            one = psutil.Process(self.pid)
            return bool(abs(one.create_time() - self.started) >= 1 or one.status() == psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return True


class Notice:
    """Keeps a job's progress file, at most once a second for one stage, and looks whether it shall stop."""

    def __init__(self, folder: Path | None) -> None:
        """Write into a folder, made where it is missing; say nothing where there is none."""
        self.folder = folder and owner_only.folder(folder)
        self._at = ("", 0.0)
        self._began = (0, 0.0)

    def say(self, name: str, done: int = 0, total: int = 0, words: str = "") -> None:
        """Say how far it is.

        Raises:
            UsageError: Somebody asked it to stop.
        """
        now = time.monotonic()
        if self.folder is None:
            return
        if name != self._at[0]:
            self._began = (done, now)
        elif now - self._at[1] < EVERY_S:
            return
        self._at = (name, now)
        gone, over = done - self._began[0], now - self._began[1]
        left = over / gone * (total - done) if gone > 0 else 0.0
        _write(self.folder, Stage(name, done, total, round(left, 1), words), psutil.Process())
        if name != DONE and self._stopped():
            raise self._as_asked()

    @staticmethod
    def _as_asked() -> UsageError:
        return UsageError("It was stopped, as was asked; it can be started again.")

    def _stopped(self) -> bool:
        return self.folder is not None and (self.folder / STOP).exists()

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """While a step takes long and says nothing, look every second whether the job shall stop: it then does so.

        In the main thread of a process, as a verb is; in any other a step ends before it is looked.

        Raises:
            UsageError: Somebody asked it to stop.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        watch = _Watch(self._stopped)
        try:
            watch.start()
            yield
            watch.end()  # an interrupt that is on its way comes here
        except KeyboardInterrupt:
            if watch.asked:
                raise self._as_asked() from None
            raise
        finally:
            watch.over.set()
            signal.signal(signal.SIGINT, watch.before)


class _Watch(threading.Thread):
    """Looks every second whether a job shall stop, and interrupts the main thread when it shall.

    A process begun in the background of a shell ignores interrupts, and so do those that it begins: not meanwhile.
    """

    def __init__(self, stopped: Callable[[], bool]) -> None:
        super().__init__(name="heeding", daemon=True)
        self.stopped, self.asked, self.over = stopped, False, threading.Event()
        self.before = signal.signal(signal.SIGINT, self._interrupted)

    def run(self) -> None:
        while not self.asked and not self.over.wait(EVERY_S):
            if self.stopped():
                self.asked = True
                _thread.interrupt_main()

    def end(self) -> None:
        self.over.set()
        self.join()

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        if callable(self.before):
            self.before(number, frame)


def _write(folder: Path, stage: Stage, process: psutil.Process) -> None:
    plain = asdict(stage) | {"pid": process.pid, "started": process.create_time()}
    _put(folder / PROGRESS, plain)


def _put(path: Path, plain: object) -> None:
    owner_only.replace(path, json.dumps(as_json(plain)).encode())


def start(folder: Path, *words: str | Path) -> None:
    """Begin ``python -m fundus_core ...`` as the job of a folder, which is made; what it says goes to a file there."""
    owner_only.folder(folder)
    whole = [" ".join(str(word).splitlines()) for word in words]  # one with a line break would be two
    owner_only.write(folder / COMMAND, "\n".join(whole).encode())
    go_on(folder)


def go_on(folder: Path) -> None:
    """Run a folder's job, at a low priority, once more: where it keeps checkpoints it goes on from there."""
    for name in (STOP, PROGRESS, RESULT):
        (folder / name).unlink(missing_ok=True)
    words = (folder / COMMAND).read_text(encoding="utf-8").split("\n")
    environment = processes.environment(**{processes.SENTENCES: "1"})
    with open(folder / LOG, "wb", opener=owner_only.opener) as said:
        begun = Popen(  # noqa: S603 (our own interpreter and module)
            processes.command("fundus_core", *words),
            env=environment, stdin=DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(begun.pid)
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10)
        if not (folder / PROGRESS).exists():
            _write(folder, Stage(STARTING), process)
    threading.Thread(target=begun.wait, name="started", daemon=True).start()  # so that its end leaves no zombie


def stop(folder: Path) -> None:
    """Ask a job to stop at its next step."""
    (folder / STOP).touch()


def stage(folder: Path) -> Stage | None:
    """Return where the job of a folder stands; ``None`` where there is none."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Stage(**from_json(json.loads((folder / PROGRESS).read_text(encoding="utf-8"))))
    return None


def given(folder: Path) -> Path:
    """Return the folder for what is written for a job alone; it goes once the job has come to its end."""
    return owner_only.folder(folder / GIVEN)


def forget_given(folder: Path) -> None:
    """Remove what was written for a job alone."""
    shutil.rmtree(folder / GIVEN, ignore_errors=True)


def keep(folder: Path, plain: object) -> None:
    """Keep what came of a job: plain values, in which there may be sentences; what was written for it alone goes."""
    _put(folder / RESULT, plain)
    forget_given(folder)


def result(folder: Path) -> Any:
    """Return what came of a job; ``None`` where nothing has yet."""
    with contextlib.suppress(OSError, ValueError):
        return from_json(json.loads((folder / RESULT).read_text(encoding="utf-8")))
    return None


def fault(folder: Path) -> str:
    """Return the last sentence of what a job said; empty where it said nothing."""
    with contextlib.suppress(OSError):
        return last((folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines())
    return ""


def last(lines: Sequence[str]) -> str:
    """Return the sentence of the last line, without the program's name before it; a traceback says nothing."""
    words = heard(lines[-1].partition(": ")[2] or lines[-1]) if lines else ""
    return "" if any(line.startswith("Traceback") for line in lines) else words
