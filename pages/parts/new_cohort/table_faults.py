"""What is at fault in a table of measured values: first what a person must do, then every cell."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fundus_core import truth
from fundus_core.truth import Fault
from pages.parts.shared import display
from pages.parts.shared.grid import grid
from pages.parts.shell.language import _, count, literal, said, worded

_KINDS = 6
"""Kinds of faults that are said; the fold has all."""
_ROWS = 5
_SHOWN = 1000
"""Cells on the page; the download has all of them."""
_ASKED = "Not used until you confirm it."
"""Begins what the mapping asks for itself."""


def first(faults: Sequence[Fault]) -> None:
    """Say what in the table a person must look at, a line for each kind; the fold has every cell."""
    kinds: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        if getattr(fault.what_to_do, "code", "").startswith(_ASKED):
            continue
        kinds.setdefault((fault.column, getattr(fault.what_to_do, "code", fault.what_to_do)), []).append(fault)
    lines = [_need(alike) for alike in kinds.values()]
    if lines:
        st.warning("  \n".join(lines[:_KINDS] + ["…"] * (len(lines) > _KINDS)), icon=":material/rule:")


def _need(alike: Sequence[Fault]) -> str:
    """Return what a person must do about cells that have the same fault."""
    fault, n = alike[0], len(alike)
    where = ", ".join([literal(str(each.row or each.value)) for each in alike[:_ROWS]] + ["…"] * (n > _ROWS))
    column, told = f"**{literal(fault.column)}**: " if fault.column else "", ""
    if fault.row:
        told = worded(" ({n:,} {n:row|rows}: {rows})", n=n, rows=where)
    elif fault.fault == "unmatched_photograph":
        told = worded(" ({n:,} {n:photograph|photographs}: {names})", n=n, names=where)
    return f"{column}{literal(said(fault.what_to_do))}{told}"


def every(faults: Sequence[Fault]) -> None:
    """Show every cell of a table that is at fault."""
    if not faults:
        return
    with st.expander(_("To look at in the table: {n}").format(n=count(len(faults)))):
        grid([_fault(fault) for fault in faults[:_SHOWN]], placeholder="–")
        display.download(_("All as CSV"), "faults.csv", lambda: truth.as_csv(faults))


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        _("Row"): str(fault.row or "–"),
        _("Column"): fault.column,
        _("Value"): fault.value,
        _("What to do"): said(fault.what_to_do),
    }
