"""A table as it stands in the file: words under headings, with the row numbers that a spreadsheet shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
from collections.abc import Iterable
from dataclasses import astuple, fields

from fundus_core.tables import writing


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a person should look at; what could not be used is missing, never guessed."""

    row: int
    """Row number as a spreadsheet shows it, the heading included; 0 where a column or the whole table is meant."""
    column: str
    """Heading as in the file; empty where the whole row or table is meant."""
    value: str
    """The cell as written; empty where no single cell is meant."""
    fault: str
    """Stable word: ``implausible``, ``not_a_number``, ``mixed_units``, ``duplicate``, ``conflict``, ..."""
    what_to_do: str
    """One sentence: what was found, what is allowed, what to do."""


FIELDS = tuple(field.name for field in fields(Fault))
"""Columns of the downloaded table."""


def as_csv(faults: Iterable[Fault]) -> str:
    """Return the faults as CSV text with the columns of ``FIELDS``; row 0 is left empty.

    >>> print(as_csv([Fault(3, "SBP", "999", "implausible", "Correct it.")]).splitlines()[1])
    3,SBP,999,implausible,Correct it.
    """
    return writing.as_csv(FIELDS, ([fault.row or "", *astuple(fault)[1:]] for fault in faults))


Words = NDArray[np.object_]
"""n strings; objects rather than fixed-width characters, so that one long cell does not widen all."""


Codes = np.ndarray[tuple[int], np.dtype[np.int64]]
"""n numbers, of any width: of each row's word among the different ones."""


class Told(np.ndarray[Any, Any]):
    """Words of which the reader told beforehand which differ: nobody need look for them among all rows again."""

    different: tuple[list[str], Codes] | None
    """The different words in order of appearance, and for each row the number of its word; ``None`` of some rows."""

    def __array_finalize__(self, of: NDArray[Any] | None) -> None:
        """What is taken of the rows, or made of them, is not told of."""
        self.different = None

    @classmethod
    def of(cls, cells: list[str], codes: Codes) -> Words:
        """Return a word for each code; ``cells`` may hold a word twice, and come in order of appearance."""
        found = cells
        if len(set(cells)) < len(cells):
            found = list(dict.fromkeys(cells))
            place = {word: at for at, word in enumerate(found)}
            codes = np.array([place[word] for word in cells])[codes]
        made: Told = np.array([*found, ""], dtype=object)[codes].view(cls)
        made.different = found, codes.astype(np.min_scalar_type(len(found)))
        return made


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
