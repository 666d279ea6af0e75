"""Blood pressures, glucose, waist, BMI and sex of a person together: what a clinical criterion is decided on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.casemix import mean_of_each
from fundus_core.evaluation.sample import Indices, people
from fundus_core.records import CohortTable, Floats, Labels, Status


@dataclass(frozen=True, slots=True)
class Measures:
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


def measures(table: CohortTable, of: Literal["truth", "predicted"]) -> Measures:
    """Average each person's photographs.

    Sex is the measured one where it is known; where it is not, a predicted probability of female of at least one half
    counts as female.
    """
    predicted = table.status == Status.PREDICTED.value
    nothing = np.full(len(table), np.nan)
    who, person = np.unique(people(table), return_inverse=True)

    def column(kind: str, name: str) -> Floats:
        values = (table.truth if kind == "truth" else table.predicted).get(name, nothing)
        return mean_of_each(person, len(who), values if kind == "truth" else np.where(predicted, values, np.nan))

    stated, guessed = column("truth", "sex"), column("predicted", "sex")
    known = (stated == 0) | (stated == 1)
    sex = np.where(known, stated, np.where(np.isfinite(guessed), guessed >= 0.5, np.nan))
    values = {name: column(of, name) for name in CONTINUOUS}
    return Measures(who, **values, sex=sex)


def some(of: Measures, people: Indices | NDArray[np.bool_]) -> Measures:
    """Keep some people, by mask or by index; for measures of shape (n,)."""
    return Measures(*(getattr(of, field.name)[people] for field in fields(Measures)))
