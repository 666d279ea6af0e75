"""What spreadsheets do to ids, told from two sides that do not fit: a date, an exponent, a hidden number format."""

import re
from collections.abc import Collection, Iterable

from fundus_core.identity.id_spellings import PHOTOGRAPH_ENDING

_DATE = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[ T].*)?|\d{1,2}[-/][A-Za-z]{3}(?:[-/]\d{2,4})?|[A-Za-z]{3}[-/]\d{1,4}"
    r"|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}|\d{1,2}月\d{1,2}日"
)
_EXPONENT = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d{1,3}")
_TRAILING = re.compile(r"(.*?)(\d+)")
_ENOUGH = 0.2
"""Share of a side's ids that must look injured."""
_LOOK = 2_000
"""Ids looked at."""


def injuries(ours: Collection[str], theirs: Collection[str]) -> list[str]:
    """Return what probably happened to the ids of one side that match nothing, the surest first.

    Some of ``dates``, ``exponent``, ``formula``, ``apostrophe``, ``number_format``, ``file_names``. Ours are ids of the
    table, theirs of photographs.

    >>> injuries(["2.02E+11"], ["202400123456"]), injuries(["1", "2"], ["P0001", "P0002"])
    (['exponent'], ['number_format'])
    """
    one, other = sorted(ours)[:_LOOK], sorted(theirs)[:_LOOK]
    found = [name for name, looks in _LOOKS.items() if _differ(looks, one, other)]
    if _behind_a_prefix(one, other) or _behind_a_prefix(other, one):
        found.append("number_format")
    return found


def _differ(looks: re.Pattern[str], one: Iterable[str], other: Iterable[str]) -> bool:
    return (_share(looks, one) >= _ENOUGH) is not (_share(looks, other) >= _ENOUGH)


def _share(looks: re.Pattern[str], words: Iterable[str]) -> float:
    seen = [bool(looks.fullmatch(word)) for word in words]
    return sum(seen) / len(seen) if seen else 0.0


def _behind_a_prefix(numbers: Collection[str], words: Collection[str]) -> bool:
    """Return whether bare numbers are those of words that all begin alike: ``P0001`` shown, 1 kept."""
    bare = {int(word) for word in numbers if word.isascii() and word.isdigit() and len(word) < 18}
    parts = [part for word in words if (part := _TRAILING.fullmatch(word))]
    prefixes = {part[1] for part in parts}
    same = {int(part[2]) for part in parts if part[2].isascii() and len(part[2]) < 18}
    return len(prefixes) == 1 and prefixes != {""} and len(bare & same) >= max(1, len(bare) / 2)


_LOOKS = {
    "dates": _DATE,
    "exponent": _EXPONENT,
    "formula": re.compile(r'=".*"'),
    "apostrophe": re.compile(r"'.+"),
    "file_names": re.compile(f".*{PHOTOGRAPH_ENDING.pattern}", re.IGNORECASE),
}
