"""Visits of people, which one stands for a person, and the interval of a mean of a visit's photographs."""

from __future__ import annotations

import re
from typing import NamedTuple

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


class Photographs(NamedTuple):
    """What is known of n photographs; missing numbers are NaN."""

    y: Floats
    """Measured."""
    p: Floats
    """Predicted."""
    low: Floats
    """Lower end of the prediction interval."""
    high: Floats
    """Upper end."""


FEWEST_REPEATED = 10
"""Other people with several photographs in a unit, below whom no correlation is taken from them."""


def interval_of_mean(
    photographs: Photographs, unit: NDArray[np.intp], person: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Return lower and upper end of each unit's interval: u and u.

    Args:
        photographs: Measured, predicted and the intervals, n of each.
        unit: Of each photograph, 0 to u - 1, n.
        person: Of each unit, 0 and upwards, u.

    Returns:
        NaN where no photograph of the unit has an interval, or where it has several and too few others have.

    >>> one = Photographs(*np.array([[5.0, 6.0], [4.0, 6.0], [2.0, 5.0], [7.0, 8.0]]))
    >>> low, high = interval_of_mean(one, np.arange(2), np.arange(2))
    >>> low.tolist(), high.tolist()
    ([2.0, 5.0], [7.0, 8.0])
    """
    n, p = len(person), photographs.p
    k = np.bincount(unit, minlength=n)
    ends = [mean_known(end, unit, k) for end in (photographs.low, photographs.high)]
    if len(unit) == n or not np.isfinite(ends).any():
        return ends[0], ends[1]
    factor, bias = _of_others(photographs.y - p, unit, person, k.astype(np.float64))
    middle = mean_known(p, unit, k) + bias
    reach = (mean_known(end - p, unit, k) - bias for end in (photographs.low, photographs.high))
    low, high = (np.where(k > 1, middle + factor * each, end) for each, end in zip(reach, ends, strict=True))
    return low, high


def mean_known(values: Floats, unit: NDArray[np.intp], k: NDArray[np.intp]) -> Floats:
    """Return the mean of the finite values of each unit; NaN where a unit has none.

    Args:
        values: n of photographs.
        unit: Of each, from 0 and never falling.
        k: How many photographs each unit has, none without any.
    """
    known, n = np.isfinite(values), len(k)
    everything = bool(known.all())
    if n == len(values):
        return values if everything else np.where(known, values, np.nan)
    count = k if everything else np.bincount(unit[known], minlength=n)
    total = np.bincount(unit, weights=values if everything else np.where(known, values, 0.0), minlength=n)
    return np.asarray(np.divide(total, count, out=np.full(n, np.nan), where=count > 0))


def _of_others(errors: Floats, unit: NDArray[np.intp], person: NDArray[np.intp], k: Floats) -> tuple[Floats, Floats]:
    """Return for each unit its factor and the mean error of all other people, each of whose units counts once."""
    n = len(k)
    mean = np.bincount(unit, weights=errors, minlength=n) / k
    within = np.bincount(unit, weights=(errors - mean[unit]) ** 2, minlength=n)
    centre = mean.mean() if n else 0.0  # sums of squares are taken about it, lest they cancel
    about = mean - centre
    people = int(person.max()) + 1 if n else 0
    columns = (np.ones(n), k, k * k, k * about, k * about**2, within, about, (k > 1).astype(np.float64))
    alone = people == n  # one unit a person
    sums = (column if alone else np.bincount(person, weights=column, minlength=people) for column in columns)
    units, photographs, squares, first, second, inside, means, repeated = [
        one.sum() - (one if alone else one[person]) for one in sums
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (second - first**2 / photographs) / (units - 1)
        residual = inside / (photographs - units)
        size = (photographs - squares / photographs) / (units - 1)
        rho = (between - residual) / (between + (size - 1) * residual)
        bias = means / units + centre
    rho = np.where((between <= 0) & (residual <= 0), 1.0, np.clip(rho, 0, 1))
    rho = np.where(repeated >= FEWEST_REPEATED, rho, np.nan)
    return np.sqrt((1 + (k - 1) * rho) / k), bias
