"""What a cohort holds, counted once: a page that says it need not read every photograph's row."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fundus_core.records import CohortTable, Status
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Outline:
    """A cohort's columns and counts."""

    photographs: int
    """Rows."""
    status: Mapping[str, int]
    """Photographs of each status that occurs."""
    targets: tuple[str, ...]
    """Ids of the targets that are both measured and predicted."""
    predicted: tuple[str, ...]
    """Ids of the targets that are predicted."""
    brought: tuple[str, ...]
    """Columns that its own table brought."""
    compared: int
    """Photographs that were predicted and have the measured value of some predicted target."""
    people: int
    """People behind those."""
    both_eyes: bool
    """Whether there are right and left eyes."""
    decided: bool
    """Whether somebody decided about any photograph."""


def outline(table: CohortTable) -> Outline:
    """Count what a cohort holds.

    >>> from fundus_core.evaluation import from_values
    >>> found = outline(from_values("sbp", [120, np.nan], [110, 130]))
    >>> found.targets, found.photographs, found.compared, found.people
    (('sbp',), 2, 1, 1)
    """
    words, numbers = np.unique(table.status, return_counts=True)
    both = tuple(name for name in TARGETS if name in table.truth and name in table.predicted)
    known = [np.isfinite(table.truth[name]) & np.isfinite(table.predicted[name]) for name in both]
    compared = (table.status == Status.PREDICTED.value) & np.any(known, axis=0)
    return Outline(
        len(table),
        {str(word): int(number) for word, number in zip(words, numbers, strict=True)},
        both,
        tuple(table.predicted),
        tuple(table.covariates),
        int(compared.sum()),
        len(np.unique(table.patient_id[compared])),
        bool({"left", "right"} <= set(np.unique(table.eye).tolist())),
        bool((table.decision != "").any()),
    )
