"""Measured values beside predictions: how a truth table is read, and which of its rows belongs to which photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from fundus_core import truth
from fundus_core.errors import UsageError
from fundus_core.pipeline.predicted import PredictionsFile
from fundus_core.pipeline.visit_names import AS_USUAL, Visiting
from fundus_core.records import CohortTable, Labels
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Linkage:
    """What a person says of a table of measured values, and how its rows find their photographs."""

    mapping: truth.Proposal | None = None
    """A saved mapping of its columns."""
    sheet: str | None = None
    """Of a workbook."""
    said: tuple[str, ...] = ()
    """Of single columns, each ``HEADING=MEANING``."""
    fold: bool = False
    """Join names and ids that could be joined one to one, though they are written differently."""
    visiting: Visiting = AS_USUAL
    """How visits are told and matched."""
    fitted_people: str = ""
    """What becomes of people that a model's recalibration was fitted to: ``leave-out``, ``different`` (see ``fitted``);
    empty where nobody said it, and they are refused."""

    def load(self, file: Path) -> truth.TruthTable:
        """Read a truth table.

        Raises:
            UsageError: The file cannot be opened.
            TruthError: The table cannot be used.
        """
        return truth.load(file, proposal=self.mapping, sheet=self.sheet, said=self.said)

    def match(self, predictions: CohortTable, lines: truth.TruthTable) -> truth.Match:
        """Match a truth table to predictions.

        Raises:
            UsageError: No row belongs to any photograph.
        """
        found = truth.match(
            lines,
            predictions.photograph,
            patient_ids=predictions.patient_id,
            eyes=predictions.eye,
            visits=predictions.visit,
            most_days=self.visiting.most_days,
            fold=self.fold,
        )
        if not (found.line >= 0).any():
            raise UsageError(
                "No row of '{name}' belongs to a predicted photograph. {why}", name=lines.name, why=" ".join(found.why)
            )
        return found

    def as_json(self) -> dict[str, Any]:
        """Return it as ``from_json`` reads it."""
        return {
            **asdict(replace(self, mapping=None)),
            "said": list(self.said),
            "mapping": self.mapping.to_json() if self.mapping else None,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what ``as_json`` gave.

        Raises:
            TypeError: It holds what this version does not know.
            TruthError: Its mapping is none.
        """
        mapping = truth.Proposal.from_json(content["mapping"]) if content["mapping"] else None
        visiting = Visiting(**content["visiting"])
        return cls(**{**content, "mapping": mapping, "said": tuple(content["said"]), "visiting": visiting})


AS_IT_STANDS = Linkage()
"""Where nobody said anything of it."""


def join_truth(predictions: CohortTable, found: truth.Match | None) -> CohortTable:
    """Put matched truth beside predictions; it outranks measured values that stand with them.

    Ids and eyes of the truth table fill what the predictions lack.
    """
    if found is None:
        return replace(predictions, patient_id=_first(predictions.patient_id, predictions.photograph))
    patient = _first(predictions.patient_id, found.patient_id())
    return replace(
        predictions,
        patient_id=_first(patient, predictions.photograph),
        eye=_first(predictions.eye, found.eye()),
        visit=_first(predictions.visit, found.visit()),
        truth={**predictions.truth, **found.values()},
        covariates={**predictions.covariates, **found.covariates()},
    )


def _first(words: Labels, others: Labels) -> Labels:
    none = words == ""
    if none.all():
        return others
    return np.where(none, others, words) if none.any() else words


def measured_beside(made: PredictionsFile, name: str) -> truth.Match:
    """Return the measured values that stand in the columns of the table of predictions itself.

    Raises:
        UsageError: There are none of what is predicted.
    """
    if made.lines is None or not set(made.lines.values) & set(made.lines.predicted):
        found = f"predictions of {', '.join(made.table.predicted) or 'nothing'}"
        also = ", ".join(made.table.truth)
        raise UsageError(
            "'{name}' holds {found} and measured values of {also}; give the measured values of what is "
            "predicted with --truth FILE, or in columns of the same table.",
            name=name,
            found=found,
            also=also or "nothing",
        )
    return truth.together(made.lines, made.table.photograph)


FEWEST_COPIES = 20
"""Values that must all be equal before a prediction is taken for a copy of what was measured."""


def without_copies(table: CohortTable) -> tuple[CohortTable, list[str]]:
    """Leave out predictions that are the measured values themselves: a column of both tables, and no error to judge."""
    kept, notes = dict(table.predicted), []
    for name, values in table.predicted.items():
        measured = table.truth.get(name, np.full(len(table), np.nan))
        both = np.isfinite(values) & np.isfinite(measured)
        if both.sum() >= FEWEST_COPIES and not TARGETS[name].binary and (values[both] == measured[both]).all():
            del kept[name]
            notes.append(
                f"The predictions of {TARGETS[name].name} are the measured values, all {int(both.sum()):,} of them: "
                "they were left out."
            )
    return replace(table, predicted=kept), notes


def saved_mapping(columns: Path | None) -> truth.Proposal | None:
    """Return a mapping of columns that was saved; ``None`` for none.

    Raises:
        UsageError: The file cannot be read.
        TruthError: It holds no mapping.
    """
    return truth.Proposal.from_json(_text(columns)) if columns else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "The saved columns '{path}' cannot be read ({error}); give a JSON file saved by this program.",
            path=path,
            error=error,
        ) from error
