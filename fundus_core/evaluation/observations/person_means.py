"""Blood pressures, glucose, waist, BMI and sex of a person together: what a clinical criterion is decided on."""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.observations.sample import Indices, person_ids
from fundus_core.records import CohortTable, Floats, Labels, Status


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

    def __len__(self) -> int:
        return len(self.patient)


CONTINUOUS = ("sbp", "dbp", "glucose", "waist", "bmi")
"""Targets in the order of error covariances."""


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
    return PersonMeans(who, **values, sex=sex)


def select_people(of: PersonMeans, people: Indices | NDArray[np.bool_]) -> PersonMeans:
    """Keep some people, by mask or by index; for measures of shape (n,)."""
    return PersonMeans(*(getattr(of, field.name)[people] for field in fields(PersonMeans)))


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
