"""Cohorts compared without any truth: do the predictions, and the photographs, come from the same distribution?

A shift says that the cohorts differ, not that the model is worse on one of them: sicker people have other predictions
too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule, not_estimable
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.person_means import per_person
from fundus_core.evaluation.observations.sample import person_ids, sort_rows
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.targets import TARGETS

PSI_BINS = 10
"""Bins of the population stability index: deciles of the first cohort."""

PSI_NOTE = "by a rule of thumb below 0.1 is stable, 0.1 to 0.25 a moderate and above 0.25 a large shift"
"""Stands beside a population stability index."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the predictions of two cohorts differ, a prediction per person."""

    target: str
    """Target id."""
    unit: str
    """Of means and distance."""
    first: str
    """Name of one cohort, whose deciles are the bins of the stability index."""
    second: str
    """Name of the other."""
    n_first: int
    """People with a prediction."""
    n_second: int
    """People with a prediction."""
    mean_difference: float | None
    """First minus second."""
    ks: float | None
    """Kolmogorov-Smirnov: largest distance of the distribution functions, 0 to 1; the effect size of the test."""
    p: float | None
    """Of the Kolmogorov-Smirnov test, asymptotic, uncorrected; cautious where predictions are tied. ``None`` where
    people are in both cohorts: the test takes all for strangers."""
    wasserstein: float | None
    """Mean distance that predictions would have to move, in the unit."""
    wasserstein_sd: float | None
    """The same in standard deviations of the first cohort."""
    psi: float | None
    """Population stability index."""
    note: str
    """Why something is missing, and what a reader has to know."""


def prediction_shift(cohorts: Mapping[str, CohortTable]) -> tuple[Shift, ...]:
    """Compare the predictions of every pair of cohorts, each person's photographs averaged; truth is not looked at."""
    return tuple(
        _shift(target, (first, second), _predictions(a, target), _predictions(b, target))
        for (first, a), (second, b) in combinations(cohorts.items(), 2)
        for target in TARGETS
        if target in a.predicted and target in b.predicted
    )


@dataclass(frozen=True, slots=True)
class _People:
    """Whose predictions, and what they are on average."""

    who: Labels
    mean: Floats


def _predictions(table: CohortTable, target: str) -> _People:
    values = np.where(table.status == Status.PREDICTED.value, table.predicted[target], np.nan)
    means = per_person(table, values)
    known = np.isfinite(means)
    return _People(np.unique(person_ids(table))[known], means[known])


_SHARED = (
    "no test: {shared:,} {shared:person is|people are} in both cohorts, and the Kolmogorov-Smirnov test takes all for "
    "strangers"
)


def _shift(target: str, names: tuple[str, str], first: _People, second: _People) -> Shift:
    a, b = first.mean, second.mean
    head = (target, TARGETS[target].unit, *names, len(a), len(b))
    if min(len(a), len(b)) < 2:
        return Shift(*head, *(None,) * 6, "not estimable: a cohort has fewer than two people with a prediction")
    from scipy import stats  # only who compares cohorts waits for it

    test = stats.ks_2samp(a, b, method="asymp")
    distance = float(stats.wasserstein_distance(a, b))
    spread = float(a.std(ddof=1))
    relative = distance / spread if spread > 0 else None
    shared = len(np.intersect1d(first.who, second.who))
    note = say(_SHARED, shared=shared) if shared else say("PSI: {psi_note}", psi_note=say(PSI_NOTE))
    p = None if shared else float(test.pvalue)
    difference = float(a.mean() - b.mean())
    return Shift(*head, difference, float(test.statistic), p, distance, relative, stability_index(a, b), note)


def stability_index(first: Floats, second: Floats, bins: int = PSI_BINS) -> float:
    """Return sum (a_k - b_k) ln(a_k / b_k) over the shares in the deciles of the first.

    An empty bin counts half an observation, so that the index stays finite.

    >>> stability_index(np.arange(100.0), np.arange(100.0))
    0.0
    """
    edges = np.unique(np.quantile(first, np.linspace(0, 1, bins + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, v), minlength=len(edges) + 1) for v in (first, second)]
    inhabited = counts[0] + counts[1] > 0
    filled = [np.maximum(count[inhabited], 0.5) for count in counts]
    a, b = (count / count.sum() for count in filled)
    return float(((a - b) * np.log(a / b)).sum())


@dataclass(frozen=True, slots=True)
class OutOfDistribution:
    """How many photographs of a cohort lie outside what its model was trained on."""

    cohort: str
    """Whose."""
    n_photographs: int
    """Photographs with a known distance."""
    share: Estimate
    """Share with a distance above 1, the model's limit."""


def out_of_distribution(cohorts: Mapping[str, CohortTable]) -> tuple[OutOfDistribution, ...]:
    """Return each cohort's share of photographs beyond the model's limit; its interval needs no draws."""
    return tuple(_outside(name, sort_rows(table)) for name, table in cohorts.items())


def _outside(name: str, table: CohortTable) -> OutOfDistribution:
    known = np.isfinite(table.out_of_distribution)
    who, person = np.unique(person_ids(table)[known], return_inverse=True)
    beyond = (table.out_of_distribution[known] > 1).astype(np.float64)
    ones = np.ones(len(person))
    sums = np.column_stack([np.bincount(person, column, len(who)) for column in (ones, beyond)]).astype(np.float64)
    needs = ("the model cannot tell, or no photograph was read",)
    panel = SumStatistic(
        np.arange(len(who)),
        ("share",),
        needs,
        sums,
        lambda s: divide(s[:, 1], s[:, 0])[:, None],
        rules=(Rule("share"),),
    )
    share = estimated(panel)["share"]
    if not len(who):
        share = not_estimable(needs[0])
    return OutOfDistribution(name, int(known.sum()), share)
