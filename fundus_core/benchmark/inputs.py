"""What is measured on: rendered photographs of a camera's size, and cards of random weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fundus_core.benchmark.plan import Plan, Trial
from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, registry, weights
from fundus_core.models.card import Card
from fundus_core.synthetic import synthesise

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
