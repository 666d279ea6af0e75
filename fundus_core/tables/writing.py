"""Rows as CSV (RFC 4180): UTF-8, commas, nothing that a spreadsheet runs."""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

_Change = Callable[[int], int]
_RUN = frozenset("=+-@＝＋－＠")
_SPLIT = re.compile(r"([;\t\r\n])")
_APART = frozenset("\t\r\n")
_SUSPECT = re.compile("[=+\\-@＝＋－＠\t\r\n]")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)


def harmless(text: str) -> str:
    """Return a cell as it may be written: no spreadsheet runs it, and ``restored`` gives the text back.

    >>> harmless("=1+1"), harmless("-5.2"), harmless(" @SUM(A1)"), harmless("a;-b"), harmless("'=1")
    ("'=1+1", '-5.2', "' @SUM(A1)", "a;'-b", "''=1")
    """
    return _mapped(text, lambda marks: marks + 1) if _SUSPECT.search(text) else text


def restored(cell: str) -> str:
    """Return the text that ``harmless`` was given.

    >>> restored("'=1+1"), restored("-5.2"), restored("'0012"), restored("a;'-b")
    ('=1+1', '-5.2', "'0012", 'a;-b')
    """
    return _mapped(cell, lambda marks: max(marks - 1, 0)) if "'" in cell else cell


def _mapped(text: str, marks: _Change) -> str:
    """Change how many apostrophes stand before each part that would run without any."""
    parts = _SPLIT.split(text)
    split_off = len(parts) > 1 and parts[1] in _APART
    parts[::2] = [_changed(part, marks, alone=split_off and at == 0) for at, part in enumerate(parts[::2])]
    return "".join(parts)


def _changed(part: str, marks: _Change, *, alone: bool) -> str:
    """``alone``: the cell's first part, which a tab or line end follows."""
    bare = part.lstrip("'")
    if not (_runs(bare) or (alone and not bare)):
        return part
    return "'" * marks(len(part) - len(bare)) + bare


def _runs(bare: str) -> bool:
    """Whether a spreadsheet may take a text for a formula: what it may skip before the first sign does not count."""
    skipped = (sign in "'\"" or sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf") for sign in bare)
    sign = next((sign for sign, out in zip(bare, skipped, strict=True) if not out), "")
    return sign in _RUN and sign != "" and not _NUMBER.fullmatch(bare)


Cell = object
"""Text, a number, or nothing: ``None`` and NaN are empty cells."""


def number(value: float) -> str:
    """Return the shortest text that reads back as the same float; empty for a missing value.

    >>> number(0.1), number(float("nan"))
    ('0.1', '')
    """
    return "" if math.isnan(value) else repr(float(value))


def word(cell: Cell) -> str:
    """Return a cell as it is written.

    >>> word("=1+1"), word(-5.5), word(-3), word(None), word("-")
    ("'=1+1", '-5.5', '-3', '', "'-")
    """
    if cell is None:
        return ""
    return harmless(number(cell) if isinstance(cell, float) else str(cell))


def csv_lines(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as CSV text, without a heading."""
    out = io.StringIO()
    _write(out, rows)
    return out.getvalue()


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table, a row as soon as it comes."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        _write(stream, chain([head], rows))


def as_csv(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    r"""Return a table as CSV text.

    >>> as_csv(["name", "value"], [["=HYPERLINK(1)", -1.5], ["b", None]])
    "name,value\r\n'=HYPERLINK(1),-1.5\r\nb,\r\n"
    """
    return csv_lines(chain([head], rows))


def records_as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows with named cells as CSV text, columns as in the first; nothing where there are no rows."""
    if not rows:
        return ""
    head = list(rows[0])
    return as_csv(head, ([row.get(name) for name in head] for row in rows))


def columns_from_csv(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read back what this room wrote, exactly: the cells of each column by heading; short rows end in empty cells."""
    reader = csv.reader(lines)
    head = [restored(name) for name in next(reader, [])]
    rows = [row if len(row) == len(head) else (row + [""] * len(head))[: len(head)] for row in reader if row]
    columns = zip(*rows, strict=True) if rows else [()] * len(head)
    # one look at a column costs less than a call for each of its cells
    back = (tuple(map(restored, cells)) if "'" in "".join(cells) else tuple(cells) for cells in columns)
    return dict(zip(head, back, strict=True))


def records_from_csv(lines: Iterable[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Read back what this room wrote, exactly: the headings, and each row by heading."""
    columns = columns_from_csv(lines)
    return list(columns), [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _write(stream: TextIO, rows: Iterable[Sequence[Cell]]) -> None:
    csv.writer(stream).writerows([word(cell) for cell in row] for row in rows)
