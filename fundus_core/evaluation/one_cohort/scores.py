"""Scores of a continuous target, each a function of sums over people.

With n units, measured y, predicted p and the error d = p - y (means with a bar):

======================  ======================================================================================
``mae``, ``rmse``       mean |d|, sqrt(mean d²)
``bias``                mean d: above zero the model predicts too much
``r2``                  1 - sum d² / sum (y - y_bar)²: below zero the mean of y predicts better
``pearson``             correlation of y and p; blind to bias and scale
``ccc``                 2 s_yp / (s_y² + s_p² + (p_bar - y_bar)²) with 1/n variances (Lin 1989,
                        doi:10.2307/2532051)
``slope, intercept``    least squares of y on p: 1 and 0 for a calibrated model (Cox 1958,
                        doi:10.1093/biomet/45.3-4.562)
``loa_low, loa_high``   bias -/+ 1.96 sd(d), sd with 1/(n - 1) (Bland & Altman 1986,
                        doi:10.1016/S0140-6736(86)90837-8)
``mae_null``            mean |d| of predicting the mean of all other people
``mae_age_sex``         mean |d| of a regression on age and sex fitted to all other people
``mae_over_null``       mae / mae_null: below 1 the photograph adds something to knowing the cohort
``mae_over_age_sex``    mae / mae_age_sex on the people whose age and sex are known
``coverage``            share of units with low <= y <= high, of a mean of several photographs by the interval of such a
                        mean (``observations.averaged``); ``interval_width``: mean of high - low
``sd_truth``            standard deviation of the truth, 1/(n - 1): what every error has to be held against;
                        ``sd_predicted``: that of the prediction, smaller in a calibrated model
``within_5`` ...        share of units with |d| <= 5 units of the target
======================  ======================================================================================

R², slope and correlation depend on how spread out the cohort is, and so does the mean absolute error through
its baselines (range restriction): read them beside the standard deviation of the truth.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.evaluation.intervals.bootstrap import MANY_PEOPLE
from fundus_core.evaluation.intervals.estimate import Rule
from fundus_core.evaluation.observations.sample import Sample
from fundus_core.evaluation.one_cohort.baselines import each_by_age_and_sex, mean_of_others, median_of_others
from fundus_core.records import Floats
from fundus_core.targets import TARGETS, Derived

LIMITS_OF_AGREEMENT = 1.96
"""Standard deviations from the bias to a limit of agreement."""

TOLERANCES: Mapping[str, tuple[float, ...]] = Derived(
    lambda: {name: target.tolerances for name, target in TARGETS.items() if target.tolerances}
)
"""Per target, in its unit, how close counts as close (blood pressures as in KAKENHI 22K19671)."""


@dataclass(frozen=True, slots=True)
class Scales:
    """Constants that keep sums of squares free of cancellation."""

    y: float
    """Mean of the truth; sums are taken about it."""
    p: float
    """Mean of the prediction."""
    y_floor: float
    """A variance of the truth below this is rounding: the truth is constant."""
    p_floor: float
    """The same for the prediction."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Per draw the weighted sums over units, each of shape (draws,): u = y - y_bar, v = p - p_bar, e = v - u.

    ``null``, ``median`` and ``age_sex`` are absolute errors of the baselines, ``known`` that of the model where age
    and sex are known; ``..._n`` count the units behind a sum. ``people``, ``sizes`` and ``between`` add up to the
    number of people, their numbers of units squared, and the squares of their sums of errors over their numbers.
    """

    n: Floats
    u: Floats
    v: Floats
    uu: Floats
    vv: Floats
    uv: Floats
    e: Floats
    ee: Floats
    absolute: Floats
    null_n: Floats
    null: Floats
    null_squared: Floats
    median: Floats
    known_n: Floats
    known: Floats
    known_u: Floats
    known_uu: Floats
    age_sex: Floats
    age_sex_squared: Floats
    bounded_n: Floats
    covered: Floats
    width: Floats
    people: Floats
    sizes: Floats
    between: Floats
    within_first: Floats
    within_second: Floats
    within_third: Floats


_COLUMN = {field.name: k for k, field in enumerate(fields(Sums))}
"""Place of each sum."""


def scales(sample: Sample) -> Scales:
    """Measure what :func:`columns` and :func:`scores` need to know of the data."""

    def floor(column: Floats) -> float:
        return float((1e-10 * np.abs(column).max(initial=0.0)) ** 2)

    n = max(len(sample), 1)
    return Scales(float(sample.y.sum() / n), float(sample.p.sum() / n), floor(sample.y), floor(sample.p))


def columns(sample: Sample, about: Scales) -> Floats:
    """Return, per unit, what is summed: an array of fields of :class:`Sums` x n."""
    return np.array(list(each_column(sample, about)), dtype=np.float64)


def each_column(sample: Sample, about: Scales) -> Iterator[Floats | NDArray[np.bool_]]:
    """Yield, per unit, what is summed: n numbers for each field of :class:`Sums`, one after another.

    The mean, unlike the median, is not the constant of the least absolute error: a unit that moves it moves all others'
    errors by the share that lies below less the share above. Their sum is 0, and the interval of ``mae_null`` needs it.
    """
    u, v, d = sample.y - about.y, sample.p - about.p, sample.error
    e = v - u
    absolute = np.abs(d)
    null, median = mean_of_others(sample) - sample.y, median_of_others(sample) - sample.y
    moves = float(np.sign(null).mean()) * u if np.isfinite(null).all() and len(u) else 0.0
    age_sex, squared = (of - sample.y for of in each_by_age_and_sex(sample, "absolute", "squared"))
    known = np.isfinite(age_sex)
    bounded = np.isfinite(sample.covered)
    covered, width = (np.where(bounded, column, 0.0) for column in (sample.covered, sample.width))
    tolerances = TOLERANCES.get(sample.target.id, (5, 10, 15))
    size = np.bincount(sample.group).astype(np.float64)[sample.group]
    own = np.bincount(sample.group, weights=e)[sample.group] if len(e) else e
    yield from (np.ones_like(d), u, v)
    yield from (one * other for one, other in ((u, u), (v, v), (u, v)))
    yield from (e, e * e, absolute)
    yield from (np.isfinite(null), np.nan_to_num(np.abs(null)) + moves, np.nan_to_num(null**2))
    yield np.nan_to_num(np.abs(median))
    yield known
    yield from (np.where(known, one, 0) for one in (absolute, u, u * u))
    yield from (np.nan_to_num(np.abs(age_sex)), np.nan_to_num(squared**2))
    yield from (bounded, covered, width)
    yield from (1 / size, size, e * own / size)
    yield from (absolute <= tolerance for tolerance in tolerances)


def per_patient(sample: Sample, of_units: Iterable[Floats | NDArray[np.bool_]], number: int | None = None) -> Floats:
    """Add up the units of each person: columns of n to people x columns.

    Columns of which the ``number`` is said may come one after another, and are then never held together.
    """
    if number is None:
        of_units = list(of_units)
        number = len(of_units)
    many = len(sample.patients) > MANY_PEOPLE  # each column is then read by itself, and lies in one piece
    sums = np.zeros((len(sample.patients), number), order="F" if many else "C")
    for place, column in enumerate(of_units if len(sample) else ()):
        of_units_ = np.asarray(column, dtype=np.float64)
        sums[:, place] = of_units_ if len(sums) == len(of_units_) else np.add.reduceat(of_units_, sample.starts)
    return sums


def unpack(sums: Floats) -> Sums:
    """Name the columns of draws x columns."""
    return Sums(**{field.name: sums[:, k] for k, field in enumerate(fields(Sums))})


def divide(above: Floats, below: Floats, floor: float | Floats = 0.0) -> Floats:
    """Divide where the divisor exceeds the floor; NaN elsewhere, silently."""
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below > floor))


@dataclass(frozen=True, slots=True)
class Moments:
    """Means and 1/n variances of each draw, each of shape (draws,)."""

    n: Floats
    y: Floats
    p: Floats
    y_variance: Floats
    p_variance: Floats
    covariance: Floats
    bias: Floats
    error_variance: Floats
    about: Scales


def moments(sums: Sums, about: Scales) -> Moments:
    """Turn sums about the scales' means into means and variances (never below zero)."""
    u, v, e = divide(sums.u, sums.n), divide(sums.v, sums.n), divide(sums.e, sums.n)
    return Moments(
        n=sums.n,
        y=about.y + u,
        p=about.p + v,
        y_variance=np.maximum(divide(sums.uu, sums.n) - u * u, 0),
        p_variance=np.maximum(divide(sums.vv, sums.n) - v * v, 0),
        covariance=divide(sums.uv, sums.n) - u * v,
        bias=about.p - about.y + e,
        error_variance=np.maximum(divide(sums.ee, sums.n) - e * e, 0),
        about=about,
    )


