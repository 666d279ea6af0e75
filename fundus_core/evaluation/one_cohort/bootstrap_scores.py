"""Several samples scored on the same draws, so that differences between them can be tested."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations
from types import MappingProxyType

import numpy as np

from fundus_core.errors import joined, say
from fundus_core.evaluation.intervals.bootstrap import Draws, Statistics, resample
from fundus_core.evaluation.intervals.contrasts import (
    NO_EFFECT,
    Contrast,
    Difference,
    difference,
    hedges,
    paired,
    standardised_change,
    wald,
    welch,
)
from fundus_core.evaluation.intervals.estimate import FEWEST_PEOPLE, Estimate, Method, not_estimable
from fundus_core.evaluation.intervals.intervals import estimates
from fundus_core.evaluation.intervals.jackknife_intervals import estimated, without_intervals
from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.binary import THRESHOLD
from fundus_core.evaluation.one_cohort.scores import BASELINES, OF_KNOWN
from fundus_core.evaluation.one_cohort.statistics import ranked_statistics, statistics_of
from fundus_core.records import Floats, Labels

PER_PERSON: Mapping[str, Callable[[Sample], Floats]] = MappingProxyType(
    {
        "mae": lambda sample: np.abs(sample.error),
        "bias": lambda sample: sample.error,
        "accuracy": lambda sample: ((sample.p >= THRESHOLD) == (sample.y == 1)).astype(np.float64),
        "brier": lambda sample: sample.error**2,
    }
)
"""Scores that are a mean of one number a person, and that number."""


OVER_AGE_SEX = (
    "no interval: a curve of age and sex that somebody else fitted can be below 1; whether the photograph adds "
    "anything is told by the gain beyond age and sex"
)
"""Stands in the place of an interval that would be read as a test."""


@dataclass(frozen=True, slots=True)
class BootstrapScores:
    """One sample, its scores and their replicates."""

    name: str
    """Of the group, cohort or model."""
    sample: Sample
    """What was scored."""
    estimates: Mapping[str, Estimate]
    """By score."""
    drawn: Callable[[], Mapping[str, Floats]] = dict
    """Draws people, once for all samples that are scored together."""
    people: Indices | None = None
    """Where its people stand among those who are drawn; ``None`` where nobody is."""

    @property
    def replicates(self) -> Mapping[str, Floats]:
        """By score: its value on each draw, NaN where it has none; nobody is drawn before somebody asks."""
        return self.drawn()


def score_together(
    named: Sequence[tuple[str, Sample]],
    everybody: Labels | Indices,
    draws: Draws,
    *,
    interval: Method = "own",
    ranked: bool = True,
) -> tuple[BootstrapScores, ...]:
    """Score samples, and draw people for the differences between them.

    Args:
        named: Name and sample of each.
        everybody: Those who are drawn, sorted; every sample's people are among them.
        draws: How they are drawn.
        interval: Kind of interval; ``own`` depends on nobody but the sample's people.
        ranked: Whether to add the statistics that need sorting on every draw.
    """
    panels = [statistics_of(sample, everybody, ranked=ranked) for _, sample in named]

    @cache
    def values() -> list[list[Floats]]:
        found = iter(resample(draws, [panel for several in panels for panel in several]))
        return [[next(found) for _ in several] for several in panels]

    def by_score(place: int) -> Mapping[str, Floats]:
        pairs = zip(panels[place], values()[place], strict=True)
        return {name: column for panel, each in pairs for name, column in zip(panel.names, each.T, strict=True)}

    scored = []
    for place, ((name, sample), several) in enumerate(zip(named, panels, strict=True)):
        found: dict[str, Estimate] = {}
        for at, panel in enumerate(several):
            own = interval == "own"
            found |= estimated(panel) if own else estimates(panel, values()[place][at], draws, interval)
        explained = {score: _explained(score, estimate, sample) for score, estimate in found.items()}
        scored.append(
            BootstrapScores(name, sample, MappingProxyType(explained), partial(by_score, place), several[0].people)
        )
    return tuple(scored)


def score_alone(sample: Sample, *, ranked: bool = True, panels: Iterable[Statistics] | None = None) -> BootstrapScores:
    """Score one sample with every estimate's own interval; nobody is drawn, and there are no replicates.

    Args:
        sample: What is scored.
        ranked: Whether to add what takes an order: median absolute error, Spearman, calibration of a probability.
        panels: These statistics in place of all.
    """
    found: dict[str, Estimate] = {}
    for panel in panels or statistics_of(sample, sample.patients, ranked=ranked):
        found |= estimated(panel)
    explained = {score: _explained(score, estimate, sample) for score, estimate in found.items()}
    return BootstrapScores(sample.target.id, sample, MappingProxyType(explained))


def ranked_estimates(sample: Sample) -> Mapping[str, Estimate]:
    """Return by score what :func:`score_alone` leaves out without ranks."""
    return score_alone(sample, panels=[ranked_statistics(sample, sample.patients)]).estimates


def score_points(sample: Sample, everybody: Labels) -> BootstrapScores:
    """Score a sample without drawing anybody: values without intervals, and no replicates.

    Args:
        sample: What is scored.
        everybody: As for :func:`score_together`.
    """
    found: dict[str, Estimate] = {}
    for panel in statistics_of(sample, everybody, ranked=False):
        found |= without_intervals(panel)
    explained = {score: _explained(score, estimate, sample) for score, estimate in found.items()}
    return BootstrapScores(sample.target.id, sample, MappingProxyType(explained))


def _explained(score: str, estimate: Estimate, sample: Sample) -> Estimate:
    """Say where a baseline was held fixed, and where a score rests on part of the sample."""
    if score == "mae_over_age_sex" and estimate.low is not None:
        estimate = Estimate(estimate.value, note=OVER_AGE_SEX)
    if score in BASELINES and estimate.method:
        estimate = replace(
            estimate, method=say("{method}; the baseline's predictions held fixed", method=say(estimate.method))
        )
    behind = {name: (sample.age, sample.sex) for name in (*OF_KNOWN, "brier_age_sex")}
    behind |= {name: (sample.covered, sample.width) for name in ("coverage", "interval_width")}
    known = int(np.isfinite(behind.get(score, (sample.y,))).all(axis=0).sum())
    if estimate.value is None or known == len(sample):
        return estimate
    part = say(
        ("rests on {known} of {sample} {sample:observation|observations}, the others lack what it needs"),
        known=known,
        sample=len(sample),
    )
    return replace(estimate, note=joined([estimate.note, part], ";"))


def compare_pair(first: BootstrapScores, second: BootstrapScores, score: str, draws: Draws) -> Difference:
    """Compare one score of two samples: by their means over people where it is one, else Wald."""
    a, b = first.sample, second.sample
    value = difference_of(first.estimates[score].value, second.estimates[score].value)
    names = (a.target.id, score, first.name, second.name)
    if too_few(a, b):
        return difference(names, None, FEW, value)
    means = contrast_of_means(a, b, score, _in_both(first, second, draws))
    if means is not None:
        return difference(names, *means, value)
    found = wald(value, first.replicates[score] - second.replicates[score], draws)
    return difference(names, found, NO_EFFECT, value)


FEW = not_estimable(say("needs {fewest} people", fewest=FEWEST_PEOPLE))
"""Stands in the place of an effect size where people are too few for any interval."""


def too_few(a: Sample, b: Sample) -> bool:
    """Return whether a side has too few people for an interval of anything, and so for one of a difference."""
    return min(len(a.patients), len(b.patients)) < FEWEST_PEOPLE


def _in_both(first: BootstrapScores, second: BootstrapScores, draws: Draws) -> int | None:
    """How many people are in both samples; ``None`` where nobody is drawn."""
    if first.people is None or second.people is None:
        return None
    mine = np.zeros(draws.people, dtype=bool)
    mine[first.people] = True
    return int(np.count_nonzero(mine[second.people]))


def contrast_of_means(
    a: Sample, b: Sample, score: str, both: int | None = None
) -> tuple[Contrast | None, Estimate] | None:
    """Test a score that is a mean of one number a person, with its effect size.

    Other people: Welch's t. The same people in both samples: the paired t, for what is hard about a person troubles
    both. ``None`` where only some are in both, or the score is no such mean. ``both`` is how many are, where known.
    """
    if score not in PER_PERSON or not (a.one_a_person and b.one_a_person and a.level == b.level):
        return None
    of_each = PER_PERSON[score]
    shared = len(np.intersect1d(a.patients, b.patients, assume_unique=True)) if both is None else both
    if not shared:
        return welch(of_each(a), of_each(b)), hedges(of_each(a), of_each(b))
    if not shared == len(a.patients) == len(b.patients):
        return None
    return paired(of_each(a), of_each(b)), standardised_change(of_each(a), of_each(b))


def difference_of(first: float | None, second: float | None) -> float:
    """Subtract two values; NaN where one is missing."""
    return np.nan if first is None or second is None else first - second


def pairwise(scored: Sequence[BootstrapScores], scores: Sequence[str], draws: Draws) -> list[Difference]:
    """Compare every pair of samples on each score."""
    return [compare_pair(a, b, score, draws) for a, b in combinations(scored, 2) for score in scores]
