"""Which models there are: a plain mapping from id to card; and whether a card's weights are those that it names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fundus_core.errors import CardError, UsageError, say
from fundus_core.home import home as own_home
from fundus_core.models import card_files
from fundus_core.models.card import Card
from fundus_core.targets import learn


def sha256(path: Path) -> str:
    """Return the hash of a file as 64 hexadecimal digits; of an OpenVINO graph (.xml) with the .bin beside it."""
    whole = hashlib.sha256()
    for part in [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]:
        with part.open("rb") as file:
            hashlib.file_digest(file, lambda: whole)
    return whole.hexdigest()


def require(card: Card) -> None:
    """Refuse a card without weights by a ``CardError`` that says what to do."""
    if card.ready:
        return
    where = say(" They are obtained at {page}", page=card.weights.page) if card.weights.page else ""
    raise CardError(
        "The model '{id}' has no weights here.{where}; add them with 'python -m fundus_core models "
        "import FILE --card {id}'.",
        id=card.id,
        where=where,
    )


def check(card: Card) -> None:
    """Refuse weights that are missing, or others than the card names, by a ``CardError`` that says what to do."""
    require(card)
    path = card.weights_path
    try:
        found = sha256(path)
    except OSError as error:
        raise CardError(
            "The weights of '{id}' cannot be read ({strerror}); import them again.", id=card.id, strerror=error
        ) from error
    if found != card.weights.sha256:
        raise CardError(
            "'{name}' has the hash {found}..., the card of '{id}' names {sha256}...: it is another file; "
            "obtain the right one or correct the card.",
            name=path.name,
            found=found[:12],
            id=card.id,
            sha256=card.weights.sha256[:12] or "none",
        )


_HERE = Path(__file__).resolve()
BUNDLED = _HERE.parent / "cards"
"""Cards of models whose weights are the user's to obtain."""
_CARD = Path("data", "sample", "model", "card.toml")
_PLACES = (_HERE.parents[2] / _CARD, _HERE.parents[2] / "fundus_lab" / _CARD)
SAMPLE = next((place for place in _PLACES if place.is_file()), _PLACES[0])
"""The model that comes with the sample cohort: beside the core, or in the dashboard's package where it is installed."""


def home() -> Path:
    """Return the folder of the user's own cards and weights: ``models`` in the app's working folder."""
    return own_home() / "models"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every model that can be named, and every card of the user's that is wrong."""

    cards: Mapping[str, Card]
    """By id: the sample's, the bundled ones, then the user's."""
    faults: Mapping[str, str]
    """By the name of the folder in which the card lies: what is wrong with it, as a sentence."""


def shelf(folder: Path | None = None) -> Shelf:
    """Read all cards; one of the user's that is wrong is named, and the others serve.

    A user's card, in a folder of its own below ``folder``, replaces a bundled one of the same id: that is how weights
    are added to a bundled card. Where it is wrong, or two of the user's have one id, no other card takes its place.

    Raises:
        CardError: A card that ships with the project is wrong.
    """
    shipped = [card_files.read(path) for path in (SAMPLE, *sorted(BUNDLED.glob("*.toml"))) if path.is_file()]
    found, faults = {card.id: card for card in shipped}, {}
    own: dict[str, Card] = {}
    for path in sorted((folder or home()).glob("*/card.toml")):
        name = path.parent.name
        try:
            card = card_files.read(path)
            learn(card.brought, name)
        except CardError as error:
            faults[name] = str(error)
            continue
        if card.id in own:
            message = say(
                "Two cards have the id '{id}': {name} and {name_2}; rename one.",
                id=card.id,
                name=own[card.id].folder.name,
                name_2=name,
            )
            faults[name] = faults[card.id] = message
        own[card.id] = card
    found |= own
    known = {model: card for model, card in found.items() if model not in faults}
    return Shelf(MappingProxyType(known), MappingProxyType(faults))


def models(folder: Path | None = None) -> Mapping[str, Card]:
    """Return every card that is right by its id, as ``shelf`` does."""
    return shelf(folder).cards


def find(model_id: str, folder: Path | None = None) -> Card:
    """Return the card of that id.

    Raises:
        CardError: The user's card of that id is wrong; says what is.
        UsageError: There is none; the message lists those that exist.
    """
    there = shelf(folder)
    if model_id in there.faults:
        raise CardError(there.faults[model_id])
    known = there.cards
    if model_id not in known:
        raise UsageError("There is no model '{model_id}'; the models are {known}.", model_id=model_id, known=known)
    return known[model_id]


def ready(model_id: str) -> Card:
    """Return the card of that id, its weights at hand.

    Raises:
        FundusError: There is no such card, or its weights have not been added; with what to do.
    """
    card = find(model_id)
    require(card)
    return card
