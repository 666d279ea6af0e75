"""How much is measured, and on what: rendered photographs of a camera's size, cards of random weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, registry, weights
from fundus_core.models.card import Card
from fundus_core.synthetic import synthesise


@dataclass(frozen=True, slots=True)
class Published:
    """How fast somebody else found a network on a GPU."""

    device: str
    """The GPU."""
    rate: float
    """Photographs a second, the network alone."""
    source: str
    """Where it is written, and how it was measured."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One network that is measured."""

    name: str
    """In the tables."""
    model: str = ""
    """Id of a card whose weights are there; empty for random weights."""
    backbone: str = ""
    """timm's name, for random weights."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the backbone."""
    size: int = 0
    """Side of its crops in pixels, for random weights."""
    batches: tuple[int, ...] = (1,)
    """Batch sizes that the plain way is tried with; the fastest one counts."""
    count: int = 8
    """Photographs that the plain way reads in a round."""
    ours: int = 16
    """Photographs that the worker reads in a round; more, since it is faster and its start counts, too."""
    published: Published | None = None
    """For the scale on paper, where no GPU can be measured."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides how long a benchmark takes."""

    height: int
    """About the height of the photographs in pixels."""
    people: int
    """Rendered people whose eyes the photographs are made of."""
    trials: tuple[Trial, ...]
    """The networks."""
    rounds: int
    """How often everybody has a turn."""
    matrix: int
    """Side of the matrices whose product measures the machine."""
    patients: int
    """People of the cohort whose intervals are timed, each with two photographs or one."""
    draws: int
    """Of the bootstrap."""
    apart: bool
    """Whether each contender has a process of its own, so that none slows the others and memory can be told apart."""

    @property
    def photographs(self) -> int:
        """How many photographs there must be."""
        return max(max(trial.count, trial.ours) for trial in self.trials)


_RTX_4090 = Published(
    "RTX 4090",
    181.61,
    "timm's benchmark-infer-amp-nhwc-pt240-cu124-rtx4090.csv: tf_efficientnet_b7, 600 px, batch 192, float16 autocast",
)
_B7 = Trial("EfficientNet-B7, 600 px, random weights", "", "tf_efficientnet_b7", {}, 600, (1, 4), 8, 24, _RTX_4090)
_B0 = Trial("EfficientNet-B0, 224 px, random weights", "", "tf_efficientnet_b0", {}, 224, (1, 8), 24, 96)
_SAMPLE = Trial("sample model", "sample-rendered", batches=(1, 8), count=24, ours=160)
_TINY = Trial(
    "tiny network, 64 px, random weights",
    "",
    "resnet10t",
    {"channels": (8, 8, 16, 16), "stem_width": 8},
    64,
    (1, 2),
    4,
    4,
)

FULL = Plan(2848, 2, (_B7, _SAMPLE, _B0), rounds=3, matrix=2048, patients=52_000, draws=2000, apart=True)
"""In earnest: about ten minutes on two cores."""
QUICK = Plan(512, 1, (_TINY,), rounds=1, matrix=128, patients=200, draws=50, apart=False)
"""Every part once, on sizes that say nothing about speed."""


SEED = 1
_QUALITY = 90
_TEMPLATE = "joir-metabolic-b7.toml"
"""Random weights are asked for the five targets of this card."""


def photographs(plan: Plan, folder: Path) -> list[Path]:
    """Render a few eyes and write as many different JPEGs of them as the plan wants.

    A shift by some pixels makes another file of the same kind, a hundred times faster than rendering one.
    """
    synthesise(plan.people, SEED, folder / "rendered", size=plan.height)
    originals = [np.asarray(Image.open(path)) for path in sorted((folder / "rendered" / "photographs").glob("*.jpg"))]
    paths = [folder / f"{number:03}.jpg" for number in range(plan.photographs)]
    for number, path in enumerate(paths):
        shifted = np.roll(originals[number % len(originals)], number // len(originals), axis=1)
        Image.fromarray(shifted).save(path, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    return paths


def card_of(trial: Trial, folder: Path) -> Card | None:
    """Return the card of a trial, made with random weights where it names no model; ``None`` where there is none."""
    if not trial.model:
        return _random(trial, folder)
    known = registry.models().get(trial.model)
    return known if known is not None and known.ready else None


def _random(trial: Trial, folder: Path) -> Card:
    base = card_files.read(registry.BUNDLED / _TEMPLATE)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    body = networks.body(trial.backbone, len(base.outputs), trial.options)
    card = replace(
        base,
        id=f"random-{trial.backbone}",
        title=trial.name,
        backbone=trial.backbone,
        backbone_options=trial.options,
        input=replace(base.input, size=trial.size),
        weights=cards.WeightsFile("weights.safetensors", weights.write(body, folder / "weights.safetensors"), ""),
        features="",
        unverified=(),
        folder=folder,
    )
    card_files.write(card, folder / "card.toml")
    return card
