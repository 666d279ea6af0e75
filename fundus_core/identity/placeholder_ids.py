"""Words in a column of ids that may stand for nobody: ``NA`` is an id, unless it stands for many."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

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


def standing_for_many(words: Sequence[str] | Iterable[str]) -> dict[str, int]:
    """Return the doubtful ids that stand more often than any other id does, and how often.

    People have a row, or one per eye and visit; an ``NA`` with more rows than anybody is not one person.

    >>> standing_for_many(["NA", "NA", "A", "A"]), standing_for_many(["NA", "NA", "A"])
    ({}, {'NA': 2})
    """
    counts = Counter(words)
    doubtful = {word: count for word, count in counts.items() if count > 1 and is_doubtful(word)}
    usual = max((count for word, count in counts.items() if not is_doubtful(word) and not is_nobody(word)), default=2)
    return {word: count for word, count in doubtful.items() if count > usual}


def _plain(word: str) -> str:
    return " ".join((word if word.isascii() else unicodedata.normalize("NFKC", word)).casefold().split())
