"""Errors of cohorts as if they had one common distribution of truth, age and sex.

A cohort that is less spread out has smaller errors with the same model, so raw errors mix up who was photographed with
how well they were read. Here every cohort is weighted so that the means and variances of its truth and age and its
share of women are those of one common standard (entropy balancing: the weights nearest to equal ones that do so;
Hainmueller 2012, doi:10.1093/pan/mpr025). Assumes that errors depend on the cohort through these alone, smoothly, and
that the cohorts overlap; where no weights reach the standard, it says so. Weights are refitted on every bootstrap
draw, so intervals include their uncertainty; of very many people to first order, as calibrated weights are (Deville &
Särndal 1992, doi:10.1080/01621459.1992.10475217: a weighted mean varies as what the balanced variables leave of it).

The standard: the mean over cohorts of their means, with the smallest of their variances, which lies inside every
cohort when any common ground exists.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.evaluation.cohorts.entropy_balancing import balance, effective_number, multipliers_of
from fundus_core.evaluation.intervals.bootstrap import CountStatistic, Draws, matmul, resample
from fundus_core.evaluation.intervals.contrasts import NO_EFFECT, Difference, difference, wald
from fundus_core.evaluation.intervals.estimate import Estimate
from fundus_core.evaluation.intervals.intervals import estimates
from fundus_core.evaluation.observations.sample import Sample, units
from fundus_core.evaluation.one_cohort import scores
from fundus_core.evaluation.one_cohort.bootstrap_scores import difference_of
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import Floats, Labels

STANDARDISED = ("mae", "rmse", "bias", "r2", "slope")
"""Scores that keep their meaning under weights."""

KNOWN_SHARE = 0.8
"""Age or sex is standardised too where at least this share of every cohort has it; the others are left out."""


_NO_GROUND = say(
    "no weights worth {fewest_people} observations give this cohort the common distribution; the "
    "cohorts hardly overlap",
    fewest_people=FEWEST_PEOPLE,
)


@dataclass(frozen=True, slots=True)
class Balance:
    """One variable in one cohort, before and after weighting."""

    cohort: str
    """Whose."""
    variable: str
    """``truth``, ``age`` or ``sex``."""
    mean: float
    """Unweighted."""
    sd: float
    """Unweighted, 1/n."""
    weighted_mean: float | None
    """After weighting; ``None`` where no weights reach the standard."""
    weighted_sd: float | None
    """After weighting."""
    standard_mean: float
    """What was asked for."""
    standard_sd: float
    """What was asked for."""


@dataclass(frozen=True, slots=True)
class WeightedCohort:
    """A cohort under its weights."""

    name: str
    """Whose."""
    patient: Labels
    """Person of each unit, n."""
    weights: Floats
    """Weight of each unit, n, summing to n; empty where no weights reach the standard."""
    n: int
    """Units that were weighted."""
    left_out: int
    """Units without age or sex."""
    effective_n: float
    """(sum w)² / sum w²: as many equally weighted units would be as informative; 0 where there are no weights."""
    estimates: Mapping[str, Estimate]
    """Weighted scores by name."""


@dataclass(frozen=True, slots=True)
class Standardised:
    """Cohorts compared after adjustment for case mix, for one target."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    variables: tuple[str, ...]
    """What was made equal."""
    balance: tuple[Balance, ...]
    """Every variable in every cohort, before and after."""
    cohorts: tuple[WeightedCohort, ...]
    """In the order given."""
    differences: tuple[Difference, ...]
    """Every pair; Wald tests with bootstrap standard errors."""
    note: str
    """What a reader has to know."""


@dataclass(frozen=True, slots=True)
class _Standard:
    variables: tuple[str, ...]
    mean: Floats
    sd: Floats

    def features(self, sample: Sample) -> Floats:
        """Columns whose weighted mean is zero when a cohort meets the standard: n x (2 per number, 1 for sex)."""
        columns = []
        for name, mean, sd in zip(self.variables, self.mean, self.sd, strict=True):
            scale = sd if sd > 0 else 1.0
            z = (_values(sample, name) - mean) / scale
            columns += [z] if name == "sex" else [z, z * z - (sd > 0)]
        return np.column_stack(columns)


def standardised(samples: Mapping[str, Sample], everybody: Labels, draws: Draws) -> Standardised:
    """Weight cohorts to one distribution of truth, age and sex and compare them again.

    Of each its units of one continuous target, never none; those who are drawn are sorted.
    """
    variables = _variables(samples.values())
    usable = {name: units(sample, _complete(sample, variables)) for name, sample in samples.items()}
    standard = _standard(usable.values(), variables)
    panels = {name: _panel(sample, everybody, standard) for name, sample in usable.items()}
    drawn = dict(zip(panels, resample(draws, list(panels.values())), strict=True))
    cohorts, balances = [], []
    for name, sample in usable.items():
        weights = balance(np.ones((1, len(sample))), standard.features(sample))[0] * len(sample)
        found = estimates(panels[name], drawn[name], draws)
        cohorts.append(_weighted(name, sample, weights, len(samples[name]) - len(sample), found))
        balances += [_balance(name, sample, weights, standard, k) for k in range(len(variables))]
    target = next(iter(samples.values())).target
    differences = tuple(_differences(target.id, cohorts, drawn, draws))
    note = say(
        "every cohort weighted to the same mean and spread of {variables:and}; {unseen}",
        variables=[say(name) for name in variables],
        unseen=say(_UNSEEN),
    )
    return Standardised(target.id, target.unit, variables, tuple(balances), tuple(cohorts), differences, note)


