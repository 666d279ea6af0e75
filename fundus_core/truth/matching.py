"""Which line of the truth table belongs to which photograph: every key is tried, the best one shown first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core import tables
from fundus_core.errors import TruthError, say
from fundus_core.identity import Joinable
from fundus_core.records import Floats, Labels
from fundus_core.tables.faults import Fault, as_csv
from fundus_core.truth.checking import same_values
from fundus_core.truth.differing import WHY, unlike
from fundus_core.truth.keying import ALONE, EYELESS, FROM_NAMES, KEYS, SAME_ROW, Known, Pseudonymiser, Sides, keys
from fundus_core.truth.table import TruthTable

_PSEUDONYM = re.compile(r"P-[0-9A-HJKMNP-TV-Z]{12}")
"""What stands for a person's id where it came out of a DICOM file."""
MATCHED, UNMATCHED, CONFLICT, AMBIGUOUS = "matched", "unmatched", "conflict", "ambiguous"
OF_PHOTOGRAPHS = frozenset(("unmatched_photograph", CONFLICT, AMBIGUOUS))
"""Faults that are listed once for every photograph."""


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
    """n words: ``matched``, ``unmatched``, ``conflict`` (lines, or table and photograph, disagree), ``ambiguous`` (two
    photographs and one line, or one name and two people)."""
    key: str
    """One of ``KEYS``."""
    counts: Mapping[str, int]
    """How many photographs each key that could be tried would match."""
    faults: tuple[Fault, ...]
    """What does not match, on either side, and what disagrees."""
    joinable: Joinable
    """What would be joined besides if a person said that two spellings are one; empty once it is."""

    @property
    def reason(self) -> str:
        """The chosen key and what it achieved, in one sentence."""
        found = int((self.line >= 0).sum())
        return say(
            ("Matched by {keys}: {found:,} of {photographs:,} {photographs:photograph has|photographs have} truth."),
            keys=say(KEYS[self.key]),
            found=found,
            photographs=len(self.photographs),
        )

    @property
    def why(self) -> tuple[str, ...]:
        """Why names or ids do not meet, and what to do, in sentences."""
        return tuple(fault.what_to_do for fault in self.faults if fault.fault in WHY)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know beside the faults of single rows and photographs, in sentences."""
        about = [*self.truth.faults, *self.faults]
        whole = [fault for fault in about if not fault.row and fault.fault not in OF_PHOTOGRAPHS]
        said = [
            say("{heading}: {what}", heading=fault.column, what=fault.what_to_do) if fault.column else fault.what_to_do
            for fault in whole
        ]
        return (*self.truth.notes, self.reason, *said)

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
        return {name: np.where(self.line >= 0, values[self.line], np.nan) for name, values in self.truth.values.items()}

    def covariates(self) -> Mapping[str, Labels]:
        """Return the other columns, a word per photograph, empty where there is none."""
        return {name: self._words(words) for name, words in self.truth.covariates.items()}

    def patient_id(self) -> Labels:
        """Return the patient of each photograph, empty where the table does not say."""
        return self._words(self.truth.patient_id)

    def eye(self) -> Labels:
        """Return the eye of each photograph as the table says, empty where it does not."""
        return np.full(len(self.line), "") if self.key in EYELESS else self._words(self.truth.eye)

    def as_csv(self) -> str:
        """Return a line per photograph as CSV text: photograph, status, row of the table."""
        rows = np.where(self.line >= 0, self.truth.rows[self.line], 0)
        lines = zip(self.photographs, self.status, rows, strict=True)
        return tables.as_csv(["photograph", "status", "row"], ([name, said, row or ""] for name, said, row in lines))

    def faults_csv(self) -> str:
        """Return the faults as CSV text, for download."""
        return as_csv(self.faults)

    def _words(self, words: Labels) -> Labels:
        return np.where(self.line >= 0, words[self.line], "")


def match(
    truth: TruthTable,
    photographs: Sequence[str],
    *,
    patient_ids: Sequence[str] | None = None,
    eyes: Sequence[str] | None = None,
    key: str | None = None,
    pseudonyms: Pseudonymiser | None = None,
    fold: bool = False,
) -> Match:
    """Match a truth table to photographs: names and ids as they are written, letter by letter.

    Args:
        truth: From ``apply``.
        photographs: n names or relative paths, forward or backward slashes.
        patient_ids: n ids where a manifest or DICOM gave them; empty (or the photograph's own name) where unknown.
        eyes: n of ``left``, ``right`` or empty.
        key: One of ``KEYS``; the one that matches most photographs when ``None``.
        pseudonyms: Where the photographs carry pseudonyms and the table the original names.
        fold: A person has said that spellings which could be joined (``Match.joinable``) are the same.

    Raises:
        TruthError: No such key, or nothing to match by.
    """
    blank = [""] * len(photographs)
    names, patients = _labels(photographs), _labels(patient_ids or blank)
    # a cohort puts the photograph's own name where nobody knows the patient
    known = Known(names, np.where(patients == names, "", patients), _labels(eyes or blank))
    tried = _tried(truth, known, pseudonyms, key, fold=fold)
    if key is not None and key not in tried:
        raise TruthError(
            "The table cannot be matched by '{key}'; the keys that can be tried are {tried}.",
            key=key,
            tried=tried or [say("none")],
        )
    if not tried:
        raise TruthError(
            "The table names neither photographs nor patients, so nothing can be matched. Choose such a column."
        )
    counts = {name: int((line >= 0).sum()) for name, (line, _, _) in tried.items()}
    chosen = key or max(counts, key=lambda name: counts[name])
    line, status, sides = tried[chosen]
    faults = [
        *unlike(truth, known, line, chosen, sides),
        *_two_people(truth, known, line, status, sides, outranked=chosen in FROM_NAMES),
        *_unmatched(truth, known, line, status),
        *_disagreements(truth, known, line, sides, pseudonyms, eyeless=chosen in EYELESS),
    ]
    return Match(truth, known.names, line, status, chosen, counts, tuple(faults), sides.joinable)


def together(truth: TruthTable, photographs: Labels) -> Match:
    """Return measured values that stand in the rows of their predictions as a match: row beside row.

    Args:
        truth: From ``apply``.
        photographs: A name for every line.
    """
    n = len(truth)
    status = np.full(n, MATCHED, dtype="<U9")
    return Match(truth, photographs, np.arange(n), status, SAME_ROW, {SAME_ROW: n}, (), Joinable())


_Resolved = tuple[NDArray[np.int64], Labels, Sides]


def _tried(
    truth: TruthTable, known: Known, pseudonyms: Pseudonymiser | None, wanted: str | None, *, fold: bool
) -> dict[str, _Resolved]:
    """Try the keys in order; once every photograph is matched, the less specific ones are not needed."""
    tried: dict[str, _Resolved] = {}
    for name, found in keys(truth, known, pseudonyms):
        sides = found.joined() if fold else found
        line, status = _resolve(truth, *sides.words(), alone=name in ALONE)
        if sides.torn:
            status[np.array(sides.torn) & (line < 0)] = AMBIGUOUS
        tried[name] = line, status, sides
        done = name == wanted or (wanted is None and bool((line >= 0).all()))
        if done and len(known.names):
            break
    return tried


def _labels(words: Sequence[str]) -> Labels:
    return np.array([str(word) for word in words], dtype=np.str_)


def _resolve(
    truth: TruthTable, lines: Sequence[str], photographs: Sequence[str], *, alone: bool
) -> tuple[NDArray[np.int64], Labels]:
    """Find each photograph's line; ``alone``: a line belongs to one photograph only."""
    where: dict[str, list[int]] = {}
    for position, word in enumerate(lines):
        if word:
            where.setdefault(word, []).append(position)
    wanted = Counter(photographs)
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
    AMBIGUOUS: "The row could belong to another photograph, or the name means two people. Write folder and name.",
}
_TWO_PEOPLE = (
    "The photograph is of '{stated}', the row that its name leads to of '{found}'; the row is not used. "
    "Correct one of them."
)


