"""``evaluate``: predicted against true; numbers, tables and a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import DONE, Parser, Verbs, add_fold, say, verb
from fundus_core.evaluation import NUMBER_OF_DRAWS, SEED


def add(verbs: Verbs[Parser]) -> None:
    """Say what may be asked."""
    parser = verb(verbs, "evaluate", "compare predictions with measured values", _run)
    parser.add_argument("--predictions", type=Path, required=True, metavar="FILE", help="a predictions.csv")
    parser.add_argument("--truth", type=Path, required=True, metavar="FILE", help="CSV, TSV or XLSX")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--level", default="patient", choices=("patient", "eye", "photograph"), help="(patient)")
    parser.add_argument("--columns", type=Path, metavar="FILE.json", help="a saved mapping of the table's columns")
    add_fold(parser)
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"of the bootstrap ({SEED})")
    parser.add_argument("--draws", type=int, default=NUMBER_OF_DRAWS, metavar="N", help=f"({NUMBER_OF_DRAWS})")


def _run(options: argparse.Namespace) -> int:
    scored = pipeline.evaluate(
        options.predictions,
        options.truth,
        options.out,
        level=options.level,
        seed=options.seed,
        draws=options.draws,
        columns=options.columns,
        fold=options.fold,
    )
    for target, result in scored.evaluation.targets.items():
        name = "accuracy" if "accuracy" in result.estimates else "mae"
        say(f"{target}: {pipeline.in_words(name, result)}")
    for remark in (*scored.predictions.notes, *scored.match.remarks):
        say(remark)
    say(f"Numbers, tables and report in {options.out}")
    return DONE
