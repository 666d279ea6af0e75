"""Which line of the truth table belongs to which photograph: every key is tried, the best is shown before anything runs."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import TruthError
from fundus_core.records import Eye, Floats, Labels
from fundus_core.truth.checking import same_values
from fundus_core.truth.faults import Fault, as_csv
from fundus_core.truth.table import TruthTable

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "path": "the whole path",
        "folder_and_name": "the last folder and the file name",
        "name": "the file name",
        "stem": "the file name without its ending",
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

MATCHED, UNMATCHED, CONFLICT, AMBIGUOUS = "matched", "unmatched", "conflict", "ambiguous"
_ENDING = re.compile(r"\.(?:jpe?g|png|tiff?|bmp|webp|dcm|dicom|gif|jp2|ppm)$")
_EYE_TOKENS = {
    **dict.fromkeys(("r", "right", "od", "re", "右", "右眼"), Eye.RIGHT),
    **dict.fromkeys(("l", "left", "os", "le", "左", "左眼"), Eye.LEFT),
}
_TOKEN_EYE = re.compile(r"(.*?\d)(r|l|od|os|右|左)")


class Pseudonymiser(Protocol):
    """What ``deidentify`` offers: names to keyed pseudonyms."""

    def patient(self, patient_id: str, /) -> str:
        """Return the pseudonym of a patient's id."""
        ...

    def photograph(self, name: str, /) -> str:
        """Return the pseudonym of a photograph's name."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The truth table beside the photographs, in the photographs' order."""

    truth: TruthTable
    """The table that was matched."""
    photographs: Labels
    """n names as given."""
    line: NDArray[np.int64]
    """n positions in the truth table; -1 where there is none."""
    status: Labels
    """n words: ``matched``, ``unmatched``, ``conflict`` (lines that disagree), ``ambiguous`` (two photographs, one line)."""
    key: str
    """One of ``KEYS``."""
    counts: Mapping[str, int]
    """How many photographs each key that could be tried would match."""
    faults: tuple[Fault, ...]
    """What does not match, on either side, and what disagrees."""

    @property
    def reason(self) -> str:
        """The chosen key and what it achieved, in one sentence."""
        found = int((self.line >= 0).sum())
        return f"Matched by {KEYS[self.key]}: {found:,} of {len(self.photographs):,} photographs have truth."

    @property
    def unmatched_photographs(self) -> tuple[str, ...]:
        """Names of photographs without truth, whatever the reason."""
        return tuple(str(name) for name in self.photographs[self.line < 0])

    @property
    def unmatched_rows(self) -> tuple[int, ...]:
        """Spreadsheet rows that no photograph uses."""
        used = set(self.truth.rows[self.line[self.line >= 0]].tolist())
        return tuple(dict.fromkeys(int(row) for row in self.truth.rows if int(row) not in used))

    def values(self) -> Mapping[str, Floats]:
        """Return the measured values by target, a value per photograph, NaN where there is none."""
        return {
            name: np.where(self.line >= 0, values[self.line], np.nan)
            for name, values in self.truth.values.items()
        }

    def covariates(self) -> Mapping[str, Labels]:
        """Return the other columns, a word per photograph, empty where there is none."""
        return {name: self._words(words) for name, words in self.truth.covariates.items()}

    def patient_id(self) -> Labels:
        """Return the patient of each photograph, empty where the table does not say."""
        return self._words(self.truth.patient_id)

    def eye(self) -> Labels:
        """Return the eye of each photograph as the table says, empty where it does not."""
        return self._words(self.truth.eye)

    def as_csv(self) -> str:
        """Return a line per photograph as CSV text: photograph, status, row of the table."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["photograph", "status", "row"])
        rows = np.where(self.line >= 0, self.truth.rows[self.line], 0)
        writer.writerows(
            [name, status, row or ""]
            for name, status, row in zip(self.photographs, self.status, rows, strict=True)
        )
        return out.getvalue()

    def faults_csv(self) -> str:
        """Return the faults as CSV text, for download."""
        return as_csv(self.faults)

    def _words(self, words: Labels) -> Labels:
        return np.where(self.line >= 0, words[self.line], "")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of each photograph."""

    names: Labels
    patients: Labels
    eyes: Labels


