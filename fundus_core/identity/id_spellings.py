"""How two spellings of one id may differ, and which may be joined: one to one, and only where a person says so.

An id is what is written, letter by letter. Spreadsheets and people change the writing (``0012`` becomes ``12``,
``p1`` stands for ``P1``), and nobody but a person can tell such a change from another person's id.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
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


_NOBODY = frozenset(
    "|-|--|---|ー|―|‐|–|—|−|.|..|*|?|n/a|#n/a|#n/a n/a|<na>|#value!|#ref!|#name?|#null!|(blank)|missing|unknown"
    "|空白|欠損|欠測|不明|なし|無し|該当なし".split("|")
)
"""Signs and words that are no id."""
_DOUBTFUL = frozenset("na|n.a.|n.a|nan|null|none|nil|nd|n.d.|unk|未|無".split("|"))
"""Initials and codes that programs also write where there is no id."""


def is_nobody(word: str) -> bool:
    """Return whether a word in a column of ids names nobody.

    >>> is_nobody(""), is_nobody("#N/A"), is_nobody("NA"), is_nobody("null")
    (True, True, False, False)
    """
    return _plain(word) in _NOBODY


def is_doubtful(word: str) -> bool:
    """Return whether a word may be an id, or what a program writes where there is none."""
    return _plain(word) in _DOUBTFUL


def standing_for_many(words: Iterable[str] | Mapping[str, int]) -> dict[str, int]:
    """Return the doubtful ids, of all or of how often each stands, that stand more often than any other, and how often.

    People have a row, or one per eye and visit; an ``NA`` with more rows than anybody is not one person.

    >>> standing_for_many(["NA", "NA", "A", "A"]), standing_for_many(["NA", "NA", "A"])
    ({}, {'NA': 2})
    """
    counts = Counter(words)
    doubtful = {word: count for word, count in counts.items() if count > 1 and is_doubtful(word)}
    if not doubtful:
        return {}
    usual = max((count for word, count in counts.items() if not is_doubtful(word) and not is_nobody(word)), default=2)
    return {word: count for word, count in doubtful.items() if count > usual}


def _plain(word: str) -> str:
    return " ".join((word if word.isascii() else unicodedata.normalize("NFKC", word)).casefold().split())


_NO_BYTES = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: of a file that could not be opened."""


def spaces_of_ids(
    cohorts: Mapping[str, tuple[Iterable[str], Iterable[str]]], same: Iterable[Iterable[str]] = ()
) -> dict[str, str]:
    """Tell which cohorts share their people's ids, as a cohort and a selection of it do, by the same word.

    Of each photograph the id and the hash (empty where unknown) are given. Two cohorts share ids where a photograph
    stands under the same id in both, and none under different ids; or where a person says that equal ids are the
    ``same`` people. Cohorts that are joined through others share them too. No two words are such that an id behind one
    and a slash reads as an id behind the other.

    >>> a, b = (["1"], ["x"]), (["1", "2"], ["x", "y"])
    >>> spaces_of_ids({"a": a, "b": b, "c": (["1"], ["z"]), "d": (["9"], ["z"])})
    {'a': '1', 'b': '1', 'c': '2', 'd': '3'}
    """
    owner = {
        name: {
            str(sha): str(who) for who, sha in zip(ids, hashes, strict=True) if sha and str(sha) != _NO_BYTES and who
        }
        for name, (ids, hashes) in cohorts.items()
    }
    space = {name: at for at, name in enumerate(cohorts)}
    said = set(map(frozenset, same))
    for one, other in combinations(cohorts, 2):
        both = owner[one].keys() & owner[other].keys()
        if frozenset((one, other)) in said or (both and all(owner[one][sha] == owner[other][sha] for sha in both)):
            old, new = space[other], space[one]
            space = {name: new if at == old else at for name, at in space.items()}
    order = {at: str(number) for number, at in enumerate(dict.fromkeys(space.values()), start=1)}
    return {name: order[at] for name, at in space.items()}
