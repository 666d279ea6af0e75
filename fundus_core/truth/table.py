"""A table as it stands in the file: words under headings, with the row numbers that a spreadsheet shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats, Labels
from fundus_core.truth.faults import Fault, as_csv

if TYPE_CHECKING:
    import pandas as pd

Words = NDArray[np.object_]
"""n strings; objects rather than fixed-width characters, so that one long cell does not widen all."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What was read, nothing interpreted yet."""

    name: str
    """Of the file."""
    headings: tuple[str, ...]
    """One per column, each different (a second ``SBP`` is called ``SBP (2)``)."""
    columns: tuple[Words, ...]
    """One array of n stripped strings per heading."""
    rows: NDArray[np.int64]
    """n row numbers as a spreadsheet shows them (the first row of the file is 1)."""
    how: str = ""
    """How it was read: encoding and separator, or the sheet's name."""
    notes: tuple[str, ...] = ()
    """What the reader had to do, as sentences."""
    faults: tuple[Fault, ...] = ()
    """What was wrong with the file itself: ragged rows, quotes, headings."""

    def __len__(self) -> int:
        return len(self.rows)

    def frame(self) -> pd.DataFrame:
        """Return the cells as a data frame indexed by row number, for a preview."""
        import pandas as pd

        index = pd.Index(self.rows, name="row")
        return pd.DataFrame(dict(zip(self.headings, self.columns, strict=True)), index=index)


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
    notes: tuple[str, ...] = ()
    """What was converted, derived or left out, as sentences; to be shown."""
    faults: tuple[Fault, ...] = ()
    """Everything that a person should look at."""

    def __len__(self) -> int:
        return len(self.rows)

    def faults_csv(self) -> str:
        """Return the faults as CSV text, for download."""
        return as_csv(self.faults)
