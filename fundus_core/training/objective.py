"""What is minimised: standardised errors, a missing value weighing nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fundus_core.errors import TruthError
from fundus_core.records import Floats
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Scale:
    """Median and robust spread of a column in the training part."""

    centre: float
    """In the column's unit."""
    spread: float
    """In the column's unit; interquartile range / 1.349, the standard deviation of a normal law."""
    binary: bool
    """A probability: the network's output is its logit, and the scale is 0 and 1."""
    odds: float = 1.0
    """Of a probability: of 1 to 0 in the training part. Both sides are weighed alike while it is learnt, so that the
    network's logit is that of a population of even odds; these odds turn it into this one's (King, Zeng 2001, doi
    10.1093/oxfordjournals.pan.a004868)."""


def scales(values: Mapping[str, Floats]) -> tuple[Scale, ...]:
    """Return the scale of each column, from training rows alone; a ``TruthError`` where one holds a single value."""
    return tuple(_scale(name, column[np.isfinite(column)]) for name, column in values.items())


def _scale(name: str, known: Floats) -> Scale:
    if len(np.unique(known)) < 2:
        raise TruthError(
            "'{name}' has fewer than two different values among the training patients; nothing can be learnt.",
            name=name,
        )
    if name in TARGETS and TARGETS[name].binary:
        if known.min() < 0 or known.max() > 1:
            message = "'{name}' goes from {low:g} to {high:g}; it must lie in 0..1 (1 = {one})."
            raise TruthError(message, name=name, low=known.min(), high=known.max(), one=TARGETS[name].said(1))
        share = float(np.clip(known.mean(), 0.01, 0.99))
        return Scale(0.0, 1.0, binary=True, odds=share / (1 - share))
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    spread = float(high - low) / 1.349
    return Scale(float(middle), spread if spread > 0 else float(known.std()), binary=False)


def standardise(values: Mapping[str, Floats], scale: Sequence[Scale]) -> NDArray[np.float32]:
    """Return n x columns, standardised, NaN where missing."""
    columns = [(v - s.centre) / s.spread for v, s in zip(values.values(), scale, strict=True)]
    return np.stack(columns, axis=1).astype(np.float32)


def losses(raw: Tensor, wanted: Tensor, binary: Sequence[bool], odds: Tensor | None = None) -> Tensor:
    """Return the loss per element (n x columns), 0 where the truth is missing.

    Cross entropy for a probability (truth may be soft), a photograph of each side weighed by the other's share where
    ``odds`` (columns) of 1 to 0 are given; otherwise Huber's loss with its corner at one spread: squared
    near zero, absolute for outliers.

    >>> losses(torch.tensor([[0.0, 3.0]]), torch.tensor([[float("nan"), 0.0]]), [False, False])
    tensor([[0.0000, 2.5000]])
    """
    missing = torch.isnan(wanted)
    filled = torch.where(missing, torch.zeros_like(wanted), wanted)
    even = torch.ones(len(binary), device=raw.device) if odds is None else odds
    columns = [
        _logistic(raw[:, k], filled[:, k], even[k])
        if is_binary
        else functional.huber_loss(raw[:, k], filled[:, k], reduction="none")
        for k, is_binary in enumerate(binary)
    ]
    return torch.where(missing, torch.zeros_like(wanted), torch.stack(columns, dim=1))


def _logistic(raw: Tensor, wanted: Tensor, odds: Tensor) -> Tensor:
    """Cross entropy with the sides' weights (1 + 1/odds)/2 and (1 + odds)/2, whose mean over the photographs is 1."""
    each = functional.binary_cross_entropy_with_logits(raw, wanted, pos_weight=1 / odds, reduction="none")
    return each * (1 + odds) / 2
