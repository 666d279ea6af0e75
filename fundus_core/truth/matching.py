"""Which line of the truth table belongs to which photograph: every key is tried, the best one shown first."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import TruthError, say
from fundus_core.identity import Joinable
from fundus_core.records import MOST_DAYS, Labels
from fundus_core.tables.table import Fault
from fundus_core.truth import match_visits
from fundus_core.truth.keys import ALONE, EYELESS, FROM_NAMES, SAME_ROW, Known, Pseudonymiser, Sides, keys, met, unlike
from fundus_core.truth.match_visits import FAR, WHICH, Visits
from fundus_core.truth.matched import AMBIGUOUS, CONFLICT, MATCHED, UNMATCHED, Match
from fundus_core.truth.table import TruthTable
from fundus_core.truth.validate import same_values

_PSEUDONYM = re.compile(r"P-[0-9A-HJKMNP-TV-Z]{12}")
"""What stands for a person's id where it came out of a DICOM file."""


def match(
    truth: TruthTable,
    photographs: Sequence[str] | Labels,
    *,
    patient_ids: Sequence[str] | Labels | None = None,
    eyes: Sequence[str] | Labels | None = None,
    visits: Sequence[str] | Labels | None = None,
    most_days: int = MOST_DAYS,
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
        visits: n dates as year-month-day, or other words for visits; empty where unknown.
        most_days: Between a photograph's date and that of its measured values; the nearest are taken.
        key: One of ``KEYS``; the one that matches most photographs when ``None``.
        pseudonyms: Where the photographs carry pseudonyms and the table the original names.
        fold: A person has said that spellings which could be joined (``Match.joinable``) are the same.

    Raises:
        TruthError: No such key, or nothing to match by.
    """
    names = _labels(photographs)
    patients, sides_, taken = (_labels(words, len(names)) for words in (patient_ids, eyes, visits))
    # a cohort puts the photograph's own name where nobody knows the patient
    known = Known(names, np.where(patients == names, "", patients), sides_)
    when = Visits(taken, most_days)
    tried = _tried(truth, known, when, pseudonyms, key, fold=fold)
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
        *unlike(known, line, chosen, sides),
        *_two_people(truth, known, line, status, sides, outranked=chosen in FROM_NAMES),
    ]
    days = match_visits.days_apart(truth, line, when.of)
    faults += [
        *match_visits.remarks(truth, line, names, status, when, days),
        *_unmatched(truth, known, line, status),
        *_disagreements(truth, known, line, sides, pseudonyms, eyeless=chosen in EYELESS),
    ]
    return Match(truth, known.names, line, status, chosen, counts, tuple(faults), sides.joinable, when.of, days)


def together(truth: TruthTable, photographs: Labels) -> Match:
    """Return measured values that stand in the rows of their predictions as a match: row beside row.

    Args:
        truth: From ``apply``.
        photographs: A name for every line.
    """
    n = len(truth)
    status = np.full(n, MATCHED, dtype="<U9")
    nothing = np.full(n, np.nan)
    return Match(
        truth, photographs, np.arange(n), status, SAME_ROW, {SAME_ROW: n}, (), Joinable(), truth.visit, nothing
    )


_Resolved = tuple[NDArray[np.int64], Labels, Sides]


def _tried(
    truth: TruthTable,
    known: Known,
    visits: Visits,
    pseudonyms: Pseudonymiser | None,
    wanted: str | None,
    *,
    fold: bool,
) -> dict[str, _Resolved]:
    """Try the keys in order; once every photograph is matched, the less specific ones are not needed."""
    tried: dict[str, _Resolved] = {}
    for name, found in keys(truth, known, pseudonyms):
        sides = found.joined() if fold else found
        line, status = _resolve(truth, *sides.words(), visits, alone=name in ALONE)
        if sides.torn:
            status[np.array(sides.torn) & (line < 0)] = AMBIGUOUS
        tried[name] = line, status, sides
        done = name == wanted or (wanted is None and bool((line >= 0).all()))
        if done and len(known.names):
            break
    return tried


def _labels(words: Sequence[str] | Labels | None, n: int = 0) -> Labels:
    if words is None or not len(words):
        return np.full(n, "")
    return words if isinstance(words, np.ndarray) else np.array([str(word) for word in words], dtype=np.str_)


def _resolve(
    truth: TruthTable,
    lines: Sequence[str] | Labels,
    photographs: Sequence[str] | Labels,
    visits: Visits,
    *,
    alone: bool,
) -> tuple[NDArray[np.int64], Labels]:
    """Find each photograph's line; ``alone``: a line belongs to one photograph only."""
    ours, theirs, n = met(lines, photographs)
    order = np.argsort(ours, kind="stable")
    starts = np.searchsorted(ours[order], np.arange(n + 1))
    counts = np.diff(starts)[theirs]
    line = np.full(len(theirs), -1, dtype=np.int64)
    status = np.full(len(theirs), UNMATCHED, dtype="<U9")
    # one line and no visit to choose by; all others are looked at one by one
    plain = (counts == 1) & (alone | (visits.of == "") | (not (truth.visit != "").any()))
    line[plain], status[plain] = order[starts[theirs[plain]]], MATCHED
    answers: dict[tuple[int, str], tuple[int, str]] = {}
    for at in np.flatnonzero((counts > 0) & ~plain).tolist():
        word, visit = int(theirs[at]), str(visits.of[at])
        if (word, visit) not in answers:
            found = order[starts[word] : starts[word + 1]].tolist()
            answers[word, visit] = _answer(truth, found, visit, visits.most_days, alone=alone)
        line[at], status[at] = answers[word, visit]
    if alone:
        twice = (np.bincount(theirs, minlength=n)[theirs] > 1) & (status == MATCHED)
        line[twice], status[twice] = -1, AMBIGUOUS
    return line, status


def _answer(truth: TruthTable, found: list[int], visit: str, most_days: int, *, alone: bool) -> tuple[int, str]:
    if not found:
        return -1, UNMATCHED
    if not (alone and len(found) == 1):  # a row that names the photograph is of that photograph, whatever its date
        found, outcome = match_visits.lines_of(truth, found, visit, most_days)
        if outcome == FAR or (outcome and not same_values(truth, np.array(found))):
            return -1, outcome
    return (found[0], MATCHED) if len(found) == 1 or same_values(truth, np.array(found)) else (-1, CONFLICT)


_WHAT = {
    UNMATCHED: "No row of the table belongs to this photograph; it has no truth. Add a row or correct its name.",
    CONFLICT: "Several rows belong to this photograph and say different things; none is used. Keep the right one.",
    WHICH: "The table has several visits of this person, and nothing says at which the photograph was taken. Say when.",
    FAR: "No row of this person is near enough in time to the photograph. Correct the dates, or allow more days.",
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
    same = {theirs: ours for ours, theirs in sides.joinable.pairs}
    faults = []
    theirs = np.where(line >= 0, truth.patient_id[line], "") if len(truth) else np.full(len(line), "")
    others = np.flatnonzero((theirs != "") & (known.patients != "") & (theirs != known.patients))
    people = set(truth.patient_id.tolist()) if len(others) else set()
    for at in others:
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
    named, told = truth.patient_id[lines], known.patients[matched]
    other = (named != "") & (told != "") & (named != told)
    for at, row in zip(matched[other], lines[other], strict=True):
        ours, theirs = str(truth.patient_id[row]), str(known.patients[at])
        if (theirs, ours) in same:
            continue
        if pseudonyms is None or pseudonyms.patient(ours) != theirs:
            what = "The table and the photograph name different patients. Correct one of them."
            yield Fault(int(truth.rows[row]), "", str(known.names[at]), "patient_disagrees", what)
