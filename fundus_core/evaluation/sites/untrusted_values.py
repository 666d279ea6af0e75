"""One value of a stranger's file at a time, and where it stands: read as what it must be, or refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from fundus_core.errors import UsageError

_LONGEST = 100
_MOST = 10**9
_KEY = r"[a-z][\w.]{0,39}"


class At:
    """A value of the file and where it stands; says what is wrong with it."""

    def __init__(self, value: Any, file: str, where: str = "") -> None:
        self.value, self.file, self.where = value, file, where

    def fault(self) -> UsageError:
        """Return the error that names this place."""
        return UsageError(
            "'{name}' does not hold what a shared result holds, at {where}; ask the site to write it again.",
            name=self.file,
            where=self.where or "/",
        )

    def require(self, right: bool) -> None:  # noqa: FBT001
        """Refuse the file unless something holds."""
        if not right:
            raise self.fault()

    def keys(self, *names: str) -> Mapping[str, At]:
        """Return the values of an object that has exactly these keys."""
        found = self.named()
        self.require(set(found) == set(names))
        return found

    def named(self) -> Mapping[str, At]:
        """Return the values of an object by key."""
        self.require(isinstance(self.value, dict) and len(self.value) <= 200)
        self.require(all(re.fullmatch(_KEY, key) for key in self.value))
        return {key: At(each, self.file, f"{self.where}/{key}") for key, each in self.value.items()}

    def each(self, most: int = 200) -> list[At]:
        """Return the members of a list."""
        self.require(isinstance(self.value, list) and len(self.value) <= most)
        return [At(each, self.file, f"{self.where}/{at}") for at, each in enumerate(self.value)]

    def text(self, pattern: str = r"[^\x00-\x1f\x7f<>]*") -> str:
        """Return a short text that fits a pattern."""
        self.require(isinstance(self.value, str) and len(self.value) <= _LONGEST)
        self.require(re.fullmatch(pattern, self.value) is not None)
        return str(self.value)

    def whole(self, least: int = 0) -> int:
        """Return a count."""
        self.require(type(self.value) is int and least <= self.value <= _MOST)
        return int(self.value)

    def number(self, low: float = -1e12, high: float = 1e12) -> float:
        """Return a finite number."""
        self.require(type(self.value) in (int, float) and math.isfinite(self.value) and low <= self.value <= high)
        return float(self.value)

    def maybe(self, read: Callable[[At], Any]) -> Any:
        """Return nothing, or what is read."""
        return None if self.value is None else read(self)
