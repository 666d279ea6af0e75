"""What a training reads: photographs matched, cut, split and scaled."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, say
from fundus_core.jobs import Notice
from fundus_core.records import Floats
from fundus_core.retina import CropRule
from fundus_core.tables import write_csv
from fundus_core.training import cache, table
from fundus_core.training.objective import Scale, scales, standardise
from fundus_core.training.plan import Plan, Running
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

    gate: bool = True
    """Whether photographs that failed the checks of quality are left out of the training part as well."""

    def rows(self, part: str) -> NDArray[np.intp]:
        """Return the photographs of a part: those accepted, in the training part also others with a field of view."""
        usable = self.crops.shown if part == "train" and not self.gate else self.crops.accepted
        return np.flatnonzero((self.part == part) & usable)

    def wanted(self) -> NDArray[np.float32]:
        """Return all values, standardised, rows x columns."""
        learnt = list(self.table.values)[: len(self.scale)]
        return standardise({name: self.table.values[name] for name in learnt}, self.scale)


def matched(materials: Sequence[table.Material], plan: Plan) -> table.LearningTable:
    """Return photographs and values of a plan, what is learnt and what was measured.

    Raises:
        UsageError: A table does not exist.
        TruthError: A table does not fit.
    """
    columns = {name: plan.truth_prefix + name for name in plan.targets} | {name: name for name in plan.auxiliary}
    return table.read(materials, columns | {_MEASURED + name: name for name in plan.targets})


def prepare(found: table.LearningTable, out: Path, plan: Plan, how: Running, notice: Notice) -> Data:
    """Cut and split; everything that is written goes to ``out``.

    Raises:
        UsageError: Too few patients or photographs, or another training in the folder.
        TruthError: The table does not fit.
    """
    learnt = {name: found.values[name] for name in plan.columns}
    measured = {name: found.values[_MEASURED + name] for name in plan.targets}
    part = split(found.patients, {t: found.values[t] for t in plan.targets}, plan.shares, seed=plan.seed)
    recipe = cache.Recipe(CropRule(plan.size), plan.copies, plan.jpeg_quality, plan.seed)
    cut_key = hashlib.sha256(json.dumps([found.names, repr(recipe), "shown"]).encode()).hexdigest()[:16]
    crops = cache.fill(found.sources, recipe, out / "crops", cut_key, how, notice)
    made = Data(found, measured, crops, part, (), "", plan.gate)
    training = made.rows("train")
    if len(training) < plan.batch:
        raise UsageError(
            "Only {training} {training:photograph|photographs} to train on, fewer than a batch of {batch}.",
            training=len(training),
            batch=plan.batch,
        )
    scale = scales({name: column[training] for name, column in learnt.items()})
    values = {name: column.tolist() for name, column in found.values.items()}
    key = plan.digest(found.names, found.patients, json.dumps(values), crops.accepted.tolist())
    _write_split(out / "split.csv", found, part, crops)
    notes = (*found.notes, *_kept(made))
    (out / table.NOTES).write_text("\n".join(notes) + "\n", encoding="utf-8")
    (out / "plan.json").write_text(json.dumps(plan.as_json(), indent=1), encoding="utf-8")
    return replace(made, scale=scale, key=key)


def _kept(data: Data) -> tuple[str, ...]:
    """What became of photographs that failed a check of quality."""
    kept = int(np.count_nonzero(~data.crops.accepted[data.rows("train")]))
    out = int(np.count_nonzero(~data.crops.accepted)) - kept
    words = say(
        "{kept:,} {kept:photograph|photographs} that failed a check of quality {kept:is|are} learnt from all the same "
        "(--no-gate), {out:,} {out:was|were} left out; crops/photographs.csv says why.",
        kept=kept, out=out,
    )  # fmt: skip
    return (words,) if kept + out else ()


def _write_split(path: Path, found: table.LearningTable, part: NDArray[np.str_], crops: cache.Crops) -> None:
    rows = zip(found.names, found.patients, part, crops.accepted.astype(int), strict=True)
    write_csv(path, ["photograph", "patient_id", "part", "accepted"], rows)
