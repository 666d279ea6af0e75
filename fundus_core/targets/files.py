"""Targets as TOML says them, in files and cards: what one may say, and the one sentence about what it may not."""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from fundus_core.errors import UsageError, say
from fundus_core.targets.record import Published, Study, Target, Unit

_ID = re.compile(r"(?!.*_(?:low|high)$)[a-z][a-z0-9_]{0,30}")
RESERVED = frozenset(
    (
        *("photograph", "sha256", "patient_id", "patient", "eye", "eye_source", "visit", "status", "reason_code"),
        *("reason", "quality", "out_of_distribution", "model", "weights_sha256", "code_version", "height", "weight"),
        *("blood_pressure", "birth_date", "exam_date", "personal", "covariate", "ignore", "target", "error"),
    )
)
"""Columns and roles that a target's id may not be."""
_WORDS = ("name", "short", "unit", "name_ja", "short_ja", "phrase")
_NUMBERS = ("low", "high")
_LISTS = ("classes", "classes_ja")
_KEYS = frozenset(
    {*_WORDS, *_NUMBERS, "order", "decimals", "binary", "tolerances", "headings", "units", "published", *_LISTS}
)
READ = ("at the source", "in a third party's account")
"""Where a published figure was read."""
_MEANING = ("unit", "low", "high", "binary", "units")
"""Keys of which a number's meaning depends."""
_OF_STUDY = ("people", "population", "source", "read")
_OF_RESULT = frozenset({"study", "score", "value", "low", "high", "baseline", "note", *_OF_STUDY})
_OF_UNIT = frozenset({"name", "factor", "offset", "usual", "spellings"})


def load(files: Iterable[Path], known: Mapping[str, Target]) -> dict[str, Target]:
    """Read targets from files ``ID.toml`` in their order; ``known`` is empty for those that come with the program.

    Raises:
        UsageError: A file says too little, too much or something impossible, or clashes with what is known.
    """
    found: dict[str, Target] = {}
    order: dict[str, float] = {}
    for file in sorted(files):
        values = _parsed(file)
        found[file.stem] = parse(file.stem, values, file.name, {**known, **found})
        order[file.stem] = float(values.get("order", math.inf))
    return {name: found[name] for name in sorted(found, key=lambda name: (order[name], name))}


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            "The target file '{name}' is not readable TOML ({error}); mend it or take it away.",
            name=file.name,
            error=error,
        ) from error


def parse(name: str, values: object, where: str, known: Mapping[str, Target]) -> Target:
    """Build one target from plain values, as a TOML reader returns them.

    Raises:
        UsageError: They say too little, too much or something impossible, or clash with what is known.
    """
    if not isinstance(values, Mapping):
        raise _wrong(where, name, "a table of keys", values)
    _check_keys(where, values, _KEYS)
    target = _target(where, name, values)
    _check_clashes(where, target, known)
    return target


def plain(target: Target) -> dict[str, object]:
    """Return plain values of which ``parse`` makes the same target; what stands for itself is left out."""
    said: dict[str, object] = {key: getattr(target, key) for key in (*_WORDS, "low", "high", "decimals", "binary")}
    said |= {"tolerances": list(target.tolerances), "headings": list(target.headings)}
    said |= {key: list(getattr(target, key)) for key in _LISTS if target.binary}
    said["units"] = [_plain_unit(unit) for unit in target.units]
    said["published"] = [_plain_result(each) for each in target.published]
    gone = ("unit", "low", "high", "units") if target.binary else ()
    return {key: value for key, value in said.items() if value not in ("", [], False) and key not in gone}


def _plain_unit(unit: Unit) -> dict[str, object]:
    said = {"name": unit.name, "factor": unit.factor, "offset": unit.offset, "spellings": list(unit.spellings)}
    return said if unit.low == math.inf else {**said, "usual": [unit.low, unit.high]}


def _plain_result(result: Published) -> dict[str, object]:
    said = {**asdict(result), **asdict(result.study), "study": result.study.name}
    return {key: value for key, value in said.items() if key in _OF_RESULT and value not in (None, "")}


def differing(one: Target, other: Target) -> str:
    """Return the first key in which two records of one id mean different numbers; words may differ; empty for none."""
    said, there = plain(one), plain(other)
    return next((key for key in ("name", *_MEANING) if said.get(key) != there.get(key)), "")


def _check_keys(where: str, values: Mapping[str, Any], allowed: frozenset[str]) -> None:
    for key in sorted(set(values) - allowed):
        raise UsageError(
            "{where}: the key '{key}' is not known; known are {allowed}.", where=where, key=key, allowed=sorted(allowed)
        )


def _target(where: str, name: str, values: Mapping[str, Any]) -> Target:
    if not _ID.fullmatch(name):
        wanted = "small letters, digits and '_', a letter first, without '_low' or '_high' at the end"
        raise _wrong(where, "id", wanted, name)
    if not isinstance(values.get("binary", False), bool):
        raise _wrong(where, "binary", "true or false", values["binary"])
    binary = bool(values.get("binary", False))
    usual = {"unit": "", "low": 0, "high": 1, "decimals": 2} if binary else {"decimals": 1}
    given = {**usual, "short": values.get("name"), **values}
    said: dict[str, Any] = {key: _word(where, given, key) for key in _WORDS if key in given}
    said |= {key: _number(where, given, key) for key in _NUMBERS if key in given}
    for key in ("name", "unit", "low", "high"):
        if said.get(key) in (None, "") and not (binary and key == "unit"):
            raise _wrong(where, key, "given", said.get(key))
    said |= {key: _list_of_words(where, given, key) for key in _LISTS if key in given}
    if any(key in given and (not binary or len(said[key]) != 2) for key in _LISTS):
        raise _wrong(where, "classes", "two words, for 0 and for 1, of a yes/no target", given.get("classes"))
    target = Target(
        id=name,
        **said,
        decimals=_decimals(where, given["decimals"]),
        binary=binary,
        tolerances=() if binary else _tolerances(where, given.get("tolerances")),
        headings=_list_of_words(where, given, "headings"),
        units=_units(where, given),
        published=_published(where, name, given),
    )
    if target.low >= target.high or (binary and (target.unit, target.low, target.high) != ("", 0, 1)):
        wanted = "a range, the smaller first, and 0 to 1 without a unit for yes or no"
        raise _wrong(where, "low", wanted, target.low)
    return target


