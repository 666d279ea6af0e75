"""``compare``: cohorts side by side."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import DONE, Parser, add_settings, say, settings, shared
from fundus_core.errors import UsageError


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    given = "a folder that predict or evaluate wrote, or a file that evaluate --share wrote"
    parser.add_argument("cohorts", nargs="+", metavar="NAME=DIR", help=given)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--margin",
        action="append",
        default=[],
        metavar="TARGET=VALUE",
        help="test for equivalence within this difference, decided before looking (sbp=2)",
    )
    parser.add_argument("--by", default="", metavar="COLUMN", help="compare the parts of one cohort, such as its sites")
    same = parser.add_mutually_exclusive_group()
    of = "equal patient ids of cohorts without a common photograph are"
    same.add_argument("--same-people", dest="same", action="store_true", default=None, help=f"{of} the same people")
    same.add_argument("--different-people", dest="same", action="store_false", help=f"{of} different people")
    shared(parser, "--fold", "--fitted-people", "--plan")
    add_settings(parser)


def _run(options: argparse.Namespace) -> int:
    named = [_pair(text, "NAME=DIR") for text in options.cohorts]
    if len({name for name, _ in named}) < len(named):
        raise UsageError("Two cohorts have one name; call each differently (NAME=DIR).")
    folders = {name: Path(folder) for name, folder in named}
    margins = {name: _number(value) for name, value in (_pair(text, "TARGET=VALUE") for text in options.margin)}
    found = pipeline.compare(
        folders,
        options.out,
        replace(settings(options), margins=margins),
        fold=options.fold,
        by=options.by,
        same_people=options.same,
        fitted_people=options.fitted_people,
        plan=options.plan,
        say=say,
    )
    for (first, second), people in found.in_both.items():
        if people:
            words = "{first} and {second} share {n:,} {n:person|people}; each is drawn once and counts in both."
            say(words, first=first, second=second, n=people)
    for each in found.targets.values():
        for name, result in each.results.items():
            say(f"{name}, {pipeline.in_words(result)}")
    say(f"Case mix, errors, differences and case-mix-adjusted errors in {options.out}")
    return DONE


def _pair(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise UsageError("Found '{text}'; {form} is needed.", text=text, form=form)
    return name, value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError("Found the margin '{text}'; a number in the target's unit is needed.", text=text) from error
