"""Targets as TOML says them, in files and cards: what one may say, and the one sentence about what it may not."""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from fundus_core.errors import UsageError
from fundus_core.plain_values import At
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
    At(values, where, name).require(isinstance(values, Mapping), "a table of keys")
    at = At(values, where)
    at.table(_KEYS)
    target = _target(name, at)
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


def _target(name: str, at: At) -> Target:
    wanted = "small letters, digits and '_', a letter first, without '_low' or '_high' at the end"
    at.at("id", name).require(_ID.fullmatch(name) is not None, wanted)
    binary = at.get("binary", usual=False).flag()
    usual = {"unit": "", "low": 0, "high": 1, "decimals": 2} if binary else {"decimals": 1}
    given = At({**usual, "short": at.value.get("name"), **at.value}, at.file)
    for key in ("name", "unit", "low", "high"):
        given.get(key).require(given.value.get(key) not in (None, "") or (binary and key == "unit"), "given")
    said: dict[str, Any] = {key: _word(given.get(key)) for key in _WORDS if key in given.value}
    said |= {key: given.get(key).number() for key in _NUMBERS}
    said |= {key: given.get(key).words() for key in _LISTS if key in given.value}
    if any(key in given.value and (not binary or len(said[key]) != 2) for key in _LISTS):
        raise given.get("classes").fault("two words, for 0 and for 1, of a yes/no target")
    target = Target(
        id=name,
        **said,
        decimals=given.get("decimals").whole(0, 6),
        binary=binary,
        tolerances=() if binary else _tolerances(given.get("tolerances", [])),
        headings=given.get("headings", []).words(),
        units=_units(given),
        published=tuple(_result(name, one) for one in given.get("published", []).each()),
    )
    if target.low >= target.high or (binary and (target.unit, target.low, target.high) != ("", 0, 1)):
        raise given.get("low").fault("a range, the smaller first, and 0 to 1 without a unit for yes or no")
    return target


def _word(at: At) -> str:
    word = at.line()
    if at.where == "phrase":
        try:
            re.compile(word)
        except re.error as error:
            raise at.fault("a regular expression") from error
    return word


def _tolerances(at: At) -> tuple[float, ...]:
    found = [one.number() for one in at.each()]
    at.require(len(found) == 3 and 0 < found[0] < found[1] < found[2], "three rising positive numbers")
    return tuple(int(one) if one.is_integer() else one for one in found)


def _units(at: At) -> tuple[Unit, ...]:
    own, found = str(at.value["unit"]), [_unit(one) for one in at.get("units", []).each()]
    first = next((one for one in found if one.name == own), None)
    first = first or Unit(own, 1.0, at.get("low").number(), at.get("high").number())
    right = len({one.name for one in found}) == len(found) and (first.factor, first.offset) == (1, 0)
    at.get("units").require(right, "each once, and the target's own with factor 1")
    return (first, *(one for one in found if one is not first))


def _unit(at: At) -> Unit:
    at.table(_OF_UNIT)
    name, factor = at.get("name", "").line(), at.get("factor", 1).number()
    usual = [one.number() for one in at.get("usual").each()] if "usual" in at.value else [math.inf, -math.inf]
    at.require(factor > 0 and bool(name) and len(usual) == 2, "a name, a positive factor, and in 'usual' two numbers")
    spellings = tuple(one.lower() for one in at.get("spellings", []).words())
    return Unit(name, factor, usual[0], usual[1], at.get("offset", 0).number(), spellings)


def _result(target: str, at: At) -> Published:
    at.table(_OF_RESULT)
    usual = {"people": "not stated", "population": "not stated"}
    said = {key: at.get(key, usual.get(key, "")).line() for key in ("study", "score", "note", *_OF_STUDY[:3])}
    read = str(at.get("read", READ[0]).value)
    study = _studies().get(said["study"]) or Study(
        said["study"], said["people"], said["population"], said["source"], read
    )
    at.require(
        bool(said["score"] and study.source) and read in READ and "value" in at.value,
        "a study with its source, a score and a value; 'read' is 'at the source' or 'in a third party's account'",
    )
    numbers = {key: at.get(key).number() for key in ("value", "low", "high", "baseline") if key in at.value}
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
