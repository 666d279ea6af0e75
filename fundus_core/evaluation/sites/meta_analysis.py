"""A target's estimates over sites: their mean, where a new site may lie, and the mean without each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation.intervals.estimate import Estimate, Scale, back
from fundus_core.evaluation.observations.sample import bootstrap_population
from fundus_core.evaluation.sites.pooling import FEWEST_FOR_NEW, FEWEST_SITES, Pooled, pool
from fundus_core.evaluation.sites.site_estimates import AtSite, TargetAtSite
from fundus_core.records import CohortTable, Floats

NOT_POOLED = ("mae_over_age_sex",)
"""Estimates that no site gives an interval."""

SCALES: Mapping[Scale, str] = {
    "plain": "on its own scale",
    "log": "on the logarithm",
    "z": "on the scale of Fisher's z",
    "rest": "on the logarithm of the unexplained share",
    "logit": "on the log odds",
}
"""On which estimates are pooled, in words."""


@dataclass(frozen=True, slots=True)
class SiteInMean:
    """One site's part in the mean over sites."""

    cohort: str
    """Its name."""
    n_patients: int
    """People."""
    estimate: Estimate
    """As the site reports it."""
    weight: float | None
    """In the mean, 0 to 1; ``None`` where it is left out."""
    without: Estimate
    """The mean of the other sites."""
    note: str
    """Why it is left out."""


@dataclass(frozen=True, slots=True)
class OverSites:
    """One estimate over sites."""

    target: str
    """Its id."""
    estimate: str
    """Its name."""
    sites: tuple[SiteInMean, ...]
    """Every site, those left out included."""
    mean: Estimate
    """Over sites like these; without a value where fewer than two could be pooled, and the note says why."""
    new_site: Estimate
    """The mean with the 95 % prediction interval of a new site."""
    tau: float | None
    """SD of sites' true values, on the scale that is pooled on."""
    i2: float | None
    """Share of the spread of sites' estimates that is no chance, 0 to 1."""
    q: float | None
    """Cochran's Q."""
    p: float | None
    """Of Q: for one value at all sites."""

    @property
    def pooled(self) -> int:
        """How many sites stand in the mean."""
        return sum(site.weight is not None for site in self.sites)


@dataclass(frozen=True, slots=True)
class AcrossSites:
    """One target over sites."""

    target: str
    """Its id."""
    found: tuple[OverSites, ...]
    """Each estimate; none where the sites were refused."""
    remarks: tuple[str, ...]
    """Why sites were refused, or left out as a whole."""


def over_sites(sites: Mapping[str, TargetAtSite]) -> tuple[OverSites, ...]:
    """Pool every estimate of one target over sites of different people.

    Args:
        sites: By name what each measured, two or more of the same target and level.
    """
    names = dict.fromkeys(name for site in sites.values() for name in site.estimates if name not in NOT_POOLED)
    return tuple(_one(name, sites) for name in names)


def not_independent(tables: Mapping[str, CohortTable], measured: Mapping[str, TargetAtSite]) -> str:
    """Say which sites are not of different people; empty where nothing shows it.

    Args:
        tables: By name the cohorts whose people are known.
        measured: By name what each site measured of a target.
    """
    who = {name: bootstrap_population(table) for name, table in tables.items()}
    for first, second in combinations(who, 2):
        people = len(np.intersect1d(who[first], who[second]))
        if people:
            return say(
                "not pooled: {first} and {second} share {people:,} {people:person|people}, and sites must be of "
                "different people",
                first=first,
                second=second,
                people=people,
            )
    for (first, a), (second, b) in combinations(measured.items(), 2):
        if _same_numbers(a, b):
            return say(
                "not pooled: {first} and {second} have the same numbers: one site twice", first=first, second=second
            )
    return ""


def other_level(site: str, level: str) -> str:
    """Say that a site counted something else as an observation.

    Args:
        site: Its name.
        level: Its level.
    """
    return say("{site} is left out: its observations are of another level ({level})", site=site, level=say(level))


