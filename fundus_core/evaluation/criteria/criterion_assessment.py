"""A clinical criterion on one cohort: whom the measured values, the predictions and the probabilities call positive.

The probability needs to know how truth scatters about predictions, and must not learn it from the people whom it is
judged on. So the cohort's people are split into parts at random; each part gets its probabilities from the errors of
the others, and all are judged together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import NotEstimableError
from fundus_core.evaluation.criteria.classification import THRESHOLDS, Classification, classify
from fundus_core.evaluation.criteria.definitions import CRITERIA, INDETERMINATE, NO, YES, Criterion, Verdicts, criterion
from fundus_core.evaluation.criteria.probability import errors_between, probabilities
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Cell, Estimate
from fundus_core.evaluation.observations.person_means import PersonMeans, person_means, select_people
from fundus_core.evaluation.observations.sample import (
    bootstrap_population,
    one_visit,
    person_ids,
    select_rows,
    unit_names,
)
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import CohortTable, Floats, Status

PARTS = 5
"""Parts of the people; each is judged by the errors of the other four."""

CURVE = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Probabilities of the decision curve; :data:`THRESHOLDS` are among them."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people are called what."""

    yes: int
    """The criterion is met."""
    no: int
    """It is not."""
    indeterminate: int
    """It cannot be told without what is unknown."""

    @classmethod
    def of(cls, verdict: Verdicts) -> Counts:
        """Count verdicts."""
        return cls(*(int((verdict == what).sum()) for what in (YES, NO, INDETERMINATE)))


@dataclass(frozen=True, slots=True)
class CriterionAssessment:
    """One criterion on one cohort, a verdict per person with a prediction."""

    criterion: Criterion
    """Which."""
    measured: Counts
    """By measured values."""
    predicted: Counts
    """By cutting the predictions at the same thresholds."""
    judged: Classification | None
    """How the probability does against the measured verdict; ``None`` where there is no probability."""
    note: str
    """Why there is none; empty where there is one."""

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per estimate: the counts, the scores, and every threshold's."""
        rows = [
            self._row(f"{what}_{by}", "", Estimate(getattr(counts, what)))
            for by, counts in (("measured", self.measured), ("predicted", self.predicted))
            for what in ("yes", "no", "indeterminate")
        ]
        if self.judged is None:
            return [*rows, self._row("auc", "", Estimate(None, note=self.note))]
        rows += [self._row(name, "", getattr(self.judged, name)) for name in _SCORES]
        return rows + [
            self._row(name, at.threshold, getattr(at, name)) for at in self.judged.thresholds for name in _AT_THRESHOLD
        ]

    def _row(self, name: str, threshold: float | str, estimate: Estimate) -> dict[str, Cell]:
        head: dict[str, Cell] = {"criterion": self.criterion.id, "name": self.criterion.name}
        head |= {"people": 0 if self.judged is None else self.judged.n}
        return {**head, "estimate": name, "threshold": threshold, **estimate.as_json()}


@dataclass(frozen=True, slots=True)
class BothMeans:
    """The people of a cohort who have a prediction, a row each: what every criterion is decided on."""

    truth: PersonMeans
    """What was measured."""
    predicted: PersonMeans
    """What was predicted, of the same people."""
    criteria: tuple[str, ...]
    """Ids of the criteria whose targets the cohort has both measured and predicted."""


def applicable_criteria(table: CohortTable) -> tuple[str, ...]:
    """Return the ids of the criteria whose targets the cohort has both measured and predicted."""
    there = set(table.truth) & set(table.predicted)
    return tuple(each.id for each in CRITERIA.values() if there.issuperset(each.needs))


def both_person_means(table: CohortTable) -> BothMeans:
    """Average a cohort's photographs, once for all criteria; of several visits the first that was measured."""
    kept = select_rows(table, np.isin(person_ids(table), bootstrap_population(table)))
    kept = select_rows(kept, _first_visit(kept))
    return BothMeans(person_means(kept, "truth"), person_means(kept, "predicted"), applicable_criteria(table))


