"""Changing a card, by what was measured or by hand: written beside the old one, which can be put back."""

import datetime
import math
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fundus_core.checking.identify_card import IdentifyReport
from fundus_core.errors import CardError, UsageError, say
from fundus_core.models import card as cards
from fundus_core.models import card_files, card_limits, registry
from fundus_core.models.card import Card, Golden, Measured, Precision
from fundus_core.targets import TARGETS

CARD, BEFORE = "card.toml", "card.before.toml"


def apply(report: IdentifyReport, on: str, *, folder: Path | None = None) -> Card:
    """Write what was found on some photographs into the user's card, and remember what stood there."""
    card = registry.find(report.id, folder)
    found = card_files.parse(report.card, card.folder, card.id)
    unsure = {_dotted(key, found) for key in report.unsure}
    keys = [_dotted(key, found) for key in (*report.changes, *report.confirmed)]
    lines = tuple(key for key in dict.fromkeys(keys) if key not in unsure)
    when = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    people = say(
        "{photographs} photographs of {people} people, half to find and half to confirm ({on})",
        photographs=report.photographs,
        people=report.people,
        on=on,
    )
    measured = Measured(lines, people, when, _summary(report, "before"), _summary(report, "after"))
    fed = any(not key.startswith("outputs") for key in report.changes)
    new = _renewed(card, found, lines, changed=bool(report.changes), fed=fed)
    doubted = tuple(dict.fromkeys([*new.unverified, *sorted(unsure)]))
    new = replace(new, unverified=doubted, measured=(*card.measured, measured))
    return _put(card, new, folder)


def edit(model_id: str, lines: Sequence[str], *, folder: Path | None = None) -> Card:
    """Write lines by hand into the user's card, as ``input.channels=bgr`` or ``outputs.sbp.scale=2.5``.

    A value is TOML, or a word. ``outputs=dbp,sbp`` names the outputs' targets in another order, and a line that says
    what stands there already confirms it. What is written so is no longer unverified.

    Raises:
        CardError: There is no such line, or it may not hold such a value.
    """
    card = registry.find(model_id, folder)
    plain = cards.as_plain(card)
    content: dict[str, Any] = plain if isinstance(plain, dict) else {}
    for line in lines:
        key, equals, text = line.partition("=")
        if not equals or not _write(content, card, key.strip(), text.strip()):
            raise CardError(
                "'{line}' is no line of this card; lines are 'backbone', 'backbone_options.NAME', 'input.{input}', "
                "'outputs' (targets in their order) and 'outputs.TARGET.{output}', each with = and a value.",
                line=line[:80],
                input=", input.".join(content["input"]),
                output=", .".join(("link", "scale", "offset")),
            )
    card_limits.check(content, card.id)
    found = card_files.parse(content, card.folder, card.id)
    keys = tuple(line.partition("=")[0].strip() for line in lines)
    changed, fed = found != card, (found.input, found.backbone) != (card.input, card.backbone)
    fed |= found.backbone_options != card.backbone_options
    return _put(card, _renewed(card, found, keys, changed=changed, fed=fed), folder)


def _write(content: dict[str, Any], card: Card, key: str, text: str) -> bool:
    """Put a value under a dotted key of a card's plain values; say whether there is such a key."""
    first, _, rest = key.partition(".")
    table: dict[str, Any] = {}
    if key == "outputs":
        names = [name.strip() for name in text.split(",")]
        right = sorted(names) == sorted(card.targets)
        for output, name in zip(content["outputs"], names, strict=False) if right else ():
            output |= {"target": name, "unit": TARGETS[name].unit, "interval": [math.nan, math.nan]}
        return right
    if first == "outputs":
        target, _, rest = rest.partition(".")
        table = next((one for one in content["outputs"] if one["target"] == target), {})
        known = rest in ("link", "scale", "offset") and rest in table
    else:
        table, rest = (content, key) if not rest else (content.get(first, {}), rest)
        known = (
            key == "backbone" or (first == "input" and rest in table) or (first == "backbone_options" and "." in key)
        )
    if known:
        table[rest] = _value(text)
        if first == "outputs":
            table |= {"interval": [math.nan, math.nan], "growth": 0.0}
    return bool(known)


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _renewed(card: Card, found: Card, keys: Sequence[str], *, changed: bool, fed: bool) -> Card:
    """The card with what was found; what was proved of the old one is proved no longer where something changed."""
    return replace(
        found,
        unverified=tuple(key for key in card.unverified if not _settled(key, keys)),
        golden=Golden("", "", {}, 1e-3) if changed else card.golden,
        precision=Precision("float32", float("nan")) if changed else card.precision,
        features="" if fed else card.features,
    )


def _dotted(key: str, card: Card) -> str:
    """``outputs[2].scale`` as ``unverified`` names it, ``outputs.glucose.scale``."""
    if not key.startswith("outputs["):
        return key
    place, _, name = key.removeprefix("outputs[").partition("].")
    return "outputs" if name == "target" else f"outputs.{card.targets[int(place)]}.{name}"


def _settled(key: str, lines: Sequence[str]) -> bool:
    if key in ("input.mean", "input.std"):
        return "input.value_range" in lines
    return key in lines


def _summary(report: IdentifyReport, which: str) -> str:
    return "; ".join(
        say(
            "{target} r {found:.2f}, error {found_2:.4g}",
            target=target,
            found=found[f"r_{which}"][0],
            found_2=found[f"error_{which}"][0],
        )
        for target, found in report.results.items()
    )


def _put(card: Card, new: Card, folder: Path | None) -> Card:
    """Write a card into the user's folder, weights and all where it came with the project."""
    home = (folder or registry.home()) / card.id
    if card.folder.resolve() != home.resolve() and not (home / CARD).exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in (card.weights.file, card.golden.file, card.features):
            if name and (card.folder / name).is_file():
                shutil.copyfile(card.folder / name, home / name)
        card_files.write(card, home / CARD)
    place = home if (home / CARD).exists() else card.folder
    shutil.copyfile(place / CARD, place / BEFORE)
    fresh = place / f"{CARD}.new"
    card_files.write(new, fresh)
    fresh.replace(place / CARD)
    return card_files.read(place / CARD)


def undo(model_id: str, *, folder: Path | None = None) -> Card:
    """Put back the card that stood before the last change; called again it puts the change back."""
    card = registry.find(model_id, folder)
    before = card.folder / BEFORE
    if not before.is_file():
        raise UsageError("The card of '{model_id}' was not changed here; there is nothing to undo.", model_id=model_id)
    other = card.folder / f"{CARD}.new"
    shutil.copyfile(card.folder / CARD, other)
    before.replace(card.folder / CARD)
    other.replace(before)
    return card_files.read(card.folder / CARD)
