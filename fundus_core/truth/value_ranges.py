"""What measured values must keep: ranges and contradictions, all checked at once (pandera, lazy)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fundus_core.records import Floats
from fundus_core.tables.units import RANGES

if TYPE_CHECKING:
    import pandera.pandas as pa

PULSE = "pulse_pressure"
"""Checked column: systolic less diastolic pressure, mmHg."""
AGE_GAP = "age_gap"
"""Checked column: stated age less age from the dates, years."""
BMI_GAP = "bmi_gap"
"""Checked column: stated body mass index relative to that from height and weight, less 1."""

_LIMITS: Mapping[str, tuple[float, float]] = {
    PULSE: (np.nextafter(0, 1), np.inf),
    AGE_GAP: (-1.5, 1.5),
    BMI_GAP: (-0.1, 0.1),
}


def broken(columns: Mapping[str, tuple[str, Floats]]) -> dict[str, Floats]:
    """Return by label, where there are any, the ascending positions at which a column's rule is broken, as floats.

    Each label has the quantity whose rule holds (a target, ``height``, ``weight``, or one of the constants above), and
    its n values in the quantity's own unit; NaN is missing and breaks nothing.
    """
    import pandas as pd
    import pandera.errors

    if not columns:
        return {}
    frame = pd.DataFrame({label: values for label, (_, values) in columns.items()})
    try:
        _schema(tuple((label, quantity) for label, (quantity, _) in columns.items())).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        return {
            str(label): np.sort(part["index"].to_numpy(dtype=np.float64)) for label, part in cases.groupby("column")
        }
    return {}


@lru_cache(maxsize=32)
def _schema(quantities: tuple[tuple[str, str], ...]) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    rules = {**RANGES, **_LIMITS}
    columns = {
        label: pa.Column(float, pa.Check.in_range(*rules[quantity]), nullable=True) for label, quantity in quantities
    }
    return pa.DataFrameSchema(columns)
