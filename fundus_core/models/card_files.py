"""Cards as files: read strictly, checked value by value, written again."""

import math
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import tomli_w

from fundus_core.errors import CardError, UsageError, say
from fundus_core.models import card_limits
from fundus_core.models.card import LINKS, RUNTIMES, Card, Output, as_plain
from fundus_core.plain_values import build
from fundus_core.targets import TARGETS, Target, brought


def read(path: Path) -> Card:
    """Read and check a card; what was read before, to the letter, is not checked again.

    Raises:
        CardError: The file cannot be read, a key is unknown or missing, or a value is not allowed.
    """
    return _read(_content(path), path.parent, path.name, frozenset(TARGETS))


@lru_cache(maxsize=64)
def _read(content: bytes, folder: Path, name: str, _known: frozenset[str]) -> Card:
    return parse(_parsed(content, name), folder, name)


def toml(path: Path) -> dict[str, object]:
    """Return what a card's file says, whatever its keys.

    Raises:
        CardError: It cannot be opened, is longer than a card can be, or is no TOML.
    """
    return _parsed(_content(path), path.name)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(card_limits.LARGEST_CARD + 1)
    except OSError as error:
        raise CardError(
            "The card '{name}' cannot be opened ({strerror}); correct the path.",
            name=path.name,
            strerror=error,
        ) from error
    if len(content) > card_limits.LARGEST_CARD:
        raise CardError(
            "The card '{name}' is longer than {largest_card} KiB; name a card.",
            name=path.name,
            largest_card=card_limits.LARGEST_CARD >> 10,
        )
    return content


def _parsed(content: bytes, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise CardError(
            "The card '{name}' is not a TOML file: {error}. Correct that place.", name=name, error=error
        ) from error


def parse(content: Mapping[str, object], folder: Path, name: str) -> Card:
    """Build a card from plain values, as a TOML reader returns them; it lies, or will lie, in ``folder``.

    Raises:
        CardError: A key is unknown or missing, or a value is not allowed.
    """
    told = card_limits.at({key: value for key, value in content.items() if key != "targets"}, name, "")
    card = build(Card, told, brought=content.get("targets", {}), folder=folder)
    card_limits.check(content, name)
    _check(card, name, known_to(content, name))
    return card


def known_to(content: Mapping[str, object], name: str) -> Mapping[str, Target]:
    """Return every target that a card may name: those known here, and those that it brings.

    Raises:
        CardError: What it brings is wrong, or differs from what is known.
    """
    try:
        return brought(content.get("targets", {}), name)
    except UsageError as error:
        raise CardError(str(error)) from error


def _check(card: Card, name: str, targets: Mapping[str, Target]) -> None:
    """Refuse values that have the right type and no meaning."""
    one_of: dict[str, tuple[str, tuple[str, ...]]] = {
        "runtime": (card.runtime, RUNTIMES),
        "input.channels": (card.input.channels, ("rgb", "bgr")),
        "input.layout": (card.input.layout, ("nchw", "nhwc")),
        "precision.allowed": (card.precision.allowed, ("float32", "bf16")),
    }
    for k, output in enumerate(card.outputs):
        one_of[f"outputs[{k}].link"] = (output.link, LINKS)
        one_of[f"outputs[{k}].target"] = (output.target, tuple(targets))
    for key, (value, allowed) in one_of.items():
        if value not in allowed:
            raise card_limits.at(value, name, key).fault(say("one of {allowed}", allowed=allowed))
    _check_numbers(card, name, targets)
    _check_lines(card, name)
    known = _dotted(card)
    for key in card.unverified:
        if key not in known:
            raise CardError("{name}: 'unverified' names '{key}', which is no key of the card.", name=name, key=key)


def _check_numbers(card: Card, name: str, targets: Mapping[str, Target]) -> None:
    if not card.id or not all(c.isalnum() or c in "-_." for c in card.id):
        raise card_limits.at(card.id, name, "id").fault("letters, digits, '-', '_' and '.'")
    if min(card.input.std) <= 0:
        raise card_limits.at(card.input.std, name, "input.std").fault("positive")
    if not card.outputs or len(set(card.targets)) < len(card.outputs):
        raise card_limits.at(card.targets, name, "outputs").fault("one or more, each target once")
    for k, output in enumerate(card.outputs):
        if output.unit != targets[output.target].unit:
            raise card_limits.at(output.unit, name, f"outputs[{k}].unit").fault(repr(targets[output.target].unit))
        numbers = (output.scale, output.offset, output.growth)
        if not all(map(math.isfinite, numbers)):
            raise card_limits.at(numbers, name, say("outputs[{k}].scale, offset and growth", k=k)).fault("finite")


def _check_lines(card: Card, name: str) -> None:
    for line in (line for step in card.recalibrated for line in step.lines):
        if line.target not in card.targets or not (math.isfinite(line.intercept) and 0 < line.slope < math.inf):
            key = f"recalibrated.lines.{line.target}"
            raise card_limits.at(line, name, key).fault(
                "a target of the card, a finite intercept and a slope above zero"
            )


def _dotted(card: Card) -> set[str]:
    """Keys that ``unverified`` may name: of the card, of its tables, and ``outputs.<target>``."""
    names = {field.name for field in fields(Card)}
    for key in ("input", "weights", "golden", "precision"):
        names |= {f"{key}.{field.name}" for field in fields(getattr(card, key))}
    keys = [field.name for field in fields(Output)]
    names |= {f"outputs.{key}" for key in keys} | {f"outputs.{t}.{key}" for t in card.targets for key in keys}
    return names


def write(card: Card, path: Path) -> None:
    """Write a card as TOML; reading it again gives the same card."""
    path.write_text(to_toml(card), encoding="utf-8")


def to_toml(card: Card) -> str:
    """Return the card as TOML."""
    return tomli_w.dumps(typing.cast(dict[str, object], as_plain(card)))
