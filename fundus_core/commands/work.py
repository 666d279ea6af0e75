"""``work``: this machine works off the runs of a store that several machines share."""

import argparse

from fundus_core.commands.frame import Parser, add_store, store_of
from fundus_core.runs import worker

_FOR_EVER = "1e12"


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    add_store(parser)


def _run(options: argparse.Namespace) -> int:
    where, folder = store_of(options)
    files = ["--files", str(folder)] if folder else []
    return worker.main(["--store", str(where), *files, "--idle-exit", _FOR_EVER])
