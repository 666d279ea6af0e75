"""What is wrong in a truth table, every fault at once, as a table that can be downloaded and worked off."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

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
