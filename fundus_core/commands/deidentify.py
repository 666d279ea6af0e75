"""``deidentify``: photographs and their table without names, tags and surround, for a registry."""

from __future__ import annotations

import argparse
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import (
    PATHS,
    Parser,
    Verbs,
    add_covariate,
    add_pseudonym_key,
    bar,
    ended,
    pseudonyms,
    upto,
    verb,
)
from fundus_core.errors import UsageError


def add(verbs: Verbs[Parser]) -> None:
    """Say what may be asked."""
    parser = verb(verbs, "deidentify", "write photographs and their table without what identifies people", _run)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=PATHS)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR|FILE.zip")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="measured values that go with them")
    add_pseudonym_key(parser)
    add_covariate(parser)


def _run(options: argparse.Namespace) -> int:
    made_with = pseudonyms(options)
    if made_with is None:
        message = "De-identifying needs a key: give --pseudonym-key FILE (made where there is none; keep it apart)."
        raise UsageError(message)
    with bar() as shown:
        counts = pipeline.deidentify_files(
            options.paths,
            options.out,
            made_with,
            measured=options.truth,
            covariates=options.covariate,
            progress=upto(shown),
        )
    return ended(counts, options.out, word="written")
