"""A file that somebody wrote, as a TOML or JSON reader returns it: its values taken one at a time, or refused.

One sentence says which file, where in it, what stands there and what must.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from fundus_core.errors import FundusError, UsageError, say

_Record = TypeVar("_Record")
_LETTERS = 80
"""Of a wrong value that are shown."""


class At:
    """A value and where it stands."""

    def __init__(self, value: Any, file: str, where: str = "", error: type[FundusError] = UsageError) -> None:
        """Read nothing yet; ``where`` is the dotted key, empty for the whole file, ``error`` what is raised."""
        self.value, self.file, self.where, self.error = value, file, where, error

    def fault(self, wanted: str) -> FundusError:
        """Return the one sentence about a value that may not stand here."""
        return self.error(
            "{name}: '{where}' is {value}; it must be {wanted}.",
            name=self.file,
            where=self.where or "/",
            value=say("not given") if self.value is None else repr(self.value)[:_LETTERS],
            wanted=say(wanted),
        )

    def require(self, right: bool, wanted: str) -> None:  # noqa: FBT001
        """Refuse the value unless something holds."""
        if not right:
            raise self.fault(wanted)

    def at(self, key: object, value: Any) -> At:
        """Return a value that stands under this one."""
        return type(self)(value, self.file, f"{self.where}.{key}" if self.where else str(key), self.error)

    def table(self, known: Collection[str] = ()) -> dict[str, At]:
        """Return the values of a table by key; where some are ``known``, no other may be given."""
        self.require(isinstance(self.value, Mapping), "a table of keys")
        for key in self.value if known else ():
            if key not in known:
                raise self.error(
                    "{name} has the unknown key '{key}'; the keys are {allowed}. Correct or remove it.",
                    name=self.file,
                    key=self.at(key, None).where[:_LETTERS],
                    allowed=sorted(known),
                )
        return {str(key): self.at(key, value) for key, value in self.value.items()}

    def get(self, key: str, usual: Any = None) -> At:
        """Return the value under a key of a table, or what is usual."""
        return self.at(key, self.value.get(key, usual))

    def each(self) -> list[At]:
        """Return the members of a list."""
        self.require(isinstance(self.value, list | tuple), "a list")
        return [
            type(self)(value, self.file, f"{self.where}[{number}]", self.error)
            for number, value in enumerate(self.value)
        ]

    def is_a(self, hint: object) -> bool:
        """Return whether the value has a plain type; a number without a point is none with one."""
        return isinstance(self.value, str) if hint is str else isinstance(hint, type) and type(self.value) is hint

    def line(self, *, empty: bool = True) -> str:
        """Return a line of text without the space around it."""
        wanted = "a line of text"
        self.require(isinstance(self.value, str) and len(self.value) <= 1000, wanted)
        self.require(not re.search(r"[\x00-\x1f]", self.value) and (empty or bool(self.value.strip())), wanted)
        return str(self.value).strip()

    def number(self) -> float:
        """Return a finite number."""
        self.require(type(self.value) in (int, float) and math.isfinite(self.value), "a number")
        return float(self.value)

    def whole(self, low: int, high: int) -> int:
        """Return a whole number between two, which it may be."""
        wanted = say("a whole number from {low} to {high}", low=low, high=high)
        self.require(type(self.value) is int and low <= self.value <= high, wanted)
        return int(self.value)

    def flag(self) -> bool:
        """Return true or false."""
        self.require(isinstance(self.value, bool), "true or false")
        return bool(self.value)

    def words(self) -> tuple[str, ...]:
        """Return a list of words, as they stand."""
        right = isinstance(self.value, list) and all(isinstance(one, str) and one.strip() for one in self.value)
        self.require(right, 'a list of words, as in ["sex"]')
        return tuple(self.value)

    def one_of(self, allowed: Collection[str]) -> str:
        """Return one of some words."""
        right = isinstance(self.value, str) and self.value in allowed
        self.require(right, say("one of {allowed}", allowed=list(allowed)))
        return str(self.value)


def build(kind: type[_Record], content: At, **more: object) -> _Record:
    """Build a dataclass from plain values by field; one with a default may be missing, as in older files.

    ``more``: fields that the file does not tell. What is wrong - a key that is unknown or missing, a value of another
    type - is raised as the error of ``content``.
    """
    of: Any = kind
    given = content.table([field.name for field in fields(of) if field.name not in more])
    hints = typing.get_type_hints(kind)
    for field in fields(of):
        if field.name not in {*given, *more} and field.default is MISSING:
            raise content.error(
                "{name} lacks the key '{where}'; add it (empty, and named in 'unverified', if unknown).",
                name=content.file,
                where=content.at(field.name, None).where,
            )
    return kind(**{key: _value(hints[key], value) for key, value in given.items()}, **more)


def _value(hint: Any, at: At) -> object:
    origin, arguments, value = typing.get_origin(hint), typing.get_args(hint), at.value
    if origin is types.UnionType:  # of a type and nothing
        return None if value is None else _value(arguments[0], at)
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, at)
    if origin is tuple:
        return _tuple(arguments, at)
    if origin is Mapping:
        return types.MappingProxyType({key: _value(arguments[1], one) for key, one in at.table().items()})
    if hint is object or hint is Path:
        return value
    whole = hint is float and at.is_a(int)
    at.require(whole or at.is_a(hint), getattr(hint, "__name__", str(hint)))
    return float(value) if whole else value


def _tuple(arguments: tuple[object, ...], at: At) -> tuple[object, ...]:
    members = at.each()
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(members)
    at.require(len(members) == len(arguments), say("a list of {arguments}", arguments=len(arguments)))
    return tuple(_value(hint, one) for hint, one in zip(arguments, members, strict=True))
