"""From text to rows: the separator, the quotes, and where the heading ends and the data begin."""

import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from fundus_core.identity import EYES, PHOTOGRAPH_ENDING
from fundus_core.tables.dates import date
from fundus_core.tables.headings import is_heading_word, understand
from fundus_core.tables.parse import decimal_mark, fold, number
from fundus_core.tables.table import Fault
from fundus_core.tables.units import unit_of
from fundus_core.tables.writing import restored

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""Separators that are tried, with their names for messages."""
PHOTOGRAPH = re.compile(f".*{PHOTOGRAPH_ENDING.pattern}", re.IGNORECASE | re.DOTALL)
"""A cell that ends as the file name of a photograph does."""

HEAD_LINES = 20
"""The heading is looked for in the first of these rows."""
_DEEPEST_HEADING = 3
SAMPLE_ROWS = 60
"""Rows that tell how wide a table is."""
_HUGE_CELL = 100_000

Grid = list[list[str]]
"""Rows of cells; row i of the grid is row i + 1 of the spreadsheet."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the heading is."""

    headings: tuple[str, ...]
    """One per column, empty where the file has none."""
    first: int
    """Grid row of the first data row."""
    start: int
    """Grid row of the heading; equal to ``first`` where the file has none."""


def split(text: str) -> tuple[Grid, str, list[Fault]]:
    """Split text into rows; return them, the separator's name, and the faults of quoting."""
    hint = re.match(r'"?sep=(.)"?\n', text)
    separator = hint[1] if hint else separator_of(text)
    grid = _parse(text, separator)
    faults: list[Fault] = []
    if grid is None or _swallowed(grid, separator):
        grid, faults = _line_by_line(text, separator)
    if hint:
        grid[0] = []
    if _wrapped(grid):
        rows, name, more = split("\n".join(row[0] if row else "" for row in grid))
        what = "Every row stands in quotation marks as a whole; the marks were left out. Save the table again as CSV."
        return rows, name, [*faults, Fault(0, "", "", "quoting", what), *more]
    return grid, SEPARATORS.get(separator, separator), faults


def _wrapped(grid: Grid) -> bool:
    """Return whether each row is one cell that holds the separators (a CSV quoted once too often)."""
    rows = [row for row in grid[:SAMPLE_ROWS] if row]
    counts = Counter(row[0].count(separator) for row in rows for separator in SEPARATORS if separator in row[0])
    return len(rows) > 1 and all(len(row) == 1 for row in rows) and counts.total() >= len(rows)


def _parse(text: str, separator: str) -> Grid | None:
    try:
        return [[restored(cell) for cell in row] for row in csv.reader(lines_of(text), delimiter=separator)]
    except csv.Error:
        return None


