"""A clinical criterion on one cohort: whom the measured values, the predictions and the probabilities call positive.

Nobody is left out for their verdict: prevalences over everybody have bounds where some verdicts cannot be told, and
beside them stand complete cases, who have everything measured that the criterion looks at, whatever the values.

The probability needs to know how truth scatters about predictions, and must not learn it from the people whom it is
judged on. So the cohort's people are split into parts at random; each part gets its probabilities from the errors of
the others, and all are judged together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.criteria.bounds import Bound, bounds, prevalence_bounds
from fundus_core.evaluation.criteria.classification import SCORES, THRESHOLDS, Classification, classify, means
from fundus_core.evaluation.criteria.definitions import (
    CRITERIA,
    INDETERMINATE,
    NO,
    YES,
    Criterion,
    Verdicts,
    criterion,
    nobody_complete,
    remarks,
)
from fundus_core.evaluation.criteria.probability import PARTS, donors_of, probabilities
from fundus_core.evaluation.criteria.treatment import TreatedPrevalence, treated_prevalences
from fundus_core.evaluation.intervals.estimate import SEED, Cell, Estimate
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.person_means import PersonMeans, person_means, read_further, select_people
from fundus_core.evaluation.observations.sample import (
    one_visit,
    person_ids,
    select_rows,
    unit_names,
)
from fundus_core.records import CohortTable, Floats, Status
from fundus_core.tables.covariates import Further

MOST_JUDGED = 10_000
"""People whose probabilities are made and judged; of more, so many are drawn: each costs 400 neighbours, and the error
of a share of 10,000 is half a percent at most."""

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
    least: Estimate
    """Share of everybody who meets the criterion for certain."""
    most: Estimate
    """Share of everybody who meets it or cannot be told."""
    expected: tuple[Estimate, Estimate]
    """The same two shares by the probabilities, of everybody who has one; equal where nothing stays unknown."""
    complete: int
    """People with everything measured that the criterion looks at."""
    judged: Classification | None
    """How the probability does among complete cases; ``None`` where there is no probability or nobody is complete."""
    note: str
    """Why there is none; empty where there is one."""
    bounds: tuple[Bound, ...] = ()
    """Of what is judged, over everybody; none where every verdict is known."""
    treated: tuple[TreatedPrevalence, ...] = ()
    """Prevalence by how the treated are handled; none where nobody says who is."""
    remarks: tuple[str, ...] = ()
    """Which columns were used, and what is taken for granted without one."""

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per estimate: the counts, the scores, and every threshold's."""
        rows = [
            self._row(f"{what}_{by}", "", Estimate(getattr(counts, what)))
            for by, counts in (("measured", self.measured), ("predicted", self.predicted))
            for what in ("yes", "no", "indeterminate")
        ]
        ends = (self.least, self.most, *self.expected)
        rows += [self._row(name, "", one) for name, one in zip(EVERYBODY, ends, strict=True)]
        rows += [self._row("complete_cases", "", Estimate(self.complete))]
        for each in self.bounds:
            at: float | str = "" if each.threshold is None else each.threshold
            rows += [self._row(f"{each.estimate}_{end}", at, getattr(each, end)) for end in ("least", "most")]
        if self.judged is None:
            return [*rows, self._row("auc", "", Estimate(None, note=self.note))]
        rows += [self._row(name, "", getattr(self.judged, name)) for name in SCORES]
        return rows + [
            self._row(name, at.threshold, getattr(at, name)) for at in self.judged.thresholds for name in _AT_THRESHOLD
        ]

    @property
    def in_words(self) -> str:
        """Say how many meet the criterion by measured values, and how many cannot be told."""
        unknown, n = self.measured.indeterminate, self.measured.yes + self.measured.no + self.measured.indeterminate
        if not n:
            return ""
        if not unknown:
            return say("Observed prevalence {share:.1f} % of {n:,} people.", share=100 * self.measured.yes / n, n=n)
        return say(
            "Observed prevalence {least:.0f} to {most:.0f} %: {unknown:.0f} % of {n:,} people cannot be told. "
            "{complete:,} complete cases stand beside: everything measured, whatever the values.",
            least=100 * self.measured.yes / n,
            most=100 * (self.measured.yes + unknown) / n,
            unknown=100 * unknown / n,
            n=n,
            complete=self.complete,
        )

    def _row(self, name: str, threshold: float | str, estimate: Estimate) -> dict[str, Cell]:
        head: dict[str, Cell] = {"criterion": self.criterion.id, "name": self.criterion.name}
        head |= {"people": 0 if self.judged is None else self.judged.n}
        return {**head, "estimate": name, "threshold": threshold, **estimate.as_json()}


EVERYBODY = ("prevalence_least", "prevalence_most", "expected_least", "expected_most")
"""Shares of everybody, complete or not."""


@dataclass(frozen=True, slots=True)
class BothMeans:
    """The people of a cohort who have a prediction, a row each: what every criterion is decided on."""

    truth: PersonMeans
    """What was measured."""
    predicted: PersonMeans
    """What was predicted, of the same people."""
    criteria: tuple[str, ...]
    """Ids of the criteria whose targets the cohort has both measured and predicted."""
    columns: tuple[Further, ...] = ()
    """Further columns of the table that criteria look at, used or not."""