def _first_visit(table: CohortTable) -> NDArray[np.bool_]:
    """Keep each person's first visit that was predicted and measured; the first predicted one of who was never both."""
    measured = np.isfinite(np.array([np.full(len(table), np.nan), *table.truth.values()])).any(axis=0)
    predicted = table.status == Status.PREDICTED.value
    both, visit = one_visit(table, measured & predicted, "patient"), unit_names(table, "visit")
    others = ~np.isin(person_ids(table), person_ids(table)[both])
    return np.isin(visit, visit[both | one_visit(table, predicted & others, "patient")])


_SCORES = ("prevalence", "called", "expected", "auc", "average_precision", "brier")
_AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv", "net_benefit", "treat_all")


def assess_cohort(
    table: CohortTable,
    criterion_id: str,
    *,
    thresholds: Sequence[float] = CURVE,
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> CriterionAssessment:
    """Judge a criterion on a cohort, its people in five parts.

    Args:
        table: A row per photograph.
        criterion_id: See :data:`fundus_core.evaluation.criteria.definitions.CRITERIA`.
        thresholds: Probabilities at which people would be called, fixed in advance.
        seed: Of the parts, of the drawn errors and of the bootstrap.
        draws: Of the bootstrap.

    Raises:
        UsageError: There is no such criterion, or a threshold is outside 0 to 1.

    >>> from fundus_core.evaluation import from_values
    >>> found = assess_cohort(from_values("waist", [80, 95], [84, 91], sex=[0, 0]), "large_waist", draws=100)
    >>> found.measured, found.judged is None
    (Counts(yes=1, no=1, indeterminate=0), True)
    """
    return assess(both_person_means(table), criterion_id, thresholds=thresholds, seed=seed, draws=draws)


def assess(
    seen: BothMeans,
    criterion_id: str,
    *,
    thresholds: Sequence[float] = CURVE,
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> CriterionAssessment:
    """Judge a criterion on people seen before; see :func:`assess_cohort`."""
    chosen = criterion(criterion_id)
    verdict, hard = chosen.decide(seen.truth), chosen.decide(seen.predicted)
    counts = (Counts.of(verdict), Counts.of(hard))
    try:
        chance = _chances(seen, chosen, seed)
    except NotEstimableError as error:
        return CriterionAssessment(chosen, *counts, None, str(error))
    judged = classify(verdict, chance, hard, name=chosen.name, thresholds=thresholds)
    return CriterionAssessment(chosen, *counts, judged, "")


def assess_all(
    table: CohortTable, *, seed: int = SEED, draws: int = NUMBER_OF_DRAWS
) -> tuple[CriterionAssessment, ...]:
    """Judge every criterion whose targets the cohort has both measured and predicted."""
    seen = both_person_means(table)
    return tuple(assess(seen, each, seed=seed, draws=draws) for each in seen.criteria)


def _chances(seen: BothMeans, chosen: Criterion, seed: int) -> Floats:
    """Probability of yes among the drawn truths that decide, a person's errors learnt from others; n people."""
    part = np.random.default_rng(seed).permutation(len(seen.truth)) % PARTS
    chance = np.full(len(part), np.nan)
    for each in range(min(PARTS, len(part))):
        others = part != each
        errors = errors_between(select_people(seen.truth, others), select_people(seen.predicted, others), chosen.needs)
        likely = probabilities(select_people(seen.predicted, ~others), chosen, errors, seed=seed)
        chance[part == each] = divide(likely.yes, likely.yes + likely.no)
    return chance


def at_thresholds(judged: Classification, wanted: Sequence[float] = THRESHOLDS) -> Classification:
    """Keep only some of the thresholds, for a table that is read by people."""
    return replace(judged, thresholds=tuple(at for at in judged.thresholds if at.threshold in wanted))
