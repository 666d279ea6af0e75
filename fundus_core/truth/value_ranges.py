"""What measured values must keep: ranges and contradictions, all checked at once."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats
from fundus_core.tables.units import RANGES

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


def broken(columns: Mapping[str, tuple[str, Floats]]) -> dict[str, NDArray[np.intp]]:
    """Return by label, where there are any, the ascending positions at which a column's rule is broken.

    Each label has the quantity whose rule holds (a target, ``height``, ``weight``, or one of the constants above), and
    its n values in the quantity's own unit; NaN is missing and breaks nothing.

    >>> {label: at.tolist() for label, at in broken({"sbp2": ("sbp", np.array([120.0, np.nan, 999]))}).items()}
    {'sbp2': [2]}
    """
    found = {}
    for label, (quantity, values) in sorted(columns.items()):
        low, high = _LIMITS[quantity] if quantity in _LIMITS else RANGES[quantity]
        found[label] = np.flatnonzero((values < low) | (values > high))
    return {label: at for label, at in found.items() if len(at)}
