"""Cohorts side by side: case mix first, then errors, then errors adjusted for case mix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation.cohorts.standardise import Standardised, standardised
from fundus_core.evaluation.intervals.bootstrap import Draws
from fundus_core.evaluation.intervals.contrasts import Contrast, Difference, Equivalence, difference, equivalent, wald
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Cell
from fundus_core.evaluation.observations.sample import (
    Level,
    Sample,
    bootstrap_population,
    check_level,
    shared_targets,
    sort_rows,
    units_of_analysis,
)
from fundus_core.evaluation.one_cohort.bootstrap_scores import (
    FEW,
    BootstrapScores,
    contrast_of_means,
    difference_of,
    pairwise,
    score_together,
    too_few,
)
from fundus_core.evaluation.one_cohort.evaluate import TargetResult, target_result
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import CohortTable, Labels
from fundus_core.targets import TARGETS, Published, Target
from fundus_core.targets import target as find_target

COMPARED = ("mae", "mae_over_median", "r2", "bias", "slope")
"""Scores on the forest plot and in the table of differences."""

COMPARED_BINARY = ("auc", "accuracy", "sensitivity", "specificity", "brier")
"""The same for a probability."""

EQUIVALENCE = ("mae", "bias")
"""Scores tested for equivalence."""

SPREAD_NOTE = (
    "A cohort that is less spread out has smaller errors with the same model: compare mean absolute errors beside the "
    "standard deviation of the truth, and after standardising."
)
"""Stands beside every comparison of errors."""


@dataclass(frozen=True, slots=True)
class TargetComparison:
    """One target in every cohort."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    results: Mapping[str, TargetResult]
    """Per cohort every estimate."""
    spread: Mapping[str, float | None]
    """Per cohort the standard deviation (1/(n-1)) of the truth."""
    differences: tuple[Difference, ...]
    """Every pair of cohorts, p values as they are."""
    equivalences: tuple[Equivalence, ...]
    """Every pair, where a margin was stated."""
    standardised: Standardised | None
    """Adjusted for case mix; ``None`` for a probability, or where fewer than two cohorts have enough people."""

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per cohort and estimate: the forest plot's table."""
        return [
            {
                "target": self.target,
                "unit": self.unit,
                "cohort": name,
                "n_patients": result.n_patients,
                "n": result.n,
                "sd_of_truth": self.spread[name],
                "estimate": score,
                **found.as_json(),
            }
            for name, result in self.results.items()
            for score, found in result.estimates.items()
        ]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two or more cohorts under one model each."""

    names: tuple[str, ...]
    """In the order given."""
    level: Level
    """What one observation is."""
    seed: int
    """Of the bootstrap."""
    draws: int
    """Of the bootstrap."""
    in_both: Mapping[tuple[str, str], int]
    """Per pair: patient ids that occur in both."""
    targets: Mapping[str, TargetComparison]
    """By target id."""
    note: str = SPREAD_NOTE
    """What a reader has to know."""


def compare(
    cohorts: Mapping[str, CohortTable],
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    targets: Sequence[str] | None = None,
    margins: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare cohorts.

    People are told apart by their ids over all cohorts: a person in two of them (a cohort that is a selection of
    another) is drawn once and counts in both.

    Args:
        cohorts: Name to table, two or more.
        level: What one observation is.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        targets: Ids; by default all that some cohort has truth and predictions for.
        margins: Per target id the largest difference in MAE or bias that would not matter, in its unit, decided before
            looking; without one there is no test of equivalence.

    Raises:
        UsageError: Fewer than two cohorts; unknown level or target; a margin that is not above zero.

    >>> from fundus_core.evaluation import from_values
    >>> one = from_values("sbp", range(100, 112), range(104, 116), patient_id=[f"a{k}" for k in range(12)])
    >>> other = from_values("sbp", range(100, 112), range(99, 123, 2), patient_id=[f"b{k}" for k in range(12)])
    >>> found = compare({"one": one, "other": other}, draws=100).targets["sbp"]
    >>> round(found.differences[0].difference.value, 3), found.differences[0].test
    (-0.667, "Welch's t test")
    """
    _check(cohorts, margins or {})
    checked = check_level(level)
    ordered = {name: sort_rows(table) for name, table in cohorts.items()}
    everybody = _everybody(ordered)
    drawn = Draws(len(everybody), draws, seed)
    found = {}
    for of in _targets(ordered, targets):
        named = [(name, units_of_analysis(table, of, checked, ordered=True)) for name, table in ordered.items()]
        scored = score_together(named, everybody, drawn, ranked=False)
        margin = (margins or {}).get(of.id)
        enough = {name: s for name, s in named if len(s.patients) >= FEWEST_PEOPLE}
        common = None if of.binary or len(enough) < 2 else standardised(enough, everybody, drawn)
        found[of.id] = _target(of, scored, drawn, margin, common)
    who = {name: bootstrap_population(table) for name, table in ordered.items()}
    both = {(a, b): len(np.intersect1d(who[a], who[b])) for a, b in combinations(who, 2)}
    return Comparison(tuple(cohorts), checked, seed, draws, MappingProxyType(both), MappingProxyType(found))


