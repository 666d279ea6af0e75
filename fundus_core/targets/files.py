"""Files of targets (TOML): what one may say, and the one sentence about what it may not."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fundus_core.errors import UsageError
from fundus_core.targets.record import Target, Unit

_ID = re.compile(r"(?!.*_(?:low|high)$)[a-z][a-z0-9_]{0,30}")
RESERVED = frozenset(
    (
        *("photograph", "sha256", "patient_id", "patient", "eye", "eye_source", "visit", "status", "reason_code"),
        *("reason", "quality", "out_of_distribution", "model", "weights_sha256", "code_version", "height", "weight"),
        *("blood_pressure", "birth_date", "exam_date", "personal", "covariate", "ignore", "target", "error"),
    )
)
"""Columns and roles that a target's id may not be."""
_WORDS = ("name", "short", "unit", "name_ja", "short_ja", "phrase", "published_source")
_NUMBERS = ("low", "high", "published_mae", "published_accuracy")
_KEYS = frozenset({*_WORDS, *_NUMBERS, "order", "decimals", "binary", "tolerances", "headings", "units"})
_OF_PROGRAM = frozenset({"published_mae", "published_accuracy", "published_source"})
"""What is published of the registry's models, and labelled so; a user's file cannot say it."""
_OF_UNIT = frozenset({"name", "factor", "offset", "usual", "spellings"})


def load(files: Iterable[Path], known: Mapping[str, Target]) -> dict[str, Target]:
    """Read targets in their order.

    Args:
        files: Each ``ID.toml``.
        known: The targets that there are already, by id; empty for those that come with the program.

    Raises:
        UsageError: A file says too little, too much or something impossible, or clashes with what is known.
    """
    found: dict[str, tuple[float, Target]] = {}
    for file in sorted(files):
        values = _parsed(file)
        _check_keys(file, values, _KEYS - _OF_PROGRAM if known else _KEYS)
        target = _target(file, values)
        _check_clashes(file, target, {**known, **{name: one for name, (_, one) in found.items()}})
        found[target.id] = (float(values.get("order", math.inf)), target)
    return {name: target for name, (_, target) in sorted(found.items(), key=lambda one: (one[1][0], one[0]))}


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"The target file '{file.name}' is not readable TOML ({error}); mend it or take it away."
        raise UsageError(message) from error


def _check_keys(file: Path, values: Mapping[str, Any], allowed: frozenset[str]) -> None:
    for key in sorted(set(values) - allowed):
        message = f"{file.name}: the key '{key}' is not known; known are {', '.join(sorted(allowed))}."
        raise UsageError(message)


def _target(file: Path, values: Mapping[str, Any]) -> Target:
    if not _ID.fullmatch(file.stem):
        wanted = "small letters, digits and '_', a letter first, without '_low' or '_high' at the end"
        raise _wrong(file, "id", wanted, file.stem)
    if not isinstance(values.get("binary", False), bool):
        raise _wrong(file, "binary", "true or false", values["binary"])
    binary = bool(values.get("binary", False))
    usual = {"unit": "", "low": 0, "high": 1, "decimals": 2} if binary else {"decimals": 1}
    given = {**usual, "short": values.get("name"), **values}
    said: dict[str, Any] = {key: _word(file, given, key) for key in _WORDS if key in given}
    said |= {key: _number(file, given, key) for key in _NUMBERS if key in given}
    for key in ("name", "unit", "low", "high"):
        if said.get(key) in (None, "") and not (binary and key == "unit"):
            raise _wrong(file, key, "given", said.get(key))
    target = Target(
        id=file.stem,
        **said,
        decimals=_decimals(file, given["decimals"]),
        binary=binary,
        tolerances=() if binary else _tolerances(file, given.get("tolerances")),
        headings=_list_of_words(file, given, "headings"),
        units=_units(file, given),
    )
    if target.low >= target.high or (binary and (target.unit, target.low, target.high) != ("", 0, 1)):
        wanted = "a range, the smaller first, and 0 to 1 without a unit for yes or no"
        raise _wrong(file, "low", wanted, target.low)
    return target


def _word(file: Path, values: Mapping[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str) or len(value) > 1000 or any(ord(letter) < 32 for letter in value):
        raise _wrong(file, key, "a line of text", value)
    if key == "phrase":
        try:
            re.compile(value)
        except re.error as error:
            raise _wrong(file, key, "a regular expression", value) from error
    return value.strip()


def _number(file: Path, values: Mapping[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(file, key, "a number", value)
    return float(value)


def _decimals(file: Path, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 6:
        raise _wrong(file, "decimals", "a whole number from 0 to 6", value)
    return value


def _tolerances(file: Path, given: object) -> tuple[float, ...]:
    numbers = given if isinstance(given, list) else []
    found = [_number(file, {"tolerances": one}, "tolerances") for one in numbers]
    if len(found) != 3 or not 0 < found[0] < found[1] < found[2]:
        raise _wrong(file, "tolerances", "three rising positive numbers", given)
    return tuple(int(one) if one.is_integer() else one for one in found)


def _list_of_words(file: Path, values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = values.get(key, [])
    if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
        raise _wrong(file, key, "a list of words", given)
    return tuple(given)


def _units(file: Path, values: Mapping[str, Any]) -> tuple[Unit, ...]:
    given, own = values.get("units", []), str(values["unit"])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise _wrong(file, "units", "tables under [[units]]", given)
    found = [_unit(file, one) for one in given]
    first = next((one for one in found if one.name == own), None)
    first = first or Unit(own, 1.0, _number(file, values, "low"), _number(file, values, "high"))
    names = [one.name for one in found]
    if len(set(names)) < len(names) or (first.factor, first.offset) != (1, 0):
        raise _wrong(file, "units", "each once, and the target's own with factor 1", names)
    return (first, *(one for one in found if one is not first))


def _unit(file: Path, given: Mapping[str, Any]) -> Unit:
    _check_keys(file, given, _OF_UNIT)
    named = {"name": "", "factor": 1, "offset": 0, **given}
    name, factor = _word(file, named, "name"), _number(file, named, "factor")
    usual = given.get("usual", [math.inf, -math.inf])
    pair = isinstance(usual, list) and len(usual) == 2 and all(isinstance(one, int | float) for one in usual)
    if factor <= 0 or not name or not pair:
        raise _wrong(file, "units", "a name, a positive factor, and in 'usual' two numbers", dict(given))
    spellings = tuple(one.lower() for one in _list_of_words(file, given, "spellings"))
    return Unit(name, factor, float(usual[0]), float(usual[1]), _number(file, named, "offset"), spellings)


def _check_clashes(file: Path, target: Target, known: Mapping[str, Target]) -> None:
    if target.id in known or target.id in RESERVED:
        message = f"{file.name}: there is a target or a column '{target.id}' already; give the file another name."
        raise UsageError(message)
    for other in known.values():
        there = {one.casefold() for one in (other.id, other.name, other.short, *other.headings)}
        taken = sorted(there & {one.casefold() for one in (target.name, target.short, *target.headings)})
        if taken:
            message = f"{file.name}: '{taken[0]}' means the target '{other.id}' already; take it out."
            raise UsageError(message)


def _wrong(file: Path, where: str, wanted: str, value: object) -> UsageError:
    return UsageError(f"{file.name}: '{where}' is {value!r}; it must be {wanted}.")
