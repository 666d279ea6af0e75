"""``inspect``: what was read, field of view, quality and eye of each photograph, without a model."""

import argparse
from dataclasses import replace
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import PATHS, Parser, bar, ended, pseudonyms, say, shared, upto
from fundus_core.images import sources
from fundus_core.quality import LIMITS, Limits


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=PATHS)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    shared(parser, "--quality-percentile", "--unstretch", "--pseudonym-key")


def _run(options: argparse.Namespace) -> int:
    with bar() as shown:
        keys = pseudonyms(options)
        limits = _limits(options)
        counts = pipeline.inspect(options.paths, options.out, limits=limits, pseudonyms=keys, progress=upto(shown))
    if limits != LIMITS:
        say(f"limits of quality that differ from the usual ones: {limits.as_text()}")
    squeezed = None if options.unstretch else pipeline.stretched_set(sources(options.paths))
    if squeezed:
        say(squeezed.sentence)
    return ended(counts, options.out, word="accepted")


def _limits(options: argparse.Namespace) -> Limits:
    percentile = options.quality_percentile
    limits = LIMITS if percentile is None else pipeline.limits_of(sources(options.paths), percentile)
    return replace(limits, unstretch=options.unstretch)
