"""One target at one site: each estimate with the scale that it is pooled on, and its standard error there.

The scale is the one on which the house makes the estimate's interval, as meta-analyses of validation studies choose
them (Snell 2018, doi:10.1177/0962280217705678; Debray 2017, doi:10.1136/bmj.i6460): the logarithm of errors, SDs and
their ratios, Fisher's z of correlations, the log odds of shares and of an AUC, minus the logarithm of 1 - R² for R²,
and bias, limits, slope and intercept as they are. Standard errors are the jackknife's over people on that scale; of
log odds, that of the share over p (1 - p). A share of 0 or 1 gets half an observation with and half one without the
event first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fundus_core.evaluation.intervals.bootstrap import Statistics, SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule, Scale, onto
from fundus_core.evaluation.intervals.jackknife_intervals import effective_people, jackknife_error
from fundus_core.evaluation.observations.sample import Level, Sample
from fundus_core.evaluation.one_cohort.bootstrap_scores import score_alone
from fundus_core.evaluation.one_cohort.statistics import statistics_of
from fundus_core.records import Floats

_NOTHING = 1e-10
"""Standard errors this small, of the value or of 1, are rounding: nothing varies."""


@dataclass(frozen=True, slots=True)
class AtSite:
    """One estimate at one site."""

    estimate: Estimate
    """As the site reports it."""
    scale: Scale
    """On which it is pooled."""
    scaled: float | None
    """Its value there; ``None`` where it cannot be pooled, and the estimate's note says why."""
    error: float | None
    """Its standard error there, above zero."""


@dataclass(frozen=True, slots=True)
class TargetAtSite:
    """One target at one site."""

    target: str
    """Its id."""
    level: Level
    """What one observation is."""
    n_photographs: int
    """Photographs with a measured and a predicted value."""
    n_patients: int
    """People they show."""
    n: int
    """Observations."""
    estimates: Mapping[str, AtSite]
    """By name."""


def at_site(sample: Sample) -> TargetAtSite:
    """Measure one target at one site.

    Args:
        sample: Its observations.

    >>> from fundus_core.evaluation import from_values, units_of_analysis
    >>> from fundus_core.targets import target
    >>> y, p = np.arange(100.0, 120.0), np.arange(100.0, 120.0) + np.tile([2.0, -4.0], 10)
    >>> found = at_site(units_of_analysis(from_values("sbp", y, p), target("sbp"), "patient")).estimates["mae"]
    >>> found.scale, round(found.scaled, 4), round(found.error, 4)  # log 3, and nearly SD / (3 sqrt 20)
    ('log', 1.0986, 0.0765)
    """
    found = score_alone(sample, ranked=sample.target.binary).estimates
    made = {name: _placed(found[name], place) for name, place in _places(sample)}
    people = len(sample.patients)
    return TargetAtSite(
        sample.target.id, sample.level, sample.n_photographs, people, len(sample), MappingProxyType(made)
    )


def moved_without_each(sample: Sample) -> Mapping[str, Floats]:
    """Return every estimate without each person (or block of people), on the scale that it is pooled on.

    Args:
        sample: A target's observations.
    """
    return {name: _moved(place) for name, place in _places(sample)}


@dataclass(frozen=True, slots=True)
class _Place:
    """A statistic, its values without each person, and how many observations of each stand behind it."""

    rule: Rule
    scale: Scale
    value: float
    without: Floats
    counts: Floats


def _places(sample: Sample) -> Iterator[tuple[str, _Place]]:
    for panel in statistics_of(sample, sample.patients, ranked=sample.target.binary):
        if len(panel.people) < 2:
            nothing = np.empty((0, len(panel.names)))
            point = panel.point() if len(panel.people) else np.full(len(panel.names), np.nan)
        else:
            point, nothing = panel.point(), panel.without_each()
        for k, name in enumerate(panel.names):
            rule = panel.rules[k] if panel.rules else Rule()
            odds = rule.way == "share" or name == "auc"
            yield (
                name,
                _Place(rule, "logit" if odds else rule.scale, float(point[k]), nothing[:, k], _counts(panel, rule)),
            )


def _counts(panel: Statistics, rule: Rule) -> Floats:
    behind = panel.sums[:, rule.count] if isinstance(panel, SumStatistic) else np.ones(len(panel.people))
    return np.asarray(behind, dtype=np.float64)


def _placed(estimate: Estimate, place: _Place) -> AtSite:
    """Return an estimate on its scale; one without an interval has no standard error that could be relied on."""
    if estimate.value is None or estimate.low is None:
        return AtSite(estimate, place.scale, None, None)
    scaled, error = _ends_of_range(place) if place.scale == "logit" and place.value in (0, 1) else _inside(place)
    usable = np.isfinite(scaled) and np.isfinite(error) and error > _NOTHING * max(abs(scaled), 1.0)
    return AtSite(estimate, place.scale, float(scaled) if usable else None, float(error) if usable else None)


def _moved(place: _Place) -> Floats:
    if place.scale != "logit":
        return onto(place.scale, place.without)
    spread = place.value * (1 - place.value)
    return place.without / spread if spread > 0 else np.full(len(place.without), np.nan)


def _inside(place: _Place) -> tuple[float, float]:
    return float(onto(place.scale, np.array([place.value]))[0]), jackknife_error(_moved(place))


def _ends_of_range(place: _Place) -> tuple[float, float]:
    """A share of 0 or 1 on the log odds; an area of 1 has no place there."""
    if place.rule.way != "share":
        return np.nan, np.nan
    worth = effective_people(place.counts)
    with_it, without_it = place.value * worth + 0.5, (1 - place.value) * worth + 0.5
    return float(np.log(with_it / without_it)), float(np.sqrt(1 / with_it + 1 / without_it))