def lines_of(text: str) -> list[str]:
    """Split at line feeds only: ``str.splitlines`` also splits at characters that may stand in a cell."""
    lines = [line + "\n" for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "\n" else lines


def separator_of(text: str) -> str:
    """Return the separator that gives the most cells per row, the same number in most rows."""
    head = lines_of(text[:_HUGE_CELL])[:SAMPLE_ROWS]
    return max(SEPARATORS, key=lambda separator: _regularity(head, separator))


def _regularity(head: list[str], separator: str) -> float:
    try:
        widths = Counter(len(row) for row in csv.reader(head, delimiter=separator) if row)
    except csv.Error:
        return 0.0
    width, count = max(widths.items(), key=lambda pair: (pair[1] * (pair[0] > 1), pair[0]), default=(1, 0))
    return 0.0 if width < 2 else count / sum(widths.values()) + 0.02 * min(width, 20)


def _swallowed(grid: Grid, separator: str) -> bool:
    """Return whether a quote that was never closed took whole rows into one cell."""
    width = Counter(len(row) for row in islice(grid, SAMPLE_ROWS)).most_common(1)[0][0] if grid else 0
    most = max(1, width - 1)
    return any(
        "\n" in cell and max(line.count(separator) for line in cell.split("\n")[1:]) >= most
        for row in grid
        for cell in row
        if len(cell) > most
    )


def _line_by_line(text: str, separator: str) -> tuple[Grid, list[Fault]]:
    grid: Grid = []
    faults: list[Fault] = []
    for index, line in enumerate(lines_of(text)):
        odd = line.count('"') % 2 == 1 or len(line) > _HUGE_CELL
        cells = (
            line.rstrip("\n").replace('"', "").split(separator)
            if odd
            else next(csv.reader([line], delimiter=separator), [])
        )
        grid.append(cells)
        if odd:
            what = (
                "A quotation mark is opened and never closed; the row was read without it. Remove or double the mark."
            )
            faults.append(Fault(index + 1, "", "", "quoting", what))
    return grid, faults


def find_head(grid: Sequence[Sequence[str]]) -> Head:
    """Find the heading: the row (or two or three, one under the other) with the most known words and no data in it."""
    best, best_score = None, 0.0
    for start in range(min(HEAD_LINES, len(grid))):
        for depth in range(1, _DEEPEST_HEADING + 1):
            block = grid[start : start + depth]
            if len(block) < depth or any(_is_data(row) for row in block):
                break
            if any(_is_title(row, block[-1]) for row in block[:-1]):
                break
            headings = _stacked(block)
            score = _score(headings) - 0.6 * (depth - 1) - 0.01 * start
            if score > best_score:
                best, best_score = Head(headings, start + depth, start), score
    return best or _unknown_head(grid)


def known_words(grid: Sequence[Sequence[str]]) -> int:
    """Return how many headings of a grid are known words."""
    return sum(bool(understand(heading).role) for heading in find_head(grid[: HEAD_LINES * 2]).headings if heading)


def _unknown_head(grid: Sequence[Sequence[str]]) -> Head:
    """No word is known: the first row is the heading unless it holds data."""
    start = next((i for i, row in enumerate(grid) if sum(map(bool, row)) > 1), None)
    if start is None:
        start = next((i for i, row in enumerate(grid) if any(row)), 0)
    width = max((len(row) for row in grid[start : start + SAMPLE_ROWS]), default=0)
    if start >= len(grid) or _is_data(grid[start]):
        return Head(("",) * width, start, start)
    return Head(tuple(grid[start]), start + 1, start)


def _score(headings: Sequence[str]) -> float:
    """Two points for a known word, a little for its unit, its eye and any other word; a repeated word counts once."""
    different = {heading for heading in headings if heading}
    meanings = [meaning for heading in different if (meaning := understand(heading)).role]
    known = sum(2.0 + 0.4 * bool(meaning.unit) + 0.4 * bool(meaning.eye) for meaning in meanings)
    return known + 0.05 * len(different) if known else 0.0


def _is_title(row: Sequence[str], below: Sequence[str]) -> bool:
    """Return whether a row above a heading is a line of text in one cell, and no word that belongs to the heading."""
    cells = [cell for cell in row if cell]
    if len(cells) != 1 or sum(map(bool, below)) < 2:
        return False
    word = fold(cells[0])
    return not (is_heading_word(word) or word in EYES or unit_of(word))


def _is_data(row: Sequence[str]) -> bool:
    """Return whether a row holds numbers, dates or file names, as no heading does."""
    cells = [cell for cell in row if cell]
    data = sum(1 for cell in cells if is_datum(cell))
    return data > 0 and (data > 1 or len(cells) < 4)


def is_datum(cell: str) -> bool:
    """Return whether a cell is a number (with or without a unit), a date or a photograph's file name."""
    text = fold(cell)
    if math.isfinite(number(text, decimal_mark([text])).value):
        return True
    return bool(PHOTOGRAPH.fullmatch(text)) or date(text) is not None


def _stacked(block: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Join headings that stand one under the other: ``血圧`` over ``収縮期``, ``SBP`` over ``mmHg``."""
    width = max(len(row) for row in block)
    columns = [[row[i] if i < len(row) else "" for row in block] for i in range(width)]
    upper = ""
    headings = []
    for cells in columns:
        above, below = (cells[0], cells[1:]) if len(cells) > 1 else ("", cells)
        upper = above or (upper if any(below) else "")
        headings.append(_joined(upper, [cell for cell in below if cell]))
    return tuple(headings)


def _joined(upper: str, below: list[str]) -> str:
    """Put the upper word before the lower ones where they need it: a unit, an eye, an unknown word."""
    lower = " ".join(dict.fromkeys(f"({cell})" if unit_of(fold(cell)) else cell for cell in below))
    if not upper or upper in below:
        return lower
    if not lower:
        return upper
    alone = understand(lower)
    if alone.role and not understand(f"{upper} {lower}").eye > alone.eye:
        return lower
    return f"{upper} {lower}"
