"""How errors are distributed: many small ones, or a few that are large?"""

from dataclasses import dataclass

import numpy as np

from fundus_core.evaluation.observations.sample import check_level, units_of_analysis
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import target as find_target

MOST_BINS = 60
"""Bars of the histogram at most."""

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Quantiles that are listed."""


@dataclass(frozen=True, slots=True)
class ErrorDistribution:
    """Errors (prediction - truth) of one target."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    edges: Floats
    """Edges of the histogram, bars + 1; symmetric about zero; empty without data."""
    counts: Floats
    """Observations per bar."""
    quantiles: Floats
    """At :data:`QUANTILES`, linearly interpolated; empty without data."""


def error_distribution(table: CohortTable, target: str, *, level: str = "patient") -> ErrorDistribution:
    """Count errors in bars of equal width (Freedman & Diaconis 1981, doi:10.1007/BF01025868).

    Raises:
        UsageError: Unknown target or level.
    """
    of = find_target(target)
    sample = units_of_analysis(table, of, check_level(level))
    error = sample.error
    if len(error) == 0:
        nothing = np.empty(0)
        return ErrorDistribution(target, of.unit, nothing, nothing, nothing)
    edges = _edges(error)
    counts = np.histogram(error, edges)[0].astype(np.float64)
    return ErrorDistribution(target, of.unit, edges, counts, np.quantile(error, QUANTILES))


def _edges(error: Floats) -> Floats:
    reach = max(float(np.abs(error).max()) * (1 + 1e-9), 1e-9)
    quartiles = np.quantile(error, [0.25, 0.75])
    width = 2 * float(quartiles[1] - quartiles[0]) / len(error) ** (1 / 3)
    half = int(np.clip(np.ceil(reach / width), 1, MOST_BINS // 2)) if width > 0 else MOST_BINS // 2
    return np.linspace(-reach, reach, 2 * half + 1)
