"""Who is in each cohort, before any error is compared: the case mix.

A table one, standardised mean differences and the overlap of distributions. Two cohorts that hardly overlap cannot be
compared by any weighting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fundus_core.evaluation.observations.grouping import MOST_WORDS, NOT_STATED
from fundus_core.evaluation.observations.person_means import per_person
from fundus_core.evaluation.observations.sample import person_ids
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.targets import TARGETS

_GRID = 512


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One line of a table one, for one cohort."""

    cohort: str
    """Whose."""
    variable: str
    """``photographs``, ``people``, a target's id, ``quality`` or a covariate."""
    category: str
    """Of a categorical variable; empty otherwise."""
    unit: str
    """Of mean and SD."""
    n: int
    """People (or photographs, for counts, quality and covariates) with a value, or in the category."""
    missing: int | None
    """Those without a value; ``None`` where a site does not tell."""
    mean: float | None
    """Mean of a number."""
    sd: float | None
    """Standard deviation (1/(n-1)) of a number."""
    share: float | None
    """Of a category, among those with a value; 0 to 1."""


def table_one(cohorts: Mapping[str, CohortTable]) -> tuple[Characteristic, ...]:
    """Describe cohorts side by side.

    Numbers that belong to a person (truth) are averaged per person first; quality and covariates count photographs.
    """
    return tuple(line for name, table in cohorts.items() for line in _describe(name, table))


def _describe(name: str, table: CohortTable) -> Iterator[Characteristic]:
    who = person_ids(table)
    seen = table.eye != ""
    eyes = len(np.unique(np.char.add(np.char.add(who[seen], "\n"), table.eye[seen])))
    yield _count(name, "photographs", len(table), 0)
    for status in Status:
        yield _count(name, status.value, int((table.status == status.value).sum()), 0)
    yield _count(name, "people", len(np.unique(who)), 0)
    yield _count(name, "eyes", eyes, int((~seen).sum()))
    for target in TARGETS.values():
        if target.id in table.truth:
            unit = target.unit or f"share {target.said(1)}"
            yield _number(name, target.id, unit, per_person(table, table.truth[target.id]))
    yield _number(name, "quality", "", table.quality)
    for covariate, words in table.covariates.items():
        yield from _categories(name, covariate, words)


def _count(cohort: str, variable: str, n: int, missing: int) -> Characteristic:
    return Characteristic(cohort, variable, "", "", n, missing, None, None, None)


def _number(cohort: str, variable: str, unit: str, values: Floats) -> Characteristic:
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else None
    sd = float(known.std(ddof=1)) if len(known) > 1 else None
    return Characteristic(cohort, variable, "", unit, len(known), len(values) - len(known), mean, sd, None)


def _categories(cohort: str, variable: str, words: Labels) -> Iterator[Characteristic]:
    stated = words[(words != "") & (words != NOT_STATED)]
    names, counts = np.unique(stated, return_counts=True)
    missing = len(words) - len(stated)
    if len(names) > MOST_WORDS:
        yield _count(cohort, variable, len(stated), missing)
        return
    for category, n in zip(names.tolist(), counts.tolist(), strict=True):
        yield Characteristic(cohort, variable, category, "", n, missing, None, None, n / len(stated))


@dataclass(frozen=True, slots=True)
class Imbalance:
    """How far two cohorts differ in one variable."""

    variable: str
    """A target's id, ``quality`` or a covariate."""
    first: str
    """Name of one cohort."""
    second: str
    """Name of the other."""
    smd: float | None
    """Standardised mean difference, first minus second; without sign for a covariate of several categories."""
    sd_ratio: float | None
    """Standard deviation of the first over that of the second: below 1 its errors look smaller by themselves."""
    overlap: float | None
    """Shared area of both distributions, 0 to 1, for numbers."""
    note: str
    """Why something is missing."""


def imbalance(cohorts: Mapping[str, CohortTable]) -> tuple[Imbalance, ...]:
    """Compare every pair of cohorts in every truth, quality and covariate that both have.

    For numbers, (m1 - m2) / sqrt((s1² + s2²) / 2); 0.1 is often taken as negligible (Austin 2009,
    doi:10.1002/sim.3697). For categories, the Mahalanobis distance of their shares (Yang & Dalton 2012, SAS Global
    Forum, paper 335).
    """
    found = []
    for (first, a), (second, b) in combinations(cohorts.items(), 2):
        for target in TARGETS:
            if target in a.truth and target in b.truth:
                x, y = per_person(a, a.truth[target]), per_person(b, b.truth[target])
                found.append(_numbers(target, first, second, x, y))
        found.append(_numbers("quality", first, second, a.quality, b.quality))
        for covariate in a.covariates.keys() & b.covariates.keys():
            smd = categorical_smd(a.covariates[covariate], b.covariates[covariate])
            note = "" if smd is not None else "one cohort has no value"
            found.append(Imbalance(covariate, first, second, smd, None, None, note))
    return tuple(found)


def _numbers(variable: str, first: str, second: str, x: Floats, y: Floats) -> Imbalance:
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    if min(len(x), len(y)) < 2:
        return Imbalance(variable, first, second, None, None, None, "fewer than two values in a cohort")
    spread, other = float(x.std(ddof=1)), float(y.std(ddof=1))
    if not spread + other > 0:
        return Imbalance(variable, first, second, None, None, None, "every value is the same")
    smd = float((x.mean() - y.mean()) / np.sqrt((spread**2 + other**2) / 2))
    ratio = spread / other if other > 0 else None
    return Imbalance(variable, first, second, smd, ratio, overlap(x, y), "")


def categorical_smd(first: Labels, second: Labels) -> float | None:
    """Return the distance of two sets of shares; ``None`` where one is empty.

    >>> categorical_smd(np.array(["a", "b"]), np.array(["b", "a"]))
    0.0
    """
    first, second = first[first != ""], second[second != ""]
    if not len(first) or not len(second):
        return None
    names = np.unique(np.concatenate([first, second]))
    p, q = (np.array([(words == name).mean() for name in names[1:]]) for words in (first, second))
    covariance = sum((np.diag(share) - np.outer(share, share)) / 2 for share in (p, q))
    return float(np.sqrt((p - q) @ np.linalg.pinv(covariance, hermitian=True) @ (p - q))) if len(names) > 1 else 0.0


def overlap(first: Floats, second: Floats) -> float:
    """Return the area that two densities share, from 0 (apart) to 1 (the same).

    Kernel densities on a common grid, each with Silverman's bandwidth (1986, equation 3.31).

    >>> overlap(np.arange(50.0), np.arange(50.0) + 1000)
    0.0
    >>> round(overlap(np.arange(50.0), np.arange(50.0)), 3)
    1.0
    """
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    if not high > low:
        return 1.0
    from scipy.ndimage import gaussian_filter1d  # only who compares cohorts waits for it

    widths = [_bandwidth(values) for values in (first, second)]
    pad = max(5 * max(widths), (high - low) / 100)
    edges = np.linspace(low - pad, high + pad, _GRID + 1)
    step = edges[1] - edges[0]
    densities = [
        gaussian_filter1d(np.histogram(values, edges)[0] / len(values), max(width / step, 0.5), mode="constant")
        for values, width in zip((first, second), widths, strict=True)
    ]
    return float(min(np.minimum(*densities).sum(), 1.0))


def _bandwidth(values: Floats) -> float:
    """Silverman's rule of thumb; 0 for a constant."""
    quartiles = np.quantile(values, [0.25, 0.75])
    spreads = [s for s in (values.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.34) if s > 0]
    return float(0.9 * min(spreads, default=0.0) * len(values) ** -0.2)
