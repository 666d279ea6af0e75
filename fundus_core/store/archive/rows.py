"""The objects of the file, read field by field; whatever is not as it should be is said."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Set
from typing import IO, Any, NoReturn

from fundus_core.errors import UsageError, say
from fundus_core.store.archive import layout


def reject(name: str) -> NoReturn:
    """Say which part of the file is at fault, by a ``UsageError``."""
    raise UsageError("The file's {name} is not as an export writes it; export the cohort again.", name=say(name))


def to_number(value: object, name: str) -> float:
    """A number; null is NaN."""
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        reject(name)
    try:
        number = float(value)
    except OverflowError:
        reject(name)
    if not math.isfinite(number):
        reject(name)
    return number


def read(content: IO[bytes], name: str) -> Any:
    """The one value of a small file.

    Raises:
        UsageError: It is larger than that.
        ValueError: It is no JSON.
    """
    data = content.read(layout.MOST_LINE + 1)
    if len(data) > layout.MOST_LINE:
        raise UsageError(
            "'{name}' in the file is larger than {most_line} bytes; it cannot be right.",
            name=say(name),
            most_line=layout.MOST_LINE,
        )
    return json.loads(data)


def lines(content: IO[bytes]) -> Iterator[Row]:
    """Its objects, one a line (a ``ValueError`` where it is no JSON); a line that is too long is cut, and then none."""
    while line := content.readline(layout.MOST_LINE):
        yield Row(json.loads(line))


class Row:
    """One object."""

    def __init__(self, values: object) -> None:
        if not isinstance(values, dict):
            reject("an entry")
        self.values: dict[str, Any] = values

    def _of(self, name: str, kind: type | tuple[type, ...]) -> Any:
        value = self.values.get(name)
        if not isinstance(value, kind):
            reject(name)
        return value

    def word(self, name: str) -> str:
        """A text that every database can hold: no NUL, no half of a pair of surrogates."""
        value = str(self._of(name, str))
        if not _can_be_kept(value):
            reject(name)
        return value

    def one_of(self, name: str, allowed: Set[str]) -> str:
        """One of some words."""
        value = self.word(name)
        if value not in allowed:
            reject(name)
        return value

    def words(self, name: str) -> dict[str, str]:
        """An object of texts."""
        values = self.mapping(name)
        if not all(isinstance(word, str) and _can_be_kept(word) and _can_be_kept(key) for key, word in values.items()):
            reject(name)
        return dict(values)

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self._of(name, bool))

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self._of(name, int)
        if isinstance(value, bool) or not 0 <= value < 1 << 53:
            reject(name)
        return int(value)

    def number(self, name: str) -> float:
        """A number; null is NaN."""
        return to_number(self.values.get(name), name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object."""
        return dict(self._of(name, dict))

    def sha256(self, name: str) -> str:
        """64 hexadecimal digits, or nothing."""
        value = self.word(name)
        if value and not re.fullmatch(r"[0-9a-f]{64}", value):
            reject(name)
        return value


def _can_be_kept(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
