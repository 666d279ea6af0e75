"""``synthesise``: a rendered cohort whose best possible error is known."""

import argparse
from pathlib import Path

from fundus_core.commands.frame import DONE, Parser, bar, say, upto
from fundus_core.synthetic import synthesise


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("--people", type=int, required=True, metavar="N", help="both eyes of each are rendered")
    parser.add_argument("--seed", type=int, required=True, metavar="S", help="of everything")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--size", type=int, default=512, metavar="PX", help="about the height of a photograph (512)")
    parser.add_argument("--defects", type=float, default=0.0, metavar="SHARE", help="photographs with a defect (0)")
    parser.add_argument("--missing", type=float, default=0.0, metavar="SHARE", help="missing measured values (0)")
    parser.add_argument("--jpeg-quality", type=int, metavar="Q", help="for all cameras (each has its own)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that draw (1)")


def _run(options: argparse.Namespace) -> int:
    with bar(2 * options.people) as shown:
        synthesise(
            options.people,
            options.seed,
            options.out,
            size=options.size,
            defects=options.defects,
            missing=options.missing,
            jpeg_quality=options.jpeg_quality,
            workers=options.workers,
            progress=lambda done, _: upto(shown)(done),
        )
    words = "{n} rendered photographs of {people} {people:person|people} in {out}"
    say(words, n=2 * options.people, people=options.people, out=options.out)
    return DONE
