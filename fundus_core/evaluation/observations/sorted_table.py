"""A cohort's rows in the order in which everything is counted, and what is told of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import CohortTable, Labels, Status

Indices = NDArray[np.intp]

_T = TypeVar("_T")


class SortedTable(CohortTable):
    """A table that went through :func:`sort_rows`; what every target and group asks of it is told once."""

    __slots__ = ("_told",)
    _told: dict[str, Any]


_LATER = ("photograph", "status", "reason", "kind", "decision")
"""Words of a large table that are put into order each time that somebody asks for them: few do."""


def _in_order(name: str) -> property:
    """Return a column that lies as the file has it."""
    lain = CohortTable.__dict__[name]

    def ordered(table: LyingTable) -> Labels:
        words: Labels = lain.__get__(table)
        order = getattr(table, "_order", None)
        return words if order is None else words[order]

    return property(ordered, lain.__set__)


class LyingTable(SortedTable):
    """A sorted table beside that of the file, of which it has only those words for itself that are often asked for."""

    __slots__ = ("_order",)
    _order: Indices
    photograph, status, reason, kind, decision = map(_in_order, _LATER)

    @classmethod
    def of(cls, columns: Mapping[str, Any], order: Indices) -> LyingTable:
        """Return the table of fields as a file has them, in an order."""
        moved: dict[str, Any] = {
            name: Gathered(column, order) if isinstance(column, Mapping) else column[order]
            for name, column in columns.items()
            if name not in _LATER
        }
        made = cls(**moved, **{name: columns[name] for name in _LATER})
        object.__setattr__(made, "_order", order)
        return made

    def __len__(self) -> int:
        return len(self.patient_id)


class Gathered(Mapping[str, NDArray[Any]]):
    """Columns in another order, each put into it when it is asked for: beside the table of the file, no second one."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], order: Indices) -> None:
        self._columns, self._order = columns, order

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][self._order]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def told(table: CohortTable, what: str, make: Callable[[], _T]) -> _T:
    """Return what is told of a table, made once for a sorted one."""
    if not isinstance(table, SortedTable):
        return make()
    if not hasattr(table, "_told"):
        object.__setattr__(table, "_told", {})
    if what not in table._told:
        table._told[what] = make()
    found: _T = table._told[what]
    return found


def numbered_people(table: CohortTable) -> Indices:
    """Return for each row of a sorted table the number of its person, 0 and upwards."""
    return told(table, "people", lambda: numbered(table.patient_id))


def everybody_predicted(table: CohortTable) -> Indices:
    """Return the numbers of all people of a sorted table with a prediction: those whom a bootstrap draws."""
    return told(table, "drawn", lambda: np.flatnonzero(np.bincount(numbered_people(table)[is_predicted(table)])))


def is_predicted(table: CohortTable) -> NDArray[np.bool_]:
    """Return which rows have a prediction."""
    return told(table, "predicted", lambda: table.status == Status.PREDICTED.value)


def firsts(numbers: Indices) -> Indices:
    """Where each of the numbers 0 and upwards, never falling, stands first."""
    return np.flatnonzero(np.diff(numbers, prepend=-1))


def numbered(sorted_words: Labels | Indices) -> Indices:
    """Number words or numbers of which equal ones stand together, 0 and upwards.

    >>> numbered(np.array(["b", "b", "a"])).tolist()
    [0, 0, 1]
    """
    first = np.zeros(min(len(sorted_words), 1), dtype=np.intp)
    return np.concatenate([first, np.cumsum(sorted_words[1:] != sorted_words[:-1], dtype=np.intp)])
