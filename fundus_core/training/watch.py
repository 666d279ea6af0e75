"""Where a training stands, in a small file beside its log; and the word that stops it. Needs no torch."""

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from fundus_core.errors import UsageError
from fundus_core.tables import records_from_csv

PROGRESS, STOP, LOG, FAULT = "progress.json", "stop", "log.csv", "fault.txt"
"""Names of the files: how far it is, that it shall stop, a row per epoch, and why it failed."""
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What a training is at."""

    name: str
    """``reading``, ``measuring``, ``cutting``, ``learning``, ``finishing`` or ``done``."""
    done: int = 0
    """Photographs cut, or steps learnt."""
    total: int = 0
    """Of them; 0 where it cannot be counted."""
    seconds_left: float = 0.0
    """At the present speed; 0 where nobody knows."""
    pid: int = 0
    """Of the process that trains."""
    started: float = 0.0
    """When that process was made, in seconds since 1970."""


class Notice:
    """Keeps a training's progress file, at most once a second for one stage, and looks whether it shall stop."""

    def __init__(self, folder: Path, *, silent: bool = False) -> None:
        """Write into a folder, which exists; say nothing where another process of the same training does."""
        self.folder = folder
        self.silent = silent
        self._at = ("", 0.0)
        self._began = (0, 0.0)

    def say(self, name: str, done: int = 0, total: int = 0) -> None:
        """Say how far it is.

        Raises:
            UsageError: Somebody asked it to stop. Called again, it goes on.
        """
        now = time.monotonic()
        if self.silent:
            return
        if name != self._at[0]:
            self._began = (done, now)
        elif now - self._at[1] < EVERY_S:
            return
        self._at = (name, now)
        gone, over = done - self._began[0], now - self._began[1]
        left = over / gone * (total - done) if gone > 0 else 0.0
        own = psutil.Process()
        stage = Stage(name, done, total, round(left, 1), own.pid, own.create_time())
        part = self.folder / f"{PROGRESS}.part"
        part.write_text(json.dumps(asdict(stage)), encoding="utf-8")
        part.replace(self.folder / PROGRESS)
        if (self.folder / STOP).exists():
            raise UsageError("The training was stopped; called again, it goes on where it was.")


def stage(folder: Path) -> Stage | None:
    """Return where the training of a folder stands; ``None`` where there is none."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Stage(**json.loads((folder / PROGRESS).read_text(encoding="utf-8")))
    return None


def alive(found: Stage) -> bool:
    """Return whether the process that wrote a stage is still at work."""
    try:
        one = psutil.Process(found.pid)
        return bool(abs(one.create_time() - found.started) < 1 and one.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def stop(folder: Path) -> None:
    """Ask a training to stop at its next step."""
    (folder / STOP).touch()


def go_on(folder: Path) -> None:
    """Take back that it shall stop, and what was said of an earlier end."""
    for name in (STOP, FAULT):
        (folder / name).unlink(missing_ok=True)


def curve(folder: Path) -> list[dict[str, float]]:
    """Return the log so far: a row per epoch, with ``epoch``, ``training_loss``, ``validation_loss``, ``seconds``."""
    with contextlib.suppress(OSError, ValueError):
        text = (folder / LOG).read_text(encoding="utf-8").splitlines(keepends=True)
        return [{name: float(word) for name, word in row.items()} for row in records_from_csv(text)[1]]
    return []
