"""Attacked with beginnings that spreadsheets run: plain, after blanks, in full width, split off by a separator."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fundus_core.tables import as_csv, harmless, number, records_from_csv, restored, word

RUNS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1,1)",
    "＝1+1",
    "－1+1",
    " =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    '"=1+1"',
    "\tplain",
    "\rplain",
    "-5 mmHg",
    "-",
    "=cmd|' /C calc'!A0",
    "+81-90-0000-0000",
    "-2+3+cmd|' /C calc'!A0",
    "-inf",
)
words = st.text(st.sampled_from("=+-@'\";,\t\r\n 1.eAｅ＝－\u200b") | st.characters(), max_size=12)


@given(words)
@example("'=1")
@example("''\t=1")
@example("a;'-b;=c")
@example(";")
def test_every_text_comes_back(text: str) -> None:
    assert restored(harmless(text)) == text


@given(words)
def test_nothing_that_is_written_begins_as_a_formula_does(text: str) -> None:
    for part in re.split(r"[;\t\r\n]", harmless(text)):
        first = part.lstrip(' \u200b\ufeff\u00a0"')[:1]
        plain = re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", part, re.ASCII)
        assert plain or not first or first not in "=+-@＝＋－＠"
    assert harmless(text)[:1] not in ("\t", "\r", "\n")


@pytest.mark.parametrize("text", RUNS)
def test_what_would_run_gets_an_apostrophe(text: str) -> None:
    assert "'" in harmless(text)
    assert harmless(text).startswith("'") or text.startswith(("\t", "\r", "\n"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_numbers(value: float) -> None:
    assert float(word(value)) == value == float(harmless(number(value)))
    assert word(value)[0] in "-0123456789"


@pytest.mark.parametrize("text", ["-5", "+5", "-5.25", "-1e-05", " -3 ", "-.5", "a-b", "2024-06-01", "P-12", "'0012"])
def test_what_is_no_formula_is_left_alone(text: str) -> None:
    assert harmless(text) == text


@given(st.lists(st.lists(words, min_size=2, max_size=2), max_size=4))
def test_a_table_comes_back_through_the_csv_reader(rows: list[list[str]]) -> None:
    text = as_csv(["=a", "b"], rows)
    head, back = records_from_csv(io.StringIO(text, newline=""))
    assert [head, *([row["=a"], row["b"]] for row in back)] == [["=a", "b"], *rows]


@pytest.mark.skipif(shutil.which("localc") is None, reason="no LibreOffice Calc here")
@pytest.mark.parametrize("separator", [44, 59])
def test_libreoffice_runs_nothing(tmp_path: Path, separator: int) -> None:
    """Opened as its own CSV filter does with "evaluate formulas" on, by commas and by semicolons."""
    file = tmp_path / "cells.csv"
    file.write_text(as_csv(["a", "b"], [[text, f"x;{text}"] for text in RUNS]), encoding="utf-8")
    options = f"{separator},34,UTF-8,1,,0,false,true,false,false,false,-1,true"
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "fods"]
    subprocess.run([*command, f"--infilter=CSV:{options}", "--outdir", tmp_path, file], check=True, timeout=120)
    assert "table:formula" not in (tmp_path / "cells.fods").read_text(encoding="utf-8")