def _two_people(
    truth: TruthTable, known: Known, line: NDArray[np.int64], status: Labels, sides: Sides, *, outranked: bool
) -> list[Fault]:
    """Take away and list rows of another person than a list or the file itself states; changed in place."""
    people = set(truth.patient_id.tolist())
    same = {theirs: ours for ours, theirs in sides.joinable.pairs}
    faults = []
    for at in np.flatnonzero((line >= 0) & (known.patients != "")):
        stated, found = str(known.patients[at]), str(truth.patient_id[line[at]])
        if found in ("", stated, same.get(stated)) or _PSEUDONYM.fullmatch(stated):
            continue
        if outranked or stated in people:
            what = say(_TWO_PEOPLE, stated=stated, found=found)
            faults.append(Fault(int(truth.rows[line[at]]), "", str(known.names[at]), "patient_disagrees", what))
            line[at], status[at] = -1, CONFLICT
    return faults


def _unmatched(truth: TruthTable, known: Known, line: NDArray[np.int64], status: Labels) -> Iterator[Fault]:
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


def _disagreements(
    truth: TruthTable,
    known: Known,
    line: NDArray[np.int64],
    sides: Sides,
    pseudonyms: Pseudonymiser | None,
    *,
    eyeless: bool,
) -> Iterator[Fault]:
    """Yield where table and photograph (its name apart) say different things of eye or patient."""
    matched = np.flatnonzero(line >= 0)
    lines = line[matched]
    stated, seen = truth.eye[lines], known.eyes[matched]
    for at in np.flatnonzero((stated != "") & (seen != "") & (stated != seen) & (not eyeless)):
        what = say(
            "The table says {stated}, the photograph {seen}. Correct one of them.",
            stated=say(stated[at]),
            seen=say(seen[at]),
        )
        yield Fault(int(truth.rows[lines[at]]), "", str(known.names[matched[at]]), "eye_disagrees", what)
    same = {(theirs, ours) for ours, theirs in sides.joinable.pairs}
    for at, row in zip(matched, lines, strict=True):
        ours, theirs = str(truth.patient_id[row]), str(known.patients[at])
        if not ours or theirs in ("", ours) or (theirs, ours) in same:
            continue
        if pseudonyms is None or pseudonyms.patient(ours) != theirs:
            what = "The table and the photograph name different patients. Correct one of them."
            yield Fault(int(truth.rows[row]), "", str(known.names[at]), "patient_disagrees", what)
