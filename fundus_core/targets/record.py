"""What is known of one quantity that a model reads from a photograph."""

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
class Study:
    """Who was examined, and where it was reported."""

    name: str
    """Short name with the year."""
    people: str
    """How many people or photographs the figures rest on, as far as it is known."""
    population: str
    """Who they were."""
    source: str
    """Where it was reported."""
    read: str
    """Where the figures were read: ``at the source`` or ``in a third party's account``."""


@dataclass(frozen=True, slots=True)
class Published:
    """One published figure."""

    study: Study
    """Who and where."""
    target: str
    """Target id."""
    score: str
    """Score as in an evaluation: ``mae``, ``r2``, ``auc``, ``accuracy``, ``pearson``, ``within_5``, ..."""
    value: float
    """In the target's unit where the score has one."""
    low: float | None = None
    """Lower end of the 95 % interval, where one was reported."""
    high: float | None = None
    """Upper end."""
    baseline: float | None = None
    """The study's own baseline for that score, where reported."""
    note: str = ""
    """What a reader has to know."""


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
    classes: tuple[str, ...] = ("no", "yes")
    """English words for 0 and 1; of a probability alone."""
    classes_ja: tuple[str, ...] = ()
    """The same in Japanese; empty where the catalogue has them."""
    tolerances: tuple[float, ...] = ()
    """Three differences, in the unit, that count as close; empty for a probability."""
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

    published: tuple[Published, ...] = ()
    """What has been reported of models that read it, the registry's first."""

    @property
    def published_mae(self) -> float | None:
        """Mean absolute error of the registry's released model, in the unit; ``None`` where none was published."""
        return self._of_registry("mae")

    @property
    def published_accuracy(self) -> float | None:
        """Share classified correctly by the registry's released model; ``None`` where none was published."""
        return self._of_registry("accuracy")

    def said(self, value: float) -> str:
        """Return the English word for a measured 0 or 1."""
        return self.classes[int(value >= 0.5)]

    def _of_registry(self, score: str) -> float | None:
        found = (each.value for each in self.published if each.score == score and each.study.name.startswith("JOIR"))
        return next(found, None)

    @property
    def label(self) -> str:
        """Name with unit, for axes and headings."""
        return f"{self.name} ({self.unit})" if self.unit else self.name
