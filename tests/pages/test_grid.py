"""What the browser saves of a shown table runs in no spreadsheet: attacked with cells and headings of a stranger's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fundus_core.tables import restored
from pages.parts.shared.exports import safe

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", " =1", "＝1", "+1=2"]
)
def test_a_cell_that_would_run_is_shown_with_its_mark(cell):
    assert safe(cell).startswith("'")
    assert restored(safe(cell)) == cell


@pytest.mark.parametrize(
    "cell", ["+2.7 mmHg", "+8.2 %", "−5.2", "-5.2", "+0.65 (−1.40 to +2.70)", "P0001", -5.2, None, True]
)
def test_numbers_and_words_stay_as_they_are(cell):
    assert safe(cell) == cell


def test_headings_and_cells_of_a_shown_table_are_safe():
    def page() -> None:
        from pages.parts.shared.exports import grid

        grid([{"=HYPERLINK(1)": "@x", "n": -3}])

    shown = AppTest.from_function(page, default_timeout=120).run().dataframe[0].value
    assert list(shown.columns) == ["'=HYPERLINK(1)", "n"]
    assert shown.iloc[0].tolist() == ["'@x", -3]


def test_no_page_shows_a_table_past_it():
    past = {path.name for path in PAGES.rglob("*.py") if re.search(r"st\.(dataframe|table)\(", path.read_text("utf-8"))}
    assert past == {"exports.py"}