def _square(m: Moments) -> Floats:
    return m.error_variance + m.bias**2


def _pearson(m: Moments) -> Floats:
    slope = divide(m.covariance, m.y_variance, m.about.y_floor)
    other = divide(m.covariance, m.p_variance, m.about.p_floor)
    return np.asarray(np.sign(m.covariance) * np.sqrt(np.clip(slope * other, 0, 1)))


def _ccc(m: Moments) -> Floats:
    floor = m.about.y_floor + m.about.p_floor
    return divide(2 * m.covariance, m.y_variance + m.p_variance + m.bias**2, floor)


def _slope(m: Moments) -> Floats:
    return divide(m.covariance, m.p_variance, m.about.p_floor)


def _sd(variance: Floats, n: Floats) -> Floats:
    return np.asarray(np.sqrt(divide(variance * n, n - 1)))


def _half_width(s: Sums, m: Moments) -> Floats:
    """1.96 standard deviations of the errors: between people and within, by a one-way analysis of variance."""
    freedom = np.maximum(s.n - s.people, 0)
    within = divide(np.maximum(s.ee - s.between, 0), freedom, 0.5)
    within = np.where(freedom > 0.5, within, 0.0)
    mean = divide(s.e, s.n)
    between = divide(np.maximum(s.between - s.n * mean**2, 0), s.people - 1)
    size = divide(s.n - divide(s.sizes, s.n), s.people - 1)
    return np.asarray(LIMITS_OF_AGREEMENT * np.sqrt(np.maximum(divide(between - within, size), 0) + within))


