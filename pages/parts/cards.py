"""Model cards as pages need them: titles, whether weights are there, and the sentence about rendered eyes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fundus_core.errors import CardError
from fundus_core.models import registry
from fundus_core.models.card import Card

_NOBODYS = Path(__file__).parent / "no-cards-of-a-user"


def known() -> Mapping[str, Card]:
    """Return every card by id; where one of the user's is wrong, those that ship with the project."""
    try:
        return registry.models()
    except CardError:
        return registry.models(_NOBODYS)


def fault() -> str:
    """Return what is wrong with the user's cards; empty where nothing is."""
    try:
        registry.models()
    except CardError as wrong:
        return str(wrong)
    return ""


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
