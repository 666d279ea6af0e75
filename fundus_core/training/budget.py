"""Size and epochs that fit into the minutes that are given, at the speed that this machine is found to have."""

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from fundus_core.errors import say
from fundus_core.journey import examine
from fundus_core.models.networks import Network
from fundus_core.records import Source
from fundus_core.retina import CropRule
from fundus_core.training import layers
from fundus_core.training.plan import Plan

FILE = "budget.json"
"""Beside the card: what was measured and chosen, so that a training that goes on is the same one."""
_SIDE, _STEPS, _PHOTOGRAPHS = 160, 3, 6
_SIDES = tuple(range(512, 95, -32))
_FEWEST, _MOST = 12, 30
"""Epochs: a smaller side rather than fewer of them, a larger one rather than more."""
KEPT = 0.9
"""Share of the minutes that is planned with; the rest is for augmentation. Where others use the machine as well, the
learning rate falls with the minutes, and the last epochs are left out."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured, at 160 px where pixels count."""

    learning: float
    """Photographs a second, forward and backward, of a side of 160 px."""
    reading: float
    """Photographs a second, forward alone, of a side of 160 px."""
    cutting: float
    """Photographs a second, from the file to the crop, in all processes together."""


def settled(plan: Plan, network: Network, sources: Sequence[Source], out: Path, workers: int, key: str) -> Plan:
    """Return a plan whose size and epochs of 0 are chosen; what was chosen for the same key before stays.

    Args:
        plan: What is asked.
        network: That is trained; it is not changed.
        sources: All photographs.
        out: Folder that remembers the choice.
        workers: Processes that cut.
        key: Changes with plan and data.
    """
    if plan.size and plan.epochs:
        return plan
    path = out / FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if known.get("key") != key:
        speed = measure(plan, network, sources, workers)
        size, epochs = choose(plan, speed, len(sources))
        known = {"key": key, "size": size, "epochs": epochs, **{k: getattr(speed, k) for k in Speed.__slots__}}
        path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return replace(plan, size=int(known["size"]), epochs=int(known["epochs"]))


def note(plan: Plan, asked: Plan, out: Path) -> tuple[str, ...]:
    """Return the sentence on what was chosen; none where nothing was."""
    if plan == asked:
        return ()
    known = json.loads((out / FILE).read_text(encoding="utf-8"))
    words = say(
        "For {minutes:g} minutes on this machine ({speed:.1f} photographs a second learnt at 160 px): {size} px, "
        "{epochs} {epochs:epoch|epochs}.",
        minutes=plan.minutes, speed=known["learning"], size=plan.size, epochs=plan.epochs,
    )  # fmt: skip
    few = say("These are few: give more --minutes, or a smaller network.") if plan.epochs < _FEWEST else ""
    return tuple(filter(None, (words, few)))


def choose(plan: Plan, speed: Speed, photographs: int) -> tuple[int, int]:
    """Return size and epochs: the largest side at which 12 epochs fit, and up to 30 of it.

    Costs grow with the square of the side. An epoch learns from the training part at its own side and reads the
    validation part at the full one; at the end all is read once more, and its mirror image where the
    network looks at both.

    >>> choose(Plan(size=0, epochs=0, minutes=60.0), Speed(30.0, 90.0, 40.0), 5000)
    (224, 12)
    """
    learnt, judged = (1 - sum(plan.shares)) * photographs, plan.shares[0] * photographs
    looks = 2 if plan.backbone_options.get("mirrored") else 1
    for size in (plan.size,) if plan.size else _SIDES:
        area = (size / _SIDE) ** 2
        room = KEPT * 60 * plan.minutes - photographs / speed.cutting - looks * photographs * area / speed.reading

        def costs(epochs: int, size: int = size, area: float = area) -> float:
            grown = replace(plan, size=size, epochs=epochs)
            sides = np.array([grown.side(epoch) for epoch in range(epochs)])
            learning = learnt / speed.learning * float(((sides / _SIDE) ** 2).sum())
            return learning + epochs * judged * area / speed.reading

        if plan.epochs:
            if costs(plan.epochs) <= room:
                return size, plan.epochs
            continue
        epochs = max((n for n in range(1, _MOST + 1) if costs(n) <= room), default=1)
        if epochs >= _FEWEST or plan.size or size == _SIDES[-1]:
            return size, epochs
    return _SIDES[-1], plan.epochs


def measure(plan: Plan, network: Network, sources: Sequence[Source], workers: int) -> Speed:
    """Return how fast this machine learns, reads and cuts; some seconds."""
    from fundus_core.training.loop import device, reduced

    place = device()
    tried = copy.deepcopy(network).to(place).to(memory_format=torch.channels_last).train()
    layers.thaw(tried.body, plan, plan.thaw)
    crops = torch.randint(0, 256, (plan.batch, _SIDE, _SIDE, 3), dtype=torch.uint8, device=place)

    def learn() -> None:
        with reduced(plan.precision, place):
            raw, _ = tried(crops)
        raw.square().mean().backward()
        if place.type == "cuda":
            torch.cuda.synchronize()

    @torch.no_grad()
    def read() -> None:
        with reduced(plan.precision, place):
            tried(crops)
        if place.type == "cuda":
            torch.cuda.synchronize()

    some = [sources[k] for k in np.unique(np.linspace(0, len(sources) - 1, _PHOTOGRAPHS).astype(int))]

    def cut() -> None:
        for source in some:
            examine(source, [CropRule(plan.size or 224)])

    return Speed(
        plan.batch / _seconds(learn), plan.batch / _seconds(read), len(some) * max(workers, 1) / _seconds(cut, 1)
    )


def _seconds(act: Callable[[], None], times: int = _STEPS) -> float:
    """Seconds that one call takes once it is warm."""
    act()
    began = time.monotonic()
    for _ in range(times):
        act()
    return max((time.monotonic() - began) / times, 1e-6)
