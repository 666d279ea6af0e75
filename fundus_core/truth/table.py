"""Measured values as lines: what a table says once its columns are understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Labels
from fundus_core.tables.table import Fault
from fundus_core.truth.receipt import Entry


@dataclass(frozen=True, slots=True, eq=False)
class TruthTable:
    """Measured values in the targets' units, a line per photograph, eye or person.

    All arrays have one length, n lines. A wide row (right and left side by side) gives two lines with one row number.
    """

    name: str
    """Of the file."""
    level: str
    """What a line stands for: ``photograph``, ``eye`` or ``person``."""
    rows: NDArray[np.int64]
    """Row numbers as a spreadsheet shows them."""
    photograph: Labels
    """Names or paths as written; empty where the table does not name photographs."""
    patient_id: Labels
    """As written; empty where the table does not name patients."""
    eye: Labels
    """``left``, ``right`` or empty."""
    values: Mapping[str, Floats]
    """By target id, in the target's unit; NaN where missing or not usable. Sex: 1 is female."""
    covariates: Mapping[str, Labels] = field(default_factory=dict)
    """Every other column that may be kept, as words."""
    visit: Labels = field(default_factory=lambda: np.array([], dtype=np.str_))
    """The date of the examination (year-month-day) or another word for the visit; empty where the table has none."""
    predicted: Mapping[str, Floats] = field(default_factory=dict)
    """By target id, in the target's unit, what a model predicted; sex as the probability of female."""
    low: Mapping[str, Floats] = field(default_factory=dict)
    """By target id, the lower end of the prediction's interval; NaN where the table gives none."""
    high: Mapping[str, Floats] = field(default_factory=dict)
    """By target id, the upper end of the prediction's interval."""
    notes: tuple[str, ...] = ()
    """What was converted, derived or left out, as sentences; to be shown."""
    faults: tuple[Fault, ...] = ()
    """Everything that a person should look at."""
    receipt: tuple[Entry, ...] = ()
    """What became of each column."""

    def __post_init__(self) -> None:
        if not len(self.visit):
            object.__setattr__(self, "visit", np.full(len(self.rows), "", dtype=np.str_))

    def __len__(self) -> int:
        return len(self.rows)