def no_values(site: str) -> str:
    """Say that a site has nothing of a target.

    Args:
        site: Its name.
    """
    return say("{site} is left out: it has no measured and predicted values", site=site)


def _same_numbers(a: TargetAtSite, b: TargetAtSite) -> bool:
    both = [name for name in a.estimates.keys() & b.estimates.keys() if _has(a.estimates[name], b.estimates[name])]
    return len(both) > 2 and all(_equal(a.estimates[name], b.estimates[name]) for name in both)


def _has(*of: AtSite) -> bool:
    return all(each.scaled is not None for each in of)


def _equal(first: AtSite, second: AtSite) -> bool:
    return bool(
        np.allclose([first.scaled or 0.0, first.error or 0.0], [second.scaled or 0.0, second.error or 0.0], rtol=1e-7)
    )


def _one(name: str, sites: Mapping[str, TargetAtSite]) -> OverSites:
    found = {site: measured.estimates.get(name) for site, measured in sites.items()}
    used = {site: one for site, one in found.items() if one is not None and one.scaled is not None}
    target = next(iter(sites.values())).target
    if len(used) < FEWEST_SITES:
        reason = say(
            "not pooled: {pooled} of {sites} {sites:site|sites} can be; it takes {fewest}",
            pooled=len(used),
            sites=len(sites),
            fewest=FEWEST_SITES,
        )
        parts = tuple(_part(site, sites[site], one, None, Estimate(None)) for site, one in found.items())
        return OverSites(target, name, parts, Estimate(None, note=reason), Estimate(None), None, None, None, None)
    scale = next(iter(used.values())).scale
    values, errors = (np.array([_number(one, what) for one in used.values()]) for what in ("scaled", "error"))
    made = pool(values, errors)
    weights = dict(zip(used, made.weights.tolist(), strict=True))
    without = dict(zip(used, _without_each(values, errors, scale), strict=True))
    parts = tuple(
        _part(site, sites[site], one, weights.get(site), without.get(site, Estimate(None)))
        for site, one in found.items()
    )
    return OverSites(
        target, name, parts, mean_of(made, scale), _new_site(made, scale), made.tau, made.i2, made.q, made.p
    )


def _number(one: AtSite, what: str) -> float:
    value: float = getattr(one, what)
    return value


def mean_of(made: Pooled, scale: Scale) -> Estimate:
    """Return the mean over sites, brought back from its scale.

    Args:
        made: On the scale.
        scale: Which.
    """
    method = say("random effects (REML), Hartung-Knapp interval, {scale}", scale=say(SCALES[scale]))
    return Estimate(back(scale, made.mean), back(scale, made.low), back(scale, made.high), method)


def _new_site(made: Pooled, scale: Scale) -> Estimate:
    middle = back(scale, made.mean)
    if made.new_low is None or made.new_high is None:
        why = say("no prediction interval: it takes {fewest} sites", fewest=FEWEST_FOR_NEW)
        return Estimate(middle, note=why)
    return Estimate(middle, back(scale, made.new_low), back(scale, made.new_high))


def _without_each(values: Floats, errors: Floats, scale: Scale) -> Sequence[Estimate]:
    if len(values) <= FEWEST_SITES:
        return [Estimate(None) for _ in values]
    kept = [np.arange(len(values)) != at for at in range(len(values))]
    return [mean_of(pool(values[rest], errors[rest]), scale) for rest in kept]


def _part(name: str, site: TargetAtSite, one: AtSite | None, weight: float | None, without: Estimate) -> SiteInMean:
    estimate = one.estimate if one is not None else Estimate(None, note=say("not among this site's results"))
    reason = "" if weight is not None or (one is not None and one.scaled is not None) else _why(estimate)
    return SiteInMean(name, site.n_patients, estimate, weight, without, reason)


def _why(estimate: Estimate) -> str:
    return say("left out: {why}", why=say(estimate.note or "its standard error cannot be told on this scale"))