def _r2_of(squared: Floats, s: Sums, floor: float) -> Floats:
    spread = np.maximum(s.known_uu - divide(s.known_u**2, s.known_n), 0)
    return 1 - divide(squared, spread, floor)


@dataclass(frozen=True, slots=True)
class Score:
    """One score: how it is computed and what it needs."""

    compute: Callable[[Sums, Moments], Floats]
    """From sums and moments of each draw to its value, NaN where it has none."""
    needs: str
    """Why it has no value, when it has none."""
    rule: Rule = field(default_factory=Rule)
    """How its interval is made."""


_PAIRS = "no photograph has both a measured and a predicted value"
_TRUTH = "every measured value is the same"
_PREDICTION = "every predicted value is the same"
_EITHER = "every measured or every predicted value is the same"
_BOTH = "measured and predicted values are one and the same number"
_TWO = "needs two observations"
_NULL = "needs two people: the baseline is that of the others"
_AGE_SEX = "needs 20 people of known age and sex, and a target that is neither"
_NULL_ERROR = "the baseline has no error, or there is only one person"
_BOUNDS = "the model gives no prediction intervals"

_MEAN = Rule()
_ABSOLUTE = Rule(scale="log")
_SQUARED = Rule(scale="log", skewed="error", per_skew=1.5, least=50)
_TRUTHS = Rule(scale="log", least=50)
_SPREAD = Rule(scale="log", skewed="truth", per_skew=1.5, least=50, related=True)
_RELATED = Rule(skewed="any", per_skew=1.5, related=True, tails=True)
_CORRELATED = replace(_RELATED, scale="z")
_EXPLAINED = replace(_RELATED, scale="rest")
_LIMIT = Rule("limits", skewed="error", per_skew=1.5, least=50, related=True, centre="bias")
_RATIO = Rule(scale="log", least=50, related=True)
_SHARE = Rule("share", related=True)
_KNOWN, _BOUNDED = _COLUMN["known_n"], _COLUMN["bounded_n"]

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "mae": Score(lambda s, m: divide(s.absolute, s.n), _PAIRS, _ABSOLUTE),
        "rmse": Score(lambda s, m: np.sqrt(_square(m)), _PAIRS, _SQUARED),
        "bias": Score(lambda s, m: m.bias, _PAIRS, _MEAN),
        "r2": Score(lambda s, m: 1 - divide(_square(m), m.y_variance, m.about.y_floor), _TRUTH, _EXPLAINED),
        "pearson": Score(lambda s, m: _pearson(m), _EITHER, _CORRELATED),
        "ccc": Score(lambda s, m: _ccc(m), _BOTH, _CORRELATED),
        "slope": Score(lambda s, m: _slope(m), _PREDICTION, _RELATED),
        "intercept": Score(lambda s, m: m.y - _slope(m) * m.p, _PREDICTION, _RELATED),
        "loa_low": Score(lambda s, m: m.bias - _half_width(s, m), _TWO, _LIMIT),
        "loa_high": Score(lambda s, m: m.bias + _half_width(s, m), _TWO, _LIMIT),
        "mae_null": Score(lambda s, m: divide(s.null, s.null_n), _NULL, _TRUTHS),
        "mae_age_sex": Score(
            lambda s, m: divide(s.age_sex, s.known_n), _AGE_SEX, replace(_TRUTHS, count=_KNOWN)
        ),
        "coverage": Score(
            lambda s, m: divide(s.covered, s.bounded_n), _BOUNDS, replace(_SHARE, count=_BOUNDED)
        ),
        "mae_median": Score(lambda s, m: divide(s.median, s.null_n), _NULL, _TRUTHS),
        "mae_over_median": Score(lambda s, m: divide(s.absolute, s.median), _NULL_ERROR, _RATIO),
        "mae_over_null": Score(lambda s, m: divide(s.absolute, s.null), _NULL_ERROR, _RATIO),
        "mae_over_age_sex": Score(
            lambda s, m: divide(s.known, s.age_sex), _AGE_SEX, replace(_RATIO, count=_KNOWN)
        ),
        "rmse_null": Score(lambda s, m: np.sqrt(divide(s.null_squared, s.null_n)), _NULL, _SPREAD),
        "rmse_age_sex": Score(
            lambda s, m: np.sqrt(divide(s.age_sex_squared, s.known_n)), _AGE_SEX, replace(_SPREAD, count=_KNOWN)
        ),
        "r2_age_sex": Score(
            lambda s, m: _r2_of(s.age_sex_squared, s, m.about.y_floor), _AGE_SEX, replace(_EXPLAINED, count=_KNOWN)
        ),
        "interval_width": Score(
            lambda s, m: divide(s.width, s.bounded_n), _BOUNDS, replace(_MEAN, count=_BOUNDED)
        ),
        "sd_truth": Score(lambda s, m: _sd(m.y_variance, m.n), _TWO, _SPREAD),
        "sd_predicted": Score(lambda s, m: _sd(m.p_variance, m.n), _TWO, replace(_SPREAD, skewed="prediction")),
        "within_first": Score(lambda s, m: divide(s.within_first, s.n), _PAIRS, _SHARE),
        "within_second": Score(lambda s, m: divide(s.within_second, s.n), _PAIRS, _SHARE),
        "within_third": Score(lambda s, m: divide(s.within_third, s.n), _PAIRS, _SHARE),
    }
)  # fmt: skip
"""Every score by its name, the thirteen of the first ``metrics.json`` first."""

