"""A toy training whose photographs are squares of noise: seconds, everything real but the eyes.

Run as a program by the tests that need a process of their own: ``toy.py OUT CHANGES [RANKS]``, the plan's as JSON.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from fundus_core.models import weights
from fundus_core.records import Source
from fundus_core.training.batches import Batch, Deck  # noqa: F401 (for the tests beside it)
from fundus_core.training.cache import Crops
from fundus_core.training.data import Data
from fundus_core.training.fit import begun, learn
from fundus_core.training.loop import engine
from fundus_core.training.objective import scales
from fundus_core.training.plan import Plan
from fundus_core.training.split import split
from fundus_core.training.table import LearningTable

SIDE, COUNT = 32, 160


def plan(**changes):
    small = {"channels": [8, 8, 16, 16], "stem_width": 8}
    defaults = {
        "targets": ("sbp", "sex"),
        "backbone": "resnet10t",
        "backbone_options": small,
        "size": SIDE,
        "epochs": 2,
        "batch": 8,
        "accumulate": 1,
        "checkpointing": False,
        "precision": "float32",
        "ema": 0.9,
        "learning_rate": 3e-3,
        "checkpoint_seconds": 1e9,
        "drop_rate": 0.1,
    }
    return Plan(**defaults | changes)


def data(of):
    """160 squares of 80 patients whose colour tells blood pressure and sex; some pressures are missing."""
    generator = np.random.default_rng(0)
    t = generator.normal(size=COUNT)
    colour = 20 * t[:, None, None, None] * np.array([1, 0.2, -0.3])
    pixels = np.clip(generator.normal(120, 10, (1, COUNT, SIDE, SIDE, 3)) + colour, 0, 255).astype(np.uint8)
    values = {"sbp": 130 + 15 * t, "sex": (t > 0).astype(float)}
    values["sbp"][::7] = np.nan
    patients = tuple(f"P{k // 2}" for k in range(COUNT))
    sources = tuple(Source(f"{k}.jpg", bytes) for k in range(COUNT))
    table = LearningTable(sources, patients, values, ("",) * COUNT)
    part = split(patients, values, of.shares, seed=of.seed)
    scale = scales({name: column[part == "train"] for name, column in values.items()})
    return Data(table, values, Crops(pixels, np.ones(COUNT, bool), np.ones(COUNT, bool)), part, scale, of.digest("toy"))


def train(out, of):
    """Train and return the learner."""
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    return learn(begun(of), data(of), out, of, engine(changing=bool(of.pretrained)), progress=False)


def become_ranks(count):
    """Go on as one of several processes, as ``torch.distributed.run`` starts them; torch is imported once for all."""
    children = []
    for rank in range(count):
        children.append(os.fork())
        if children[-1] == 0:
            os.environ |= {"WORLD_SIZE": str(count), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            return
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        become_ranks(int(sys.argv[3]))
    folder = Path(sys.argv[1])
    learner = train(folder, plan(**json.loads(sys.argv[2])))
    if learner.accelerator.is_main_process:
        weights.write(learner.network, folder / "final.safetensors")
