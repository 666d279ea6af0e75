"""Which models there are: a plain mapping from id to card."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fundus_core.errors import CardError, UsageError
from fundus_core.models import card as cards
from fundus_core.models.card import Card
from fundus_core.models.custody import require

_HERE = Path(__file__).resolve()
BUNDLED = _HERE.parent / "cards"
"""Cards of models whose weights are the user's to obtain."""
SAMPLE = _HERE.parents[2] / "data" / "sample" / "model" / "card.toml"
"""The model that comes with the sample cohort."""


def home() -> Path:
    """Return the folder of the user's own cards and weights: ``models`` in the app's working folder."""
    return Path(os.environ.get("FUNDUS_LAB_HOME", "workspace")) / "models"


def models(folder: Path | None = None) -> Mapping[str, Card]:
    """Return every card by its id: the sample's, the bundled ones, then the user's.

    A user's card replaces a bundled one of the same id: that is how weights are added to a bundled card.

    Args:
        folder: Of the user's cards, each in a folder of its own; ``home()`` where ``None``.

    Raises:
        CardError: A card is wrong, or two of the user's have one id.
    """
    shipped = [path for path in (SAMPLE, *sorted(BUNDLED.glob("*.toml"))) if path.is_file()]
    own = sorted((folder or home()).glob("*/card.toml"))
    return MappingProxyType(_unique(shipped) | _unique(own))


def _unique(paths: list[Path]) -> dict[str, Card]:
    found: dict[str, Card] = {}
    for path in paths:
        card = cards.read(path)
        if card.id in found:
            message = (
                f"Two cards have the id '{card.id}': {found[card.id].folder.name} and {path.parent.name}; rename one."
            )
            raise CardError(message)
        found[card.id] = card
    return found


def find(model_id: str, folder: Path | None = None) -> Card:
    """Return the card of that id.

    Raises:
        UsageError: There is none; the message lists those that exist.
    """
    known = models(folder)
    if model_id not in known:
        message = f"There is no model '{model_id}'; the models are {', '.join(known)}."
        raise UsageError(message)
    return known[model_id]


def ready(model_id: str) -> Card:
    """Return the card of that id, its weights at hand.

    Raises:
        FundusError: There is no such card, or its weights have not been added; with what to do.
    """
    card = find(model_id)
    require(card)
    return card
