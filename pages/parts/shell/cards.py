"""Model cards as pages need them: titles, whether weights are there, and the sentence about rendered eyes."""

from collections.abc import Mapping
from functools import lru_cache

from fundus_core.models import ownership, registry
from fundus_core.models.card import Card
from fundus_core.models.registry import Shelf
from fundus_core.store import ModelVersion
from pages.parts.shell import asking
from pages.parts.shell.language import said


def known() -> Mapping[str, Card]:
    """Return every card that whoever asks may use, by id, those that are wrong left out."""
    cards = _read(_stamp()).cards
    if (names := asking.names()) is None:
        return cards
    return {name: card for name, card in cards.items() if ownership.may_use(card, names)}


def faults() -> Mapping[str, str]:
    """Return what is wrong with the user's cards, by the name of their folder."""
    return _read(_stamp()).faults


def _stamp() -> tuple[tuple[str, int], ...]:
    """Return what changes when a card does; reading all cards anew for every sentence would slow each click."""
    files = [registry.SAMPLE, *registry.BUNDLED.glob("*.toml"), *registry.home().glob("*/card.toml")]
    return tuple((str(file), file.stat().st_mtime_ns) for file in files if file.is_file())


@lru_cache(maxsize=8)
def _read(_stamp: tuple[tuple[str, int], ...]) -> Shelf:
    return registry.shelf()


def ready() -> list[str]:
    """Return the ids of models whose weights are there."""
    return [name for name, card in known().items() if card.ready]


def title(model: str) -> str:
    """Return a model's title; its id where no card of that id is left."""
    card = known().get(model)
    return said(card.title) if card else model


def changed(version: ModelVersion) -> bool:
    """Return whether a model's card says something else by now than when it read a cohort here."""
    card = known().get(version.model)
    return card is not None and card.ready and not version.origin and card.sha256 != version.card_sha256


def reads_rendered_eyes(model: str) -> bool:
    """Return whether a model was trained on rendered eyes."""
    card = known().get(model)
    return card is not None and card.rendered
