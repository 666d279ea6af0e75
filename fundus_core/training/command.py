"""The options of ``train``: declared once, for the command line and whoever starts a training."""

import argparse
import ast
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from fundus_core.errors import UsageError
from fundus_core.training.plan import Label, Plan
from fundus_core.training.table import Material

_LISTS = ("targets", "auxiliary")
_KINDS: Mapping[object, type] = {int: int, float: float}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``train``; what is not given keeps the default of the published recipe."""
    parser.add_argument("--photographs", type=Path, nargs="+", required=True, help="folders of photographs")
    parser.add_argument("--truth", type=Path, nargs="+", required=True, help="a table for each folder")
    parser.add_argument("--join", type=Path, nargs="+", default=[], help="tables by patient_id, one for each folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, card, split, log and metrics")
    parser.add_argument("--pretrained", type=Path, help="weights to begin with")
    parser.add_argument("--workers", type=int, default=1, help="processes that cut the photographs")
    parser.add_argument("--id", default="", help="id of the card; the folder's name where not given")
    parser.add_argument("--title", default="", help="title of the card")
    parser.add_argument("--summary", default="", help="summary of the card")
    parser.add_argument("--licence", default="", help="licence of the weights")
    parser.add_argument("--rendered", action="store_true", help="say everywhere that the photographs are rendered")
    kinds = get_type_hints(Plan)
    for field in fields(Plan):
        option = "--" + field.name.replace("_", "-")
        if field.name in _LISTS:
            parser.add_argument(option, help="comma-separated")
        elif field.name == "backbone_options":
            parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of the backbone")
        elif field.name == "checkpointing":
            parser.add_argument(
                option, action=argparse.BooleanOptionalAction, default=None, help="trade time for memory"
            )
        elif field.name in ("shares", "jpeg_quality"):
            parser.add_argument(option, type=float if field.name == "shares" else int, nargs="+")
        else:
            parser.add_argument(option, type=_KINDS.get(kinds[field.name], str))


def plan(arguments: argparse.Namespace) -> Plan:
    """Return the plan that the options describe; a ``UsageError`` where one has no meaning."""
    given: dict[str, object] = {}
    for field in fields(Plan):
        value = getattr(arguments, field.name, None)
        if field.name in _LISTS and value is not None:
            value = tuple(word.strip() for word in str(value).split(",") if word.strip())
        if isinstance(value, list):
            value = tuple(value)
        if field.name == "backbone_options":
            value = dict(_option(word) for word in arguments.option)
        if value is not None:
            given[field.name] = value
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
    return [Material(*one) for one in zip(arguments.photographs, arguments.truth, joins, strict=True)]


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
    # torch is imported here, so that a wrong option is answered at once.
    if len(backbones) > 1:
        from fundus_core.training.compare import compare

        return compare(
            *given, backbones, label=made, pretrained=arguments.pretrained, workers=arguments.workers, progress=progress
        )
    from fundus_core.training.fit import train

    return train(*given, label=made, pretrained=arguments.pretrained, workers=arguments.workers, progress=progress)
