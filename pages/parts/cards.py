"""Model cards as pages need them: titles, whether weights are there, and the sentence about rendered eyes."""

from __future__ import annotations

from collections.abc import Mapping

from fundus_core.models import registry
from fundus_core.models.card import Card


def known() -> Mapping[str, Card]:
    """Return every card that ships with the project or lies in the user's folder, by id."""
    return registry.models()


def ready() -> list[str]:
    """Return the ids of models whose weights are there."""
    return [name for name, card in known().items() if card.ready]


def title(model: str) -> str:
    """Return a model's title; its id where no card of that id is left."""
    card = known().get(model)
    return card.title if card else model


def reads_rendered_eyes(model: str) -> bool:
    """Return whether a model was trained on rendered eyes."""
    card = known().get(model)
    return card is not None and card.rendered
