"""``inspect``: what was read, field of view, quality and eye of each photograph, without a model."""

import argparse
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import (
    PATHS,
    Parser,
    add_pseudonym_key,
    add_quality_percentile,
    bar,
    ended,
    pseudonyms,
    say,
    upto,
)
from fundus_core.images import sources
from fundus_core.quality import LIMITS, Limits


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=PATHS)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    add_quality_percentile(parser)
    add_pseudonym_key(parser)


def _run(options: argparse.Namespace) -> int:
    with bar() as shown:
        keys = pseudonyms(options)
        limits = _limits(options)
        counts = pipeline.inspect(options.paths, options.out, limits=limits, pseudonyms=keys, progress=upto(shown))
    if limits != LIMITS:
        say(f"limits of quality that differ from the usual ones: {limits.as_text()}")
    return ended(counts, options.out, word="accepted")


def _limits(options: argparse.Namespace) -> Limits:
    if options.quality_percentile is None:
        return LIMITS
    return pipeline.limits_of(sources(options.paths), options.quality_percentile)
