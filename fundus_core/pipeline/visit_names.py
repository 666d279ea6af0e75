"""Visits that only the names of photographs and folders tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fundus_core import truth
from fundus_core.errors import say
from fundus_core.pipeline.predicted import PredictionsFile
from fundus_core.records import MOST_DAYS, Labels, Source


@dataclass(frozen=True, slots=True)
class Visiting:
    """How visits are told and matched."""

    most_days: int = MOST_DAYS
    """Between a photograph's date and that of its measured values."""
    in_names: bool = True
    """Whether visits are read from the names of photographs and folders where nothing else states any."""

    def with_visits(self, made: PredictionsFile) -> PredictionsFile:
        """Return predictions with the visits that their photographs' names hold, and a note of it."""
        if not self.in_names or (made.table.visit != "").any():
            return made
        found = truth.visits_in_names(made.table.photograph)
        if not (found != "").any():
            return made
        lines = None if made.lines is None else replace(made.lines, visit=found)
        notes = (*made.notes, names_read(found))
        return replace(made, table=replace(made.table, visit=found), lines=lines, notes=notes)


AS_USUAL = Visiting()
"""Where nobody said otherwise."""


def names_read(found: Labels) -> str:
    """Return the sentence that visits were read from names."""
    return say(truth.NAMES_READ, examples=[say("'{name}'", name=word) for word in np.unique(found[found != ""])[:3]])


def with_visits(found: Sequence[Source]) -> Sequence[Source]:
    """Return photographs with the visits that their names hold, where no list states any."""
    if any(source.visit for source in found):
        return found
    visits = truth.visits_in_names([source.name for source in found])
    return [replace(source, visit=str(visit)) for source, visit in zip(found, visits, strict=True)]
