"""From a model's id to something that predicts; the only door of this room to the networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fundus_core.errors import FundusError, say
from fundus_core.records import Pixels
from fundus_core.store import ModelVersion

if TYPE_CHECKING:  # the page server asks for runs and need not import what a card stands on
    from fundus_core.inference import Predictions
    from fundus_core.models.card import Card
    from fundus_core.retina import CropRule


@dataclass(frozen=True, slots=True)
class Model:
    """An opened model."""

    version: ModelVersion
    """What it is."""
    rule: CropRule
    """How it wants its crops."""
    predict: Callable[[Pixels], Predictions]
    """From n x S x S x 3 uint8 RGB to predictions; keeps nothing between calls."""
    silent_beyond: float = math.inf
    """Distance from the training photographs beyond which its numbers would mean nothing and are not given."""
    remark: str = ""
    """What a reader of every number must know; stands beside each prediction."""
    at_once: int = 1
    """Photographs that keep all of the machine busy when they are asked about together."""


RENDERED_SILENT_BEYOND = 1.5
"""A model of rendered eyes says nothing of what lies farther from them; measured in ``data/sample/README.md``."""
RENDERED_REMARK = "The model was trained on rendered eyes: this number says nothing about a real person."

OpenModel = Callable[[str], Model]
"""Opens a model by its id; must be importable by name, since another process may have to call it."""


CANNOT_OPEN = (FundusError, OSError, RuntimeError, MemoryError, ImportError, ValueError)
"""What opening a model may raise."""


def open_version(opening: OpenModel, wanted: ModelVersion) -> Model:
    """Open the model that a run was started with; a ``FundusError`` where it has changed since."""
    model = opening(wanted.model)
    if replace(model.version, limits=wanted.limits) != wanted:
        raise FundusError(
            "The card or the weights of '{model}' have changed since the run was started; start a new run.",
            model=wanted.model,
        )
    return model


def unusable(error: BaseException) -> str:
    """Return what a run says that stops since its model cannot be opened."""
    return say("The model could not be used: {error}", error=error)


def version_of(card: Card) -> ModelVersion:
    """What decides a prediction besides the photograph's bytes."""
    return ModelVersion(card.id, card.weights.sha256, card.sha256)


def ready_card(model: str) -> Card:
    """The card of that id, its weights at hand; a ``FundusError`` says what is missing."""
    from fundus_core.models import registry

    return registry.ready(model)


def open_model(model: str) -> Model:
    """Open a model of the registry; a ``FundusError`` says what is missing or does not fit."""
    from fundus_core import inference  # torch: never in the process that serves pages

    card = ready_card(model)
    predictor = inference.open_predictor(card)
    opened = Model(version_of(card), card.rule, predictor.predict, at_once=predictor.at_once)
    return replace(opened, silent_beyond=RENDERED_SILENT_BEYOND, remark=RENDERED_REMARK) if card.rendered else opened
