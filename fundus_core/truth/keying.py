"""By what a line of the truth table and a photograph are recognised as belonging together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from fundus_core.records import Eye, Labels
from fundus_core.truth.table import TruthTable

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "path": "the whole path",
        "folder_and_name": "the last folder and the file name",
        "name": "the file name",
        "stem": "the file name without its ending",
        "number": "the file name without its ending and leading zeros",
        "pseudonym": "the pseudonym of the file name",
        "patient_and_eye": "patient and eye",
        "patient": "the patient",
        "pseudonym_and_eye": "the patient's pseudonym and the eye",
        "patient_pseudonym": "the patient's pseudonym",
        "patient_and_eye_in_name": "patient and eye as written in the file name",
        "patient_in_name": "the patient's id as written in the file name or folder",
    }
)
"""Every key in words; where two match equally many photographs, the earlier is taken."""

ALONE = frozenset(("path", "folder_and_name", "name", "stem", "number", "pseudonym"))
"""Keys by which a line belongs to one photograph only."""
EYELESS = frozenset(("patient", "patient_pseudonym", "patient_in_name"))
"""Keys that do not look at the eye: what the line says of the eye need not be true of the photograph."""

_ENDING = re.compile(r"\.(?:jpe?g|png|tiff?|bmp|webp|dcm|dicom|gif|jp2|ppm)$")
_EYE_TOKENS = {
    **dict.fromkeys(("r", "right", "od", "re", "右", "右眼"), Eye.RIGHT),
    **dict.fromkeys(("l", "left", "os", "le", "左", "左眼"), Eye.LEFT),
}
_POINT_ZERO = re.compile(r"(?<=\d)\.0+$")
_BETWEEN = re.compile(r"[_\-\s.()]+")
_PSEUDONYM = re.compile(r"[fp]-[0-9a-hjkmnp-tv-z]{12}(?: \(\d+\))?")
"""Letters of a pseudonym are drawn at random and name no eye."""
_TOKEN_EYE = re.compile(r"(.*?\d)(r|l|od|os|右|左)")


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


def folded(name: str) -> str:
    """Return a name or id as compared: NFKC, lower case, forward slashes, no blanks around."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return plain.replace("\\", "/").casefold().strip().removeprefix("./")


def as_ids(words: Iterable[str]) -> list[str]:
    """Return patients' ids as compared. Spreadsheets turn ids into numbers: ``0012``, ``12`` and ``12.0`` are one.

    Where a list holds both ``0012`` and ``12``, zeros tell patients apart and are kept.

    >>> as_ids(["0012", "P-3", "7.0"]), as_ids(["0012", "12"])
    (['12', 'p-3', '7'], ['0012', '12'])
    """
    plain = [_POINT_ZERO.sub("", folded(word)) for word in words]
    short = [_without_zeros(word) for word in plain]
    return short if len(set(short)) == len(set(plain)) else plain


def _without_zeros(word: str) -> str:
    return word.lstrip("0") or word if word.isascii() and word.isdigit() else word


def _last_two(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[-2:]) if len(parts) > 1 else ""


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _stem(path: str) -> str:
    return _ENDING.sub("", _name(path))


_VIEWS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "path": lambda path: path,
        "folder_and_name": _last_two,
        "name": _name,
        "stem": _stem,
        "number": lambda path: _without_zeros(_stem(path)),
    }
)

Words = list[str]
Sides = tuple[Words, Words]
"""What is compared: a word per line of the truth table, a word per photograph; empty matches nothing."""


def sides(truth: TruthTable, known: Known, pseudonyms: Pseudonymiser | None) -> Iterator[tuple[str, Sides]]:
    """Yield each key that can be tried, cheap and specific ones first."""
    paths = [folded(name) for name in known.names]
    if (truth.photograph != "").any():
        lines = [folded(name) for name in truth.photograph]
        for name, view in _VIEWS.items():
            yield name, ([view(path) for path in lines], [view(path) for path in paths])
        if pseudonyms is not None:
            hidden = [_stem(folded(pseudonyms.photograph(str(name)))) if name else "" for name in truth.photograph]
            yield "pseudonym", (hidden, [_stem(path) for path in paths])
    if (truth.patient_id != "").any():
        yield from _by_patient(truth, known, pseudonyms)


