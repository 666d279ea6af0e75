"""From an Excel workbook (XLSX) to rows of words."""

import datetime as dt
import io
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

from fundus_core.errors import TruthError, say
from fundus_core.tables.cell_formats import shown, tells
from fundus_core.tables.grid import Grid, known_words
from fundus_core.tables.table import Fault

MAX_UNPACKED = 1_000_000_000
"""A workbook that unpacks to more bytes is refused before it is opened."""
MAX_CELLS = 60_000_000
"""A sheet that claims more cells is refused; empty ones between the first and last of a row count."""
_MOST_MERGED = 200_000
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
_ROW_NUMBER = re.compile(rb'\br="(\d{1,7})"')
_IS_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_STRICT, _START = b"http://purl.oclc.org/ooxml/", 4096
"""The names of Strict Open XML (ISO/IEC 29500-1), which stand in the first bytes of its workbook."""
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")

_DAMAGE = (
    *(KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, EOFError, OSError, AssertionError),
    *(NotImplementedError, RuntimeError, SyntaxError, MemoryError, struct.error, zlib.error),
    *(zipfile.BadZipFile, ParseError),
)
"""What openpyxl, zipfile and the XML reader were seen to raise on damaged workbooks (found by mutation)."""


def is_workbook(data: bytes) -> bool:
    """Return whether the bytes start as a ZIP archive does, which is what an XLSX file is."""
    return data.startswith(b"PK")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as it was read."""

    grid: Grid
    """Rows of words; row i of the grid is row i + 1 of the sheet."""
    title: str
    """Its name."""
    notes: list[str]
    """What the reader had to do, as sentences."""
    faults: list[Fault]
    """Formulas without a result."""
    hidden: frozenset[int]
    """Numbers of hidden rows, the first is 1."""


def sheet_names(data: bytes, name: str) -> tuple[str, ...]:
    """Return the names of a workbook's visible sheets; empty for any other file.

    Raises:
        TruthError: A damaged workbook.
    """
    if not is_workbook(data):
        return ()
    _check_archive(data, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = _open(data)
            return tuple(sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible")
        except _DAMAGE as error:
            raise TruthError(_damaged(name, error)) from error


def _open(data: bytes, *, data_only: bool = False) -> Any:
    """Open a workbook with the streaming reader.

    Only that one is safe: the other lays out every cell of a merged or formatted area, which a damaged or hostile file
    may state to be the whole sheet.
    """
    import openpyxl  # type: ignore[import-untyped]  # a fifth of a second, which the start of no process needs

    return openpyxl.load_workbook(io.BytesIO(data), data_only=data_only, read_only=True)


def _damaged(name: str, error: Exception) -> str:
    kind = type(error).__name__
    return say(
        "'{name}' cannot be read as an Excel workbook ({kind}); open it, save it again as XLSX or CSV.",
        name=name,
        kind=kind,
    )


def read(data: bytes, name: str, sheet: str | None = None) -> Sheet:
    """Read one sheet of a workbook: ids as they are shown, stored values of formulas, merged cells filled.

    Args:
        data: The whole file.
        name: For messages.
        sheet: The sheet's name; the first visible one whose heading is understood when ``None``.

    Raises:
        TruthError: No workbook, damaged, too large, or no such sheet.
    """
    _check_archive(data, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of extensions that it leaves out; none holds a value
        try:
            return _read(data, name, sheet)
        except _DAMAGE as error:
            raise TruthError(_damaged(name, error)) from error


def _check_archive(data: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            strict = _STRICT in archive.read("xl/workbook.xml")[:_START] if "xl/workbook.xml" in names else False
            size = sum(item.file_size for item in archive.infolist())
    except _DAMAGE as error:
        raise TruthError(
            "'{name}' is a damaged ZIP or Excel file; save the table again as XLSX or CSV.", name=name
        ) from error
    if not any(entry.startswith("xl/") for entry in names):
        raise TruthError(
            "'{name}' is an archive, not an Excel workbook; give the table itself as XLSX or CSV.", name=name
        )
    if strict:
        raise TruthError(
            "'{name}' is saved as Strict Open XML, which is not read here; in Excel choose 'Excel Workbook (*.xlsx)' "
            "under Save As, or save the sheet as CSV.",
            name=name,
        )
    if size > MAX_UNPACKED:
        raise TruthError(
            "'{name}' unpacks to {size:,} bytes; at most {max_unpacked:,} are read. Save the one sheet as CSV.",
            name=name,
            size=size,
            max_unpacked=MAX_UNPACKED,
        )


def _read(data: bytes, name: str, wanted: str | None) -> Sheet:
    book = _open(data, data_only=True)
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if wanted is not None and wanted not in sheets:
        raise TruthError(
            "'{name}' has no sheet '{wanted}'; there are {sheets}.", name=name, wanted=wanted, sheets=sheets
        )
    visible = [title for title, sheet in sheets.items() if sheet.sheet_state == "visible"] or list(sheets)
    chosen = {name: sheets[name] for name in ([wanted] if wanted is not None else visible)}
    title, grid = _first_table(chosen, showing=any(map(tells, book._number_formats)))
    if not grid:
        raise TruthError(
            "'{name}' has no sheet with anything in it; give a table with a heading and at least one row.", name=name
        )
    others = [other for other in visible if other != title]
    notes = (
        [say("The sheet '{title}' was read; the others were not: {others}.", title=title, others=others)]
        if others
        else []
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        written = archive.read(str(sheets[title]._worksheet_path))
    _fill_merged(grid, written)
    faults = _formulas_without_value(grid, data, title) if _FORMULA.search(written) else []
    return Sheet(grid, title, notes, faults, _hidden_rows(written))


def _hidden_rows(written: bytes) -> frozenset[int]:
    """Return the numbers of rows that a filter or a person hid; rows without a number follow the one before."""
    hidden, at = set(), 0
    for row in _ROW.finditer(written):
        number = _ROW_NUMBER.search(row[1])
        at = int(number[1]) if number else at + 1
        if _IS_HIDDEN.search(row[1]):
            hidden.add(at)
    return frozenset(hidden)


def _first_table(sheets: Mapping[str, Any], *, showing: bool) -> tuple[str, Grid]:
    """Return the first sheet whose heading has known words, else the first with anything in it."""
    first: tuple[str, Grid] = ("", [])
    for title, sheet in sheets.items():
        sheet.reset_dimensions()  # some programs state the size of a sheet wrongly
        grid = _words(_shown_rows(sheet) if showing else sheet.iter_rows(values_only=True))
        if not any(any(row) for row in grid):
            continue
        if known_words(grid) > 1:
            return title, grid
        first = first if first[1] else (title, grid)
    return first


def _shown_rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the values of each row, whole numbers behind a telling number format as they are shown."""
    for row in sheet.iter_rows():
        yield tuple(_as_shown(cell) for cell in row)


