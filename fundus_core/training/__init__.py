"""Training: photographs and a table in; weights, card, split, log and metrics out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.models.networks import Network, body
from fundus_core.records import Floats
from fundus_core.retina import CropRule
from fundus_core.training import cache, table
from fundus_core.training.batches import Batch, Deck
from fundus_core.training.loop import Learner, engine
from fundus_core.training.objective import Scale, scales, standardise
from fundus_core.training.plan import Plan
from fundus_core.training.split import split

__all__ = ["Data", "Plan", "prepare", "train"]


@dataclass(frozen=True, slots=True)
class Data:
    """Everything that a training reads, row by row in the order of the table."""

    table: table.LearningTable
    """Photographs, patients and values."""
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
        return standardise(self.table.values, self.scale)


def prepare(
    photographs: Path,
    truth: Path,
    out: Path,
    plan: Plan,
    *,
    join: Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Data:
    """Match, cut and split; everything that is written goes to ``out``.

    Args:
        photographs: A folder, a ZIP or a manifest.
        truth: CSV with ``photograph``, ``patient_id`` and the columns that the plan names.
        out: Folder of the training.
        plan: What is trained and how.
        join: A further CSV whose columns belong to patients.
        workers: Processes that cut.
        progress: Whether to show a bar.

    Raises:
        UsageError: Too few patients or photographs, or another training in the folder.
        TruthError: The table does not fit.
    """
    columns = {name: plan.truth_prefix + name for name in plan.targets} | {
        name: name for name in plan.auxiliary
    }
    found = table.read(photographs, truth, columns, join=join)
    recipe = cache.Recipe(CropRule(plan.size), plan.copies, plan.jpeg_quality, plan.seed)
    cut_key = Plan().digest(found.names, repr(recipe))
    crops = cache.fill(found.sources, recipe, out / "crops", cut_key, workers=workers, progress=progress)
    part = split(found.patients, {t: found.values[t] for t in plan.targets}, plan.shares, seed=plan.seed)
    training = (part == "train") & crops.accepted
    if np.count_nonzero(training) < plan.batch:
        message = (
            f"Only {np.count_nonzero(training)} photographs to train on, fewer than a batch of {plan.batch}."
        )
        raise UsageError(message)
    scale = scales({name: column[training] for name, column in found.values.items()})
    values = {name: column.tolist() for name, column in found.values.items()}
    key = plan.digest(found.names, found.patients, json.dumps(values), crops.accepted.tolist())
    _write_split(out / "split.csv", found, part, crops.accepted)
    (out / "plan.json").write_text(json.dumps(plan.as_json(), indent=1), encoding="utf-8")
    return Data(found, crops, part, scale, key)


def _write_split(
    path: Path, found: table.LearningTable, part: NDArray[np.str_], accepted: NDArray[np.bool_]
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["photograph", "patient_id", "part", "accepted"])
        for row in zip(found.names, found.patients, part, accepted.astype(int), strict=True):
            writer.writerow(row)


def train(
    photographs: Path,
    truth: Path,
    out: Path,
    plan: Plan,
    *,
    join: Path | None = None,
    pretrained: Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Path:
    """Train one network and write it with its card; called again after a kill, it goes on.

    Args:
        photographs: A folder, a ZIP or a manifest.
        truth: CSV with ``photograph``, ``patient_id`` and the columns that the plan names.
        out: Folder for weights, card, split, log and metrics.
        plan: What is trained and how.
        join: A further CSV whose columns belong to patients.
        pretrained: Weights of the backbone (safetensors, or a state dict) to begin with.
        workers: Processes that cut the photographs.
        progress: Whether to show bars with the time left.

    Returns:
        The path of the card.
    """
    out.mkdir(parents=True, exist_ok=True)
    data = prepare(photographs, truth, out, plan, join=join, workers=workers, progress=progress)
    learner = learn(data, out, plan, pretrained=pretrained, progress=progress)
    # Imported here because only now is it needed: a long training uses the code of its end.
    from fundus_core.training.finish import finish

    return finish(learner, data, out, plan)


def learn(
    data: Data, out: Path, plan: Plan, *, pretrained: Path | None = None, progress: bool = True
) -> Learner:
    """Run the loop to its end and return the learner, its best weights in the network."""
    accelerator = engine(plan.precision)
    torch.manual_seed(plan.seed)
    network = Network(body(plan.backbone, len(plan.columns), plan.backbone_options, drop_rate=plan.drop_rate))
    if pretrained is not None:
        from fundus_core.models.weights import load_backbone

        load_backbone(network, pretrained)
    wanted = data.wanted()
    deck = Deck(data.crops, data.rows("train"), wanted, plan.seed, plan.batch, plan.augment)
    learner = Learner(network, deck, data.scale, plan, accelerator)
    learner.fit(_validation(data, wanted), out, data.key, progress=progress)
    network.load_state_dict(learner.best)
    if accelerator.is_main_process:
        _write_log(out / "log.csv", learner.progress.history)
    return learner


def _validation(data: Data, wanted: NDArray[np.float32]) -> Batch:
    rows = data.rows("validation")
    return Batch(np.ascontiguousarray(data.crops.pixels[-1, rows]), wanted[rows])


def _write_log(path: Path, history: list[dict[str, float]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


def values(raw: Floats, scale: tuple[Scale, ...], targets: tuple[str, ...]) -> Mapping[str, Floats]:
    """Turn raw outputs (n x columns) into values by target, in the targets' units."""
    return {
        name: 1 / (1 + np.exp(-raw[:, k]))
        if scale[k].binary
        else raw[:, k] * scale[k].spread + scale[k].centre
        for k, name in enumerate(targets)
    }
