"""What a clinical criterion is decided on, of a person: pressures, glucose, waist, BMI, sex, lipids, HbA1c, drugs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.observations.sample import person_ids
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.tables.covariates import DRUGS, MEASURES, Further, further


@dataclass(frozen=True, slots=True)
class PersonMeans:
    """A row per person; NaN where unknown. All arrays have one shape that ends in n people."""

    patient: Labels
    """Whose, n, sorted."""
    sbp: Floats
    """mmHg."""
    dbp: Floats
    """mmHg."""
    glucose: Floats
    """mg/dL, taken as fasting."""
    waist: Floats
    """cm."""
    bmi: Floats
    """kg/m²."""
    sex: Floats
    """1 female, 0 male."""
    further: Mapping[str, Floats] = field(default_factory=dict)
    """What no model predicts, by its id in :data:`fundus_core.tables.covariates.MEASURES`: lipids in mg/dL,
    HbA1c in %, 1 for who takes a drug; only what the table has a column of."""

    def __len__(self) -> int:
        return len(self.patient)

    def known(self, name: str) -> Floats:
        """Return a measure; without a column lipids and HbA1c are unknown, and nobody is treated."""
        found = getattr(self, name, None) if name not in MEASURES else self.further.get(name)
        return np.full(len(self), 0.0 if name in DRUGS else np.nan) if found is None else found


CONTINUOUS = ("sbp", "dbp", "glucose", "waist", "bmi")
"""Targets that criteria look at."""


def person_means(table: CohortTable, of: Literal["truth", "predicted"]) -> PersonMeans:
    """Average each person's photographs.

    Sex is the measured one where it is known; where it is not, a predicted probability of female of at least one half
    counts as female.
    """
    predicted = table.status == Status.PREDICTED.value
    nothing = np.full(len(table), np.nan)
    who, person = np.unique(person_ids(table), return_inverse=True)

    def column(kind: str, name: str) -> Floats:
        values = (table.truth if kind == "truth" else table.predicted).get(name, nothing)
        return mean_of_each(person, len(who), values if kind == "truth" else np.where(predicted, values, np.nan))

    stated, guessed = column("truth", "sex"), column("predicted", "sex")
    known = (stated == 0) | (stated == 1)
    sex = np.where(known, stated, np.where(np.isfinite(guessed), guessed >= 0.5, np.nan))
    values = {name: column(of, name) for name in CONTINUOUS}
    found = further_columns(table) if of == "truth" else {}
    rest = {name: mean_of_each(person, len(who), one) for name, one in found.items()}
    rest |= {name: np.where(np.isnan(rest[name]), np.nan, rest[name] > 0) for name in DRUGS if name in rest}
    return PersonMeans(who, **values, sex=sex, further=MappingProxyType(rest))


def further_columns(table: CohortTable) -> dict[str, Floats]:
    """Return what the table holds beside the targets that criteria look at, a value per photograph.

    A target of the user's own under the same id goes before a column.
    """
    found = {one.measure: one.values for one in read_further(table) if one.used}
    return found | {name: table.truth[name] for name in MEASURES if name in table.truth}


def read_further(table: CohortTable) -> tuple[Further, ...]:
    """Return the columns beside the targets that criteria look at, with what was taken for what."""
    return tuple(one for one in further(table.covariates) if one.measure not in table.truth)


def select_people(of: PersonMeans, people: Indices | NDArray[np.bool_]) -> PersonMeans:
    """Keep some people, by mask or by index; for measures of shape (n,)."""
    columns = {each.name: getattr(of, each.name)[people] for each in fields(PersonMeans) if each.name != "further"}
    return replace(of, **columns, further={name: values[people] for name, values in of.further.items()})


def per_person(table: CohortTable, values: Floats) -> Floats:
    """Mean of a photograph's numbers per person, people sorted; NaN where a person has none."""
    who, person = np.unique(person_ids(table), return_inverse=True)
    return mean_of_each(person, len(who), values)


def mean_of_each(person: Indices, number: int, values: Floats) -> Floats:
    """Mean of the finite of n values of each person (0 to ``number`` - 1, n), in any order; NaN where there is none.

    >>> mean_of_each(np.array([1, 1, 0]), 3, np.array([2.0, 4.0, np.nan])).tolist()
    [nan, 3.0, nan]
    """
    finite = np.isfinite(values)
    count = np.bincount(person[finite], minlength=number)
    order = np.lexsort((values[finite], person[finite]))
    total = np.bincount(person[finite][order], weights=values[finite][order], minlength=number)
    return np.asarray(np.divide(total, count, out=np.full(number, np.nan), where=count > 0))