def _as_shown(cell: Any) -> Any:
    if cell.data_type != "n" or not isinstance(cell.value, int | float) or isinstance(cell.value, bool):
        return cell.value
    words = shown(cell.value, cell.number_format)
    return cell.value if words is None else words


def _words(rows: Iterable[tuple[Any, ...]]) -> Grid:
    grid: Grid = []
    cells = 0
    for row in rows:
        cells += len(row)
        if cells > MAX_CELLS:
            raise TruthError(
                "The sheet claims more than {max_cells:,} cells. Delete what is no table, or save it as CSV.",
                max_cells=MAX_CELLS,
            )
        end = len(row)
        while end and row[end - 1] is None:
            end -= 1
        grid.append([word(cell) for cell in row[:end]])
    return grid


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


def _fill_merged(grid: Grid, written: bytes) -> None:
    """Write the value of a merged area into each of its cells, as far as the table reaches."""
    from openpyxl.utils.cell import range_boundaries  # type: ignore[import-untyped]

    width = max(map(len, grid))
    for found in islice(_MERGED.finditer(written), _MOST_MERGED):
        left, top, right, bottom = range_boundaries(found[1].decode())
        value = _at(grid, top - 1, left - 1)
        for row in grid[top - 1 : bottom] if value else []:
            row += [""] * (min(right, width) - len(row))
            row[left - 1 : right] = [value] * (min(right, width) - left + 1)


def _at(grid: Grid, row: int, column: int) -> str:
    return grid[row][column] if row < len(grid) and column < len(grid[row]) else ""


def _formulas_without_value(grid: Grid, data: bytes, title: str) -> list[Fault]:
    """List formulas whose result was never stored (files written by programs that do not calculate)."""
    sheet = _open(data)[title]
    sheet.reset_dimensions()
    what = "The formula has no stored result. Open the file in Excel, save it, and give it again."
    return [
        Fault(cell.row, cell.column_letter, str(cell.value), "formula_without_value", what)
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f" and not _at(grid, cell.row - 1, cell.column - 1)
    ]