def _by_patient(truth: TruthTable, known: Known, pseudonyms: Pseudonymiser | None) -> Iterator[tuple[str, Sides]]:
    lines = as_ids(truth.patient_id)
    if (known.patients != "").any():
        theirs = as_ids(known.patients)
        yield from _with_eye_and_without("patient_and_eye", "patient", truth, (lines, theirs), known.eyes)
        if pseudonyms is not None:
            hidden = [folded(pseudonyms.patient(str(word))) if word else "" for word in truth.patient_id]
            theirs = [folded(word) for word in known.patients]
            both = (hidden, theirs)
            yield from _with_eye_and_without("pseudonym_and_eye", "patient_pseudonym", truth, both, known.eyes)
    written = _written_in_names(known, set(lines) - {""})
    eyes = np.array([eye or found for eye, (_, found) in zip(known.eyes, written, strict=True)], dtype=np.str_)
    both = (lines, [patient for patient, _ in written])
    yield from _with_eye_and_without("patient_and_eye_in_name", "patient_in_name", truth, both, eyes)


def _with_eye_and_without(
    with_eye: str, without: str, truth: TruthTable, patients: Sides, eyes: Labels
) -> Iterator[tuple[str, Sides]]:
    lines, theirs = patients
    if (truth.eye != "").any() and (eyes != "").any():
        joined = [f"{word}\n{eye}" if word else "" for word, eye in zip(lines, truth.eye, strict=True)]
        there = set(joined)
        wanted = [f"{word}\n{eye}" for word, eye in zip(theirs, eyes, strict=True)]
        # a line about both eyes answers for a photograph whose own eye has no line
        found = [pair if pair in there else f"{word}\n" for pair, word in zip(wanted, theirs, strict=True)]
        yield with_eye, (joined, [pair if word else "" for pair, word in zip(found, theirs, strict=True)])
    yield without, (lines, theirs)


def _written_in_names(known: Known, ids: set[str]) -> list[tuple[str, str]]:
    """Return patient and eye as the photographs' names and folders say."""
    return [_in_name(folded(name), ids) for name in known.names]


def eye_in_name(name: str) -> str:
    """Return the eye that a file name states, or an empty word.

    >>> eye_in_name("P0001_R.jpg"), eye_in_name("img00208509_00_1L.jpg"), eye_in_name("red.jpg")
    ('right', 'left', '')
    """
    return _in_name(folded(name), set())[1]


def _in_name(path: str, ids: set[str]) -> tuple[str, str]:
    """Find a patient's id and the eye in a file name or its folders: ``P0001_R.jpg``, ``0012/OD.png``."""
    drawn = _PSEUDONYM.fullmatch(_stem(path))
    tokens = [] if drawn else [token for token in _BETWEEN.split(_stem(path)) if token]
    eye = next((_EYE_TOKENS[token] for token in reversed(tokens) if token in _EYE_TOKENS), Eye.UNKNOWN)
    if not eye and tokens and (glued := _TOKEN_EYE.fullmatch(tokens[-1])):
        eye, tokens = _EYE_TOKENS[glued[2]], [*tokens[:-1], glued[1], tokens[-1]]
    rest = [token for token in tokens if token not in _EYE_TOKENS]
    for tier in _tiers(path, rest):
        found = {word if word in ids else _without_zeros(word) for word in tier} & ids
        if len(found) == 1:
            return found.pop(), eye.value
    return "", eye.value


def _tiers(path: str, tokens: list[str]) -> Iterator[list[str]]:
    """Yield words that may be the patient's id, the surest first: the whole, its beginning, folders, any part."""
    yield [_stem(path)]
    for end in range(len(tokens), 0, -1):
        yield ["_".join(tokens[:end]), "-".join(tokens[:end])]
    for folder in reversed(path.split("/")[:-1]):
        yield [folder]
    yield tokens
