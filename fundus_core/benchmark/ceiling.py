"""How fast the machine could be: a network's multiply-adds over the rate at which it multiplies matrices."""

import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from fundus_core.models.card import Card
from fundus_core.models.networks import build

_SECONDS = 1.0
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


def multiply_adds(card: Card) -> float:
    """Return how many multiply-adds the card's network needs for one photograph; nothing is computed for it."""
    side = card.input.size
    body = build(card).network.body.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        body(torch.zeros((1, 3, side, side), device="meta"))
    return float(counter.get_total_flops()) / 2


def matrix_rate(precision: str, side: int) -> float:
    """Return multiply-adds a second in the product of two square matrices, the best of a second's tries.

    The precision is ``float32`` or ``bf16``.
    """
    a, b = (torch.rand((side, side)).to(DTYPES[precision]) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < until or best == float("inf"):
        since = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - since)
    return float(side**3 / best)
