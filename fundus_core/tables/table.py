"""A table as it stands in the file: words under headings, with the row numbers that a spreadsheet shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fundus_core.tables.faults import Fault

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
    sheet: str = ""
    """Of a workbook."""
    hidden: int = 0
    """How many rows the sheet hides (a filter does), whether they were read or not."""
    faults: tuple[Fault, ...] = ()
    """What was wrong with the file itself: ragged rows, quotes, headings."""

    def __len__(self) -> int:
        return len(self.rows)

    def frame(self) -> pd.DataFrame:
        """Return the cells as a data frame indexed by row number, for a preview."""
        import pandas as pd

        index = pd.Index(self.rows, name="row")
        return pd.DataFrame(dict(zip(self.headings, self.columns, strict=True)), index=index)
