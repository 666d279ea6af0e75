"""Train one network: match, cut, split, learn, finish."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.jobs import DONE, STOP, Notice, forget_given
from fundus_core.models.networks import Network, body
from fundus_core.training import budget
from fundus_core.training.batches import Batch, Deck
from fundus_core.training.data import Data, matched, prepare
from fundus_core.training.layers import normalisation
from fundus_core.training.loop import CHECKPOINT, Learner, engine
from fundus_core.training.plan import AS_USUAL, Label, Plan, Running
from fundus_core.training.split import PARTS
from fundus_core.training.table import Material


def train(
    materials: Sequence[Material],
    out: Path,
    plan: Plan,
    *,
    label: Label | None = None,
    how: Running = AS_USUAL,
    told: bool = True,
) -> Path:
    """Train one network, write it with its card into a folder, and return the card's path; called again, it goes on.

    Args:
        materials: Folders of photographs and the tables that belong to them.
        out: Folder for weights, card, split, log and metrics.
        plan: What is trained and how.
        label: What the card says beyond its numbers; the id is the folder's name where ``None``.
        how: Weights to begin with, processes, bars.
        told: Whether somebody named the backbone; else it is the one that the weights fit.
    """
    started = time.monotonic()
    # first, so that weights that do not fit are told before hours of cutting
    plan, network, began = begin(plan, how.pretrained, told=told)
    out.mkdir(parents=True, exist_ok=True)
    accelerator = engine(changing=bool(plan.pretrained))
    notice = Notice(out if accelerator.is_main_process else None)
    (out / STOP).unlink(missing_ok=True)
    notice.say("reading")
    found = matched(materials, plan)
    with accelerator.main_process_first():
        # The first process measures, cuts and writes; the others find everything done.
        notice.say("measuring")
        key = plan.digest(found.names, found.patients)
        sized = budget.settled(plan, network, found.sources, out, how.workers, key)
        found = replace(found, notes=(*found.notes, *began, *budget.note(sized, plan, out)))
        data = prepare(found, out, sized, how, notice)
    learner = learn(network, data, out, sized, accelerator, progress=how.progress, spent=time.monotonic() - started)
    # Imported here so that a training of days ends with the code of its last day, and one that fails early is quick.
    from fundus_core.training.finish import finish

    if accelerator.is_main_process:
        notice.say("finishing")
        finish(learner.network, data, out, sized, label or Label(out.resolve().name), learner.progress)
        if how.tidy:
            shutil.rmtree(out / "crops")
            (out / CHECKPOINT).unlink()
            forget_given(out)
        notice.say(DONE)
    accelerator.wait_for_everyone()
    return out / "card.toml"


def begin(plan: Plan, pretrained: Path | None, *, told: bool = True) -> tuple[Plan, Network, tuple[str, ...]]:
    """Return plan and network that a training begins with, its weights drawn or from a file, and what to say of them.

    Raises:
        CardError: The file's weights are not whole, or of another network than the plan names.
    """
    if pretrained is None:
        return plan, begun(plan), ()
    from fundus_core.models.importing import initial_weights
    from fundus_core.models.registry import sha256

    given = initial_weights.tensors(pretrained)
    backbone = plan.backbone if told else initial_weights.backbone_of(given) or plan.backbone
    plan = replace(plan, backbone=backbone, pretrained=sha256(pretrained))
    network = begun(plan)
    said = initial_weights.load(network.body, given, pretrained.name)
    # timm draws the outputs so wide that ages begin a hundred years off; begin at the median
    for parameter in network.body.get_classifier().parameters():
        torch.nn.init.zeros_(parameter)
    words = say("Begun with '{name}' as {backbone}.", name=pretrained.name, backbone=backbone)
    return plan, network, (words, said)


def begun(plan: Plan) -> Network:
    """Return a network whose weights are drawn by the seed."""
    torch.manual_seed(plan.seed)
    options = {**plan.backbone_options, "mirrored": False}  # which is for use: to learn from both takes twice the time
    made = body(plan.backbone, len(plan.columns), options, drop_rate=plan.drop_rate)
    mean, std = normalisation(made, plan)
    return Network(made, mean=mean, std=std)


def learn(
    network: Network,
    data: Data,
    out: Path,
    plan: Plan,
    accelerator: Accelerator,
    *,
    progress: bool = True,
    spent: float = 0.0,
) -> Learner:
    """Run the loop to its end and return the learner, its best weights in the network."""
    torch.manual_seed(plan.seed)
    wanted = data.wanted()
    deck = Deck(data.crops, data.rows("train"), wanted, plan)
    learner = Learner(network, deck, data.scale, plan, accelerator)
    looks = 2 if plan.backbone_options.get("mirrored") else 1
    unread = looks * sum(len(data.rows(part)) for part in PARTS)
    learner.fit(_validation(data, wanted), out, data.key, progress=progress, spent=spent, unread=unread)
    network.load_state_dict(learner.best)
    return learner


def _validation(data: Data, wanted: NDArray[np.float32]) -> Batch:
    """The validation part, each person counting once, however many photographs there are."""
    rows = data.rows("validation")
    _, inverse, counts = np.unique([data.table.patients[row] for row in rows], return_inverse=True, return_counts=True)
    return Batch(np.ascontiguousarray(data.crops.pixels[-1, rows]), wanted[rows], 1 / counts[inverse])