_UNSEEN = "what else differs between cohorts (camera, treatment, eligibility) stays in the difference"


def _values(sample: Sample, variable: str) -> Floats:
    return {"truth": sample.y, "age": sample.age, "sex": sample.sex}[variable]


def _variables(samples: Iterable[Sample]) -> tuple[str, ...]:
    several = list(samples)
    found = ["truth"]
    for name in ("age", "sex"):
        known = [np.isfinite(_values(sample, name)) for sample in several]
        values = np.concatenate([_values(s, name)[k] for s, k in zip(several, known, strict=True)])
        varies = len(values) > 0 and np.ptp(values) > 0
        if several[0].target.id != name and varies and min(k.mean() for k in known) >= KNOWN_SHARE:
            found.append(name)
    return tuple(found)


def _complete(sample: Sample, variables: Sequence[str]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite([_values(sample, name) for name in variables]).all(axis=0))


def _standard(samples: Iterable[Sample], variables: Sequence[str]) -> _Standard:
    values = [[_values(sample, name) for name in variables] for sample in samples]
    mean = np.mean([[column.mean() for column in columns] for columns in values], axis=0)
    sd = np.min([[column.std() for column in columns] for columns in values], axis=0)
    return _Standard(tuple(variables), mean, sd)


def _panel(sample: Sample, everybody: Labels, standard: _Standard) -> CountStatistic:
    about = scores.scales(sample)
    columns, features = scores.columns(sample, about), standard.features(sample)
    chosen = [scores.score_names(sample.target.id).index(name) for name in STANDARDISED]
    whole = balance(np.ones((1, len(sample))), features)
    start = multipliers_of(features, whole[0]) if np.isfinite(whole).all() else None
    enough = effective_number(whole[0]) >= FEWEST_PEOPLE

    def compute(counts: Floats) -> Floats:
        if not enough:
            return np.full((len(counts), len(STANDARDISED)), np.nan)
        weights = balance(counts[:, sample.group], features, start) * len(sample)
        sums = matmul(np.where(np.isfinite(weights), weights, 0), columns.T)
        return scores.scores(sums, about)[:, chosen]

    def effects() -> Floats:
        """A unit that counts once more moves the weights of all: each sum by what the features leave of its column."""
        weights = whole[0]
        centred = columns - (columns @ weights)[:, None]
        slopes = np.linalg.lstsq(features.T @ (weights[:, None] * features), features.T @ (weights * centred).T)[0]
        moved = scores.per_patient(sample, weights * (centred - (features @ slopes).T)) * len(sample)
        sums = (columns @ weights) * len(sample)
        both = [scores.scores(sums + sign * moved, about)[:, chosen] for sign in (1, -1)]
        return np.asarray((both[0] - both[1]) / 2)

    in_pool = np.searchsorted(everybody, sample.patients)
    needs = (_NO_GROUND,) * len(STANDARDISED)
    return CountStatistic(in_pool, STANDARDISED, needs, compute, effects=effects if enough else None)


def _weighted(
    name: str, sample: Sample, weights: Floats, left_out: int, found: Mapping[str, Estimate]
) -> WeightedCohort:
    reached = bool(np.isfinite(weights).all())
    who = sample.patients[sample.group]
    shown = weights if reached else np.empty(0)
    return WeightedCohort(
        name, who, shown, len(sample), left_out, effective_number(weights), MappingProxyType(dict(found))
    )  # fmt: skip


def _balance(name: str, sample: Sample, weights: Floats, standard: _Standard, k: int) -> Balance:
    values = _values(sample, standard.variables[k])
    mean, sd = float(standard.mean[k]), float(standard.sd[k])
    before = (float(values.mean()), float(values.std()))
    if standard.variables[k] == "sex":
        sd = float(np.sqrt(mean * (1 - mean)))
    if not np.isfinite(weights).all():
        return Balance(name, standard.variables[k], *before, None, None, mean, sd)
    weighted = float(np.average(values, weights=weights))
    spread = float(np.sqrt(np.average((values - weighted) ** 2, weights=weights)))
    return Balance(name, standard.variables[k], *before, weighted, spread, mean, sd)


def _differences(
    target: str, cohorts: Sequence[WeightedCohort], drawn: Mapping[str, Floats], draws: Draws
) -> list[Difference]:
    found = []
    for a, b in combinations(cohorts, 2):
        for k, score in enumerate(STANDARDISED):
            value = difference_of(a.estimates[score].value, b.estimates[score].value)
            contrast = wald(value, drawn[a.name][:, k] - drawn[b.name][:, k], draws)
            found.append(difference((target, score, a.name, b.name), contrast, NO_EFFECT, value))
    return found
