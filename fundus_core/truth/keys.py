"""By what a line of the truth table and a photograph are recognised as belonging together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from fundus_core.identity import (
    OF_IDS,
    OF_NAMES,
    Joinable,
    agreeing,
    as_path,
    eye_in_name,
    ids_in_names,
    joinable,
)
from fundus_core.records import Labels
from fundus_core.truth.table import TruthTable

SAME_ROW = "row"
"""Key of measured values that stand in the row of their prediction."""
KEYS: Mapping[str, str] = MappingProxyType(
    {
        SAME_ROW: "the row in which both stand",
        "photograph": "the photograph's name",
        "pseudonym": "the pseudonym of the photograph's name",
        "patient_and_eye": "patient and eye",
        "patient": "the patient",
        "pseudonym_and_eye": "the patient's pseudonym and the eye",
        "patient_pseudonym": "the patient's pseudonym",
        "patient_and_eye_in_name": "patient and eye as written in the file name",
        "patient_in_name": "the patient's id as written in the file name or folder",
    }
)
"""Every key in words; where two match equally many photographs, the earlier is taken."""

ALONE = frozenset(("photograph", "pseudonym"))
"""Keys by which a line belongs to one photograph only."""
EYELESS = frozenset(("patient", "patient_pseudonym", "patient_in_name"))
"""Keys that do not look at the eye: what the line says of the eye need not be true of the photograph."""
FROM_NAMES = frozenset(("patient_and_eye_in_name", "patient_in_name"))
"""Keys that take the person from a file's name: what a list or the file itself states outranks them."""


class Pseudonymiser(Protocol):
    """What ``deidentify`` offers: names to keyed pseudonyms."""

    def patient(self, patient_id: str, /) -> str:
        """Return the pseudonym of a patient's id."""
        ...

    def photograph(self, name: str, /) -> str:
        """Return the pseudonym of a photograph's name."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of each photograph."""

    names: Labels
    """Names or paths as given."""
    patients: Labels
    """Ids from a manifest or DICOM; empty where unknown."""
    eyes: Labels
    """``left``, ``right`` or empty."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared: a word per line of the table, a word per photograph; empty matches nothing."""

    lines: Sequence[str]
    """n words."""
    photographs: Sequence[str]
    """m words."""
    torn: Sequence[bool] = ()
    """m truths: whether a photograph could be meant by several words; none where empty."""
    eyes: tuple[Labels, Labels] | None = None
    """The eye of each line and photograph, where both must agree."""
    joinable: Joinable = field(default_factory=Joinable)
    """What could be joined besides, if a person says so."""

    def joined(self) -> Sides:
        """Return the sides as they are when a person has said that what could be joined is the same."""
        same = dict(self.joinable.pairs)
        return Sides([same.get(word, word) for word in self.lines], self.photographs, self.torn, self.eyes)

    def words(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return both sides as words that are equal where they belong together."""
        if self.eyes is None:
            return self.lines, self.photographs
        ours, theirs = self.eyes
        lines = [f"{word}\n{eye}" if word else "" for word, eye in zip(self.lines, ours, strict=True)]
        there = set(lines)
        wanted = [f"{word}\n{eye}" if word else "" for word, eye in zip(self.photographs, theirs, strict=True)]
        # a line about both eyes answers for a photograph whose own eye has no line
        both = [f"{word}\n" if word else "" for word in self.photographs]
        return lines, [pair if pair in there else other for pair, other in zip(wanted, both, strict=True)]


def keys(truth: TruthTable, known: Known, pseudonyms: Pseudonymiser | None) -> Iterator[tuple[str, Sides]]:
    """Yield each key that can be tried, cheap and specific ones first."""
    if (truth.photograph != "").any():
        yield "photograph", _named(truth, known)
        if pseudonyms is not None:
            yield "pseudonym", _under_pseudonym(truth, known, pseudonyms)
    if (truth.patient_id != "").any():
        yield from _by_patient(truth, known, pseudonyms)


def _named(truth: TruthTable, known: Known) -> Sides:
    lines, paths = ([as_path(str(name)) for name in names] for names in (truth.photograph, known.names))
    found, torn = agreeing(lines, paths)
    # a photograph that no line means, and that might be meant, stands under its own name
    words = [name or ("" if several else path) for name, several, path in zip(found, torn, paths, strict=True)]
    taken = [path for path, name in zip(paths, found, strict=True) if name]
    possible = joinable(lines, paths, kinds=OF_NAMES, joined=set(found), joined_too=taken)
    return Sides(lines, words, torn, joinable=possible)


def _under_pseudonym(truth: TruthTable, known: Known, pseudonyms: Pseudonymiser) -> Sides:
    hidden = [as_path(pseudonyms.photograph(str(name))) if name else "" for name in truth.photograph]
    return Sides(hidden, *agreeing(hidden, [as_path(str(name)) for name in known.names]))


def _by_patient(truth: TruthTable, known: Known, pseudonyms: Pseudonymiser | None) -> Iterator[tuple[str, Sides]]:
    lines = [str(word) for word in truth.patient_id]
    if (known.patients != "").any():
        theirs = [str(word) for word in known.patients]
        yield from _with_eye_and_without("patient_and_eye", "patient", truth, Sides(lines, theirs), known.eyes)
        if pseudonyms is not None:
            hidden = [pseudonyms.patient(word) if word else "" for word in lines]
            both = Sides(hidden, theirs)
            yield from _with_eye_and_without("pseudonym_and_eye", "patient_pseudonym", truth, both, known.eyes)
    paths = [as_path(str(name)) for name in known.names]
    eyes = np.array([eye or eye_in_name(path).value for eye, path in zip(known.eyes, paths, strict=True)], np.str_)
    both = Sides(lines, *ids_in_names(paths, set(lines)))
    yield from _with_eye_and_without("patient_and_eye_in_name", "patient_in_name", truth, both, eyes)


def _with_eye_and_without(
    with_eye: str, without: str, truth: TruthTable, sides: Sides, eyes: Labels
) -> Iterator[tuple[str, Sides]]:
    possible = joinable(set(sides.lines), set(sides.photographs), kinds=OF_IDS)
    if (truth.eye != "").any() and (eyes != "").any():
        yield with_eye, Sides(sides.lines, sides.photographs, sides.torn, (truth.eye, eyes), possible)
    yield without, Sides(sides.lines, sides.photographs, sides.torn, joinable=possible)
