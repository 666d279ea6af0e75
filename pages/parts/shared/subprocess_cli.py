"""The command line in a process of its own: torch stays out of the page server."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from fundus_core import owner_only, processes
from fundus_core.errors import from_json, heard


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb answered."""

    found: dict[str, Any] = field(default_factory=dict)
    """Its JSON object; empty where it failed."""
    fault: str = ""
    """One sentence; empty where it did not."""


def ask(*options: str | Path) -> Answer:
    """Ask ``python -m fundus_core models ...`` and wait."""
    done = run("models", *options, "--json")
    try:
        return Answer(from_json(json.loads(done.stdout)))
    except ValueError:
        return Answer(fault=_last(done.stderr.strip().splitlines()))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m fundus_core ...`` and wait."""
    command = processes.command("fundus_core", *words)
    return subprocess.run(  # noqa: S603 (our own interpreter and module)
        command, env=processes.environment(**{processes.SENTENCES: "1"}), capture_output=True, text=True, check=False
    )


def start(log: Path, *words: str | Path) -> None:
    """Start ``python -m fundus_core ...`` at a low priority, to outlive this server; what it says goes to a file."""
    command = processes.command("fundus_core", *words)
    environment = processes.environment(**{processes.SENTENCES: "1"})
    with open(log, "wb", opener=owner_only.opener) as said:
        begun = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    with contextlib.suppress(psutil.Error):
        psutil.Process(begun.pid).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10)
    threading.Thread(target=begun.wait, name="started", daemon=True).start()  # so that its end leaves no zombie


def fault(log: Path) -> str:
    """Return the last sentence of what a command that was started said; empty where it said nothing."""
    with contextlib.suppress(OSError):
        return _last(log.read_text(encoding="utf-8", errors="replace").strip().splitlines())
    return ""


def _last(lines: Sequence[str]) -> str:
    """Return the sentence of the last line, without the program's name before it."""
    return heard(lines[-1].partition(": ")[2] or lines[-1]) if lines else ""