MAIN, MAIN_BINARY = "mae", "accuracy"
"""The score by which cohorts are compared first."""


def main_differences(
    cohorts: Mapping[str, CohortTable],
    target: str,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
) -> tuple[Difference, ...]:
    """Return the rows of :func:`compare` for the main score alone; nobody is drawn where a t test needs nobody.

    >>> from fundus_core.evaluation import from_values
    >>> one = from_values("sbp", [110, 126, 130], [114, 122, 134], patient_id=["a", "b", "c"])
    >>> other = from_values("sbp", [120, 126, 150], [130, 125, 139], patient_id=["d", "e", "f"])
    >>> main_differences({"one": one, "other": other}, "sbp")[0].score
    'mae'
    """
    of, checked = find_target(target), check_level(level)
    score = MAIN_BINARY if of.binary else MAIN
    samples = {name: units_of_analysis(sort_rows(table), of, checked, ordered=True) for name, table in cohorts.items()}
    found = []
    for (first, a), (second, b) in combinations(samples.items(), 2):
        means = (None, FEW) if too_few(a, b) else contrast_of_means(a, b, score)
        if means is None:
            everybody = _everybody(cohorts)
            drawn = Draws(len(everybody), draws, seed)
            return tuple(
                pairwise(score_together(list(samples.items()), everybody, drawn, ranked=False), [score], drawn)
            )
        found.append(difference((target, score, first, second), *means))
    return tuple(found)


def _everybody(cohorts: Mapping[str, CohortTable]) -> Labels:
    return np.unique(np.concatenate([bootstrap_population(table) for table in cohorts.values()]))


def _check(cohorts: Mapping[str, CohortTable], margins: Mapping[str, float]) -> None:
    if len(cohorts) < 2:
        raise UsageError("To compare cohorts, choose two or more; {cohorts} was given.", cohorts=len(cohorts))
    for name, margin in margins.items():
        if not margin > 0:
            raise UsageError(
                "The margin for '{name}' is {margin}; it must be above zero, in the target's unit.",
                name=name,
                margin=margin,
            )


def _targets(cohorts: Mapping[str, CohortTable], wanted: Sequence[str] | None) -> tuple[Target, ...]:
    chosen = {of.id for table in cohorts.values() for of in shared_targets(table, wanted)}
    return tuple(of for name, of in TARGETS.items() if name in chosen)


def _target(
    of: Target,
    scored: Sequence[BootstrapScores],
    draws: Draws,
    margin: float | None,
    common: Standardised | None,
) -> TargetComparison:
    differences = pairwise(scored, COMPARED_BINARY if of.binary else COMPARED, draws)
    tested = () if margin is None or of.binary else EQUIVALENCE
    equivalences = [
        equivalence(a, b, score, margin, draws) for a, b in combinations(scored, 2) for score in tested if margin
    ]
    return TargetComparison(
        of.id,
        of.unit,
        MappingProxyType({each.name: target_result(each) for each in scored}),
        MappingProxyType({each.name: _spread(each.sample) for each in scored}),
        tuple(differences),
        tuple(equivalences),
        common,
    )


def _spread(sample: Sample) -> float | None:
    return float(sample.y.std(ddof=1)) if len(sample) > 1 else None


def equivalence(
    first: BootstrapScores, second: BootstrapScores, score: str, margin: float, draws: Draws
) -> Equivalence:
    """Test whether two cohorts differ by less than a margin: two one-sided tests at 5 % (Schuirmann 1987)."""
    names = (first.sample.target.id, score, first.name, second.name)
    return equivalent(names, margin, _contrast(first, second, score, draws))


def _contrast(first: BootstrapScores, second: BootstrapScores, score: str, draws: Draws) -> Contrast | None:
    if too_few(first.sample, second.sample):
        return None
    means = contrast_of_means(first.sample, second.sample, score)
    if means is not None:
        return means[0]
    value = difference_of(first.estimates[score].value, second.estimates[score].value)
    return wald(value, first.replicates[score] - second.replicates[score], draws)


SPREAD_SENTENCE = (
    "Studies differ in who was photographed: a cohort that is more spread out has a larger mean absolute error and a "
    "larger R² with the same model, so these figures are context, not a ranking."
)
"""Stands beside every published figure."""


def published(target: str, score: str | None = None) -> tuple[Published, ...]:
    """Return the published figures of a target, of one score or of all.

    >>> [(each.study.name, each.value) for each in published("waist", "mae")]
    [('JOIR 2025', 7.18)]
    """
    return tuple(each for each in TARGETS[target].published if score in (None, each.score))
