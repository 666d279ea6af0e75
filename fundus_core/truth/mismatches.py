"""Why names or ids do not meet, in words a person can act on: what they look like, what happened, what to do."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import joined, say
from fundus_core.identity import Joinable, injuries
from fundus_core.tables.faults import Fault
from fundus_core.truth.keys import FROM_NAMES, Known, Sides

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
    yield from _could_be_joined(sides.joinable, set(sides.lines))
    found = int((line >= 0).sum())
    here = _alone(sides.lines, sides.photographs)
    there = _alone(known.names.tolist() if key in FROM_NAMES else sides.photographs, sides.lines)
    if 2 * found >= len(line) or not here or not there:
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


def _alone(words: Sequence[str], others: Sequence[str]) -> list[str]:
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