def match(
    truth: TruthTable,
    photographs: Sequence[str],
    *,
    patient_ids: Sequence[str] | None = None,
    eyes: Sequence[str] | None = None,
    key: str | None = None,
    pseudonyms: Pseudonymiser | None = None,
) -> Match:
    """Match a truth table to photographs.

    Args:
        truth: From ``apply``.
        photographs: n names or relative paths, forward or backward slashes.
        patient_ids: n ids where a manifest or DICOM gave them; empty where unknown.
        eyes: n of ``left``, ``right`` or empty.
        key: One of ``KEYS``; the one that matches most photographs when ``None``.
        pseudonyms: Where the photographs carry pseudonyms and the table the original names.

    Raises:
        TruthError: No such key, or nothing to match by.
    """
    blank = [""] * len(photographs)
    known = _Known(_labels(photographs), _labels(patient_ids or blank), _labels(eyes or blank))
    tried = {
        name: _resolve(truth, *sides, alone=name in _ALONE)
        for name, sides in _sides(truth, known, pseudonyms)
    }
    if key is not None and key not in tried:
        message = f"The table cannot be matched by '{key}'; the keys that can be tried are {', '.join(tried) or 'none'}."
        raise TruthError(message)
    if not tried:
        message = "The table names neither photographs nor patients, so nothing can be matched. Choose such a column."
        raise TruthError(message)
    counts = {name: int((line >= 0).sum()) for name, (line, _) in tried.items()}
    chosen = key or max(counts, key=lambda name: counts[name])
    line, status = tried[chosen]
    faults = _faults(truth, known, line, status)
    return Match(truth, known.names, line, status, chosen, counts, tuple(faults))


_ALONE = frozenset(("path", "folder_and_name", "name", "stem", "pseudonym"))


def _labels(words: Sequence[str]) -> Labels:
    return np.array([str(word) for word in words], dtype=np.str_)


def folded(name: str) -> str:
    """Return a name or id as compared: NFKC, lower case, forward slashes, no blanks around."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return plain.replace("\\", "/").casefold().strip().removeprefix("./")


def _patient(word: str) -> str:
    """Spreadsheets turn ids into numbers: ``0012``, ``12`` and ``12.0`` are one patient."""
    text = re.sub(r"\.0+$", "", folded(word))
    return text.lstrip("0") or text if text.isascii() and text.isdigit() else text


def _last_two(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[-2:]) if len(parts) > 1 else ""


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _stem(path: str) -> str:
    return _ENDING.sub("", _name(path))


_VIEWS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"path": lambda path: path, "folder_and_name": _last_two, "name": _name, "stem": _stem}
)

_Sides = tuple[list[str], list[str]]


def _sides(
    truth: TruthTable, known: _Known, pseudonyms: Pseudonymiser | None
) -> Iterator[tuple[str, _Sides]]:
    """Yield each key that can be tried: its words for the truth lines and for the photographs."""
    paths = [folded(name) for name in known.names]
    if (truth.photograph != "").any():
        lines = [folded(name) for name in truth.photograph]
        for name, view in _VIEWS.items():
            yield name, ([view(path) for path in lines], [view(path) for path in paths])
        if pseudonyms is not None:
            yield (
                "pseudonym",
                (_hidden(truth.photograph, pseudonyms.photograph), [_stem(path) for path in paths]),
            )
    if (truth.patient_id != "").any():
        yield from _by_patient(truth, known, pseudonyms)


def _hidden(names: Labels, pseudonym: Callable[[str], str]) -> list[str]:
    return [_stem(folded(pseudonym(str(name)))) if name else "" for name in names]


def _by_patient(
    truth: TruthTable, known: _Known, pseudonyms: Pseudonymiser | None
) -> Iterator[tuple[str, _Sides]]:
    lines = [_patient(word) for word in truth.patient_id]
    if (known.patients != "").any():
        theirs = [_patient(word) for word in known.patients]
        yield from _with_and_without_eye("patient_and_eye", "patient", truth, (lines, theirs), known.eyes)
        if pseudonyms is not None:
            hidden = [_patient(pseudonyms.patient(str(word))) if word else "" for word in truth.patient_id]
            yield from _with_and_without_eye(
                "pseudonym_and_eye", "patient_pseudonym", truth, (hidden, theirs), known.eyes
            )
    ids = set(lines) - {""}
    written = [_in_name(folded(name), ids) for name in known.names]
    eyes = np.array(
        [eye or found for eye, (_, found) in zip(known.eyes, written, strict=True)], dtype=np.str_
    )
    theirs = [patient for patient, _ in written]
    yield from _with_and_without_eye(
        "patient_and_eye_in_name", "patient_in_name", truth, (lines, theirs), eyes
    )


def _with_and_without_eye(
    both: str, alone: str, truth: TruthTable, sides: _Sides, eyes: Labels
) -> Iterator[tuple[str, _Sides]]:
    lines, theirs = sides
    if (truth.eye != "").any() and (eyes != "").any():
        yield both, (_joined(lines, truth.eye), _joined(theirs, eyes))
    yield alone, (lines, theirs)


def _joined(patients: list[str], eyes: Labels) -> list[str]:
    return [
        f"{patient}\n{eye}" if patient and eye else "" for patient, eye in zip(patients, eyes, strict=True)
    ]


def _in_name(path: str, ids: set[str]) -> tuple[str, str]:
    """Find a patient's id and the eye in a file name or its folders: ``P0001_R.jpg``, ``0012/OD.png``."""
    tokens = [token for token in re.split(r"[_\-\s.()]+", _stem(path)) if token]
    eye = next((_EYE_TOKENS[token] for token in reversed(tokens) if token in _EYE_TOKENS), Eye.UNKNOWN)
    if not eye and tokens and (glued := _TOKEN_EYE.fullmatch(tokens[-1])):
        eye, tokens = _EYE_TOKENS[glued[2]], [*tokens[:-1], glued[1], tokens[-1]]
    rest = [token for token in tokens if token not in _EYE_TOKENS]
    folders = [part for part in reversed(path.split("/")[:-1]) if part]
    leading = ["_".join(rest[:end]) for end in range(len(rest), 0, -1)] + [
        "-".join(rest[:end]) for end in range(len(rest), 1, -1)
    ]
    for tier in ([_stem(path)], *([word] for word in leading), *([folder] for folder in folders), rest):
        found = {_patient(word) for word in tier} & ids
        if len(found) == 1:
            return found.pop(), eye.value
    return "", eye.value


