"""Cells that a spreadsheet would run as a formula, written so that none does and read back exactly.

Excel, LibreOffice and Google Sheets take a cell for a formula that begins with ``=``, ``+``, ``-`` or ``@`` (in Japan
also in full width), some of them after blanks, and one that begins with a tab or a line end may be split there
(OWASP, "CSV injection"). Where the list separator of the country is a semicolon, a comma-separated line is split at
semicolons, whatever stands in quotes. So an apostrophe is put before every such beginning, in the cell and after a
semicolon, tab or line end within it; a plain number stays a number.
"""

import re
import unicodedata
from collections.abc import Callable

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
