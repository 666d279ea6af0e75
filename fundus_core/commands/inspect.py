"""``inspect``: what was read, field of view, quality and eye of each photograph, without a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import PATHS, Parser, Verbs, add_pseudonym_key, bar, ended, pseudonyms, upto, verb


def add(verbs: Verbs[Parser]) -> None:
    """Say what may be asked."""
    parser = verb(verbs, "inspect", "say what each photograph is, without a model", _run)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=PATHS)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    add_pseudonym_key(parser)


def _run(options: argparse.Namespace) -> int:
    with bar() as shown:
        keys = pseudonyms(options)
        counts = pipeline.inspect(options.paths, options.out, pseudonyms=keys, progress=upto(shown))
    return ended(counts, options.out, word="accepted")
