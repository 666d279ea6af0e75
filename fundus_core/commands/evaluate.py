"""``evaluate``: predicted against true; numbers, tables and a report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from fundus_core import pipeline, processes
from fundus_core.analyses import plan_results
from fundus_core.commands.frame import (
    DONE,
    LINKAGE,
    SOME_REFUSED,
    Parser,
    add_settings,
    bar,
    linkage,
    say,
    settings,
    shared,
)
from fundus_core.targets import TARGETS


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("--predictions", type=Path, required=True, metavar="FILE", help="a table of predictions")
    parser.add_argument(
        "--truth", type=Path, metavar="FILE", help="measured values: CSV, TSV or XLSX (columns beside the predictions)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--columns", type=Path, metavar="FILE.json", help="a saved mapping of the table's columns")
    parser.add_argument(
        "--beyond", nargs="+", default=[], metavar="COLUMN",
        help="columns of the truth table that are known without the photograph: what does it add to them, age and sex?",
    )  # fmt: skip
    parser.add_argument(
        "--gap-with", nargs="+", default=[], metavar="COLUMN|TIME,EVENT",
        help="columns of the truth table that the gap (predicted minus measured, freed of the measured value and age) "
        "is held against: numbers, two answers, or a time and its event; adjusted for age, sex, site and --beyond",
    )  # fmt: skip
    parser.add_argument(
        "--reliability", nargs="+", default=[], metavar="TARGET=ICC|COLUMN",
        help="of one measurement: sbp=0.8, or a column with a second measurement (sbp=sbp_again); r, slope and errors "
        "are then also given as they would be against values without error",
    )  # fmt: skip
    shared(parser, "--plan")
    _add_asked(parser)
    share = "also write a result that may leave the house: aggregates of at least ten people each, no id, no row"
    parser.add_argument("--share", type=Path, metavar="FILE.json", help=share)
    parser.add_argument("--share-name", default="", metavar="NAME", help="what the site is called in it (site)")
    parser.add_argument(
        "--replay",
        type=Path,
        metavar="replay.json",
        help="make the numbers of that evaluation again, with its settings instead of those given here, and compare",
    )
    parser.add_argument("--title", default="", metavar="NAME", help="what the report calls the cohort (its own name)")
    parser.add_argument(
        "--estimates-only",
        action="store_true",
        help="of very many photographs: metrics.json and estimates.csv, without any other analysis and the report",
    )
    shared(parser, *LINKAGE, "--fitted-people")
    add_settings(parser)


def _add_asked(parser: argparse.ArgumentParser) -> None:
    """Add what must be said of a stranger's table of predictions where the table itself does not."""
    parser.add_argument("--model", default="", metavar="NAME", help="which of several models in the predictions")
    parser.add_argument(
        "--target", default="", metavar="TARGET", help="of predictions that only say y_true and y_pred (sbp, age, …)"
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="HEADING=MEANING",
        help="what a column of the predictions is: 'y=sbp predicted', 'p=sex predicted male %%', 'nr=patient_id'",
    )
    parser.add_argument(
        "--prediction-columns", type=Path, metavar="FILE.json", help="a saved mapping of the predictions' columns"
    )
    parser.add_argument("--sheet", metavar="NAME", help="of a workbook of predictions (the first that is understood)")
    parser.add_argument("--truth-sheet", metavar="NAME", help="of a workbook of measured values")
    parser.add_argument(
        "--each-row-a-person", action="store_true", help="predictions without any id: each row is another person"
    )


def _named(words: Sequence[str]) -> str:
    return ", ".join(TARGETS[word].name if word in TARGETS else word for word in words)


def _asked(options: argparse.Namespace) -> pipeline.Asked:
    return pipeline.Asked(
        model=options.model,
        target=options.target,
        columns=tuple(options.column),
        mapping=pipeline.saved_mapping(options.prediction_columns),
        sheet=options.sheet,
        rows_are_people=options.each_row_a_person,
    )


def _replayed(options: argparse.Namespace) -> int:
    again = pipeline.replay(options.replay, options.predictions, options.truth, options.out)
    for name, (then, now) in again.versions.items():
        say(f"{name} was {then or 'not named'} and is {now}.")
    if again.differing:
        say(f"Not the same: {', '.join(again.differing)}.")
        return SOME_REFUSED
    say(f"The same numbers: all {again.estimates:,} entries of {options.replay.name}.")
    return DONE


def _tell(shown: tqdm[NoReturn], title: str, left: int) -> None:
    shown.total = shown.total or left
    shown.set_description(title)
    shown.update(shown.total - left - shown.n)


def _run(options: argparse.Namespace) -> int:
    if options.replay:
        return _replayed(options)
    processes.set_malloc(M_TRIM_THRESHOLD=1 << 20, M_MMAP_THRESHOLD=1 << 20)  # else columns of millions of rows stay
    with bar(unit="table") as shown:
        scored = pipeline.evaluate(
            options.predictions,
            options.truth,
            options.out,
            settings(options),
            asked=_asked(options),
            linkage=linkage(options),
            plan=options.plan,
            share=options.share,
            share_name=options.share_name,
            title=options.title,
            estimates_only=options.estimates_only,
            tell=partial(_tell, shown),
        )
    for result in scored.evaluation.targets.values():
        say(pipeline.in_words(result))
    for words in plan_results.in_words(scored.study):
        say(words)
    if scored.study.level == "visit":
        say("Unit of analysis: the visit, since people have several; intervals draw people with all their visits.")
    for remark in dict.fromkeys((*scored.since, *scored.predictions.notes, *scored.match.remarks)):
        say(remark)
    if scored.shared:
        say(f"What may be shared in {options.share}: read it before it leaves.")
        if scored.shared.withheld:
            say(f"Not in it, of fewer than {scored.shared.least} people: {_named(scored.shared.withheld)}.")
    written = "Estimates alone" if options.estimates_only else "Numbers, tables and report"
    say(f"{written} in {options.out}")
    return DONE
