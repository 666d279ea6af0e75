"""Blood pressures, glucose, waist, BMI and sex of a person together: what a clinical criterion is decided on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fundus_core.evaluation.casemix import per_person
from fundus_core.evaluation.sample import people
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

    def column(kind: str, name: str) -> Floats:
        values = (table.truth if kind == "truth" else table.predicted).get(name, nothing)
        return per_person(table, values if kind == "truth" else np.where(predicted, values, np.nan))

    stated, guessed = column("truth", "sex"), column("predicted", "sex")
    known = (stated == 0) | (stated == 1)
    sex = np.where(known, stated, np.where(np.isfinite(guessed), guessed >= 0.5, np.nan))
    values = {name: column(of, name) for name in CONTINUOUS}
    return Measures(np.unique(people(table)), **values, sex=sex)
