"""Change over time: whether predictions move as measured values do within a person, and how far they repeat.

* Correlation within people: of deviations from each person's own means (Bland & Altman 1995,
  doi:10.1136/bmj.310.6977.446; rmcorr, Bakdash & Marusich 2017, doi:10.3389/fpsyg.2017.00456), with the slopes of the
  same deviations.
* Limits of agreement of repeated measurements whose true value varies: the variance of a difference is that between
  people plus that within, from one-way analysis of variance (Bland & Altman 2007,
  doi:10.1080/10543400701329422); a negative component counts as 0.
* Repeatability: photographs of one eye at one visit differ by the standard deviation within, and 95 % of pairs by no
  more than 1.96 sqrt(2) of it; ICC(1,1) from the same analysis of variance (McGraw & Wong 1996).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Cell, Estimate, Rule
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.sample import Sample, sort_rows, unit_of_each, units, units_of_analysis
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.scores import LIMITS_OF_AGREEMENT, divide, per_patient
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.targets import target as find_target

_NO_CHANGE = "no two people have measured and predicted values at two visits, or nothing changes"
_NO_REPEAT = "no two people have two photographs of one eye at one visit, or nothing varies"


_PLAIN, _LOG = Rule(count=3), Rule(scale="log", count=3)
_OF_CHANGE = (Rule(scale="z", count=3), _PLAIN, _PLAIN, _LOG, _LOG, _PLAIN)
_LIMIT = Rule("limits", count=1, centre="repeated_bias")
_OF_AGREEMENT = (Rule(count=1), Rule(scale="log", count=1), Rule(scale="log", count=1), _LIMIT, _LIMIT)
_OF_REPEATS = (Rule(scale="log", count=1), Rule(scale="log", count=1), Rule(scale="z", count=1))


@dataclass(frozen=True, slots=True)
class Change:
    """Each step of a person from one visit to the next, and how predicted and measured change agree."""

    target: str
    """Target id."""
    unit: str
    """Of changes."""
    patient: Labels
    """Whose each of n steps is."""
    visit: Labels
    """At which visit each ends."""
    measured: Floats
    """Measured change, n."""
    predicted: Floats
    """Predicted change, n."""
    visits: int
    """Visits of people with two or more, those of the steps."""
    estimates: Mapping[str, Estimate]
    """By name."""

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per estimate; none where nobody has two visits."""
        head: dict[str, Cell] = {"target": self.target, "unit": self.unit}
        head |= {"people": len(np.unique(self.patient)), "visits": self.visits}
        return [{**head, "estimate": name, **each.as_json()} for name, each in self.estimates.items() if self.visits]


def change_over_time(table: CohortTable, target: str) -> Change:
    """Compare predicted with measured change within people, at the level of visits.

    Args:
        table: A row per photograph, with visits.
        target: Id of a number, not of a class.

    >>> from fundus_core.evaluation import from_values
    >>> who, visit = list("aabbcc"), ["1", "2"] * 3
    >>> y, p = [120, 130, 140, 138, 110, 120], [122, 127, 133, 131, 120, 126]
    >>> found = change_over_time(from_values("sbp", y, p, patient_id=who, visit=visit), "sbp")
    >>> found.measured.tolist(), found.predicted.tolist()
    ([10.0, -2.0, 10.0], [5.0, -2.0, 6.0])
    >>> round(found.estimates["change_r"].value, 3), found.estimates["change_mae"].value
    (0.99, 3.0)
    """
    of = find_target(target)
    sample = units_of_analysis(table, of, "visit")
    sample = units(sample, sample.visit != "")
    several = np.bincount(sample.group, minlength=len(sample.patients)) > 1
    seen = units(sample, several[sample.group])
    step = np.flatnonzero(seen.group[1:] == seen.group[:-1]) + 1
    found = estimated(_within(seen, step)) | estimated(_agreement(sample))
    measured, predicted = (values[step] - values[step - 1] for values in (seen.y, seen.p))
    who = seen.patients[seen.group][step]
    return Change(target, of.unit, who, seen.visit[step], measured, predicted, len(seen), found)


def _within(seen: Sample, step: Indices) -> SumStatistic:
    """Correlation and slopes of deviations from people's own means, and the errors of their steps."""
    y, p = (values - _means(seen, values) for values in (seen.y, seen.p))
    moved, error, ends = np.zeros(len(seen)), np.zeros(len(seen)), np.zeros(len(seen))
    moved[step] = seen.y[step] - seen.y[step - 1]
    error[step] = seen.p[step] - seen.p[step - 1] - moved[step]
    ends[step] = 1
    sums = per_patient(seen, np.array([y * y, p * p, y * p, ends, np.abs(error), np.abs(moved), error]))
    names = ("change_r", "change_slope", "change_response", "change_mae", "change_mae_null", "change_bias")
    return SumStatistic(np.arange(len(seen.patients)), names, (_NO_CHANGE,) * 6, sums, _of_deviations, rules=_OF_CHANGE)


def _of_deviations(sums: Floats) -> Floats:
    yy, pp, yp, steps, error, moved, bias = sums.T
    floor = 1e-12
    r = divide(yp, np.sqrt(yy * pp), floor)
    return np.column_stack(
        [r, divide(yp, pp, floor), divide(yp, yy, floor), *(divide(each, steps) for each in (error, moved, bias))]
    )