def _resolve(
    truth: TruthTable, lines: list[str], photographs: list[str], *, alone: bool
) -> tuple[NDArray[np.int64], Labels]:
    """Find each photograph's line; ``alone``: a line belongs to one photograph only."""
    where: dict[str, list[int]] = {}
    for position, word in enumerate(lines):
        if word:
            where.setdefault(word, []).append(position)
    wanted: dict[str, int] = {}
    for word in photographs:
        wanted[word] = wanted.get(word, 0) + 1
    answers = {word: _answer(truth, found) for word, found in where.items() if word in wanted}
    line = np.array([answers.get(word, (-1, UNMATCHED))[0] for word in photographs], dtype=np.int64)
    status = np.array([answers.get(word, (-1, UNMATCHED))[1] for word in photographs], dtype="<U9")
    if alone:
        twice = np.array([wanted[word] > 1 for word in photographs], dtype=bool) & (status == MATCHED)
        line[twice], status[twice] = -1, AMBIGUOUS
    return line, status


def _answer(truth: TruthTable, found: list[int]) -> tuple[int, str]:
    if len(found) == 1 or same_values(truth, np.array(found)):
        return found[0], MATCHED
    return -1, CONFLICT


_WHAT = {
    UNMATCHED: "No row of the table belongs to this photograph; it has no truth. Add a row or correct its name.",
    CONFLICT: "Several rows belong to this photograph and say different things; none is used. Keep the right one.",
    AMBIGUOUS: "Another photograph has the same name, so the row could belong to either. Write folder and name in the table.",
}


def _faults(truth: TruthTable, known: _Known, line: NDArray[np.int64], status: Labels) -> Iterator[Fault]:
    for position in np.flatnonzero(status != MATCHED):
        word = str(status[position])
        code = "unmatched_photograph" if word == UNMATCHED else word
        yield Fault(0, "", str(known.names[position]), code, _WHAT[word])
    used = np.zeros(len(truth), dtype=bool)
    used[line[line >= 0]] = True
    for position in np.flatnonzero(~used & ~np.isin(truth.rows, truth.rows[used])):
        name = str(truth.photograph[position] or truth.patient_id[position])
        what = "No photograph belongs to this row; it is not used. Add the photograph or correct the name."
        yield Fault(int(truth.rows[position]), "", name, "unmatched_row", what)
    yield from _disagreements(truth, known, line)


def _disagreements(truth: TruthTable, known: _Known, line: NDArray[np.int64]) -> Iterator[Fault]:
    matched = np.flatnonzero(line >= 0)
    for position in matched:
        row, name = int(truth.rows[line[position]]), str(known.names[position])
        stated, seen = str(truth.eye[line[position]]), str(known.eyes[position])
        if stated and seen and stated != seen:
            yield Fault(
                row,
                "",
                name,
                "eye_disagrees",
                f"The table says {stated}, the photograph {seen}. Correct one of them.",
            )
        patient, theirs = (
            _patient(str(truth.patient_id[line[position]])),
            _patient(str(known.patients[position])),
        )
        if patient and theirs and patient != theirs:
            yield Fault(
                row,
                "",
                name,
                "patient_disagrees",
                "The table and the photograph name different patients. Correct one of them.",
            )
