"""Selections of a cohort: what made them, which photographs they hold now, and a cohort split by a column.

A selection is studied as a cohort is: its rows are a table, and every number comes from a study of that table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, say
from fundus_core.evaluation.observations.grouping import grouping, in_order
from fundus_core.evaluation.observations.sample import (
    bootstrap_population,
    check_level,
    select_rows,
    unit_names,
)
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import CohortTable, Rule

Mask = NDArray[np.bool_]

MOST_PARTS = 8
"""Parts side by side: a column with more different words is a name or a date, and the palette has as many colours."""


def selected_rows(table: CohortTable, rule: Rule) -> Mask:
    """Return which photographs of a cohort a rule selects.

    Raises:
        UsageError: The cohort has no such column, or there is no such level.
    """
    chosen = np.ones(len(table), dtype=np.bool_)
    for field, holds in _HOLDS.items():
        if getattr(rule, field):
            chosen &= holds(table, rule)
    return ~chosen if rule.rest else chosen


def selected(table: CohortTable, rule: Rule) -> CohortTable:
    """Return a cohort's photographs that a rule selects, as a table of their own."""
    return select_rows(table, selected_rows(table, rule))


def _has_text(table: CohortTable, rule: Rule) -> Mask:
    text = rule.text.lower()
    return np.asarray(
        (np.char.find(np.char.lower(table.photograph), text) >= 0)
        | (np.char.find(np.char.lower(table.patient_id), text) >= 0)
    )


_HOLDS: Mapping[str, Callable[[CohortTable, Rule], Mask]] = MappingProxyType(
    {
        "statuses": lambda table, rule: np.isin(table.status, rule.statuses),
        "kinds": lambda table, rule: np.isin(table.kind, rule.kinds),
        "eye": lambda table, rule: table.eye == rule.eye,
        "quality": lambda table, rule: table.quality >= rule.quality,
        "text": _has_text,
        "words": lambda table, rule: np.isin(grouping(table, rule.column), rule.words),
        "names": lambda table, rule: np.isin(unit_names(table, check_level(rule.level)), rule.names),
    }
)


@dataclass(frozen=True, slots=True)
class Split:
    """A cohort split by a column."""

    column: str
    """Its name."""
    parts: Mapping[str, Rule]
    """By the column's word, those without a value last; each has at least 20 people with a prediction."""
    remarks: tuple[str, ...]
    """What a reader has to know: who is in no part."""


def split(table: CohortTable, column: str) -> Split:
    """Split a cohort by a column; photographs without a value are a part of their own.

    Raises:
        UsageError: No such column; too many different words in it, or too few people to make two parts.

    >>> from dataclasses import replace
    >>> from fundus_core.evaluation import from_values
    >>> values = list(range(100, 145))
    >>> sites = np.array(["north"] * 20 + ["south"] * 22 + [""] * 3)
    >>> found = split(replace(from_values("sbp", values, values), covariates={"site": sites}), "site")
    >>> list(found.parts), found.remarks
    (['north', 'south'], ('Left out, with fewer than 20 people each: not stated (3).',))
    """
    words = grouping(table, column)
    names = in_order(words)
    if len(names) > MOST_PARTS:
        raise UsageError(
            "The column '{column}' has {n:,} different words; at most {most} parts stand side by side.",
            column=column,
            n=len(names),
            most=MOST_PARTS,
        )
    people = {word: len(bootstrap_population(select_rows(table, words == word))) for word in names}
    parts = {word: Rule(column=column, words=(word,)) for word, n in people.items() if n >= FEWEST_PEOPLE}
    few = [say("{word} ({n:,})", word=word, n=n) for word, n in people.items() if word not in parts]
    if len(parts) < 2:
        raise UsageError(
            "Split by '{column}', fewer than two parts have {fewest} people with a prediction: {people}; choose "
            "another column.",
            column=column,
            fewest=FEWEST_PEOPLE,
            people=[say("{word} ({n:,})", word=word, n=n) for word, n in people.items()],
        )
    left_out = say("Left out, with fewer than {fewest} people each: {few}.", fewest=FEWEST_PEOPLE, few=few)
    return Split(column, MappingProxyType(parts), (left_out,) if few else ())
