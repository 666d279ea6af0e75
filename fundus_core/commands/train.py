"""``train``: photographs and a table in; weights, card, split, log and metrics out."""

import argparse

from fundus_core import pipeline
from fundus_core.commands.frame import DONE, Parser, say
from fundus_core.training import command, table


def add(parser: Parser) -> None:
    """Say what may be asked; several backbones, comma-separated, are compared in one table."""
    parser.set_defaults(run=_run)
    command.add_options(parser)


def _run(options: argparse.Namespace) -> int:
    written = command.run(options, options.words)
    for folder in sorted(path.parent for path in options.out.rglob("card.toml")):
        pipeline.draw_test_part(folder)
        pipeline.draw_curve(folder)
        for note in (folder / table.NOTES).read_text(encoding="utf-8").splitlines():
            say(note)
    say(f"Written: {written}")
    return DONE
