"""The objects of the file, read field by field; whatever is not as it should be is said."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from fundus_core.errors import UsageError


def reject(name: str) -> NoReturn:
    """Say which part of the file is at fault.

    Raises:
        UsageError: Always.
    """
    message = f"The file's {name} is not as an export writes it; export the cohort again."
    raise UsageError(message)


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
        """A text."""
        value = str(self._of(name, str))
        if "\x00" in value:
            reject(name)
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self._of(name, bool))

    def whole(self, name: str) -> int:
        """A whole number."""
        return int(self._of(name, int))

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
