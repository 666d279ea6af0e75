"""The command line in a process of its own: torch stays out of the page server."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fundus_core import jobs, processes
from fundus_core.errors import from_json


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
        return Answer(fault=jobs.last(done.stderr.strip().splitlines()))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m fundus_core ...`` and wait."""
    command = processes.command("fundus_core", *words)
    return subprocess.run(  # noqa: S603 (our own interpreter and module)
        command, env=processes.environment(**{processes.SENTENCES: "1"}), capture_output=True, text=True, check=False
    )
