"""The plain way, as public tools do it: Pillow, numpy on the full picture, PyTorch eager in float32."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from fundus_core.models import card_files
from fundus_core.models.networks import build

_DARK = 15
"""A pixel brighter than this belongs to the field: the usual rule."""


class Plain:
    """One network behind the plain way of reading photographs."""

    def __init__(self, card: Path) -> None:
        """Load the network of a card file."""
        self.card = card_files.read(card)
        self.network: Any = build(self.card).network.body

    def work(self, paths: Sequence[Path], batch: int) -> float:
        """Predict photographs in batches; returns seconds."""
        since = time.perf_counter()
        answers = []
        for start in range(0, len(paths), batch):
            crops = np.stack([self._prepare(path) for path in paths[start : start + batch]])
            with torch.no_grad():
                answers.append(self.network(torch.from_numpy(crops)).numpy())
        seconds = time.perf_counter() - since
        if not np.isfinite(np.concatenate(answers)).all():
            raise ArithmeticError("The plain way gave no numbers.")
        return seconds

    def alone(self, count: int, batch: int) -> float:
        """Run the network alone on crops in memory; returns seconds a photograph."""
        side = self.card.input.size
        crops = torch.from_numpy(np.random.default_rng(0).random((batch, 3, side, side), dtype=np.float32))
        since = time.perf_counter()
        turns = max(count // batch, 1)
        with torch.no_grad():
            for _ in range(turns):
                self.network(crops)
        return (time.perf_counter() - since) / (turns * batch)

    def _prepare(self, path: Path) -> NDArray[np.float32]:
        given = self.card.input
        pixels = np.asarray(Image.open(path).convert("RGB"))
        lit = pixels.max(axis=2) > _DARK
        rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
        cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        small = Image.fromarray(cut).resize((given.size, given.size), Image.Resampling.BILINEAR)
        values = (np.asarray(small) / 255 - np.array(given.mean)) / np.array(given.std)
        return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)
