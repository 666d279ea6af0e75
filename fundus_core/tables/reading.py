"""From a stranger's bytes to a table of words; nothing is interpreted here but the heading."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import TruthError, say
from fundus_core.tables import grid as grids
from fundus_core.tables import large, text, workbook
from fundus_core.tables.grid import Grid, Head
from fundus_core.tables.large import Large
from fundus_core.tables.parse import fold
from fundus_core.tables.reshape import join_units, spread_out
from fundus_core.tables.table import Fault, Table, Words
from fundus_core.tables.unescape import undone

MAX_ROWS = 2_000_000
"""More rows are refused."""
MAX_COLUMNS = 2_000
"""More columns are refused: no spreadsheet of measured values has them, a file that is none may."""
_SUMMARY = frozenset(
    "total|sum|mean|average|median|sd|min|max|count|合計|平均|平均値|標準偏差|最大|最小|総計|計|中央値|件数".split("|")
)
_UNREADABLE = "\ufffd"
_BLANK = " \t\n\x0b\x0c\u3000\xa0\u200b\u200c\u200d\ufeff\x1a\x00"


def read_table(data: bytes, name: str, *, sheet: str | None = None, hidden_rows: bool = False) -> Table:
    """Read the whole of a CSV, TSV or XLSX file as a table of words; the content decides the format, never the name.

    Of a workbook the first sheet whose heading is understood where none is named. ``hidden_rows`` reads the rows that a
    sheet hides (a filter does), too.

    Raises:
        TruthError: Not a table, or a table without rows.
    """
    text.refuse_other_formats(data, name)
    if workbook.is_workbook(data):
        found = workbook.read(data, name, sheet)
        table = _table(found.grid, name, f"sheet '{found.title}'", found.notes, found.faults, found.hidden, hidden_rows)
        return replace(join_units(spread_out(undone(table))), sheet=found.title)
    written, encoding = text.decode(data, name)
    if (form := large.form_of(written, _BLANK)) is not None:
        utf_8 = encoding in ("utf-8", "utf-8-sig")
        data = data if utf_8 else written.encode()
        del written  # it takes as much as the file, and is made again where it is needed after all
        if (plain := large.read(data, form, _BLANK, _is_total)) is not None:
            del data
            return join_units(spread_out(undone(_large(plain, name, _how(encoding, grids.SEPARATORS[form.separator])))))
        written = text.decode(data, name)[0] if utf_8 else data.decode()
    rows, separator, faults = grids.split(written)
    if _UNREADABLE in written:
        faults = [*faults, *_unreadable(rows, encoding)]
    return join_units(
        spread_out(
            undone(
                _table(
                    rows,
                    name,
                    _how(encoding, separator),
                    [],
                    faults,
                )
            )
        )
    )


def _how(encoding: str, separator: str) -> str:
    return say("{encoding}, separated by {separator}", encoding=encoding, separator=say(separator))


def _large(found: Large, name: str, how: str) -> Table:
    """As ``_table``, of columns: only rows that may be no data are looked at one by one."""
    head, above, n = found.form.head, found.form.above, len(found.columns[0])
    _refuse_huge(head.first + n, max(len(found.columns), *map(len, above)), name)
    kept, faults = np.ones(n, dtype=bool), []
    for at in found.suspects:
        row = [column[at] for column in found.columns]
        kept[at], fault = _judged(row, head.first + at, len(row), above[head.start : head.first])
        faults += fault
    columns = found.columns if kept.all() else [column[kept] for column in found.columns]
    return _under_headings(columns, head.first + 1 + np.flatnonzero(kept), head, name, how, _notes(head), faults)


def _unreadable(rows: Grid, encoding: str) -> Iterator[Fault]:
    for index, row in enumerate(rows):
        for cell in row:
            if _UNREADABLE in cell:
                what = say(
                    "Some bytes of this cell are not {encoding}. Write the cell again, or save the file as UTF-8.",
                    encoding=encoding,
                )
                yield Fault(index + 1, "", cell[:40], "unreadable", what)


def _table(
    grid: Grid,
    name: str,
    how: str,
    notes: list[str],
    faults: list[Fault],
    hidden: frozenset[int] = frozenset(),
    with_hidden: bool = False,  # noqa: FBT001, FBT002
) -> Table:
    _refuse_huge(len(grid), max(map(len, grid), default=0), name)
    grid = [[cell.strip(_BLANK) for cell in row] for row in grid]
    head = grids.find_head(grid)
    notes += _notes(head)
    unseen = {row for row in hidden if head.first < row <= len(grid) and any(grid[row - 1])}
    if unseen and not with_hidden:
        notes.append(
            say(
                (
                    "{unseen:,} {unseen:row is|rows are} hidden in the sheet, as a filter does, and "
                    "{unseen:was|were} not read. Show {unseen:it|them} and save the table again if {unseen:it "
                    "belongs|they belong} to it."
                ),
                unseen=len(unseen),
            )
        )
        grid = [[] if row in unseen else cells for row, cells in enumerate(grid, start=1)]
    rows, numbers, odd_rows = _data_rows(grid, head)
    columns = [np.array(cells, dtype=object) for cells in zip(*rows, strict=True)]
    table = _under_headings(columns, np.array(numbers, dtype=np.int64), head, name, how, notes, odd_rows)
    return replace(table, hidden=len(unseen), faults=(*faults, *table.faults))


def _notes(head: Head) -> list[str]:
    notes = []
    if head.start:
        notes.append(
            say("The heading was found in row {start}; what stands above it was left out.", start=head.start + 1)
        )
    if head.start == head.first:
        notes.append("The table has no heading; its columns are numbered and must be mapped by hand.")
    return notes


def _under_headings(
    columns: Sequence[Words],
    rows: NDArray[np.int64],
    head: Head,
    name: str,
    how: str,
    notes: Sequence[str],
    faults: Sequence[Fault],
) -> Table:
    if not len(rows):
        raise TruthError("'{name}' has a heading and no rows; give a table with at least one row of values.", name=name)
    kept = [i for i, cells in enumerate(columns) if (i < len(head.headings) and head.headings[i]) or any(cells)]
    headings, odd_headings = _named([head.headings[i] if i < len(head.headings) else "" for i in kept], kept, head)
    arrays = tuple(columns[i] for i in kept)
    return Table(name, headings, arrays, rows, how, tuple(notes), faults=(*odd_headings, *faults))


def _refuse_huge(rows: int, width: int, name: str) -> None:
    if rows > MAX_ROWS or width > MAX_COLUMNS:
        raise TruthError(
            "'{name}' has {grid:,} rows and {width:,} columns; at most {max_rows:,} and {max_columns:,} "
            "are read. Split it.",
            name=name,
            grid=rows,
            width=width,
            max_rows=MAX_ROWS,
            max_columns=MAX_COLUMNS,
        )


def _data_rows(grid: Grid, head: Head) -> tuple[list[list[str]], list[int], list[Fault]]:
    """Return the data rows in one width, their numbers, and the faults of rows that do not fit."""
    width = max(len(head.headings), _usual_width(grid[head.first :]) if head.start == head.first else 0)
    heading_cells = [grid[i] for i in range(head.start, head.first)]
    rows: list[list[str]] = []
    numbers: list[int] = []
    faults: list[Fault] = []
    for index in range(head.first, len(grid)):
        row = grid[index]
        stays, fault = _judged(row, index, width, heading_cells)
        faults += fault
        if stays:
            rows.append(row[:width] + [""] * (width - len(row)))
            numbers.append(index + 1)
    return rows, numbers, faults


def _judged(
    row: Sequence[str], index: int, width: int, heading_rows: Sequence[Sequence[str]]
) -> tuple[bool, list[Fault]]:
    """Return whether a row is data, and the fault of one that does not fit."""
    if not any(row):
        return False, []
    fault = _unfit(row, width, heading_rows)
    gone = (len(row) > width and any(row[width:])) or (fault and fault[0] in ("repeated_heading", "summary_row"))
    return not gone, [Fault(index + 1, "", "", *fault)] if fault else []


def _usual_width(grid: Grid) -> int:
    return Counter(len(row) for row in grid if any(row)).most_common(1)[0][0] if any(map(any, grid)) else 0


def _unfit(row: Sequence[str], width: int, heading_rows: Sequence[Sequence[str]]) -> tuple[str, str] | None:
    if len(row) > width and any(row[width:]):
        what = say(
            (
                "The row has {row} {row:cell|cells}, the heading {width}: nobody can tell which cell is too "
                "many, so it was not used."
            ),
            row=len(row),
            width=width,
        )
        return "ragged_row", say("{what} Put cells that hold the separator in quotation marks.", what=say(what))
    if len(row) < width - 1 or (len(row) < width and width <= 2):
        what = say(
            (
                "The row has {row} {row:cell|cells}, the heading {width}: the last ones count as missing. "
                "Complete the row."
            ),
            row=len(row),
            width=width,
        )
        return "ragged_row", what
    if any(row[0] == heading[0] and list(row) == list(heading) for heading in heading_rows if heading):
        return "repeated_heading", "The heading stands here again; the row was left out. Remove it."
    first = next(cell for cell in row if cell)
    if _is_total(first):
        return (
            "summary_row",
            "The row looks like a total or a mean, not a person; it was left out. Remove it.",
        )
    return None


def _is_total(cell: str) -> bool:
    return len(cell) < 10 and fold(cell) in _SUMMARY


def _named(headings: list[str], positions: list[int], head: Head) -> tuple[tuple[str, ...], list[Fault]]:
    """Give every column a name of its own."""
    row = head.first if head.start < head.first else 0
    seen: Counter[str] = Counter()
    names: list[str] = []
    faults: list[Fault] = []
    for heading, position in zip(headings, positions, strict=True):
        plain = " ".join(heading.split()) or f"column {position + 1}"
        if not heading and row:
            faults.append(
                Fault(
                    row,
                    plain,
                    "",
                    "no_heading",
                    "The column has values and no heading. Name it or map it by hand.",
                )
            )
        seen[plain] += 1
        if seen[plain] > 1:
            what = say(
                "The heading '{plain}' stands above more than one column. Rename or remove all but one.", plain=plain
            )
            faults.append(Fault(row, plain, "", "duplicate_heading", what))
        names.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return _all_different(names), faults


def _all_different(names: list[str]) -> tuple[str, ...]:
    """A file may itself hold both ``SBP`` twice and ``SBP (2)``."""
    taken: set[str] = set()
    for index in range(len(names)):
        while names[index] in taken:
            names[index] += "'"
        taken.add(names[index])
    return tuple(names)
