"""The seven targets: names, units, plausible ranges, published results.

The only place where a target's unit is defined. Published errors are those of the models released by the Japan
Ocular Imaging Registry (five targets: press release of 2025-05-12; age: 2023-01-10; sex: 2023-12-07).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fundus_core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Target:
    """One quantity that a model reads from a photograph."""

    id: str
    """Column name in every table."""
    name: str
    """English name as it appears on figures, lower case unless an abbreviation."""
    short: str
    """The abbreviation for narrow places."""
    unit: str
    """Unit of truth and prediction; ``""`` for a probability."""
    low: float
    """Smallest plausible measured value, in the unit."""
    high: float
    """Largest plausible measured value, in the unit."""
    decimals: int
    """Digits after the point when a value of the target is shown."""
    published_mae: float | None
    """Mean absolute error of the released model, in the unit; ``None`` for a probability."""
    published_accuracy: float | None = None
    """Share classified correctly by the released model; only for a probability."""
    published_source: str = ""
    """Where the published figure was announced."""

    @property
    def binary(self) -> bool:
        """Whether truth is 0 or 1 and a prediction is the probability of 1."""
        return self.published_accuracy is not None

    @property
    def label(self) -> str:
        """Name with unit, for axes and headings."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


_METABOLIC = "JOIR, NII and Nagoya University, press release 2025-05-12 (EfficientNet-B7)"
_AGE = "JOIR and NII, announcement 2023-01-10 (age model, internal validation)"
_SEX = "JOIR and NII, announcement 2023-12-07 (EfficientNet-B7; MobileNet 91.2 %)"

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.id: target
        for target in (
            Target("sbp", "systolic blood pressure", "SBP", "mmHg", 60, 260, 1, 10.34, None, _METABOLIC),
            Target("dbp", "diastolic blood pressure", "DBP", "mmHg", 30, 160, 1, 7.09, None, _METABOLIC),
            Target("glucose", "blood glucose", "glucose", "mg/dL", 30, 600, 1, 8.71, None, _METABOLIC),
            Target("waist", "waist circumference", "waist", "cm", 40, 180, 1, 7.18, None, _METABOLIC),
            Target("bmi", "body mass index", "BMI", "kg/m²", 10, 70, 2, 2.53, None, _METABOLIC),
            Target("age", "age", "age", "years", 0, 120, 1, 2.39, None, _AGE),
            Target("sex", "probability of female", "sex", "", 0, 1, 2, None, 0.920, _SEX),
        )
    }
)
"""Every target by its id, in the order in which tables and figures show them."""

METABOLIC = ("sbp", "dbp", "glucose", "waist", "bmi")
"""The five targets of the 2025 model."""


def target(target_id: str) -> Target:
    """Return the target of that id.

    Raises:
        UsageError: No target has that id; the message lists those that exist.

    >>> target("waist").unit
    'cm'
    """
    if target_id not in TARGETS:
        message = f"There is no target '{target_id}'; the targets are {', '.join(TARGETS)}."
        raise UsageError(message)
    return TARGETS[target_id]
