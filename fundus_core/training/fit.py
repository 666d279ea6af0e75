"""Train one network: match, cut, split, learn, finish."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from fundus_core.models.networks import Network, body
from fundus_core.tables import write_csv
from fundus_core.training.batches import Batch, Deck
from fundus_core.training.data import Data, prepare
from fundus_core.training.loop import Learner, engine
from fundus_core.training.plan import Label, Plan
from fundus_core.training.table import Material


def train(
    materials: Sequence[Material],
    out: Path,
    plan: Plan,
    *,
    label: Label | None = None,
    pretrained: Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Path:
    """Train one network, write it with its card into a folder, and return the card's path; called again, it goes on.

    Args:
        materials: Folders of photographs and the tables that belong to them.
        out: Folder for weights, card, split, log and metrics.
        plan: What is trained and how.
        label: What the card says beyond its numbers; the id is the folder's name where ``None``.
        pretrained: Weights of the backbone to begin with, in any form of ``importing.starting``.
        workers: Processes that cut the photographs.
        progress: Whether to show bars with the time left.
    """
    network = begun(plan, pretrained)  # first, so that weights that do not fit are told before hours of cutting
    out.mkdir(parents=True, exist_ok=True)
    accelerator = engine()
    with accelerator.main_process_first():
        # The first process cuts and writes; the others find everything done.
        data = prepare(materials, out, plan, workers=workers, progress=progress)
    learner = learn(network, data, out, plan, accelerator, progress=progress)
    # Imported here so that a training of days ends with the code of its last day, and one that fails early is quick.
    from fundus_core.training.finish import finish

    if accelerator.is_main_process:
        finish(learner.network, data, out, plan, label or Label(out.resolve().name))
    accelerator.wait_for_everyone()
    return out / "card.toml"


def begun(plan: Plan, pretrained: Path | None = None) -> Network:
    """Return the network that a training begins with, its weights drawn by the seed or taken from a file."""
    torch.manual_seed(plan.seed)
    network = Network(body(plan.backbone, len(plan.columns), plan.backbone_options, drop_rate=plan.drop_rate))
    if pretrained is not None:
        from fundus_core.models.importing import initial_weights
        from fundus_core.models.weights import load_backbone

        load_backbone(network.body, initial_weights.tensors(pretrained), pretrained.name)
    return network


def learn(
    network: Network, data: Data, out: Path, plan: Plan, accelerator: Accelerator, *, progress: bool = True
) -> Learner:
    """Run the loop to its end and return the learner, its best weights in the network."""
    torch.manual_seed(plan.seed)
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
    write_csv(path, list(history[0]), (list(row.values()) for row in history))
