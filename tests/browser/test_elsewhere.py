"""From a stranger's table of predictions to its scatter and error in a real browser: four clicks, no photograph."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.steps import quiet

pytestmark = pytest.mark.browser
MEASURED = [118, 131, 125, 142, 109, 137, 122, 128]
ERRORS = [4, -3, 6, -5, 2, 7, -1, 8]


def test_a_table_becomes_a_scatter_with_its_error(tab, server, tmp_path):
    table = pd.DataFrame(
        {
            "患者ID": [f"K{i}" for i in range(8)],
            "収縮期血圧_実測": MEASURED,
            "収縮期血圧_推定": [m + e for m, e in zip(MEASURED, ERRORS, strict=True)],
        }
    )
    table.to_csv(tmp_path / "theirs.csv", index=False, encoding="cp932")
    tab.goto(f"{server[0]}/")
    quiet(tab)
    tab.get_by_role("link", name="New cohort").first.click()
    tab.get_by_text("Predictions made elsewhere", exact=True).click()
    expect(tab.get_by_role("heading", name="1 · Predictions")).to_be_visible()
    quiet(tab)
    takes = tab.get_by_test_id("stFileUploader").filter(has_text="Table of predictions")
    takes.locator("input").set_input_files(tmp_path / "theirs.csv")
    tab.get_by_role("button", name="Evaluate 8 rows").click()
    mae = sum(map(abs, ERRORS)) / 8
    expect(tab.get_by_text(f"MAE {mae:.2f} mmHg")).to_be_visible(timeout=120_000)
    expect(tab.get_by_text("No photographs came with these predictions.")).to_be_visible()
    for page in ("Explore", "One photograph"):
        tab.get_by_role("link", name=page, exact=True).click()
        expect(tab.get_by_text("it has no photographs to show")).to_be_visible()
    quiet(tab)
