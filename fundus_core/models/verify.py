"""Whether a card's weights are there, and are the ones that it names; told without opening them, and without torch."""

import hashlib
from pathlib import Path

from fundus_core.errors import CardError, say
from fundus_core.models.card import Card


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
