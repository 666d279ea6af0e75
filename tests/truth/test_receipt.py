"""The receipt of a table: every cell is used, missing or not usable, and pandas counts the same.

Attacked with words for missing in two languages, codes, units in single cells, impossible values, and columns that name
people, of which nothing may be shown.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core import pipeline, truth
from fundus_core.analyses import Settings
from fundus_core.store import NewPhotograph, Store

pytestmark = pytest.mark.usefixtures("undrawn")

FRAME = pd.DataFrame(
    {
        "患者ID": [f"K{n}" for n in range(8)],
        "氏名": [f"山田{n}" for n in range(8)],
        "SBP": ["120", "N/A", "131", "", "999", "about 120", "118", "125"],
        "血糖 (mmol/L)": ["5.4", "5.0", "6.1", "未測定", "5.5", "5.1", "4.9", ""],
        "腹囲": ["80 cm", "32 in", "91", "85", "", "78", "90", "77"],
        "撮影日": ["2024-03-01"] * 8,
        "施設": ["A", "B"] * 4,
    }
)


def loaded(frame: pd.DataFrame = FRAME) -> truth.TruthTable:
    return truth.load(frame.to_csv(index=False).encode(), "健診.csv")


def test_the_counts_are_those_of_the_cells() -> None:
    found = {entry.heading: entry for entry in loaded().receipt}
    sbp = found["SBP"]
    assert (sbp.cells, sbp.used, dict(sbp.missing), sbp.unusable) == (8, 4, {"N/A": 1, "": 1}, 2)
    assert (sbp.low, sbp.high, sbp.unit, dict(sbp.converted)) == (118, 131, "mmHg", {})
    glucose = found["血糖 (mmol/L)"]
    assert (glucose.used, dict(glucose.missing), dict(glucose.converted)) == (6, {"未測定": 1, "": 1}, {"mmol/L": 6})
    assert (glucose.low, glucose.high) == pytest.approx((4.9 * 18.016, 6.1 * 18.016), abs=1e-9)
    assert glucose.row()["low"] == 88.2784, "no digits that only arithmetic has"
    assert dict(found["腹囲"].converted) == {"in": 1}
    assert found["施設"].samples == ("A", "B")


def test_nothing_of_a_column_that_names_people_is_shown() -> None:
    shown = json.dumps([[entry.row(), entry.samples] for entry in loaded().receipt], ensure_ascii=False)
    assert not any(word in shown for word in ("K3", "山田", "2024"))


def test_the_paragraph_says_what_a_methods_section_must() -> None:
    said = truth.paragraph("健診.csv", loaded().receipt)
    assert said.startswith(
        "Measured values came from '健診.csv' (8 rows). SBP (systolic blood pressure): 4 of 8 cells used"
    )
    assert "118 to 131 mmHg, 2 missing, 2 not usable." in said
    assert "6 converted from mmol/L" in said


CELLS = st.sampled_from(["120", "131.5", "", "NA", "欠測", "-", "999", "x", "12", "130 mmHg", "16 cmHg"])


@settings(max_examples=30, deadline=None)
@given(st.lists(CELLS, min_size=3, max_size=20))
def test_every_cell_is_accounted_for(cells: list[str]) -> None:
    frame = pd.DataFrame({"patient_id": [f"P{n}" for n in range(len(cells))], "SBP": cells, "note": "x"})
    lines = loaded(frame)
    for entry in lines.receipt:
        assert entry.cells == len(cells)
        told = entry.used + sum(entry.missing.values()) + entry.unusable
        assert told == entry.cells or entry.role == "personal"
        assert min(entry.used, entry.unusable) >= 0
        if entry.heading == "SBP" and entry.role == "sbp":
            assert entry.used == np.isfinite(lines.values["sbp"]).sum()


def test_a_cohort_keeps_it_and_a_report_prints_it(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        names = [NewPhotograph(f"K{n}_R.jpg", "", patient_id=f"K{n}") for n in range(8)]
        store.add_photographs(store.create_cohort("clinic").id, names)
        pipeline.set_truth(store, "clinic", pipeline.match_truth(store, "clinic", loaded()))
        (kept,) = pipeline.receipts(store, "clinic").values()
        assert [one.row() for one in kept] == [one.row() for one in loaded().receipt]
    frame = FRAME.assign(SBP=range(118, 126), SBP_pred=range(120, 128))
    (tmp_path / "t.csv").write_text(frame.to_csv(index=False))
    pipeline.evaluate(tmp_path / "t.csv", None, tmp_path / "out", Settings(draws=20))
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Measured values came from" in report
    assert "converted from mmol/L" in report
    assert "山田" not in report
    assert len(pd.read_csv(tmp_path / "out" / "truth_receipt.csv")) == 8
