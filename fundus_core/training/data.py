"""What a training reads: photographs matched, cut, split and scaled."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.records import Floats
from fundus_core.retina import CropRule
from fundus_core.tables import write_csv
from fundus_core.training import cache, table
from fundus_core.training.objective import Scale, scales, standardise
from fundus_core.training.plan import Plan
from fundus_core.training.split import split

_MEASURED = "measured "


@dataclass(frozen=True, slots=True)
class Data:
    """Everything that a training reads, row by row in the order of the table."""

    table: table.LearningTable
    """Photographs, patients and values."""
    measured: Mapping[str, Floats]
    """By target: what was measured, against which intervals and metrics are taken; the learnt values themselves
    unless the plan reads them from other columns."""
    crops: cache.Crops
    """Pixels, and who was accepted."""
    part: NDArray[np.str_]
    """``train``, ``validation``, ``calibration`` or ``test`` per photograph."""
    scale: tuple[Scale, ...]
    """Per column, from the training part."""
    key: str
    """Changes with plan and data."""

    def rows(self, part: str) -> NDArray[np.intp]:
        """Return the accepted photographs of a part."""
        return np.flatnonzero((self.part == part) & self.crops.accepted)

    def wanted(self) -> NDArray[np.float32]:
        """Return all values, standardised, rows x columns."""
        learnt = list(self.table.values)[: len(self.scale)]
        return standardise({name: self.table.values[name] for name in learnt}, self.scale)


def prepare(
    materials: Sequence[table.Material],
    out: Path,
    plan: Plan,
    *,
    workers: int = 1,
    progress: bool = True,
) -> Data:
    """Match, cut and split; everything that is written goes to ``out``.

    Raises:
        UsageError: Too few patients or photographs, or another training in the folder.
        TruthError: The table does not fit.
    """
    columns = {name: plan.truth_prefix + name for name in plan.targets} | {name: name for name in plan.auxiliary}
    found = table.read(materials, columns | {_MEASURED + name: name for name in plan.targets})
    learnt = {name: found.values[name] for name in columns}
    measured = {name: found.values[_MEASURED + name] for name in plan.targets}
    recipe = cache.Recipe(CropRule(plan.size), plan.copies, plan.jpeg_quality, plan.seed)
    cut_key = hashlib.sha256(json.dumps([found.names, repr(recipe)]).encode()).hexdigest()[:16]
    crops = cache.fill(found.sources, recipe, out / "crops", cut_key, workers=workers, progress=progress)
    part = split(found.patients, {t: found.values[t] for t in plan.targets}, plan.shares, seed=plan.seed)
    training = (part == "train") & crops.accepted
    if np.count_nonzero(training) < plan.batch:
        raise UsageError(
            "Only {training} photographs to train on, fewer than a batch of {batch}.",
            training=np.count_nonzero(training),
            batch=plan.batch,
        )
    scale = scales({name: column[training] for name, column in learnt.items()})
    values = {name: column.tolist() for name, column in found.values.items()}
    key = plan.digest(found.names, found.patients, json.dumps(values), crops.accepted.tolist())
    _write_split(out / "split.csv", found, part, crops.accepted)
    (out / table.NOTES).write_text("\n".join(found.notes) + "\n", encoding="utf-8")
    (out / "plan.json").write_text(json.dumps(plan.as_json(), indent=1), encoding="utf-8")
    return Data(found, measured, crops, part, scale, key)


def _write_split(path: Path, found: table.LearningTable, part: NDArray[np.str_], accepted: NDArray[np.bool_]) -> None:
    rows = zip(found.names, found.patients, part, accepted.astype(int), strict=True)
    write_csv(path, ["photograph", "patient_id", "part", "accepted"], rows)
