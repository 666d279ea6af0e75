"""From any column of a cohort to a word per photograph: the groups in which errors are looked at."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, say
from fundus_core.evaluation.observations.sorted_table import told
from fundus_core.records import CohortTable, Floats, Labels

NOT_STATED = "not stated"
"""The group of photographs without a value."""

AGE_EDGES = (0, 30, 40, 50, 60, 70, 80, 120)
"""Age bands in years, the upper edge outside."""

QUALITY_EDGES = (0, 0.25, 0.5, 0.75, 1.0001)
"""Bands of the quality score."""

DISTANCE_EDGES = (0, 0.5, 0.75, 1, 1.5, np.inf)
"""Bands of the distance from the training photographs; 1 is the model's limit."""

MOST_WORDS = 12
"""A numeric covariate with more different values than this is cut into quarters."""


_FEW = 16


def bands(values: Floats, edges: Sequence[float]) -> Labels:
    """Name the band that each value lies in; values outside all bands and NaN are not stated.

    Args:
        values: n numbers.
        edges: Rising; a band holds its lower edge and not its upper one.

    >>> bands(np.array([39.0, 40.0, np.nan]), (30, 40, 50)).tolist()
    ['30 to <40', '40 to <50', 'not stated']
    """
    inner = np.asarray(edges, dtype=np.float64)
    names = [
        say("{low:g} to <{high:g}", low=low, high=high) if np.isfinite(high) else say("{low:g} or more", low=low)
        for low, high in _pairs(edges)
    ]
    place = np.searchsorted(inner, values, side="right") - 1
    inside = np.isfinite(values) & (place >= 0) & (place < len(names))
    words = np.asarray([*names, NOT_STATED], dtype=np.str_)
    return words[np.where(inside, place, len(names))]


def _pairs(edges: Sequence[float]) -> list[tuple[float, float]]:
    return list(pairwise(edges))


def grouping(table: CohortTable, by: str) -> Labels:
    """Return a word per photograph.

    Args:
        table: The cohort.
        by: ``age`` (bands), ``sex``, ``eye``, ``quality`` or ``out_of_distribution`` (bands), or the name of a
            covariate; a covariate of many different numbers is cut into quarters.

    Raises:
        UsageError: The cohort has no such column.
    """
    nothing = np.full(len(table), np.nan)
    if by in table.covariates:
        return _covariate(table.covariates[by])
    if by == "age":
        return bands(table.truth.get("age", nothing), AGE_EDGES)
    if by == "sex":
        return _sex(table.truth.get("sex", nothing))
    if by == "eye":
        return np.where(table.eye == "", NOT_STATED, table.eye)
    if by == "quality":
        return bands(table.quality, QUALITY_EDGES)
    if by == "out_of_distribution":
        return bands(table.out_of_distribution, DISTANCE_EDGES)
    there = ", ".join(("age", "sex", "eye", "quality", "out_of_distribution", *table.covariates))
    raise UsageError("The cohort has no column '{by}' to group by; there are {there}.", by=by, there=there)


def parts(table: CohortTable, by: str) -> Mapping[str, NDArray[np.int32]]:
    """Return the rows of each group of :func:`grouping`, ascending, in the order of :func:`in_order`; looked up once.

    Args:
        table: The cohort.
        by: The column.
    """

    def found() -> Mapping[str, NDArray[np.int32]]:
        words = grouping(table, by)
        return {name: np.flatnonzero(words == name).astype(np.int32) for name in in_order(words)}

    return told(table, f"parts:{by}", found)


def in_order(words: Labels) -> list[str]:
    """Return each word once, sorted; what is not stated last."""
    few = distinct(words, _FEW)
    found = few if len(few) <= _FEW else np.unique(words).tolist()
    return sorted(found, key=lambda word: (word == NOT_STATED, word))


def distinct(words: Labels, most: int) -> list[str]:
    """Return the different words of n, or one more than ``most`` of them: of few words no n are sorted.

    >>> distinct(np.array(["b", "a", "b", "c"]), 5), len(distinct(np.array(["b", "a", "b", "c"]), 1))
    (['b', 'a', 'c'], 2)
    """
    found: list[str] = []
    while len(words) and len(found) <= most:
        found.append(str(words[0]))
        words = words[words != words[0]]
    return found


def _sex(values: Floats) -> Labels:
    return np.select([values == 1, values == 0], ["female", "male"], NOT_STATED)


def _covariate(words: Labels) -> Labels:
    stated = words[words != ""]
    if len(distinct(stated, MOST_WORDS)) > MOST_WORDS:
        numbers = _numbers(words)
        if numbers is not None:
            cuts = np.unique(np.nanquantile(numbers, [0, 0.25, 0.5, 0.75, 1]))
            return bands(numbers, [*cuts[:-1], float(np.nextafter(cuts[-1], np.inf))])
    return np.where(words == "", NOT_STATED, words)


def _numbers(words: Labels) -> Floats | None:
    """The words as numbers, NaN where empty; ``None`` where any is no number."""
    try:
        numbers = np.array([float(word) if word else np.nan for word in words])
    except ValueError:
        return None
    return np.where(np.isfinite(numbers), numbers, np.nan) if np.isfinite(numbers).any() else None
