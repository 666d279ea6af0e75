"""Is a probability of a criterion calibrated: intercept, slope, the observed share by tenth, and what follows of it.

The rule by which calibration counts as shown, stated before any data: at least 100 complete cases with and 100 without
the criterion (Collins, Ogundimu & Altman 2016, doi:10.1002/sim.6787), an interval of the calibration intercept that
holds 0, and one of the slope that holds 1 (Van Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005). Nowhere else
is the probability recommended.
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import CountStatistic, SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule
from fundus_core.evaluation.intervals.intervals import few_events
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.one_cohort.binary import CALIBRATION_NEEDS, recalibration_effects, recalibrations
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.evaluation.one_cohort.scores import divide
from fundus_core.records import Floats

CALIBRATION = ("calibration_intercept", "calibration_slope")
"""Estimates of it."""

FEWEST_OF_EACH = 100
"""Complete cases with, and without, the criterion, below which calibration cannot be shown."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """People of similar probability."""

    lowest: float
    """Smallest probability among them."""
    highest: float
    """Largest probability among them."""
    people: int
    """How many they are."""
    expected: float
    """Mean probability."""
    observed: Estimate
    """Share of them who meet the criterion by measured values."""


def calibration(y: Floats, p: Floats) -> CountStatistic:
    """Return calibration intercept and slope of n probabilities of people who meet a criterion (1) or not (0)."""
    everyone = np.arange(len(y))
    few = few_events(y, everyone) if len(y) else ""
    if few:
        nothing = CountStatistic(everyone, CALIBRATION, (few,) * 2, lambda counts: np.full((len(counts), 2), np.nan))
        return nothing
    rules = (Rule(related=True),) * 2
    return CountStatistic(
        everyone,
        CALIBRATION,
        (CALIBRATION_NEEDS,) * 2,
        lambda counts: recalibrations(counts, y, p),
        rules=rules,
        effects=lambda: recalibration_effects(y, p),
    )


def tenths(y: Floats, p: Floats, bins: int = 10) -> tuple[Tenth, ...]:
    """Return the observed share by rising probability; ties share a group, none is empty.

    >>> [(each.people, each.expected) for each in tenths(np.array([0.0, 1, 0, 1]), np.array([0.1, 0.1, 0.8, 0.8]), 2)]
    [(2, 0.1), (2, 0.8)]
    """
    place = equal_counts(p, bins)
    number = int(place.max(initial=-1)) + 1
    member = (place[:, None] == np.arange(number)).astype(np.float64)
    sums, names = np.concatenate([member, member * y[:, None]], axis=1), tuple(map(str, range(number)))

    def finish(s: Floats) -> Floats:
        return divide(s[:, number:], s[:, :number])

    rules = tuple(Rule("share", count=k, related=True) for k in range(number))
    found = estimated(SumStatistic(np.arange(len(y)), names, ("nobody is in it",) * number, sums, finish, rules=rules))
    return tuple(_tenth(p[place == k], found[names[k]]) for k in range(number))


def _tenth(p: Floats, observed: Estimate) -> Tenth:
    return Tenth(float(p.min()), float(p.max()), len(p), float(p.mean()), observed)


def verdict(y: Floats, intercept: Estimate, slope: Estimate) -> tuple[bool, str]:
    """Return whether calibration was shown, and what follows in words.

    Args:
        y: n complete cases: 1 who meets the criterion, 0 who does not.
        intercept: Calibration intercept.
        slope: Calibration slope.
    """
    why = [*_few(y), *_off(intercept, 0.0, "calibration intercept"), *_off(slope, 1.0, "calibration slope")]
    if why:
        return False, say("Calibration was not shown: {why:;}. The probability is not recommended.", why=why)
    return True, say("Calibration was shown in this cohort: the probability is preferred to cutting the predictions.")


def _few(y: Floats) -> list[str]:
    with_, without = int(y.sum()), int(len(y) - y.sum())
    if min(with_, without) >= FEWEST_OF_EACH:
        return []
    return [
        say(
            "{with_:,} complete {with_:case meets|cases meet} the criterion and {without:,} {without:does|do} not, "
            "it takes {fewest} of each",
            with_=with_,
            without=without,
            fewest=FEWEST_OF_EACH,
        )
    ]


def _off(found: Estimate, ideal: float, name: str) -> list[str]:
    if found.low is None or found.high is None:
        return [say("{name} has no interval", name=say(name))]
    if found.low <= ideal <= found.high:
        return []
    return [
        say(
            "{name} {value:.2f} ({low:.2f} to {high:.2f}) differs from {ideal:g}",
            name=say(name),
            value=found.value,
            low=found.low,
            high=found.high,
            ideal=ideal,
        )
    ]
