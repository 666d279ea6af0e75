"""Model + crops -> predictions: numpy in, numpy out, nothing kept between calls.

On a processor networks run through OpenVINO, on a GPU through torch. float32 unless the card says that reduced
precision was measured on photographs and found harmless; the precision used is recorded with the predictions.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.inference.processor import OpenVino, graph_of, has_bf16
from fundus_core.models import out_of_distribution, registry
from fundus_core.models.card import Card
from fundus_core.records import Floats, Pixels


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says about n crops, in their order."""

    values: Mapping[str, Floats]
    """By target: n values in the target's unit."""
    low: Mapping[str, Floats]
    """By target: lower ends of the 90 % intervals; NaN where the card gives none."""
    high: Mapping[str, Floats]
    """By target: upper ends of the 90 % intervals; NaN where the card gives none."""
    distance: Floats
    """Distance from the training photographs, 1 at the limit; NaN where the card has no statistics."""
    precision: str
    """``float32`` or ``bf16``."""


class Engine(Protocol):
    """What runs a network."""

    at_once: int
    """Photographs that keep all of the machine busy; a multiple of them wastes nothing."""

    def __call__(self, crops: Pixels) -> tuple[Floats, Floats | None]:
        """Return values (n x outputs) and features (n x F, or ``None``) of crops (n x S x S x 3)."""


class Predictor:
    """One model, ready to be asked; safe to share, since it keeps nothing of what it is asked."""

    def __init__(self, card: Card, engine: Engine, precision: str, device: str) -> None:
        """Join a card and the engine that runs its network."""
        self.card, self.precision, self.device = card, precision, device
        self.at_once = engine.at_once
        self._engine = engine
        self._statistics = out_of_distribution.read(card.folder / card.features) if card.features else None

    def predict(self, crops: Pixels) -> Predictions:
        """Predict every target of the card for every crop: n x S x S x 3, RGB, 0..255, cut by the card's rule.

        Raises:
            UsageError: Shape or type do not fit the card.
        """
        side = self.card.input.size
        if crops.ndim != 4 or crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
            raise UsageError(
                "'{id}' wants crops of n x {side} x {side} x 3 bytes (RGB); these are {shape} {dtype}. Cut "
                "them by the card's rule.",
                id=self.card.id,
                side=side,
                shape=crops.shape,
                dtype=crops.dtype,
            )
        if len(crops) == 0:
            return self._named(np.zeros((0, len(self.card.outputs))), None)
        return self._named(*self._engine(crops))

    def _named(self, values: Floats, pooled: Floats | None) -> Predictions:
        known = self._statistics is not None and pooled is not None
        outputs = self.card.outputs
        columns = {output.target: np.ascontiguousarray(values[:, k]) for k, output in enumerate(outputs)}
        return Predictions(
            values=columns,
            low={o.target: columns[o.target] + o.interval[0] * o.widening(columns[o.target]) for o in outputs},
            high={o.target: columns[o.target] + o.interval[1] * o.widening(columns[o.target]) for o in outputs},
            distance=self._statistics.distance(pooled)  # type: ignore[union-attr, arg-type]
            if known
            else np.full(len(values), np.nan),
            precision=self.precision,
        )


def open_predictor(
    card: Card, *, device: str = "auto", precision: str = "auto", cache: Path | None = None
) -> Predictor:
    """Load a card's network for prediction.

    The device is ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``; the precision ``auto`` (what the card allows
    and the machine has), ``float32`` or ``bf16``. The cache is a folder of converted networks, so that torch is needed
    once only; ``compiled`` in the app's working folder where ``None``.

    Raises:
        CardError: The weights are missing, damaged or others than the card names.
        UsageError: A word is not allowed, or there is no such device.
    """
    for word, allowed in ((device, ("auto", "cpu", "cuda")), (precision, ("auto", "float32", "bf16"))):
        if word not in allowed:
            raise UsageError("'{word}' is not allowed here; use one of {allowed}.", word=word, allowed=allowed)
    registry.check(card)
    if device == "cuda" or (device == "auto" and card.runtime == "timm" and has_gpu()):
        return _on_gpu(card, precision)
    if precision == "auto":
        precision = "bf16" if card.precision.allowed == "bf16" and has_bf16() else "float32"
    return Predictor(card, OpenVino(graph_of(card, cache), card.input.size, precision), precision, "cpu")


def has_gpu() -> bool:
    """Whether there is a GPU, asked without torch where the answer is plainly no."""
    if not Path("/proc/driver/nvidia").exists() and os.name == "posix":
        return False
    import torch

    return torch.cuda.is_available()


def _on_gpu(card: Card, precision: str) -> Predictor:
    import torch

    from fundus_core.inference.gpu import Torch

    if not torch.cuda.is_available() or card.runtime != "timm":
        raise UsageError("'{id}' cannot run on a GPU here; use the device 'cpu' or 'auto'.", id=card.id)
    if precision == "auto":
        precision = card.precision.allowed
    return Predictor(card, Torch(card, precision, "cuda"), precision, "cuda")