def applicable_criteria(table: CohortTable) -> tuple[str, ...]:
    """Return the ids of the criteria whose targets the cohort has both measured and predicted."""
    there = set(table.truth) & set(table.predicted)
    return tuple(each.id for each in CRITERIA.values() if there.issuperset(each.needs))


def both_person_means(table: CohortTable) -> BothMeans:
    """Average a cohort's photographs, once for all criteria; of several visits the first that was measured."""
    bare = replace(table, low={}, high={}, withdrawn={})  # no criterion asks for them, and the table may be large
    kept = select_rows(bare, _first_visit(table))
    both = (person_means(kept, "truth"), person_means(kept, "predicted"))
    return BothMeans(*both, applicable_criteria(table), read_further(kept))


def _first_visit(table: CohortTable) -> NDArray[np.bool_]:
    """Keep each person's first visit that was predicted and measured; the first predicted one of who was never both.

    Nothing of people without a prediction.
    """
    measured = np.zeros(len(table), dtype=bool)
    for column in table.truth.values():
        measured |= np.isfinite(column)
    predicted = table.status == Status.PREDICTED.value
    both, visit = one_visit(table, measured & predicted, "patient"), unit_names(table, "visit")
    others = ~np.isin(person_ids(table), person_ids(table)[both])
    return np.isin(visit, visit[both | one_visit(table, predicted & others, "patient")])


_AT_THRESHOLD = ("sensitivity", "specificity", "ppv", "npv", "net_benefit", "treat_all")


def assess(
    seen: BothMeans, criterion_id: str, *, thresholds: Sequence[float] = CURVE, seed: int = SEED
) -> CriterionAssessment:
    """Judge a criterion on a cohort, its people in five parts.

    Args:
        seen: The cohort's people, as :func:`both_person_means` returns them, once for all criteria.
        criterion_id: See :data:`fundus_core.evaluation.criteria.definitions.CRITERIA`.
        thresholds: Probabilities at which people would be called, fixed in advance.
        seed: Of the parts.

    Raises:
        UsageError: There is no such criterion, or a threshold is outside 0 to 1.

    >>> from fundus_core.evaluation import from_values
    >>> found = assess(both_person_means(from_values("waist", [80, 95], [84, 91], sex=[0, 0])), "large_waist")
    >>> found.measured, found.judged is None
    (Counts(yes=1, no=1, indeterminate=0), True)
    >>> found.complete, found.least.value
    (2, None)
    """
    chosen = criterion(criterion_id)
    verdict, hard = chosen.decide(seen.truth), chosen.decide(seen.predicted)
    complete = chosen.complete(seen.truth)
    some = np.sort(np.random.default_rng(seed).permutation(len(seen.truth))[:MOST_JUDGED])
    part = replace(seen, truth=select_people(seen.truth, some), predicted=select_people(seen.predicted, some))
    yes, unknown, note = _chances(part, chosen, seed)
    known = complete[some] & np.isfinite(yes)
    if not note and not known.any():
        note = nobody_complete(seen.truth, chosen)
    judged = (
        None
        if note
        else classify(verdict[some], yes, hard[some], complete=known, name=chosen.name, thresholds=thresholds)
    )
    return CriterionAssessment(
        chosen,
        Counts.of(verdict),
        Counts.of(hard),
        *prevalence_bounds(verdict),
        _expected(yes, unknown, note),
        int(complete.sum()),
        judged,
        note,
        bounds(verdict[some], yes, judged, note),
        treated_prevalences(seen.truth, chosen),
        (*remarks(seen.truth, seen.columns, chosen), *_drawn(len(some), len(verdict))),
    )


def _drawn(some: int, people: int) -> tuple[str, ...]:
    words = "The probability was made and judged for {some:,} of {people:,} people, drawn at random; counts are of all."
    return (say(words, some=some, people=people),) if some < people else ()


def _expected(yes: Floats, unknown: Floats, note: str) -> tuple[Estimate, Estimate]:
    """Return the mean probability of everybody who has one, and the same with what cannot be told."""
    there = np.isfinite(yes)
    if not there.any():
        return (Estimate(None, note=note),) * 2
    least, most = (
        estimated(means(np.zeros(int(there.sum())), each[there]))["expected"] for each in (yes, yes + unknown)
    )
    return least, most


def _chances(seen: BothMeans, chosen: Criterion, seed: int) -> tuple[Floats, Floats, str]:
    """Probability of yes, and of what cannot be told, of n people by the errors of others; and why there is none."""
    part = np.random.default_rng(seed).permutation(len(seen.truth)) % PARTS
    yes, unknown = np.full((2, len(part)), np.nan)
    for each in range(min(PARTS, len(part))):
        others = part != each
        try:
            donors = donors_of(select_people(seen.truth, others), select_people(seen.predicted, others), chosen)
        except NotEstimableError as error:
            return np.full(len(part), np.nan), np.full(len(part), np.nan), str(error)
        likely = probabilities(select_people(seen.predicted, ~others), chosen, donors)
        yes[~others], unknown[~others] = likely.yes, likely.indeterminate
    return yes, unknown, ""


def at_thresholds(judged: Classification) -> Classification:
    """Keep :data:`THRESHOLDS` alone, for a table that is read by people."""
    return replace(judged, thresholds=tuple(at for at in judged.thresholds if at.threshold in THRESHOLDS))
