"""Running statistics of batch normalisation when several processes train one network.

One process that sees batches 1..2A moves its running mean r by r <- (1 - m) r + m b, batch after batch. Two
processes that see A each end with (1 - m)^A r + D1 and (1 - m)^A r + D2, and (1 - m)^A ((1 - m)^A r + D1) + D2 is
what the one process would have: the law is linear, so joining is exact.
"""

import torch
from accelerate import Accelerator
from torch import Tensor, nn


class RunningStatistics:
    """The running statistics of a network before a step."""

    def __init__(self, network: nn.Module) -> None:
        """Remember every normalisation layer's statistics."""
        self.layers = [
            layer
            for layer in network.modules()
            if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.running_mean is not None
        ]
        self.before = [(_flat(layer).clone(), _count(layer)) for layer in self.layers]

    def join(self, accelerator: Accelerator) -> None:
        """Set, in every process, what one process would have after all processes' batches in turn."""
        for layer, (start, count) in zip(self.layers, self.before, strict=True):
            passes = _count(layer) - count
            keep = (1 - (0.1 if layer.momentum is None else layer.momentum)) ** passes
            ends: Tensor = accelerator.gather(_flat(layer)[None])
            joined = ends[0]
            for end in ends[1:]:
                joined = keep * joined + end - keep * start
            mean, variance = joined.chunk(2)
            with torch.no_grad():
                layer.running_mean.copy_(mean)  # type: ignore[union-attr]
                layer.running_var.copy_(variance)  # type: ignore[union-attr]
                layer.num_batches_tracked.fill_(count + passes * len(ends))  # type: ignore[union-attr]


def _flat(layer: nn.modules.batchnorm._BatchNorm) -> Tensor:
    return torch.cat([layer.running_mean, layer.running_var])  # type: ignore[list-item]


def _count(layer: nn.modules.batchnorm._BatchNorm) -> int:
    return int(layer.num_batches_tracked)  # type: ignore[arg-type]
