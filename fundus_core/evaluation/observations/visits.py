"""Visits of people: in which order they were, and which one stands for a person."""

import re

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Labels

_FIRST_OF_ALL = re.compile(r"(?:baseline|base|bl|initial|初回|初診|ベースライン)\b.*", re.IGNORECASE)


def _order(word: str) -> tuple[bool, bool, list[tuple[int, int, str]]]:
    """Dates and numbers as they count, a baseline before them, what nobody knows last."""
    parts = re.findall(r"(\d+)|(\D+)", word)
    natural = [(1, int(digits), "") if digits else (0, 0, text) for digits, text in parts]
    return word == "", not _FIRST_OF_ALL.fullmatch(word), natural


def ranks(visit: Labels) -> NDArray[np.int64]:
    """Return the place of each word among all: in time where words are dates or numbers.

    >>> ranks(np.array(["V10", "V2", "", "baseline"])).tolist()
    [2, 1, 3, 0]
    """
    words, of = np.unique(visit, return_inverse=True)
    place = np.empty(len(words), dtype=np.int64)
    place[sorted(range(len(words)), key=lambda at: _order(str(words[at])))] = np.arange(len(words))
    return place[of]


def has_several(who: Labels, visit: Labels) -> bool:
    """Return whether anybody has two different visits.

    >>> has_several(np.array(["a", "a", "b"]), np.array(["1", "2", "1"]))
    True
    """
    known = visit != ""
    return bool(known.any()) and len(np.unique(_pairs(who[known], visit[known]))) > len(np.unique(who[known]))


def _pairs(who: Labels, visit: Labels) -> NDArray[np.int64]:
    """A number for each person and visit."""
    people, visits = (np.unique(words, return_inverse=True)[1] for words in (who, visit))
    return people * (int(visits.max(initial=0)) + 1) + visits


def chosen(
    who: Labels, visit: Labels, counted: NDArray[np.bool_], which: str, days_apart: Labels | None = None
) -> NDArray[np.bool_]:
    """Keep of the rows that count those of one visit a person.

    Args:
        who: Whose each of n rows is.
        visit: Which visit; one that nobody knows is taken only where the person has no other.
        counted: Whether each may be kept.
        which: ``last``, ``nearest`` (to its measurement, by the mean of its rows, the first of several as near and
            where nothing is known), else the first.
        days_apart: Days between each photograph and its measurement, as words.

    >>> who, visit = np.array(["a", "a", "b"]), np.array(["2020-01-01", "2021-01-01", ""])
    >>> chosen(who, visit, np.ones(3, dtype=bool), "last").tolist()
    [False, True, True]
    """
    rows = np.flatnonzero(counted)
    kept = np.zeros(len(who), dtype=bool)
    if not len(rows) or not (visit[rows] != "").any():
        kept[rows] = True
        return kept
    pairs, first, of = np.unique(_pairs(who[rows], visit[rows]), return_index=True, return_inverse=True)
    rank = ranks(visit)[rows][first]
    keys: list[NDArray[np.generic]] = [-rank if which == "last" else rank]
    if which == "nearest" and days_apart is not None:
        keys.append(_mean_days(days_apart[rows], of, len(pairs)))
    person = np.unique(who[rows][first], return_inverse=True)[1]
    order = np.lexsort([*keys, visit[rows][first] == "", person])
    taken = np.zeros(len(pairs), dtype=bool)
    taken[order[np.unique(person[order], return_index=True)[1]]] = True
    kept[rows[taken[of]]] = True
    return kept


def _mean_days(words: Labels, of: NDArray[np.int64], n: int) -> Floats:
    """Mean distance of each visit's rows; infinite where none is known."""
    days = np.abs(np.array([float(word) if word else np.nan for word in words]))
    known = np.isfinite(days)
    count = np.bincount(of[known], minlength=n)
    total = np.bincount(of[known], weights=days[known], minlength=n)
    return np.asarray(np.divide(total, count, out=np.full(n, np.inf), where=count > 0))
