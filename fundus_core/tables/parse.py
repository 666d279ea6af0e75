"""From words to values: numbers with their units, eyes, sexes, dates, and the many ways to say 'missing'.

Everything works on the distinct words of a column, so that 100,000 rows cost little more than their differences.
"""

import re
import unicodedata
from collections.abc import Callable, Container
from typing import NamedTuple, TypeVar

import numpy as np

from fundus_core.records import Floats, Labels
from fundus_core.tables.table import Codes, Told, Words
from fundus_core.tables.units import unit_of

T = TypeVar("T")

MISSING = frozenset(
    "|-|--|---|ー|―|‐|–|—|−|.|..|*|?|na|n/a|#n/a|#n/a n/a|n.a.|n.a|nan|nil|null|none|missing|unknown|unk"
    "|not measured|not done|nd|n.d.|"
    "<na>|(blank)|空白|欠損|欠測|欠|未測定|未検|未検査|未実施|未施行|未|不明|測定不能|測定不可|検査不能|該当なし|なし|無し|無|データなし".split(
        "|"
    )
)
"""Words for 'nobody measured it', lower case after NFKC."""
_LONGEST_MISSING = max(map(len, MISSING)) + 2

PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII)
_NUMBER_AND_REST = re.compile(r"([+-]?\s?(?:\d[\d.,' ]*|[.,]\d+)(?:e[+-]?\d{1,3})?)\s*(.*)", re.ASCII | re.DOTALL)
_FLAG = re.compile(r"[\[(]?(?:h|l|hh|ll|high|low|↑|↓|\*+|#|高|低)[\])]?")
_CENSORED = re.compile(r"[<>≤≥＜＞]=?|.*(?:以上|以下|未満|超)$")
_POINT_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_COMMA_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")


PAIR = re.compile(r"\s*(\d{1,3}(?:[.,]\d+)?)\s*[/／|\-~〜]\s*(\d{1,3}(?:[.,]\d+)?)\s*([A-Za-zａ-ｚ]*)\s*")
"""Systolic and diastolic pressure in one cell: ``120/80 mmHg``."""


class Number(NamedTuple):
    """One cell as a number."""

    value: float
    """NaN where there is none."""
    unit: str = ""
    """Written behind the number, by its name here; empty where none is."""
    problem: str = ""
    """``not_a_number`` or ``censored``; empty where the cell is a number or missing."""


NOTHING = Number(float("nan"))


def fold(word: str) -> str:
    """Return the word in one width and case: NFKC, lower case, single blanks.

    >>> fold("１２０　ｍｍＨｇ")
    '120 mmhg'
    """
    plain = word if word.isascii() else unicodedata.normalize("NFKC", word)
    return " ".join(plain.casefold().split())


def is_missing(word: str) -> bool:
    """Return whether the word says that there is no value."""
    if len(word) > _LONGEST_MISSING and word.isascii() and word.isprintable() and "  " not in word:
        return False  # nothing that ``fold`` does makes it shorter
    return fold(word) in MISSING


def number(word: str, decimal: str = ".") -> Number:
    """Read one cell as a number, whatever its width, thousands mark, unit or laboratory flag.

    >>> number("１２０ mmHg"), number("5,4", ","), number("1,234.5").value
    (Number(value=120.0, unit='mmHg', problem=''), Number(value=5.4, unit='', problem=''), 1234.5)
    >>> number("<70").problem, number("high").problem, number("未測定").problem
    ('censored', 'not_a_number', '')
    """
    if decimal == "." and len(word) < 40 and PLAIN.fullmatch(word):
        return _finite(word)
    text = fold(word)[:200].replace("−", "-")
    if text in MISSING:
        return NOTHING
    if _CENSORED.match(text):
        return Number(NOTHING.value, "", "censored")
    found = _NUMBER_AND_REST.fullmatch(text)
    if found is None:
        return Number(NOTHING.value, "", "not_a_number")
    rest = _without_flag(found[2].strip())
    if rest and not unit_of(rest):
        return Number(NOTHING.value, "", "not_a_number")
    return _finite(_pointed(found[1].strip(), decimal))._replace(unit=unit_of(rest))


def _without_flag(rest: str) -> str:
    """Take a laboratory's mark (``H``, ``*``, ``↑``) off."""
    if _FLAG.fullmatch(rest):
        return ""
    head, _, tail = rest.rpartition(" ")
    return head if head and _FLAG.fullmatch(tail) else rest


def _finite(text: str) -> Number:
    if not PLAIN.fullmatch(text):
        return Number(NOTHING.value, "", "not_a_number")
    value = float(text)
    return Number(value) if np.isfinite(value) else Number(NOTHING.value, "", "not_a_number")


