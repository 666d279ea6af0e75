"""Large tables that need no looking at every cell: rows of one width, no quotes. Any other is read cell by cell."""

import csv
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fundus_core.tables import arrow, grid
from fundus_core.tables.grid import Grid, Head
from fundus_core.tables.table import Told, Words
from fundus_core.tables.writing import restored

LEAST = 2_000_000
"""Characters of a table that is large; a smaller one is read cell by cell as fast."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a large table is laid out."""

    head: Head
    """Where the heading is."""
    above: Grid
    """The first rows, stripped, the heading among them."""
    separator: str
    """Of cells."""


@dataclass(frozen=True, slots=True)
class Large:
    """What the reader would find in a grid, without one."""

    form: Form
    """How it is laid out."""
    columns: tuple[Words, ...]
    """An array of n stripped strings for each column, of the rows below the heading."""
    suspects: tuple[int, ...]
    """Positions of rows that are empty, or may be a total or the heading again."""


def form_of(text: str, blank: str) -> Form | None:
    """Return how a table is laid out; ``None`` where it must be read cell by cell.

    Args:
        text: What the file holds.
        blank: What is stripped from cells.
    """
    odd = any(sign in text for sign in ('"', "\ufffd", "\0", "\n\n")) or text.startswith(("sep=", "\ufeff", "\n"))
    if len(text) < LEAST or odd:
        return None
    separator = grid.separator_of(text)
    above = _first_rows(text, separator, blank)
    head, width = grid.find_head(above), len(above[-1]) if above else 0
    if width < 2 or len(head.headings) != width or not any(sum(map(bool, row)) > 1 for row in above):
        return None
    return Form(head, above, separator)


def read(source: bytes, form: Form, blank: str, is_total: Callable[[str], bool]) -> Large | None:
    """Read a table; ``None`` where it must be read cell by cell.

    Args:
        source: What the file holds, in UTF-8.
        form: How it is laid out.
        blank: What is stripped from cells.
        is_total: Whether a cell looks like the first one of a total's row.
    """
    head, above = form.head, form.above
    names = [str(at) for at in range(len(head.headings))]
    found = arrow.read(source, names, separator=form.separator, skip=head.first)
    if found is None or not (n := len(found["0"])):
        return None
    again = [row[0] for row in above[head.start : head.first] if row]
    columns, empty, suspect = [], np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    for name in list(found):
        cells, codes = arrow.distinct(found.pop(name), lambda cell: restored(cell).strip(blank))
        columns.append(Told.of(cells, codes))
        if empty.any():
            suspect |= empty & np.array([is_total(cell) or (name == "0" and cell in again) for cell in cells])[codes]
            empty &= np.array([not cell for cell in cells])[codes]
    arrow.give_back()
    return Large(form, tuple(columns), tuple(np.flatnonzero(suspect | empty).tolist()))


def _first_rows(text: str, separator: str, blank: str) -> Grid:
    end = 0
    for _ in range(grid.HEAD_LINES + grid.SAMPLE_ROWS):
        end = text.find("\n", end) + 1 or len(text)
    try:
        rows = list(csv.reader(grid.lines_of(text[:end]), delimiter=separator))
    except csv.Error:
        return []
    return [[restored(cell).strip(blank) for cell in row] for row in rows]