def _agreement(sample: Sample) -> SumStatistic:
    """Limits of agreement of all visits, from the variance of differences between and within people."""
    count = np.bincount(sample.group, minlength=len(sample.patients)).astype(np.float64)
    centre = sample.error.mean() if len(sample) else 0.0
    error = sample.error - centre
    total, square = per_patient(sample, np.array([error, error**2])).T
    sums = np.column_stack([np.ones_like(count), count, count**2, total, divide(total**2, count), square])
    names = ("repeated_bias", "repeated_sd_within", "repeated_sd_between", "repeated_loa_low", "repeated_loa_high")

    def finish(drawn: Floats) -> Floats:
        mean, within, between = _components(drawn)
        bias, reach = centre + mean, LIMITS_OF_AGREEMENT * np.sqrt(within + between)
        return np.column_stack([bias, np.sqrt(within), np.sqrt(between), bias - reach, bias + reach])

    return SumStatistic(np.arange(len(count)), names, (_NO_CHANGE,) * 5, sums, finish, rules=_OF_AGREEMENT)


def _components(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean, and variance within and between groups, from one-way analysis of variance."""
    groups, n, squares, total, between, square = sums.T
    mean = divide(total, n)
    within = np.maximum(divide(square - between, n - groups), 0)
    usual = divide(n**2 - squares, (groups - 1) * n)
    among = divide(divide(between - n * mean**2, groups - 1) - within, usual)
    return mean, within, np.maximum(among, 0)


def _means(sample: Sample, values: Floats) -> Floats:
    """Return the mean of each unit's person."""
    count = np.bincount(sample.group, minlength=len(sample.patients))
    return np.asarray(
        (np.bincount(sample.group, weights=values, minlength=len(count)) / np.maximum(count, 1))[sample.group]
    )


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How far predictions of one eye at one visit differ; no truth is needed."""

    target: str
    """Target id."""
    unit: str
    """Of differences."""
    people: int
    """Who have such photographs."""
    repeated: int
    """Eyes at a visit with two photographs or more."""
    photographs: int
    """Their photographs."""
    estimates: Mapping[str, Estimate]
    """By name."""

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per estimate; none where no eye was photographed twice."""
        head: dict[str, Cell] = {"target": self.target, "unit": self.unit, "people": self.people}
        head |= {"repeated": self.repeated, "n_photographs": self.photographs}
        return [{**head, "estimate": name, **each.as_json()} for name, each in self.estimates.items() if self.repeated]


def repeatability(table: CohortTable, target: str) -> Repeatability:
    """Compare the predictions of photographs of one eye at one visit; an eye that nobody knows is left out.

    Args:
        table: A row per photograph.
        target: Id of a number, not of a class.

    >>> from fundus_core.evaluation import from_values
    >>> p, who = [120, 124, 140, 138, 131, 131], list("aabbcc")
    >>> found = repeatability(from_values("sbp", [0] * 6, p, patient_id=who, eye=["left"] * 6), "sbp")
    >>> round(found.estimates["repeat_sd"].value, 3)
    1.826
    """
    of, ordered = find_target(target), sort_rows(table)
    values = ordered.predicted.get(target, np.full(len(ordered), np.nan))
    usable = np.flatnonzero((ordered.status == Status.PREDICTED.value) & np.isfinite(values) & (ordered.eye != ""))
    who = ordered.patient_id[usable]
    group = unit_of_each(ordered, usable, "eye")
    count = np.bincount(group)
    first = np.searchsorted(group, np.arange(len(count)))
    centre = values[usable].mean() if len(usable) else 0.0
    several = np.flatnonzero(count > 1)
    people, owner = np.unique(who[first][several], return_inverse=True)
    m = count[several].astype(np.float64)
    total, square = (_sums(group, (values[usable] - centre) ** power)[several] for power in (1, 2))
    columns = (np.ones_like(m), m, m**2, total, divide(total**2, m), square)
    each = [np.bincount(owner, weights=column, minlength=len(people)) for column in columns]
    sums = np.column_stack(each).astype(np.float64)
    names = ("repeat_sd", "repeat_coefficient", "repeat_icc")
    panel = SumStatistic(np.arange(len(people)), names, (_NO_REPEAT,) * 3, sums, _repeats, rules=_OF_REPEATS)
    return Repeatability(target, of.unit, len(people), len(several), int(m.sum()), estimated(panel))


def _sums(group: Indices, values: Floats) -> Floats:
    return np.bincount(group, weights=values).astype(np.float64)


def _repeats(sums: Floats) -> Floats:
    groups, n, squares, total, between, square = sums.T
    within = np.maximum(divide(square - between, n - groups), 0)
    among = divide(between - divide(total**2, n), groups - 1)
    usual = divide(n**2 - squares, (groups - 1) * n)
    icc = divide(among - within, among + (usual - 1) * within, 1e-12)
    return np.column_stack([np.sqrt(within), LIMITS_OF_AGREEMENT * np.sqrt(2 * within), icc])
