"""Small eyes and small models for the tests of runs."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from PIL import Image

from fundus_core.errors import CardError
from fundus_core.records import Floats, Pixels
from fundus_core.retina import CropRule
from fundus_core.runs.model_loading import Model
from fundus_core.store import ModelVersion
from fundus_core.synthetic import what_if
from fundus_core.synthetic.camera import CAMERAS

SIDE = 384


def version(name: str) -> ModelVersion:
    return ModelVersion(name, f"weights of {name}", f"card of {name}")


@dataclass(frozen=True)
class Answer:
    values: Mapping[str, Floats]
    low: Mapping[str, Floats]
    high: Mapping[str, Floats]
    distance: Floats
    precision: str = "float32"


@dataclass
class Reader:
    """Predicts the mean of one channel; remembers how many crops it was shown."""

    target: str = "sbp"
    channel: int = 0
    seconds: float = 0.0
    shown: list[int] = field(default_factory=list)

    def __call__(self, crops: Pixels) -> Answer:
        time.sleep(self.seconds * len(crops))
        self.shown.append(len(crops))
        value = crops[..., self.channel].mean(axis=(1, 2), dtype=np.float64)
        return Answer({self.target: value}, {self.target: value - 1}, {self.target: value + 1}, np.zeros(len(crops)))


def opening(name: str) -> Model:
    """The models of the tests by name."""
    readers = {
        "red": Reader(),
        "slow": Reader(seconds=0.02),
        "very-slow": Reader(seconds=0.5),
        "green": Reader("age", 1),
    }
    if name not in readers:
        message = f"There is no model '{name}'."
        raise CardError(message)
    return Model(version(name), CropRule(32 if name != "green" else 48), readers[name])


@lru_cache(1)
def _drawn() -> Pixels:
    return what_if(5, np.zeros(7), next(iter(CAMERAS)), SIDE)


def eye(seed: int) -> bytes:
    """A photograph that passes the quality checks, the brighter the larger the seed (0 to 99), as JPEG."""
    pixels = _drawn() * (0.8 + 0.002 * seed)
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=95)
    return file.getvalue()
