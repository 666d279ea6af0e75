"""A value that far too many cells hold: a code for missing (77, 99) where a measured value could stand."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.records import Floats
from fundus_core.tables import parse, units
from fundus_core.tables.table import Table
from fundus_core.truth.mapping import GONE, Column

FEWEST = 5
"""People of one value before it can be a heap."""
_NEAR = 0.1
"""Of the range between the 5th and 95th percentile, to either side: where a value's neighbours are counted."""
_TIMES, _SPREADS = 3.0, 6.0
"""How often a heap is what its neighbours are, and by how many standard deviations it exceeds them."""
_CODES = frozenset(
    value / tenths for tenths in (1.0, 10.0) for value in (*range(6, 10), *range(66, 100, 11), *range(666, 1000, 111))
)
"""6, 66, 666 to 9, 99, 999, and with a decimal: what forms and statistics programs write for missing."""

_ENDS = frozenset((0.0, 1.0))
"""What stands for missing as well, where nobody else is near it."""
_TELLING = 20


def asked(columns: list[Column], table: Table) -> list[Column]:
    """Return the columns with a heap marked as a code for missing, to be confirmed by a person.

    Args:
        columns: All of a table; those that already have codes stay as they are.
        table: Their cells.
    """
    people = _people(columns, table)
    return [
        column if column.part or column.coding or column.role not in units.RANGES else _asked(column, words, people)
        for column, words in zip(columns, table.columns, strict=True)
    ]


def _people(columns: list[Column], table: Table) -> NDArray[np.integer[Any]]:
    """A number for each row's person: many photographs of one person are no heap."""
    ids = next((words for c, words in zip(columns, table.columns, strict=True) if c.role == "patient_id"), None)
    return np.arange(len(table)) if ids is None else parse.distinct(ids)[1]


def _asked(column: Column, words: NDArray[np.object_], people: NDArray[np.integer[Any]]) -> Column:
    values = parse.floats(words, column.decimal)
    once = _once(people, values)
    low, high = units.RANGES[column.role]
    unit = units.unit(column.role, column.unit) or units.UNITS[column.role][0]
    own = unit.to_own(once) if len(once) else once
    found = heap(once[(own >= low) & (own <= high)])
    if found is None:
        return column
    code, count = f"{found:g}", int((values == found).sum())
    reason = say(
        "{reason} {count:,} of {n:,} cells say {code}, far more than any value near it, as a code for missing would. "
        "Confirm it and they count as missing; empty the codes where {code} was measured.",
        reason=say(column.reason),
        count=count,
        n=int(np.isfinite(values).sum()),
        code=code,
    )
    return replace(column, coding={code: GONE}, confidence=0.4, reason=reason, needs_confirmation=True)


def _once(people: NDArray[np.integer[Any]], values: Floats) -> Floats:
    """Return the values, each once for each person, in any order."""
    import pandas as pd

    known = np.isfinite(values)
    found, which = np.unique(values[known], return_inverse=True)
    pairs = pd.unique(people[known].astype(np.int64) * len(found) + which)
    return np.asarray(found[pairs % max(len(found), 1)])


def outlying_code(values: Floats) -> tuple[float, int] | None:
    """Return a code that lies far from all measured values, as an age of 1 among adults, and how many say it.

    Far is half the distance between the quartiles from the next value; fewer than 20 values tell nothing.

    >>> outlying_code(np.array([1.0, 1.0, *range(30, 70)])), outlying_code(np.array([1.0, 2.0, *range(3, 70)]))
    ((1.0, 2), None)
    """
    known = values[np.isfinite(values)]
    found, counts = np.unique(known, return_counts=True)
    if len(known) < _TELLING or len(found) < 3:
        return None
    far = 0.5 * float(np.subtract(*np.quantile(known, (0.75, 0.25))))
    for at, beside in ((0, 1), (-1, -2)):
        if round(float(found[at]), 6) in _CODES | _ENDS and abs(found[at] - found[beside]) > max(far, 1.0):
            return float(found[at]), int(counts[at])
    return None


def heap(values: Floats) -> float | None:
    """Return the code that far more people have than any value near it, or ``None``.

    Args:
        values: n plausible values as written, one for each person and value.
    """
    found, counts = np.unique(values, return_counts=True)
    if not len(found):
        return None
    reach = _NEAR * max(float(np.subtract(*np.quantile(values, (0.95, 0.05)))), 1.0)
    for at in np.argsort(-counts):
        value, count = float(found[at]), int(counts[at])
        if count < FEWEST:
            return None
        near = counts[(np.abs(found - value) <= reach) & (found != value)]
        usual = float(near.mean()) if len(near) else 0.0
        spread = max(usual, float(near.var()) if len(near) else 0.0) ** 0.5
        if round(value, 6) in _CODES and count > max(_TIMES * usual, usual + _SPREADS * spread):
            return value
    return None