def _word(where: str, values: Mapping[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str) or len(value) > 1000 or any(ord(letter) < 32 for letter in value):
        raise _wrong(where, key, "a line of text", value)
    if key == "phrase":
        try:
            re.compile(value)
        except re.error as error:
            raise _wrong(where, key, "a regular expression", value) from error
    return value.strip()


def _number(where: str, values: Mapping[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(where, key, "a number", value)
    return float(value)


def _decimals(where: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 6:
        raise _wrong(where, "decimals", "a whole number from 0 to 6", value)
    return value


def _tolerances(where: str, given: object) -> tuple[float, ...]:
    numbers = given if isinstance(given, list) else []
    found = [_number(where, {"tolerances": one}, "tolerances") for one in numbers]
    if len(found) != 3 or not 0 < found[0] < found[1] < found[2]:
        raise _wrong(where, "tolerances", "three rising positive numbers", given)
    return tuple(int(one) if one.is_integer() else one for one in found)


def _list_of_words(where: str, values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = values.get(key, [])
    if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
        raise _wrong(where, key, "a list of words", given)
    return tuple(given)


def _units(where: str, values: Mapping[str, Any]) -> tuple[Unit, ...]:
    given, own = values.get("units", []), str(values["unit"])
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise _wrong(where, "units", "tables under [[units]]", given)
    found = [_unit(where, one) for one in given]
    first = next((one for one in found if one.name == own), None)
    first = first or Unit(own, 1.0, _number(where, values, "low"), _number(where, values, "high"))
    names = [one.name for one in found]
    if len(set(names)) < len(names) or (first.factor, first.offset) != (1, 0):
        raise _wrong(where, "units", "each once, and the target's own with factor 1", names)
    return (first, *(one for one in found if one is not first))


def _unit(where: str, given: Mapping[str, Any]) -> Unit:
    _check_keys(where, given, _OF_UNIT)
    named = {"name": "", "factor": 1, "offset": 0, **given}
    name, factor = _word(where, named, "name"), _number(where, named, "factor")
    usual = given.get("usual", [math.inf, -math.inf])
    pair = isinstance(usual, list) and len(usual) == 2 and all(isinstance(one, int | float) for one in usual)
    if factor <= 0 or not name or not pair:
        raise _wrong(where, "units", "a name, a positive factor, and in 'usual' two numbers", dict(given))
    spellings = tuple(one.lower() for one in _list_of_words(where, given, "spellings"))
    return Unit(name, factor, float(usual[0]), float(usual[1]), _number(where, named, "offset"), spellings)


def _published(where: str, target: str, values: Mapping[str, Any]) -> tuple[Published, ...]:
    given = values.get("published", [])
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise _wrong(where, "published", "tables under [[published]]", given)
    return tuple(_result(where, target, one) for one in given)


def _result(where: str, target: str, given: Mapping[str, Any]) -> Published:
    _check_keys(where, given, _OF_RESULT)
    named = {
        "study": "",
        "score": "",
        "note": "",
        "people": "not stated",
        "population": "not stated",
        "source": "",
        **given,
    }
    said = {key: _word(where, named, key) for key in ("study", "score", "note", *_OF_STUDY[:3])}
    read = named.get("read", READ[0])
    study = _studies().get(said["study"]) or Study(
        said["study"], said["people"], said["population"], said["source"], str(read)
    )
    if not said["score"] or not study.source or read not in READ or "value" not in given:
        wanted = (
            "a study with its source, a score and a value; 'read' is 'at the source' or 'in a third party's account'"
        )
        raise _wrong(where, "published", wanted, dict(given))
    numbers = {key: _number(where, given, key) for key in ("value", "low", "high", "baseline") if key in given}
    return Published(study, target, said["score"], note=said["note"], **numbers)


@cache
def _studies() -> Mapping[str, Study]:
    """Those of which the program's own files tell, by name."""
    said = tomllib.loads((Path(__file__).parent / "studies" / "published.toml").read_text(encoding="utf-8"))
    return {one["name"]: Study(**one) for one in said["studies"]}


def _check_clashes(where: str, target: Target, known: Mapping[str, Target]) -> None:
    if target.id in known or target.id in RESERVED:
        raise UsageError(
            "{where}: there is a target or a column '{id}' already; give the file another name.",
            where=where,
            id=target.id,
        )
    for other in known.values():
        there = {one.casefold() for one in (other.id, other.name, other.short, *other.headings)}
        taken = sorted(there & {one.casefold() for one in (target.name, target.short, *target.headings)})
        if taken:
            raise UsageError(
                "{where}: '{taken}' means the target '{id}' already; take it out.",
                where=where,
                taken=taken[0],
                id=other.id,
            )


def _wrong(name: str, where: str, wanted: str, value: object) -> UsageError:
    return UsageError(
        "{name}: '{where}' is {value}; it must be {wanted}.",
        name=name,
        where=where,
        value=repr(value),
        wanted=say(wanted),
    )
