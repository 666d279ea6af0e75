"""From an Excel workbook (XLSX) to rows of words."""

from __future__ import annotations

import datetime as dt
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl  # type: ignore[import-untyped]
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

from fundus_core.errors import TruthError
from fundus_core.truth.faults import Fault
from fundus_core.truth.grid import Grid, known_words

MAX_UNPACKED = 1_000_000_000
"""A workbook that unpacks to more bytes is refused before it is opened."""
_SMALL = 30_000_000
_MAX_COLUMNS = 1_000

_DAMAGE = (
    *(KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, EOFError, OSError, AssertionError),
    *(NotImplementedError, RuntimeError, SyntaxError, MemoryError, struct.error, zlib.error),
    *(zipfile.BadZipFile, ParseError, InvalidFileException),
)
"""What openpyxl, zipfile and the XML reader were seen to raise on damaged workbooks (found by mutation)."""


def is_workbook(data: bytes) -> bool:
    """Return whether the bytes start as a ZIP archive does, which is what an XLSX file is."""
    return data.startswith(b"PK")


def sheet_names(data: bytes, name: str) -> tuple[str, ...]:
    """Return the names of a workbook's visible sheets; empty for any other file.

    Raises:
        TruthError: A damaged workbook.
    """
    if not is_workbook(data):
        return ()
    _unpacked(data, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
            return tuple(sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible")
        except _DAMAGE as error:
            raise TruthError(_damaged(name, error)) from error


def _damaged(name: str, error: Exception) -> str:
    kind = type(error).__name__
    return f"'{name}' cannot be read as an Excel workbook ({kind}); open it, save it again as XLSX or CSV."


def read(data: bytes, name: str, sheet: str | None = None) -> tuple[Grid, str, list[str], list[Fault]]:
    """Read one sheet of a workbook: stored values of formulas, merged cells filled.

    Args:
        data: The whole file.
        name: For messages.
        sheet: The sheet's name; the first visible one that is not empty when ``None``.

    Returns:
        Rows of words, the sheet's name, notes, faults.

    Raises:
        TruthError: No workbook, damaged, too large, or no such sheet.
    """
    unpacked = _unpacked(data, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of extensions that it leaves out; none holds a value
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, read_only=unpacked > _SMALL)
            return _read(book, data, name, sheet, whole=unpacked <= _SMALL)
        except _DAMAGE as error:
            raise TruthError(_damaged(name, error)) from error


def _unpacked(data: bytes, name: str) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            size = sum(item.file_size for item in archive.infolist())
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        OSError,
        struct.error,
        NotImplementedError,
        UnicodeDecodeError,
    ) as error:
        message = f"'{name}' is a damaged ZIP or Excel file; save the table again as XLSX or CSV."
        raise TruthError(message) from error
    if not any(entry.startswith("xl/") for entry in names):
        message = f"'{name}' is an archive, not an Excel workbook; give the table itself as XLSX or CSV."
        raise TruthError(message)
    if size > MAX_UNPACKED:
        message = f"'{name}' unpacks to {size:,} bytes; at most {MAX_UNPACKED:,} are read. Save the one sheet as CSV."
        raise TruthError(message)
    return size


def _read(
    book: Any, data: bytes, name: str, wanted: str | None, *, whole: bool
) -> tuple[Grid, str, list[str], list[Fault]]:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if wanted is not None and wanted not in sheets:
        message = f"'{name}' has no sheet '{wanted}'; there are {', '.join(sheets)}."
        raise TruthError(message)
    visible = [title for title, sheet in sheets.items() if sheet.sheet_state == "visible"] or list(sheets)
    title, grid = _first_table({name: sheets[name] for name in ([wanted] if wanted is not None else visible)})
    if not grid:
        message = f"'{name}' has no sheet with anything in it; give a table with a heading and at least one row."
        raise TruthError(message)
    notes = []
    others = [other for other in visible if other != title]
    if others:
        notes.append(f"The sheet '{title}' was read; the others were not: {', '.join(others)}.")
    faults: list[Fault] = []
    if whole:
        _fill_merged(grid, sheets[title])
        faults = _formulas_without_value(grid, data, title)
    else:
        notes.append("The workbook is large: merged cells were not filled.")
    return grid, title, notes, faults


def _first_table(sheets: Mapping[str, Any]) -> tuple[str, Grid]:
    """Return the first sheet whose heading has known words, else the first with anything in it."""
    first: tuple[str, Grid] = ("", [])
    for title, sheet in sheets.items():
        grid = _words(sheet.iter_rows(values_only=True))
        if not any(any(row) for row in grid):
            continue
        if known_words(grid) > 1:
            return title, grid
        first = first if first[1] else (title, grid)
    return first


def _words(rows: Iterable[tuple[Any, ...]]) -> Grid:
    return [[word(cell) for cell in row[:_MAX_COLUMNS]] for row in rows]


def word(cell: object) -> str:
    """Return a cell as the word that a person sees, dates as ISO.

    >>> word(120.0), word(5.4), word(None), word(dt.datetime(1960, 4, 1))
    ('120', '5.4', '', '1960-04-01')
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    return str(cell)


def _fill_merged(grid: Grid, sheet: Any) -> None:
    """Write the value of a merged area into each of its cells."""
    for area in sheet.merged_cells.ranges:
        value = _at(grid, area.min_row - 1, area.min_col - 1)
        for row in grid[area.min_row - 1 : area.max_row] if value else []:
            last = min(area.max_col, len(row))
            row[area.min_col - 1 : last] = [value] * max(0, last - area.min_col + 1)


def _at(grid: Grid, row: int, column: int) -> str:
    return grid[row][column] if row < len(grid) and column < len(grid[row]) else ""


def _formulas_without_value(grid: Grid, data: bytes, title: str) -> list[Fault]:
    """List formulas whose result was never stored (files written by programs that do not calculate)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [entry for entry in archive.namelist() if entry.startswith("xl/worksheets/")]
        if not any(b"<f" in archive.read(entry) for entry in sheets):
            return []
    formulas = openpyxl.load_workbook(io.BytesIO(data), data_only=False)[title]
    what = "The formula has no stored result. Open the file in Excel, save it, and give it again."
    return [
        Fault(cell.row, cell.column_letter, str(cell.value), "formula_without_value", what)
        for row in formulas.iter_rows()
        for cell in row
        if cell.data_type == "f" and not _at(grid, cell.row - 1, cell.column - 1)
    ]
