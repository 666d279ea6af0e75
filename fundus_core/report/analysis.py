"""Everything that is computed about one cohort beyond its scores: once, for the tables and for the report alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from fundus_core.evaluation import (
    QUANTILES,
    BetweenEyes,
    Bins,
    CalibrationCurve,
    Cell,
    CriterionAssessment,
    Difference,
    ErrorDistribution,
    Evaluation,
    Subgroups,
    against_baselines,
    assess_all,
    between_eyes,
    bootstrap_population,
    deciles,
    draws_for,
    error_distribution,
    reliability,
    rows,
    smooth_calibration,
    subgroups,
)
from fundus_core.records import CohortTable
from fundus_core.targets import TARGETS

Rows = Sequence[Mapping[str, Cell]]
"""A table as it is exported; every row has the same columns."""

MOST_GROUPS = 8
"""A column with more different words is a name or a date, not a group."""
_ALWAYS = ("sex", "age", "eye", "quality", "out_of_distribution")
"""Columns that every cohort is cut by, where it has them."""


@dataclass(frozen=True, slots=True)
class OfTarget:
    """One target."""

    groups: tuple[Subgroups, ...]
    """Per column that cuts the cohort in two groups or more."""
    bins: Bins
    """Truth along the prediction: tenths of the people, or of the probability."""
    curve: CalibrationCurve
    """The same without groups."""
    errors: ErrorDistribution | None
    """How errors are distributed; ``None`` for a probability."""
    eyes: BetweenEyes
    """Agreement of the right and the left eye."""
    baselines: tuple[Difference, ...]
    """The model against predicting the mean, and against age and sex; empty for a probability."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One cohort."""

    targets: Mapping[str, OfTarget]
    """By target id."""
    criteria: tuple[CriterionAssessment, ...]
    """Clinical criteria whose targets were measured and predicted."""


def analyse(table: CohortTable, made: Evaluation) -> Analysis:
    """Compute what a report shows beyond the scores, at their level and with their seed.

    Args:
        table: Readings and truth.
        made: The scores.
    """
    made = replace(made, draws=draws_for(len(bootstrap_population(table)), made.draws))
    targets = {name: _of_target(table, name, made) for name in made.targets}
    return Analysis(MappingProxyType(targets), assess_all(table, seed=made.seed, draws=made.draws))


def _of_target(table: CohortTable, name: str, made: Evaluation) -> OfTarget:
    binary = TARGETS[name].binary
    cut = reliability if binary else deciles
    cuts = (
        subgroups(table, by, name, level=made.level, seed=made.seed, draws=made.draws) for by in _columns(table)
    )  # fmt: skip
    return OfTarget(
        groups=tuple(each for each in cuts if len(each.groups) > 1),
        bins=cut(table, name, level=made.level, seed=made.seed, draws=made.draws),
        curve=smooth_calibration(table, name, level=made.level, seed=made.seed, draws=made.draws),
        errors=None if binary else error_distribution(table, name, level=made.level),
        eyes=between_eyes(table, name, seed=made.seed, draws=made.draws),
        baselines=() if binary else against_baselines(table, name, level=made.level, seed=made.seed, draws=made.draws),
    )


def _columns(table: CohortTable) -> list[str]:
    """Columns to cut by: those that always are, and covariates of a few different words."""
    known = [name for name in _ALWAYS if name in ("eye", "quality", "out_of_distribution") or name in table.truth]
    few = [name for name, words in table.covariates.items() if 2 <= len(np.unique(words[words != ""])) <= MOST_GROUPS]
    return known + [name for name in few if name not in known]


def tables(found: Analysis) -> dict[str, Rows]:
    """Return every table by the name of its file; a cohort without something has an empty one."""
    per_target = found.targets.items()
    return {
        "subgroups": [row for _, each in per_target for group in each.groups for row in group.rows()],
        "subgroup_differences": [
            {"by": group.by, **row}
            for _, each in per_target
            for group in each.groups
            for row in rows(group.differences)
        ],
        "calibration": [row for _, each in per_target for row in _bins(each.bins)],
        "calibration_curve": [row for _, each in per_target for row in _curve(each.curve)],
        "errors": [row for _, each in per_target if each.errors is not None for row in _errors(each.errors)],
        "eyes": [row for _, each in per_target for row in _eyes(each.eyes)],
        "baselines": [row for _, each in per_target for row in rows(each.baselines)],
        "criteria": [row for each in found.criteria for row in each.rows()],
    }


def _bins(found: Bins) -> Iterator[dict[str, Cell]]:
    for row in rows(found.bins):
        yield {"target": found.target, "unit": found.unit, "along": found.along, **row}


def _curve(found: CalibrationCurve) -> Iterator[dict[str, Cell]]:
    columns = zip(found.predicted, found.measured, found.low, found.high, strict=True)
    for values in columns:
        numbers = dict(zip(("predicted", "measured", "measured_low", "measured_high"), map(float, values), strict=True))
        yield {"target": found.target, "unit": found.unit, **numbers, "method": found.method}


def _errors(found: ErrorDistribution) -> Iterator[dict[str, Cell]]:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        yield {**head, "kind": "bar", "from": float(low), "to": float(high), "value": int(count)}
    for share, value in zip(QUANTILES, found.quantiles, strict=False):
        yield {**head, "kind": f"quantile {share:g}", "from": None, "to": None, "value": float(value)}


EYES = ("icc", "mean_absolute_difference", "bias", "loa_low", "loa_high")
"""Estimates of the agreement of two eyes (right minus left)."""


def _eyes(found: BetweenEyes) -> Iterator[dict[str, Cell]]:
    for name in EYES if len(found.patient) else ():
        head: dict[str, Cell] = {"target": found.target, "unit": found.unit, "people": len(found.patient)}
        yield {**head, "estimate": name, **getattr(found, name).as_json()}
