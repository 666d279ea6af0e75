"""A training's own scatter: one file per target, drawn from its test part."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np

from fundus_core.models import registry
from fundus_core.pipeline import draw_test_part


def test_every_target_of_the_card_is_drawn(tmp_path: Path) -> None:
    card = registry.find("sample-rendered")
    shutil.copy(card.folder / "card.toml", tmp_path)
    draw = np.random.default_rng(4)
    rows = []
    for person in range(30):
        row = {"photograph": f"{person}.jpg", "patient_id": str(person)}
        for target in card.targets:
            true = float(person % 2) if target == "sex" else 100 + float(draw.normal(0, 9))
            row |= {f"true_{target}": repr(true), f"predicted_{target}": repr(true * 0.5 + 0.2)}
        rows.append(row)
    rows[0]["true_sbp"] = ""
    with (tmp_path / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    drawn = draw_test_part(tmp_path)
    assert [path.name for path in drawn] == [f"scatter_{target}.svg" for target in card.targets]
    text = (tmp_path / "scatter_sbp.svg").read_text(encoding="utf-8")
    assert "n = 29" in text
    assert "rendered eyes" in text
