"""How many people a validation needs for an interval of a given width.

Large-sample formulas for one observation per person, for a 95 % interval of total width w (Archer 2021,
doi:10.1002/sim.8766; Riley 2024, doi:10.1136/bmj-2023-074821):

* MAE: standard error sd(|d|)/sqrt(n); for normal errors sd(|d|) = MAE sqrt(pi/2 - 1)
* R²: standard error sqrt(4 R² (1 - R²)² / n) (Wishart 1931)
* slope of truth on prediction: standard error b sqrt((1 - r²) / (r² n)) for a slope b and a correlation r; r² = R² in a
  calibrated model
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.errors import UsageError, say

_REACH = 2 * 1.959963984540054
"""Total width of a 95 % interval in standard errors."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer of the planner."""

    score: str
    """``mae``, ``r2`` or ``slope``."""
    expected: float
    """The value assumed."""
    width: float
    """Total width of the 95 % interval wanted, in the score's unit."""
    people: int
    """How many people reach it, each with measured and predicted value."""
    assumption: str
    """What has to hold."""


def people_for_mae(mae: float, width: float, sd_of_absolute_error: float | None = None) -> Plan:
    """Return how many people an interval of that width on the mean absolute error needs, both in the target's unit.

    The spread of single people's absolute errors is from a pilot; from normal errors by default.

    >>> people_for_mae(10.34, width=1.0).people
    938
    """
    _positive(mae=mae, width=width)
    sd = mae * np.sqrt(np.pi / 2 - 1) if sd_of_absolute_error is None else sd_of_absolute_error
    assumed = "normal errors" if sd_of_absolute_error is None else "absolute errors as spread out as stated"
    return Plan(
        "mae", mae, width, _people(sd, width), say("{assumed}, one observation per person", assumed=say(assumed))
    )


def people_for_r2(r2: float, width: float) -> Plan:
    """Return how many people an interval of that width on R² needs.

    >>> people_for_r2(0.3, width=0.1).people
    904
    """
    _share(r2)
    _positive(width=width)
    return Plan("r2", r2, width, _people(2 * np.sqrt(r2) * (1 - r2), width), "truth and prediction jointly normal")


def people_for_slope(r2: float, width: float, slope: float = 1.0) -> Plan:
    """Return how many people an interval of that width on the calibration slope needs.

    ``r2`` is the expected squared correlation of truth and prediction.

    >>> people_for_slope(0.3, width=0.2).people
    897
    """
    _share(r2)
    _positive(width=width, slope=slope)
    return Plan("slope", slope, width, _people(slope * np.sqrt((1 - r2) / r2), width), "errors of constant spread")


def _people(sd: float, width: float) -> int:
    return max(2, int(np.ceil((_REACH * sd / width) ** 2)))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise UsageError("The {name} is {value}; it must be above zero.", name=say(name), value=value)


def _share(r2: float) -> None:
    if not 0 < r2 < 1:
        raise UsageError("The expected R² is {r2}; it must lie between 0 and 1, both excluded.", r2=r2)
