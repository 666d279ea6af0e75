"""A part of the sample cohort's tables: to evaluate all of it, with every figure, takes half a minute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fundus_core.targets import METABOLIC

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"


def written(folder: Path, *, rows: int = 60, targets: Sequence[str] = ("sbp", "sex")) -> tuple[Path, Path]:
    """Write the predictions and the truth of the first photographs, both eyes of each person; returns where."""
    paths = folder / "predictions.csv", folder / "truth.csv"
    for path in paths:
        whole = pd.read_csv(SAMPLE / path.name, nrows=rows)
        others = {*METABOLIC, "age", "sex"} - set(targets)
        whole[[name for name in whole if name.split("_")[0] not in others]].to_csv(path, index=False)
    return paths