def _pointed(text: str, decimal: str) -> str:
    """Take the thousands marks out and write the decimal mark as a point."""
    text = text.replace("'", "").replace(" ", "")
    if _POINT_THOUSANDS.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if decimal == ",":
        return text.replace(",", ".") if text.count(",") == 1 else text
    return text.replace(",", "") if _COMMA_THOUSANDS.fullmatch(text) else text


_COMMA_FRACTION = re.compile(r"[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+)", re.ASCII)
_COMMA_THREE = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)
_POINT_FRACTION = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)\.\d+", re.ASCII)
_NO_TAIL = re.compile(r"(?<=\d)[^\d.,].*$")


def decimal_mark(words: list[str]) -> str:
    """Return the decimal mark of a column, ``.`` or ``,``.

    A comma before exactly three digits could be either; no target reaches a thousand, so it is a decimal comma unless
    a point stands as the decimal mark elsewhere in the column.

    >>> decimal_mark(["5,4", "6,1"]), decimal_mark(["1,234.5", "12.5"]), decimal_mark(["23,451"])
    (',', '.', ',')
    """
    folded = [_NO_TAIL.sub("", fold(word)) for word in words if set(word) & set(",.，．")]
    if any(_COMMA_FRACTION.fullmatch(word) or _POINT_THOUSANDS.fullmatch(word) for word in folded):
        return ","
    if any(_POINT_FRACTION.fullmatch(word) for word in folded):
        return "."
    return "," if any(_COMMA_THREE.fullmatch(word) for word in folded) else "."


def distinct(words: Words | Labels) -> tuple[list[str], Codes]:
    """Return the distinct words in order of appearance, and for each row the index of its word."""
    import pandas as pd

    if isinstance(words, Told) and words.different is not None:
        return words.different
    codes, found = pd.factorize(np.asarray(words, dtype=object))
    return [str(word) for word in found], codes


def each(words: Words, read: Callable[[str], T]) -> list[T]:
    """Apply ``read`` to every word, once per distinct word."""
    found, codes = distinct(words)
    results = [read(word) for word in found]
    return [results[code] for code in codes]


def labels(words: Words, read: Callable[[str], str]) -> Labels:
    """Return what ``each`` does, as an array of words."""
    found, codes = distinct(words)
    results = np.array(list(map(read, found)), dtype=np.str_)
    return results if len(found) == len(codes) else results[codes]


def numbers(words: list[str], decimal: str = ".") -> tuple[Floats, dict[int, Number]]:
    """Return the values of words, and by position the numbers of those words that are more than plain digits."""
    import pandas as pd

    plain = np.full(len(words), np.nan)
    if decimal == "." and words:
        plain = np.asarray(pd.to_numeric(np.array(words, dtype=object), errors="coerce"), dtype=np.float64)
    plain[~np.isfinite(plain)] = np.nan
    others = {int(at): number(words[at], decimal) for at in np.flatnonzero(np.isnan(plain))}
    for at, read in others.items():
        plain[at] = read.value
    return plain, others


def floats(words: Words, decimal: str = ".") -> Floats:
    """Return the numbers of a column without regard to units, NaN where there is none."""
    found, codes = distinct(words)
    return numbers([*found, ""], decimal)[0][codes]


YES_NO = {
    **dict.fromkeys("1 yes y true t はい 有 有り あり ○ 〇 陽性 該当 positive present".split(), "yes"),
    **dict.fromkeys("0 no n false f いいえ 無 無し なし × 陰性 非該当 negative absent".split(), "no"),
}
"""Words of a column that says yes or no; '無' and 'なし', which elsewhere mean that nobody measured it, say no."""
SEXES = {
    **dict.fromkeys(
        (
            "f",
            "female",
            "woman",
            "women",
            "w",
            "女",
            "女性",
            "女子",
            "おんな",
            "girl",
            "femme",
            "weiblich",
            "♀",
        ),
        "female",
    ),
    **dict.fromkeys(
        ("m", "male", "man", "men", "男", "男性", "男子", "おとこ", "boy", "homme", "männlich", "♂"), "male"
    ),
}
"""Words for a sex, folded."""

_NUMBERING = re.compile(r"^\d{1,2}\s?[.:)=\-、]?\s?(?=\D)")


def plain_word(word: str, known: Container[str]) -> str:
    """Return a folded word as one of the known ones, without a code in front (``1:男``, ``2R``); else empty.

    >>> plain_word("1:男", SEXES), plain_word("1", SEXES)
    ('男', '')
    """
    if word in known:
        return word
    bare = _NUMBERING.sub("", word)
    return bare if bare in known else ""
