"""Runs what no list lets through; called in a confined process by ``test_confined_import``."""

from __future__ import annotations

import torch


class Writes(torch.nn.Module):
    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker = marker

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.marker)
        return x


def script(markers):
    for marker in markers:
        torch.jit.script(Writes(marker))(torch.zeros(1))  # where it may not write, torch says nothing
    return "ran"