BASELINES = (
    "mae_null", "mae_median", "rmse_null", "mae_age_sex", "rmse_age_sex", "r2_age_sex",
    "mae_over_median", "mae_over_null", "mae_over_age_sex",
)  # fmt: skip
"""Scores whose interval takes the baseline's predictions as given."""

OF_KNOWN = ("mae_age_sex", "rmse_age_sex", "r2_age_sex", "mae_over_age_sex")
"""Scores that rest on the people whose age and sex are known."""


def skews(sample: Sample) -> dict[str, float]:
    """Measure how skewed or heavy-tailed people's mean errors, truths and predictions are, whatever the side.

    >>> from fundus_core.evaluation import from_values, units_of_analysis
    >>> from fundus_core.targets import target
    >>> table = from_values("sbp", [120.0, 120, 120, 120], [120.0, 120, 120, 140])
    >>> round(skews(units_of_analysis(table, target("sbp"), "patient"))["error"], 3)
    1.155
    """
    if not len(sample):
        return {}
    count = np.bincount(sample.group)
    of = {"error": sample.error, "truth": sample.y, "prediction": sample.p}
    found = {name: _skew(np.bincount(sample.group, weights=column) / count) for name, column in of.items()}
    return found | {"any": max(found.values())}


def _skew(values: Floats) -> float:
    """Skewness, or that of a gamma distribution whose tails are as heavy (excess kurtosis = 1.5 skewness²)."""
    away = values - values.mean()
    squares = away * away
    square = float(squares.mean())
    if not square > (1e-10 * np.abs(values).max(initial=0.0)) ** 2:
        return 0.0
    tails = float((squares * squares).mean()) / square**2 - 3
    return float(max(abs(float((squares * away).mean())) / square**1.5, np.sqrt(max(tails, 0.0) / 1.5)))


def scores(sums: Floats, about: Scales) -> Floats:
    """Compute every score on every draw: draws x columns to draws x scores."""
    named = unpack(sums)
    central = moments(named, about)
    return np.column_stack([score.compute(named, central) for score in SCORES.values()])


def score_names(target_id: str) -> tuple[str, ...]:
    """Return the names of the columns of :func:`scores`, the shares named by their tolerance.

    >>> score_names("bmi")[-3:]
    ('within_1', 'within_2', 'within_3')
    """
    tolerances = TOLERANCES.get(target_id, (5, 10, 15))
    shares = dict(zip(("within_first", "within_second", "within_third"), tolerances, strict=True))
    return tuple(f"within_{shares[name]:g}" if name in shares else name for name in SCORES)
