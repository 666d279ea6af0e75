"""What is known of one quantity that a model reads from a photograph."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of one quantity."""

    name: str
    """As shown."""
    factor: float
    """Times this, plus the offset, gives the quantity's own unit (the target's; cm for height, kg for weight)."""
    low: float = inf
    """A column's median below this is not in this unit; with both ends left out the unit is never inferred."""
    high: float = -inf
    """A column's median above this is not in this unit."""
    offset: float = 0.0
    """Added after the factor (HbA1c: % = 0.0915 x mmol/mol + 2.15)."""
    spellings: tuple[str, ...] = ()
    """Other ways to write it, lower case."""

    def to_own(self, values: Floats) -> Floats:
        """Convert values in this unit to the quantity's own."""
        return values * self.factor + self.offset

    def from_own(self, values: Floats) -> Floats:
        """Convert values in the quantity's own unit to this one."""
        return (values - self.offset) / self.factor

    @property
    def recipe(self) -> str:
        """How a value is converted, for a note."""
        return f"× {self.factor:.6g}" + (f" {self.offset:+.6g}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Target:
    """One quantity that a model reads from a photograph; a file says it, and the file's name is its id."""

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
    binary: bool = False
    """Whether truth is 0 or 1 and a prediction is the probability of 1."""
    tolerances: tuple[float, ...] = ()
    """Three differences, in the unit, that count as close; empty for a probability."""
    published_mae: float | None = None
    """Mean absolute error of the released model, in the unit; ``None`` where none was published."""
    published_accuracy: float | None = None
    """Share classified correctly by the released model; only for a probability."""
    published_source: str = ""
    """Where the published figure was announced."""
    name_ja: str = ""
    """Japanese name; empty where it is the English one."""
    short_ja: str = ""
    """Japanese abbreviation; empty where it is the English one."""
    headings: tuple[str, ...] = ()
    """Headings of columns that hold it, in any language."""
    phrase: str = ""
    """Regular expression of what a heading contains that means it, over lower case; empty for none."""
    units: tuple[Unit, ...] = ()
    """Units in which it is measured, its own first."""

    @property
    def label(self) -> str:
        """Name with unit, for axes and headings."""
        return f"{self.name} ({self.unit})" if self.unit else self.name
