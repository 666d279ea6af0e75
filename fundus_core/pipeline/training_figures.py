"""What a training is judged by at a glance: the scatter of its own test part, per target."""

from pathlib import Path

import numpy as np

from fundus_core import figures
from fundus_core.evaluation import evaluate, from_values, sort_rows, units_of_analysis
from fundus_core.figures import Look, Observations
from fundus_core.figures.printing import svg
from fundus_core.models import card_files
from fundus_core.records import Floats
from fundus_core.tables import records_from_csv
from fundus_core.targets import TARGETS


def draw_test_part(folder: Path) -> list[Path]:
    """Draw predicted against true of a training's test part, as ``scatter_<target>.svg`` beside its card.

    ``train`` wrote into the folder ``card.toml``, and ``predictions.csv`` with ``true_<target>`` and
    ``predicted_<target>``.
    """
    card = card_files.read(folder / "card.toml")
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        rows = records_from_csv(stream)[1]
    look = Look(rendered=card.rendered, opaque=True)
    drawn = []
    for name in card.targets:
        target = TARGETS[name]
        table = from_values(
            name, _numbers(rows, f"true_{name}"), _numbers(rows, f"predicted_{name}"),
            patient_id=[row["patient_id"] for row in rows],
        )  # fmt: skip
        found = evaluate(table, targets=[name]).targets[name]
        sample = units_of_analysis(sort_rows(table), target, "patient", ordered=True)
        if not len(sample):
            continue
        points = [Observations("test part", sample.patients[sample.group], sample.y, sample.p, 0)]
        if target.binary:
            figure = figures.probabilities(
                target, points, found.estimates, look, names=(target.said(0), target.said(1))
            )
        else:
            figure = figures.predicted_against_true(target, points, found.estimates, look, people=len(sample.patients))
        path = folder / f"scatter_{name}.svg"
        path.write_text(svg(figure), encoding="utf-8")
        drawn.append(path)
    return drawn


def draw_curve(folder: Path) -> Path:
    """Draw the losses that a training's log holds, as ``curve.svg`` beside it."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as stream:
        history = [{name: float(word) for name, word in row.items()} for row in records_from_csv(stream)[1]]
    path = folder / "curve.svg"
    path.write_text(svg(figures.learning_curve(history, Look(opaque=True))), encoding="utf-8")
    return path


def _numbers(rows: list[dict[str, str]], column: str) -> Floats:
    return np.array([float(row[column]) if row[column] else np.nan for row in rows])
