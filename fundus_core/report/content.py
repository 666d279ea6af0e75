"""What a report is about."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fundus_core.analyses import Study, evaluated, side_by_side
from fundus_core.evaluation import Comparison, Evaluation
from fundus_core.models.card import Card
from fundus_core.quality import KINDS, Kind, named_in
from fundus_core.records import CohortTable, Labels, Status
from fundus_core.truth.receipt import Entry, paragraph


@dataclass(frozen=True, slots=True)
class Flow:
    """What became of the photographs."""

    photographs: int
    """All that came in."""
    people: int
    """All that they show."""
    predicted: int
    """With a prediction."""
    reasons: Mapping[str, int]
    """Refused and failed ones by reason."""
    kinds: Mapping[str, int]
    """What the pictures are, where it was kept; else refused and unusual ones by what they seem to be."""
    decisions: Mapping[str, int]
    """By the sentence that says who decided, when and why: photographs accepted after a refusal, or withdrawn."""
    without_truth: Mapping[str, int]
    """By target: predicted photographs without a measured value."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One cohort under one model (or several, each with its own targets)."""

    title: str
    """Name of the cohort."""
    study: Study
    """Readings, truth, and all that was computed of them."""
    cards: tuple[Card, ...]
    """Of the models; empty where a predictions file names none that is known here."""
    model: str
    """As the predictions name it."""
    notice: str
    """What must stand beside every number."""
    rendered: bool
    """Whether a model was trained on rendered eyes."""
    reason_code: Labels
    """n photographs: stable word of a refusal or failure; empty where predicted."""
    remarks: tuple[str, ...] = ()
    """What was converted, derived or left out on the way."""
    source: str = ""
    """Name of the table of measured values."""
    receipt: tuple[Entry, ...] = ()
    """What became of each of its columns."""

    @property
    def data(self) -> str:
        """What a methods section says of the measured values."""
        return paragraph(self.source, self.receipt) if self.receipt else ""

    @property
    def table(self) -> CohortTable:
        """Readings and truth."""
        return self.study.table

    @property
    def evaluation(self) -> Evaluation:
        """Every score."""
        return evaluated(self.study)

    @property
    def flow(self) -> Flow:
        """What became of the photographs."""
        status = self.table.status
        made = status == Status.PREDICTED.value
        lost = np.char.add(np.char.add(status[~made], ": "), self.reason_code[~made].astype(np.str_))
        reasons, counts = np.unique(lost, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return Flow(
            photographs=len(self.table),
            people=len(np.unique(self.table.patient_id)),
            predicted=int(made.sum()),
            reasons={str(reasons[k]).replace("_", " "): int(counts[k]) for k in order},
            kinds=_kinds(self.table),
            decisions=_decisions(self.table),
            without_truth={
                target: int((made & ~np.isfinite(self.table.truth[target])).sum())
                for target in self.table.predicted
                if target in self.table.truth
            },
        )


def _kinds(table: CohortTable) -> dict[str, int]:
    """Count what photographs are, the commonest first: by their kind, or by what their reasons and notes say of it."""
    found: Counter[str] = Counter()
    told = table.kind if (table.kind != "").any() else np.array([named_in(str(one)) or "" for one in table.reason])
    for kind, count in zip(*np.unique(told[told != ""], return_counts=True), strict=True):
        found[KINDS[Kind(str(kind))].name] += int(count)
    return dict(found.most_common())


def _decisions(table: CohortTable) -> dict[str, int]:
    said, counts = np.unique(table.reason[table.decision != ""], return_counts=True)
    return {str(one): int(count) for one, count in zip(said, counts, strict=True)}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two or more cohorts side by side."""

    title: str
    """For people."""
    study: Study
    """Their tables, and all that was computed of them."""
    notice: str
    """What must stand beside every number."""
    rendered: bool
    """Whether a model was trained on rendered eyes."""

    @property
    def comparison(self) -> Comparison:
        """Scores and differences of every target."""
        return self.study.get(side_by_side.COMPARISON)
