"""What became of each column of a table: as the mapping is shown, and beside the numbers that came of it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fundus_core import pipeline, truth
from fundus_core.tables import records_as_csv
from pages.parts.shared import display
from pages.parts.shared.grid import grid
from pages.parts.shared.studies import View
from pages.parts.shell import home
from pages.parts.shell.language import _, count, said


def columns(entries: Sequence[truth.Entry], name: str) -> None:
    """Draw what became of each column of a table."""
    if entries:
        grid([_row(entry) for entry in entries], placeholder="–")
        display.download(
            _("Receipt (CSV)"), f"receipt-{name}.csv", lambda: records_as_csv([entry.row() for entry in entries])
        )


def draw_receipts(view: View) -> None:
    """Draw the receipts of the tables whose values a cohort holds."""
    found = pipeline.receipts(home.store(), view.cohort.id)
    if not found:
        return

    def draw() -> None:
        for name, entries in found.items():
            if text := truth.paragraph(name, entries):
                st.markdown(said(text))
            columns(entries, name)

    display.fold(_("Where the measured values came from"), "receipts", draw)


def _row(entry: truth.Entry) -> dict[str, Any]:
    ends = "" if entry.low is None else f"{entry.low:.4g} – {entry.high:.4g} {_(entry.unit) if entry.unit else ''}"
    return {
        _("Column"): entry.heading,
        _("For example"): ", ".join(entry.samples),
        _("Cells"): count(entry.cells),
        _("Used"): count(entry.used),
        _("Missing"): ", ".join(f"{word or _('empty')} {count(n)}" for word, n in entry.missing.items()),
        _("Not usable"): count(entry.unusable) if entry.unusable else "",
        _("Range"): ends.strip(),
        _("Converted"): ", ".join(f"{unit} {count(n)}" for unit, n in entry.converted.items()),
    }
