"""A truth table beside photographs: what a match says, whatever it was made by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fundus_core import tables
from fundus_core.errors import say
from fundus_core.identity import Joinable
from fundus_core.records import DAYS_APART, Floats, Labels
from fundus_core.tables.table import Fault
from fundus_core.truth.keys import EYELESS, KEYS, WHY
from fundus_core.truth.match_visits import FAR, WHICH
from fundus_core.truth.table import TruthTable

MATCHED, UNMATCHED, CONFLICT, AMBIGUOUS = "matched", "unmatched", "conflict", "ambiguous"
OF_PHOTOGRAPHS = frozenset(("unmatched_photograph", CONFLICT, AMBIGUOUS, WHICH, FAR))
"""Faults that are listed once for every photograph."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The truth table beside the photographs, in the photographs' order."""

    truth: TruthTable
    """The table that was matched."""
    photographs: Labels
    """n names as given."""
    line: NDArray[np.int64]
    """n positions in the truth table; -1 where there is none."""
    status: Labels
    """n words: ``matched``, ``unmatched``, ``conflict`` (lines, or table and photograph, disagree), ``ambiguous`` (two
    photographs and one line, or one name and two people), ``which`` (lines of several visits), ``far`` (none within
    the days)."""
    key: str
    """One of ``KEYS``."""
    counts: Mapping[str, int]
    """How many photographs each key that could be tried would match."""
    faults: tuple[Fault, ...]
    """What does not match, on either side, and what disagrees."""
    joinable: Joinable
    """What would be joined besides if a person said that two spellings are one; empty once it is."""
    taken: Labels
    """n visits of the photographs as stated; empty where nobody said so."""
    days_apart: Floats
    """n days from measurement to photograph; NaN where one is unknown."""
    ordered: bool = False
    """Whether the lines are the photographs', one after another (:meth:`by_photograph`)."""

    @property
    def reason(self) -> str:
        """The chosen key and what it achieved, in one sentence."""
        found = int((self.line >= 0).sum())
        return say(
            ("Matched by {keys}: {found:,} of {photographs:,} {photographs:photograph has|photographs have} truth."),
            keys=say(KEYS[self.key]),
            found=found,
            photographs=len(self.photographs),
        )

    @property
    def why(self) -> tuple[str, ...]:
        """Why names or ids do not meet, and what to do, in sentences."""
        return tuple(fault.what_to_do for fault in self.faults if fault.fault in WHY)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know beside the faults of single rows and photographs, in sentences."""
        about = [*self.truth.faults, *self.faults]
        whole = [fault for fault in about if not fault.row and fault.fault not in OF_PHOTOGRAPHS]
        said = [
            say("{heading}: {what}", heading=fault.column, what=fault.what_to_do) if fault.column else fault.what_to_do
            for fault in whole
        ]
        return (*self.truth.notes, self.reason, *said)

    @property
    def of_visits(self) -> tuple[str, ...]:
        """What a reader of the numbers must know of dates that differ, in sentences."""
        return tuple(fault.what_to_do for fault in self.faults if fault.fault in ("days_apart", "no_visit"))

    @property
    def unmatched_rows(self) -> tuple[int, ...]:
        """Spreadsheet rows that no photograph uses."""
        used = {0, *self.truth.rows[self.line[self.line >= 0]].tolist()}
        return tuple(dict.fromkeys(int(row) for row in self.truth.rows if int(row) not in used))

    def by_photograph(self) -> Match:
        """Return the same with a line for each photograph that has one, in their order, and no other line.

        What is asked of it by photograph is then there already; names of photographs in the table are gone.
        """
        of = self.truth
        lines = replace(
            of,
            rows=np.where(self.line >= 0, of.rows[self.line], 0),
            photograph=np.full(len(self.line), ""),
            patient_id=self.patient_id(),
            eye=self._words(of.eye),
            visit=self._words(of.visit),
            values=self.values(),
            covariates={name: self._words(words) for name, words in of.covariates.items()},
            predicted={},
            low={},
            high={},
        )
        return replace(self, truth=lines, line=np.where(self.line >= 0, np.arange(len(self.line)), -1), ordered=True)

    def values(self) -> Mapping[str, Floats]:
        """Return the measured values by target, a value per photograph, NaN where there is none."""
        if self.ordered:
            return self.truth.values
        return {name: np.where(self.line >= 0, values[self.line], np.nan) for name, values in self.truth.values.items()}

    def covariates(self) -> Mapping[str, Labels]:
        """Return the other columns, a word per photograph, empty where there is none; and days apart, if any are."""
        found = {name: self._words(words) for name, words in self.truth.covariates.items()}
        if not np.nan_to_num(self.days_apart).any():
            return found
        return {**found, DAYS_APART: np.array(["" if np.isnan(day) else f"{day:g}" for day in self.days_apart])}

    def visit(self) -> Labels:
        """Return the visit of each photograph: as stated, else that of its line; empty where nobody says."""
        return np.where(self.taken == "", self._words(self.truth.visit), self.taken)

    def patient_id(self) -> Labels:
        """Return the patient of each photograph, empty where the table does not say."""
        return self._words(self.truth.patient_id)

    def eye(self) -> Labels:
        """Return the eye of each photograph as the table says, empty where it does not."""
        return np.full(len(self.line), "") if self.key in EYELESS else self._words(self.truth.eye)

    def as_csv(self) -> str:
        """Return a line per photograph as CSV text: photograph, status, row of the table."""
        rows = np.where(self.line >= 0, self.truth.rows[self.line], 0)
        lines = zip(self.photographs, self.status, rows, strict=True)
        return tables.as_csv(["photograph", "status", "row"], ([name, said, row or ""] for name, said, row in lines))

    def _words(self, words: Labels) -> Labels:
        return words if self.ordered else np.where(self.line >= 0, words[self.line], "")
