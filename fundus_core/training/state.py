"""What training remembers: averaged weights, and checkpoints from which it goes on as if never stopped."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from fundus_core.errors import UsageError

Weights = dict[str, Tensor]


@dataclass(slots=True)
class Progress:
    """Where training stands. The only value of this room that changes in place."""

    epoch: int = 0
    """Epochs that are complete."""
    step: int = 0
    """Steps of the epoch that is under way."""
    seconds: float = 0.0
    """Spent training, over all calls."""
    loss_sum: float = 0.0
    """Of the epoch that is under way, over its steps."""
    best_loss: float = float("inf")
    """Lowest validation loss so far."""
    best_epoch: int = -1
    """Where it was, counted from 0."""
    history: list[dict[str, float]] = field(default_factory=list)
    """A row per epoch."""
    late: bool = False
    """Whether the minutes of the plan are over."""
    finished: bool = False
    """Whether the last epoch, the patience, or the time is over."""


class Average:
    """Exponential moving average of every floating tensor of a network."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Begin with the network's own weights."""
        self.decay = decay
        self.weights: Weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network; the early steps, far from anything good, are forgotten faster."""
        keep = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - keep)
            else:
                self.weights[name].copy_(value)


def save(path: Path, content: Mapping[str, object]) -> None:
    """Write a checkpoint so that a kill at any moment leaves the old one or the new one."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save(dict(content), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(path: Path, key: str) -> dict[str, object]:
    """Read a checkpoint of the same plan on the same data.

    Raises:
        UsageError: The folder holds a training with another plan or other photographs.
    """
    content: dict[str, object] = torch.load(path, map_location="cpu", weights_only=True)
    if content["key"] != key:
        raise UsageError(
            "{name} holds a training with another plan or other photographs; give another folder, or "
            "remove this one to begin anew.",
            name=path.parent.name,
        )
    return content
