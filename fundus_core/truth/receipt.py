"""What became of each column of a table: how many cells were used, which were missing, what was converted.

What a methods section must say of its data; no cell of a column that names anybody is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from fundus_core.errors import joined, say
from fundus_core.records import Floats
from fundus_core.tables import parse, units
from fundus_core.tables.headings import spoken
from fundus_core.tables.table import Words
from fundus_core.truth.mapping import GONE, Column

_SAMPLES = 3
_NOT_KEPT = frozenset(("personal", "ignored"))
_WITHHELD = _NOT_KEPT | {"patient_id", "photograph", "birth_date", "exam_date"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One column of a table, as it was used."""

    heading: str
    """As in the file."""
    role: str
    """What it was taken for."""
    part: str
    """``predicted`` or another of ``PARTS``; empty for measured values."""
    cells: int
    """Rows of the table."""
    used: int
    """Cells that gave a value."""
    missing: Mapping[str, int]
    """Cells that say that there is none, by their word; empty cells under the empty word."""
    samples: tuple[str, ...] = ()
    """The first cells that differ; none of a column that names or dates anybody."""
    low: float | None = None
    """Smallest value used, in the target's unit."""
    high: float | None = None
    """Largest value used."""
    unit: str = ""
    """Of ``low`` and ``high``."""
    converted: Mapping[str, int] = field(default_factory=dict)
    """Cells in another unit, by that unit."""

    @property
    def unusable(self) -> int:
        """Cells with something in them that gave no value; the faults say why of each."""
        return 0 if self.role in _NOT_KEPT else self.cells - self.used - sum(self.missing.values())

    def row(self) -> dict[str, Any]:
        """Return the entry as a row of a table; without samples, for it may leave the house."""
        gone = ", ".join(f"{word or 'empty'}: {count}" for word, count in self.missing.items())
        other = ", ".join(f"{unit}: {count}" for unit, count in self.converted.items())
        low, high = (None if end is None else float(f"{end:.6g}") for end in (self.low, self.high))
        ends = {"low": low, "high": high, "unit": self.unit, "converted_from": other}
        counts = {"cells": self.cells, "used": self.used, "missing": gone, "not_usable": self.unusable}
        return {"column": self.heading, "taken_for": " ".join(filter(None, (self.role, self.part))), **counts, **ends}


def entry(column: Column, words: Words, values: Sequence[Floats], converted: Mapping[str, int]) -> Entry:
    """Return what became of a column.

    Args:
        column: What it was taken for.
        words: Its n cells.
        values: What was used of it, arrays of n in the target's unit; none where the column holds no numbers.
        converted: How many cells were in which other unit.
    """
    different, codes = parse.distinct(words)
    counts = dict(zip(different, np.bincount(codes, minlength=len(different)).tolist(), strict=True))
    gone = {word: count for word, count in counts.items() if parse.is_missing(word)}
    if column.coding:
        gone |= {word: count for word, count in counts.items() if _code(word, column) == GONE}
    kept = column.role not in _WITHHELD
    samples = (
        tuple(word[:40] for word in islice((word for word in counts if word not in gone), _SAMPLES)) if kept else ()
    )
    found = Entry(column.heading, column.role, column.part, len(words), 0, gone, samples)
    if not values:
        used = 0 if column.role in _NOT_KEPT else len(words) - sum(gone.values())
        return replace(found, used=used)
    finite = [each[np.isfinite(each)] for each in values]
    own = units.UNITS[column.role][0].name if column.role in units.UNITS else ""
    every = np.concatenate(finite)
    found = replace(found, used=int(max(map(len, finite))), unit=own, converted=converted)
    return replace(found, low=float(every.min()), high=float(every.max())) if len(every) else found


def _code(word: str, column: Column) -> str:
    plain = parse.fold(word)
    return column.coding.get(plain) or column.coding.get(plain.removesuffix(".0"), "")


def paragraph(name: str, entries: Sequence[Entry]) -> str:
    """Return what a methods section says of a table of measured values, in sentences."""
    said = [_sentence(one) for one in entries if one.low is not None and not one.part]
    if not said:
        return ""
    rows = entries[0].cells
    first = say("Measured values came from '{name}' ({rows:,} {rows:row|rows}).", name=name, rows=rows)
    return joined([first, *said])


def _sentence(one: Entry) -> str:
    role = spoken(one.role)
    first = say(
        "{heading} ({role}): {used:,} of {cells:,} cells used",
        heading=one.heading,
        role=role,
        used=one.used,
        cells=one.cells,
    )
    more = [say("{low:.4g} to {high:.4g} {unit}", low=one.low, high=one.high, unit=say(one.unit))] if one.unit else []
    more += [say("{n:,} missing", n=sum(one.missing.values()))] if one.missing else []
    more += [say("{n:,} not usable", n=one.unusable)] if one.unusable else []
    more += [say("{n:,} converted from {unit}", n=count, unit=unit) for unit, count in one.converted.items()]
    return say("{first}.", first=joined([first, *more], ""))
