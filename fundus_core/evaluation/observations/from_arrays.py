"""A cohort from plain columns, for scripts and notebooks that have no photographs at hand."""

import numpy as np
from numpy.typing import ArrayLike

from fundus_core.errors import UsageError
from fundus_core.records import CohortTable, Status
from fundus_core.targets import target as find_target


def from_values(
    target: str,
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    patient_id: ArrayLike | None = None,
    eye: ArrayLike | None = None,
    visit: ArrayLike | None = None,
    age: ArrayLike | None = None,
    sex: ArrayLike | None = None,
) -> CohortTable:
    """Make a cohort of one target, a photograph per value.

    Args:
        target: Target id.
        truth: n measured values, NaN where missing.
        predicted: n predicted values, NaN where missing.
        patient_id: n words; a person per photograph by default.
        eye: n times ``left``, ``right`` or empty.
        visit: n words, dates as year-month-day.
        age: n ages in years.
        sex: n times 1 (female) or 0.

    Raises:
        UsageError: Unknown target, or columns of different lengths.

    >>> len(from_values("bmi", [21.0, 24.5], [22.0, 24.0]))
    2
    """
    find_target(target)
    y = np.asarray(truth, dtype=np.float64)
    words = np.full(len(y), "", dtype=np.str_)
    names = np.array([f"photograph {k + 1:06d}" for k in range(len(y))], dtype=np.str_)
    known = {name: np.asarray(v, dtype=np.float64) for name, v in (("age", age), ("sex", sex)) if v is not None}
    table = CohortTable(
        photograph=names,
        patient_id=names if patient_id is None else np.asarray(patient_id).astype(np.str_),
        eye=words if eye is None else np.asarray(eye).astype(np.str_),
        visit=words if visit is None else np.asarray(visit).astype(np.str_),
        status=np.full(len(y), Status.PREDICTED.value),
        reason=words,
        quality=np.full(len(y), np.nan),
        out_of_distribution=np.full(len(y), np.nan),
        truth={**known, target: y},
        predicted={target: np.asarray(predicted, dtype=np.float64)},
        low={},
        high={},
    )
    columns = (table.patient_id, table.eye, table.visit, *table.truth.values(), *table.predicted.values())
    if any(column.shape != y.shape or column.ndim != 1 for column in columns):
        raise UsageError(
            "Every column needs one value per photograph; they have {shape}.",
            shape=[column.shape for column in columns],
        )
    return table
