"""Whom a recalibration was fitted to: salted hashes beside its card, so that it is never tested on them.

Equal ids or equal photographs make the same person. Nothing in the file names anybody, but ids are short, and whoever
has the file can try a list of them: it stays where the model is and goes into no report or shared result.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import CardError, UsageError, say
from fundus_core.evaluation import person_ids
from fundus_core.models.card import Card
from fundus_core.records import CohortTable, Labels

_LETTERS = 32
"""Of a hash that are kept, 128 bits: far more than it takes lest two people share one."""


def hashes(table: CohortTable, sha256: Labels, cohort: str) -> dict[str, object]:
    """Return the salted hashes of a cohort's people and photographs, as they lie beside a card.

    Raises:
        UsageError: Nobody could be recognised again.
    """
    salt = secrets.token_hex(16)
    people, photographs = _patients(table), sorted({str(one) for one in sha256 if one})
    if not people and not photographs:
        raise UsageError(
            "Nobody in '{cohort}' could be recognised again: it has neither patient ids nor hashes of photographs, and "
            "a recalibration must never be tested on the people it was fitted to. Give predictions with patient_id or "
            "sha256.",
            cohort=cohort,
        )
    hashed = {"people": people, "photographs": photographs}
    return {"salt": salt, **{kind: sorted(_hashed(salt, kind, words)) for kind, words in hashed.items()}}


def _patients(table: CohortTable) -> list[str]:
    """Return patients' ids; the name of a photograph of whom nobody knows more is none."""
    named = (table.patient_id != "") & (table.patient_id != table.photograph)
    return sorted({str(one) for one in table.patient_id[named]})


def _hashed(salt: str, kind: str, words: Iterable[str]) -> dict[str, str]:
    """Return by hash the word."""
    key = f"{salt} {kind}".encode()
    made = {word: hmac.new(key, word.encode(), hashlib.sha256).hexdigest()[:_LETTERS] for word in words}
    return {digest: word for word, digest in made.items()}


@dataclass(frozen=True, slots=True)
class FittedPeople:
    """Who of a cohort was used to fit a model's recalibrations."""

    rows: NDArray[np.bool_]
    """n photographs: those of these people."""
    people: int
    """How many."""
    of: int
    """People of the cohort."""
    photographs: int
    """How many photographs are the very same; where there is none, equal ids alone speak for it."""

    def sentence(self, model: str) -> str:
        """Return the one sentence about them."""
        return say(
            "{n:,} of its {of:,} people {n:was|were} used to fit the recalibration of '{model}'.",
            n=self.people,
            of=self.of,
            model=model,
        )


def fitted_people(card: Card, table: CohortTable, sha256: Labels) -> FittedPeople:
    """Find the people of a cohort that a card's recalibrations were fitted to, by their ids and photographs.

    Args:
        card: Of the model.
        table: A row per photograph.
        sha256: Of each photograph's bytes; empty where unknown.

    Raises:
        CardError: What tells them is missing or was changed.
    """
    who, people, photographs = person_ids(table), set[str](), set[str]()
    for held in _held(card):
        salt = str(held["salt"])
        for kind, words, found in (("people", _patients(table), people), ("photographs", sha256, photographs)):
            known = _hashed(salt, kind, {str(word) for word in words if word})
            listed = held[kind]
            found |= {known[one] for one in listed if one in known} if isinstance(listed, list) else set()
    same = np.isin(sha256, sorted(photographs)) if photographs else np.zeros(len(table), dtype=bool)
    rows = np.isin(who, sorted(people | set(who[same].tolist())))
    return FittedPeople(rows, len(np.unique(who[rows])), len(np.unique(who)), int(same.sum()))


def _held(card: Card) -> Iterator[Mapping[str, object]]:
    for step in card.recalibrated:
        try:
            data = (card.folder / Path(step.fitted).name).read_bytes()
        except OSError:
            data = b""
        if hashlib.sha256(data).hexdigest() != step.fitted_sha256:
            raise CardError(
                "The list of people that '{id}' was fitted to ('{file}' beside its card) is missing or was changed, so "
                "nobody can tell whom it must not be tested on; recalibrate '{model}' again.",
                id=card.id,
                file=step.fitted,
                model=step.model,
            )
        yield json.loads(data)
