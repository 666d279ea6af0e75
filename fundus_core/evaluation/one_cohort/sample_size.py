"""How many people a validation needs for an interval of a given width.

Large-sample formulas for one observation per person, for a 95 % interval of total width w (Archer 2021,
doi:10.1002/sim.8766; Riley 2024, doi:10.1136/bmj-2023-074821):

* MAE: standard error sd(|d|)/sqrt(n); for normal errors sd(|d|) = MAE sqrt(pi/2 - 1), for skewed ones that of a gamma
  distribution of the same skewness about its mean
* R²: standard error sqrt(4 R² (1 - R²)² / n) (Wishart 1931)
* slope of truth on prediction: standard error b sqrt((1 - r²) / (r² n)) for a slope b and a correlation r; r² = R² in a
  calibrated model
* mean over sites: Hartung-Knapp interval t(k - 1) sqrt((tau² + s²) / k) to each side, for a standard deviation tau
  between sites and a standard error s within each (IntHout 2014, doi:10.1186/1471-2288-14-25)
* equivalence: power 2 T(margin / se - t) - 1 of two one-sided t tests at 5 % where the true difference is 0 (Phillips
  1990, doi:10.1007/BF01063556)
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, stdtr, stdtrit

from fundus_core.errors import UsageError, say

_REACH = 2 * 1.959963984540054
"""Total width of a 95 % interval in standard errors."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer of the planner."""

    score: str
    """``mae``, ``r2``, ``slope``, ``sites`` or ``equivalence``."""
    expected: float
    """The value assumed."""
    width: float
    """Total width of the 95 % interval wanted, or the margin, in the score's unit."""
    people: int
    """How many people reach it, each with measured and predicted value; of ``sites`` how many sites."""
    assumption: str
    """What has to hold."""


def people_for_mae(
    mae: float, width: float, sd_of_absolute_error: float | None = None, *, skewness: float = 0.0
) -> Plan:
    """Return how many people an interval of that width on the mean absolute error needs, both in the target's unit.

    The spread of single people's absolute errors is from a pilot; by default it follows from the errors' skewness.

    Raises:
        UsageError: A number that is none of its kind.

    >>> people_for_mae(10.34, width=1.0).people, people_for_mae(10.34, width=1.0, skewness=2.0).people
    (938, 1392)
    """
    _positive(mae=mae, width=width)
    if sd_of_absolute_error is not None:
        sd, assumed = sd_of_absolute_error, say("absolute errors as spread out as stated")
    else:
        sd = mae * relative_spread(skewness)
        assumed = say("errors of skewness {skewness:g}", skewness=skewness) if skewness else say("normal errors")
    return Plan("mae", mae, width, _people(sd, width), say("{assumed}, one observation per person", assumed=assumed))


MOST_SKEWED = 6.0
"""Skewness beyond which no one distribution tells how absolute errors spread."""


def relative_spread(skewness: float) -> float:
    """Return the SD of absolute errors over their mean, of normal errors or gamma distributed ones so skewed.

    With shape k = 4 / skewness² the mean of |x - k| is 2 k^k exp(-k) / Gamma(k), and its variance k minus the square of
    that.

    Raises:
        UsageError: The skewness lies beyond 6 to one side.

    >>> round(relative_spread(0), 4), round(relative_spread(2), 4), relative_spread(-2) == relative_spread(2)
    (0.7555, 0.9205, True)
    """
    if not abs(skewness) <= MOST_SKEWED:
        raise UsageError("The skewness is {value}; it must lie between -6 and 6.", value=skewness)
    if abs(skewness) < 0.01:
        return float(np.sqrt(np.pi / 2 - 1))
    k = 4 / skewness**2
    mean = 2 * np.exp(k * np.log(k) - k - gammaln(k))
    return float(np.sqrt(k - mean**2) / mean)


def sites_for_mean(between: float, error: float, width: float) -> Plan:
    """Return how many sites an interval of that width on the mean over sites needs.

    Args:
        between: Standard deviation of the true values between sites (tau), in the estimate's unit; 0 or above.
        error: Standard error of the estimate at one site, in its unit.
        width: Total width of the 95 % interval.

    Raises:
        UsageError: A number that is none of its kind, or more than a thousand sites.

    >>> sites_for_mean(between=1.0, error=0.5, width=2.0).people
    8
    """
    _positive(error=error, width=width)
    if not (np.isfinite(between) and between >= 0):
        raise UsageError("The spread between sites is {value}; it must be 0 or above.", value=between)
    one = float(np.hypot(between, error))
    for sites in range(3, 1001):
        if 2 * stdtrit(sites - 1, 0.975) * one / np.sqrt(sites) <= width:
            return Plan("sites", between, width, sites, say("sites of about the same size, mean by Hartung-Knapp"))
    raise UsageError("More than a thousand sites would be needed; take a wider interval.")


def people_for_equivalence(spread: float, margin: float, *, power: float = 0.9, paired: bool = False) -> Plan:
    """Return how many people it takes to show that two errors differ by less than a margin, where they do not differ.

    Args:
        spread: Standard deviation of single people's absolute errors, or of the difference of theirs where paired.
        margin: The largest difference that would not matter, in the same unit.
        power: Chance that the 90 % interval lies within the margin.
        paired: Whether the same people are in both; otherwise so many people in each.

    Raises:
        UsageError: A number that is none of its kind, or more than ten million people.

    >>> people_for_equivalence(8.0, 2.0).people, people_for_equivalence(8.0, 2.0, paired=True).people
    (348, 176)
    """
    _positive(spread=spread, margin=margin)
    if not 0.5 <= power < 1:
        raise UsageError("The power is {value}; it must lie between 0.5 and 1, 1 excluded.", value=power)

    def lacks(people: int) -> bool:
        df = people - 1 if paired else 2 * people - 2
        error = spread * np.sqrt((1 if paired else 2) / people)
        return bool(2 * stdtr(df, margin / error - stdtrit(df, 0.95)) - 1 < power)

    low, high = 1, 2
    while lacks(high):
        low, high = high, 2 * high
        if high > 10_000_000:
            raise UsageError("More than ten million people would be needed; take a wider margin.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if lacks(middle) else (low, middle)
    which = say("the same people in both, and no difference") if paired else say("so many in each, and no difference")
    return Plan("equivalence", 0.0, margin, high, which)


def people_for_r2(r2: float, width: float) -> Plan:
    """Return how many people an interval of that width on R² needs.

    >>> people_for_r2(0.3, width=0.1).people
    904
    """
    _share(r2)
    _positive(width=width)
    return Plan("r2", r2, width, _people(2 * np.sqrt(r2) * (1 - r2), width), "truth and prediction jointly normal")


def people_for_slope(r2: float, width: float, slope: float = 1.0) -> Plan:
    """Return how many people an interval of that width on the calibration slope needs.

    ``r2`` is the expected squared correlation of truth and prediction.

    >>> people_for_slope(0.3, width=0.2).people
    897
    """
    _share(r2)
    _positive(width=width, slope=slope)
    return Plan("slope", slope, width, _people(slope * np.sqrt((1 - r2) / r2), width), "errors of constant spread")


def _people(sd: float, width: float) -> int:
    return max(2, int(np.ceil((_REACH * sd / width) ** 2)))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise UsageError("The {name} is {value}; it must be above zero.", name=say(name), value=value)


def _share(r2: float) -> None:
    if not 0 < r2 < 1:
        raise UsageError("The expected R² is {r2}; it must lie between 0 and 1, both excluded.", r2=r2)
