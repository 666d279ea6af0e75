"""How two spellings of one id may differ, and which may be joined: one to one, and only where a person says so.

An id is what is written, letter by letter. Spreadsheets and people change the writing (``0012`` becomes ``12``,
``p1`` stands for ``P1``), and nobody but a person can tell such a change from another person's id.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

_USUAL = ("jpg", "jpeg", "jfif", "png", "tif", "tiff", "bmp", "webp", "gif", "dcm", "dicom")
_LESS_USUAL = ("ppm", "pgm", "pnm", "jp2", "j2k", "jpx", "avif", "heic", "heif")
PHOTOGRAPH_ENDINGS = (*_USUAL, *_LESS_USUAL)
"""Of the names of photographs, in small letters, without the dot; the content alone decides what a file is."""
PHOTOGRAPH_ENDING = re.compile(rf"\.(?:{'|'.join(PHOTOGRAPH_ENDINGS)})$", re.IGNORECASE)
"""``a.jpg`` and ``a`` may be one photograph."""
_POINT_ZERO = re.compile(r"(?<=\d)\.0+$")
_Fold = Callable[[str], str]


def without_ending(name: str) -> str:
    """Return a file name without the ending of a photograph."""
    return PHOTOGRAPH_ENDING.sub("", name)


def last_part(path: str) -> str:
    """Return what stands behind the last slash."""
    return path.rsplit("/", 1)[-1]


_FOLDS: Mapping[str, _Fold] = MappingProxyType(
    {
        "folder": last_part,
        "ending": without_ending,
        "composition": lambda word: word if word.isascii() else unicodedata.normalize("NFC", word),
        "width": lambda word: word if word.isascii() else unicodedata.normalize("NFKC", word),
        "case": str.casefold,
        "fraction": lambda word: _POINT_ZERO.sub("", word),
        "zeros": lambda word: word.lstrip("0") or word[-1:] if word.isascii() and word.isdigit() else word,
    }
)
"""In the order in which they are applied."""
OF_IDS = ("composition", "width", "case", "fraction", "zeros")
"""What may differ between two spellings of a person's id."""
OF_NAMES = ("folder", "ending", "composition", "width", "case", "zeros")
"""What may differ between two spellings of a photograph's name."""


@dataclass(frozen=True, slots=True)
class Joinable:
    """What could be joined of two sides beyond what is written alike, if a person says that it is the same."""

    pairs: tuple[tuple[str, str], ...] = ()
    """A word of the one side and the one word of the other that it may be."""
    kinds: tuple[str, ...] = ()
    """What would have to be overlooked: ``case``, ``zeros``, ``width``, ..."""
    merging: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What must not be overlooked, though it would join more: it tells these two of one side apart."""


def folded(word: str, kinds: Iterable[str]) -> str:
    """Return a word with some differences overlooked.

    >>> folded("Ａ００12", OF_IDS), folded("00７.0", OF_IDS), folded("0", OF_IDS)
    ('a0012', '7', '0')
    """
    for kind in kinds:
        word = _FOLDS[kind](word)
    return word


def joinable(
    ours: Collection[str],
    theirs: Collection[str],
    *,
    kinds: Sequence[str] = OF_IDS,
    joined: Collection[str] = (),
    joined_too: Collection[str] = (),
) -> Joinable:
    """Return what could be joined of two sides, each word to exactly one, by overlooking differences of some kinds.

    A difference that tells any two words of either side apart is never overlooked anywhere: where ``12`` and ``0012``
    are two people, ``13`` need not be ``0013``. Some words may be joined already; those on both sides always are.

    >>> joinable(["aB3x", "P1"], ["ab3x", "p1"]).pairs
    (('P1', 'p1'), ('aB3x', 'ab3x'))
    >>> joinable(["aB3x", "P1"], ["Ab3x", "aB3x", "p1"])
    Joinable(pairs=(), kinds=(), merging={'case': ('Ab3x', 'aB3x')})
    """
    one, other = set(ours) - {""}, set(theirs) - {""}
    here, there = one - other - set(joined), other - one - set(joined_too)
    if not _pairs(here, other, kinds) and not _pairs(one, there, kinds):
        return Joinable()
    allowed, merging = _telling_nobody_apart(one, other, kinds)
    pairs = _pairs(here, there, allowed)
    used = {kind for pair in pairs for kind in _needed(*pair, allowed)}
    return Joinable(pairs, tuple(kind for kind in kinds if kind in used), merging)


def _pairs(here: set[str], there: set[str], kinds: Sequence[str]) -> tuple[tuple[str, str], ...]:
    known = {folded(word, kinds): word for word in there} if here else {}  # mostly all have met already
    return tuple((word, known[key]) for word in sorted(here) if (key := folded(word, kinds)) in known)


def _telling_nobody_apart(
    one: set[str], other: set[str], kinds: Sequence[str]
) -> tuple[list[str], dict[str, tuple[str, str]]]:
    merging = {kind: pair for kind in kinds if (pair := _merged(one, [kind]) or _merged(other, [kind]))}
    allowed = [kind for kind in kinds if kind not in merging]
    while allowed and (pair := _merged(one, allowed) or _merged(other, allowed)):
        merging[allowed.pop()] = pair
    return allowed, merging


def _merged(words: set[str], kinds: Sequence[str]) -> tuple[str, str] | None:
    """Return two words that would become one."""
    seen: dict[str, str] = {}
    for word in sorted(words):
        first = seen.setdefault(folded(word, kinds), word)
        if first != word:
            return first, word
    return None


def _needed(one: str, other: str, kinds: Sequence[str]) -> list[str]:
    """Return as few differences as must be overlooked for two words to be one."""
    needed = list(kinds)
    for kind in sorted(kinds, key=lambda kind: kind != "width"):  # width overlooks composition too, and says more
        rest = [each for each in needed if each != kind]
        if folded(one, rest) == folded(other, rest):
            needed = rest
    return [kind for kind in needed if _both_say(one, other, kind)]


def _both_say(one: str, other: str, kind: str) -> bool:
    """A folder or an ending that one side leaves out is no difference."""
    return kind not in ("folder", "ending") or all(_FOLDS[kind](word) != word for word in (one, other))
