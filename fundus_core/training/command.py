"""The options of ``train``: declared once, for the command line and whoever starts a training."""

import argparse
import ast
import inspect
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import cast, get_type_hints

from fundus_core.errors import UsageError
from fundus_core.records import MOST_DAYS
from fundus_core.training.plan import FINE_TUNING, Label, Plan, Running
from fundus_core.training.table import Material, Reading

_LISTS = ("targets", "auxiliary")
_KINDS: Mapping[object, type] = {int: int, float: float}
_SEVERAL: Mapping[str, type] = {"shares": float, "jpeg_quality": int}
_NOT_ASKED = ("pretrained",)
"""Fields of the plan that are not said but found: the hash of the file that ``--pretrained`` names."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``train``; what is not given keeps the default of the recipe."""
    photographs = "folders of photographs, ZIPs, or lists (CSV with path, patient_id, eye, visit)"
    parser.add_argument("--photographs", type=Path, nargs="+", required=True, metavar="PATH", help=photographs)
    truth = "a table of measured values for each, as New cohort and evaluate read it"
    parser.add_argument("--truth", type=Path, nargs="+", required=True, metavar="FILE", help=truth)
    parser.add_argument("--sheet", metavar="NAME", help="of a workbook: which sheet")
    column = "what a column is: 'bp1=sbp', 'sex=1=male,2=female', 'age=1=missing'; may be given again"
    parser.add_argument("--truth-column", action="append", default=[], metavar="HEADING=MEANING", help=column)
    days = f"days that may lie between a photograph and its measured values; the nearest are taken ({MOST_DAYS})"
    parser.add_argument("--visit-days", type=int, default=MOST_DAYS, metavar="N", help=days)
    parser.add_argument(
        "--join", type=Path, nargs="+", default=[], metavar="FILE", help="tables by patient_id, one for each folder"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for weights, card, split, log and metrics"
    )
    begin = "weights to begin with, in any form that models import reads; with them, defaults suit an hour on two cores"
    parser.add_argument("--pretrained", type=Path, metavar="FILE", help=begin)
    cores = "processes that cut the photographs; 0 for one on each core, eight at most (0)"
    parser.add_argument("--workers", type=int, default=0, metavar="N", help=cores)
    parser.add_argument("--tidy", action="store_true", help="remove crops and checkpoint once the card is written")
    parser.add_argument("--id", default="", help="id of the card; the folder's name where not given")
    parser.add_argument("--title", default="", help="title of the card")
    parser.add_argument("--summary", default="", help="summary of the card")
    parser.add_argument("--licence", default="", help="licence of the weights")
    parser.add_argument("--rendered", action="store_true", help="say everywhere that the photographs are rendered")
    kinds = get_type_hints(Plan)
    for name, told in helps().items():
        option = "--" + name.replace("_", "-")
        if name == "backbone_options":
            more = "keyword of the network's constructor; may be given again (with --pretrained mirrored=True: what is "
            more += "written looks at each photograph and its mirror image)"
            parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help=more)
        elif kinds[name] is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=told)
        elif name in _SEVERAL:
            parser.add_argument(option, type=_SEVERAL[name], nargs="+", metavar="N", help=told)
        else:
            kind = _KINDS.get(kinds[name], str)
            parser.add_argument(option, type=kind, metavar="WORD" if kind is str else "N", help=told)


def helps() -> Mapping[str, str]:
    """Return by field of the plan what an option says of it: the sentence below the field, and its defaults."""
    body = ast.parse(inspect.getsource(Plan)).body[0]
    lines = body.body if isinstance(body, ast.ClassDef) else []
    told = {
        line.target.id: " ".join(str(after.value.value).replace("``", "").split())
        for line, after in pairwise(lines)
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }
    return {
        field.name: f"{told[field.name]} ({_defaults(field.name)})".replace("%", "%%")
        for field in fields(Plan)
        if field.name not in _NOT_ASKED
    }


def _defaults(name: str) -> str:
    tuned = f"; with --pretrained {_default(FINE_TUNING[name])}" if name in FINE_TUNING else ""
    return f"{_default(getattr(Plan(), name))}{tuned}"


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "none"


def plan(arguments: argparse.Namespace) -> Plan:
    """Return the plan that the options describe; a ``UsageError`` where one has no meaning."""
    given: dict[str, object] = dict(FINE_TUNING) if arguments.pretrained else {}
    for field in fields(Plan):
        value = getattr(arguments, field.name, None)
        if field.name in _NOT_ASKED:
            continue
        if field.name in _LISTS and value is not None:
            value = tuple(word.strip() for word in str(value).split(",") if word.strip())
        if isinstance(value, list):
            value = tuple(value)
        if field.name == "backbone_options":
            habits = cast(Mapping[str, object], given.get(field.name, {}))
            value = {**habits, **dict(map(_option, arguments.option))}
        if value is not None:
            given[field.name] = value
    if arguments.size and arguments.epochs and arguments.minutes is None:
        given["minutes"] = 0.0  # nothing is chosen by them
    return Plan(**given)  # type: ignore[arg-type]


def _option(word: str) -> tuple[str, object]:
    name, equals, value = word.partition("=")
    if not equals:
        raise UsageError(
            "The option '{word}' of the backbone must read NAME=VALUE, for example stem_width=16.", word=word
        )
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def materials(arguments: argparse.Namespace) -> list[Material]:
    """Pair folders and tables in the order given; a ``UsageError`` where there is not one table for each folder."""
    joins: Sequence[Path | None] = arguments.join or [None] * len(arguments.photographs)
    if not len(arguments.photographs) == len(arguments.truth) == len(joins):
        raise UsageError(
            "There are {photographs} folders of photographs, {truth} truth tables and {join} tables to "
            "join; give one table for each folder, in the same order.",
            photographs=len(arguments.photographs),
            truth=len(arguments.truth),
            join=len(arguments.join),
        )
    reading = Reading(arguments.sheet, tuple(arguments.truth_column), arguments.visit_days)
    return [Material(*one, reading) for one in zip(arguments.photographs, arguments.truth, joins, strict=True)]


def label(arguments: argparse.Namespace, words: Sequence[str]) -> Label:
    """Return what the card says, the command included."""
    return Label(
        id=arguments.id or arguments.out.resolve().name,
        title=arguments.title,
        summary=arguments.summary,
        command="python -m fundus_core train " + shlex.join(words),
        rendered=arguments.rendered,
        licence=arguments.licence,
    )


def run(arguments: argparse.Namespace, words: Sequence[str], *, progress: bool = True) -> Path:
    """Train as the options say; returns the card's path, or the comparison's where several backbones are named."""
    backbones = [name.strip() for name in (arguments.backbone or "").split(",") if name.strip()]
    if len(backbones) > 1:
        arguments.backbone = backbones[0]
    given = (materials(arguments), arguments.out, plan(arguments))
    made = label(arguments, words)
    workers = arguments.workers or min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 8)
    how = Running(arguments.pretrained, workers, progress=progress, tidy=arguments.tidy)
    # torch is imported here, so that a wrong option is answered at once.
    if len(backbones) > 1:
        from fundus_core.training.compare import compare

        return compare(*given, backbones, label=made, how=how)
    from fundus_core.training.fit import train

    return train(*given, label=made, how=how, told=bool(arguments.backbone))
