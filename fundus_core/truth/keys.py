"""By what a line of the truth table and a photograph are recognised as belonging together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import joined, say
from fundus_core.identity import (
    OF_IDS,
    OF_NAMES,
    Joinable,
    agreeing,
    as_path,
    as_paths,
    eye_in_name,
    ids_in_names,
    injuries,
    joinable,
)
from fundus_core.records import Labels
from fundus_core.tables.table import Fault
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

    lines: Sequence[str] | Labels
    """n words."""
    photographs: Sequence[str] | Labels
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

    def words(self) -> tuple[Sequence[str] | Labels, Sequence[str] | Labels]:
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


def met(
    lines: Sequence[str] | Labels, photographs: Sequence[str] | Labels
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return for each word of either side a number, equal where the words are, and how many there are.

    An empty word of the lines meets nothing, whatever the photographs'.
    """
    import pandas as pd

    codes, found = pd.factorize(np.concatenate([np.asarray(words, dtype=object) for words in (lines, photographs)]))
    ours = np.where(np.asarray(lines, dtype=np.str_) == "", len(found), codes[: len(lines)])
    return ours, codes[len(lines) :], len(found)


def _named(truth: TruthTable, known: Known) -> Sides:
    if (alike := _alike(truth.photograph, known.names)) is not None:
        return alike
    lines, paths = ([as_path(str(name)) for name in names] for names in (truth.photograph, known.names))
    found, torn = agreeing(lines, paths)
    # a photograph that no line means, and that might be meant, stands under its own name
    words = [name or ("" if several else path) for name, several, path in zip(found, torn, paths, strict=True)]
    taken = [path for path, name in zip(paths, found, strict=True) if name]
    possible = joinable(lines, paths, kinds=OF_NAMES, joined=set(found), joined_too=taken)
    return Sides(lines, words, torn, joinable=possible)


def _alike(lines: Labels, names: Labels) -> Sides | None:
    """Both sides where they name the same, each photograph once, so that nothing is left to be recognised."""
    if any(as_paths(words) is not words for words in (lines, names)):
        return None
    ours, theirs, n = met(lines, names)
    seen = np.bincount(theirs, minlength=n)
    here = np.bincount(ours, minlength=n + 1)[:n]
    return Sides(lines, names) if len(names) and ((seen == 1) & (here > 0)).all() else None


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


KINDS = {
    "folder": "the folder",
    "ending": "the ending of the file name",
    "composition": "the Unicode form of letters",
    "width": "full-width or circled characters",
    "case": "upper and lower case",
    "fraction": "a fraction of zero (3 and 3.0)",
    "zeros": "leading zeros",
}
"""What two spellings of one id may differ in."""
CAUSES = {
    "dates": (
        "One side holds dates: a spreadsheet has taken ids for dates, and nothing can turn them back. Fill the column "
        "in again, as text."
    ),
    "exponent": (
        "One side holds numbers such as 2.02E+11: a spreadsheet has rounded the ids, and the digits are lost. Fill the "
        "column in again, as text."
    ),
    "formula": 'One side writes ids as formulas (="0010"). Save that column as plain text.',
    "apostrophe": "One side writes an apostrophe before ids. Save that column as plain text.",
    "number_format": (
        "One side holds bare numbers, the other the same numbers behind letters: a number format shows P0001 where the "
        "cell holds 1. Save the ids as text, as they are shown."
    ),
    "file_names": (
        "One side names photographs, the other people. Add a column with the patient of each photograph, or give a "
        "list with path and patient_id."
    ),
    "": "Check that both name the same photographs or people, in the same way.",
}
"""What probably happened to ids, and what to do."""
WHY = frozenset(("little_matches", "spelling", "told_apart", "no_visit"))
"""Faults that say why names or ids do not meet."""
_SHOWN = 3


def unlike(known: Known, line: NDArray[np.int64], key: str, sides: Sides) -> Iterator[Fault]:
    """Yield what could be joined if a person said so, what must not be, and why little matches."""
    yield from _could_be_joined(sides.joinable, set(sides.lines) if sides.joinable.pairs else set())
    found = int((line >= 0).sum())
    if 2 * found >= len(line):
        return
    here = _alone(sides.lines, sides.photographs)
    there = _alone(known.names.tolist() if key in FROM_NAMES else sides.photographs, sides.lines)
    if not here or not there:
        return
    causes = [CAUSES[name] for name in injuries(here, there)]
    causes = causes or ([] if sides.joinable.pairs or sides.joinable.merging else [CAUSES[""]])
    what = say(
        (
            "{found:,} of {line:,} {line:photograph has|photographs have} a row. The table has {here}; "
            "the photographs have {there}."
        ),
        found=found,
        line=len(line),
        here=_three(here),
        there=_three(there),
    )
    yield Fault(0, "", "", "little_matches", joined([what, *causes]))


def _alone(words: Sequence[str] | Labels, others: Sequence[str] | Labels) -> list[str]:
    return sorted(set(words) - set(others) - {""})


def _three(words: Sequence[str]) -> list[str]:
    return [say("'{name}'", name=word[:60]) for word in words[:_SHOWN]]


def _could_be_joined(found: Joinable, lines: set[str]) -> Iterator[Fault]:
    open_pairs = [pair for pair in found.pairs if pair[0] in lines]
    if open_pairs:
        pairs = [say("'{ours}' and '{theirs}'", ours=ours, theirs=theirs) for ours, theirs in open_pairs[:_SHOWN]]
        what = say(
            (
                "{open_pairs:,} {open_pairs:name or id differs|names or ids differ} from one of the "
                "photographs' only in {kinds}: {pairs}. {open_pairs:It was|They were} not joined. Say that "
                "they are the same (--fold on the command line), or write them alike."
            ),
            open_pairs=len(open_pairs),
            kinds=[say(KINDS[kind]) for kind in found.kinds],
            pairs=pairs,
        )
        yield Fault(0, "", "", "spelling", what)
    for kind, (one, other) in found.merging.items():
        what = say(
            "'{one}' and '{other}' differ in {kinds} alone and are two: this difference is never "
            "overlooked. Write the ids alike on both sides.",
            one=one,
            other=other,
            kinds=say(KINDS[kind]),
        )
        yield Fault(0, "", "", "told_apart", what)
