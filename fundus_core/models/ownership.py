"""Whose a model is, where several people share a server: a file beside its card, none for what everybody may use."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fundus_core import owner_only
from fundus_core.errors import UsageError
from fundus_core.models.card import Card

FILE = "owner.json"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose it is, and who else may use it."""

    owner: str
    """As they sign in."""
    shared: tuple[str, ...] = ()
    """People, ``group:`` and a name, or ``*``."""


def owner_of(card: Card) -> Ownership | None:
    """Return whose a model is; ``None`` for those that ship, or that the command line brought: everybody's."""
    return _read(card.folder / FILE) if card.folder else None


def _read(path: Path) -> Ownership | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Ownership(str(told["owner"]), tuple(map(str, told["shared"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Ownership("")  # damaged: nobody's, rather than everybody's


def may_use(card: Card, names: Collection[str]) -> bool:
    """Return whether somebody whom shares know by these names may use a model."""
    found = owner_of(card)
    return found is None or found.owner in names or not set(names).isdisjoint(found.shared)


def require(card: Card, names: Collection[str]) -> None:
    """See to it that they may; an error as of a model that is not there, else."""
    if not may_use(card, names):
        raise UsageError("There is no model '{id}' that you may use; choose one of the page Models.", id=card.id)


def share(card: Card, asks: str, names: Iterable[str]) -> None:
    """Say who else may use a model, all of them at once.

    Raises:
        UsageError: It is not the model of whoever asks.
    """
    found = owner_of(card)
    if found is None or found.owner != asks:
        raise UsageError("Only the owner of '{id}' may share it; ask its owner.", id=card.id)
    told = sorted({name.strip().casefold() for name in names} - {""})
    write(card, replace(found, shared=tuple(told)))


def write(card: Card, made: Ownership) -> None:
    """Say whose a model is."""
    if card.folder:
        owner_only.write(card.folder / FILE, json.dumps(asdict(made)).encode())
