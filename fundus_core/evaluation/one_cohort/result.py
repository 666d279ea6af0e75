"""What an evaluation says: per target the numbers, their intervals and what they were computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fundus_core.evaluation.intervals.estimate import Cell, Estimate
from fundus_core.evaluation.observations.sample import Level

METRICS_VERSION = 3
"""Of ``metrics.json``: in 3 ``coverage`` and ``interval_width`` are of the level's observations, a mean of several
photographs with the interval that fits it (in 2 of photographs, or of the mean of their intervals). In 2
``mae_age_sex`` is a median regression with a curve for each sex (in 1, which says no version, a straight line),
``mae_median`` and ``mae_over_median`` stand beside ``mae_null``, and intervals are each estimate's own."""


@dataclass(frozen=True, slots=True)
class TargetResult:
    """Every estimate of one target."""

    target: str
    """Its id."""
    unit: str
    """Unit of errors and values; empty for a probability."""
    n_photographs: int
    """Photographs with a measured and a predicted value."""
    n_patients: int
    """People they show."""
    n: int
    """Observations at the evaluation's level."""
    estimates: Mapping[str, Estimate]
    """By name: those of ``metrics.json`` first."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One cohort under one model."""

    level: Level
    """What one observation is."""
    seed: int
    """Of the bootstrap."""
    draws: int
    """Of the bootstrap."""
    targets: Mapping[str, TargetResult]
    """By target id, in the order of :data:`fundus_core.targets.TARGETS`."""

    def as_json(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds; only numbers, words and ``None`` inside."""
        return {
            "version": METRICS_VERSION,
            "level": self.level,
            "seed": self.seed,
            "draws": self.draws,
            "targets": {
                name: {
                    "unit": result.unit,
                    "n_photographs": result.n_photographs,
                    "n_patients": result.n_patients,
                    "n": result.n,
                    **{key: estimate.as_json() for key, estimate in result.estimates.items()},
                }
                for name, result in self.targets.items()
            },
        }

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per target and estimate, for tables and CSV files."""
        return [
            {
                "target": result.target,
                "unit": result.unit,
                "level": self.level,
                "n_photographs": result.n_photographs,
                "n_patients": result.n_patients,
                "n": result.n,
                "estimate": name,
                **estimate.as_json(),
            }
            for result in self.targets.values()
            for name, estimate in result.estimates.items()
        ]
