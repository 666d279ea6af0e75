"""Several backbones on the same photographs, split and crops, in one table.

The published sex model was chosen so, from sixteen networks.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fundus_core.models import card_files
from fundus_core.tables import records_from_csv, write_csv
from fundus_core.targets import TARGETS
from fundus_core.training.fit import train
from fundus_core.training.plan import AS_USUAL, Label, Plan, Running
from fundus_core.training.table import Material


def compare(
    materials: Sequence[Material],
    out: Path,
    plan: Plan,
    backbones: Sequence[str],
    *,
    label: Label,
    how: Running = AS_USUAL,
) -> Path:
    """Train each backbone in a folder of its own within ``out`` and return the path of ``comparison.csv``.

    All else is the same as for ``train``; each card's id gets the backbone's name behind it.
    """
    paths: list[Path] = []
    for backbone in backbones:
        folder = out / backbone
        if paths and not (folder / "crops").exists():
            # The crops do not depend on the network: cut once.
            shutil.copytree(paths[0].parent / "crops", folder / "crops")
        own = replace(label, id=f"{label.id}-{backbone}")
        one = replace(plan, backbone=backbone)
        paths.append(train(materials, folder, one, label=own, how=replace(how, tidy=False)))
    return tabulate(paths, out / "comparison.csv")


def tabulate(paths: Sequence[Path], out: Path) -> Path:
    """Write a row per model and target: its error on the test part with interval, its size and its time.

    Each card lies beside its ``metrics.json`` and ``log.csv``.
    """
    names = ["backbone", "target", "measure", "value", "low", "high", "n_patients", "megabytes", "training_seconds"]
    write_csv(out, names, (row for path in paths for row in _rows(path)))
    return out


def _rows(path: Path) -> list[list[object]]:
    card = card_files.read(path)
    metrics = json.loads((path.parent / "metrics.json").read_text(encoding="utf-8"))["targets"]
    size = round(card.weights_path.stat().st_size / 1e6, 2)
    with (path.parent / "log.csv").open(encoding="utf-8", newline="") as file:
        seconds = records_from_csv(file)[1][-1]["seconds"]
    rows: list[list[object]] = []
    for target in card.targets:
        measure = "accuracy" if TARGETS[target].binary else "mae"
        estimate = metrics[target][measure]
        values = [estimate[key] for key in ("value", "low", "high")]
        rows.append([card.backbone, target, measure, *values, metrics[target]["n_patients"], size, seconds])
    return rows
