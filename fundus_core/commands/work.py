"""``work``: this machine works off the runs of a store that several machines share."""

from __future__ import annotations

import argparse
from pathlib import Path

from fundus_core.commands.frame import Parser, Verbs, verb
from fundus_core.runs import worker

_FOR_EVER = "1e12"


def add(verbs: Verbs[Parser]) -> None:
    """Say what may be asked."""
    parser = verb(verbs, "work", "work off the runs of a store that several machines share, until stopped", _run)
    parser.add_argument("--store", required=True, metavar="URL", help="postgresql+psycopg://…, or a folder")
    parser.add_argument("--files", type=Path, metavar="DIR", help="the folder with its files, seen by every machine")


def _run(options: argparse.Namespace) -> int:
    files = ["--files", str(options.files)] if options.files else []
    return worker.main(["--store", options.store, *files, "--idle-exit", _FOR_EVER])
