"""Tables that a page shows: what the browser saves of one runs in no spreadsheet either."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from fundus_core.tables import harmless

_NUMBER_FIRST = re.compile(r"[+-]\d[\d.,]*(?: (?:[^=+@|!]|\+\d)*)?")
"""A signed number and what stands behind it (a unit, a percent sign, an interval) is left as it is."""


def grid(rows: Sequence[Mapping[str, Any]], **options: Any) -> None:
    """Draw rows (cells by heading) as a table, with options of ``st.dataframe``.

    The table's own button saves what it shows as CSV, in the browser, past our writer: names of files and cells of a
    stranger's table are therefore shown as the writer would write them.
    """
    st.dataframe([{safe(name): safe(cell) for name, cell in row.items()} for row in rows], hide_index=True, **options)


def safe(cell: Any) -> Any:
    """Return a cell as it may be saved; numbers, and text that begins with one, as they are.

    >>> safe("=1+1"), safe("+2.7 mmHg"), safe(-5.2), safe("-1+cmd|' /C calc'!A0")
    ("'=1+1", '+2.7 mmHg', -5.2, "'-1+cmd|' /C calc'!A0")
    """
    return harmless(cell) if isinstance(cell, str) and not _NUMBER_FIRST.fullmatch(cell) else cell
