"""Do prediction intervals keep their promise where it matters: along the prediction, in each group, at each site?

A model makes an interval for one photograph (split conformal: 90 % over all photographs of all people, not for people
like this one). The mean of two eyes' intervals would hold 91.9, 93.7 or 95.3 % of people's values where eyes' errors
correlate by .8, .6 or .4: what is judged of a person is the narrower interval that fits the mean prediction
(:mod:`fundus_core.evaluation.observations.visits`). Coverage and
width alone can be traded for one another; the interval score charges for both, and is held against the interval that
knows nothing of the photograph: from the 5th to the 95th percentile of other people's measured values.
"""

from dataclasses import dataclass

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.grouping import parts
from fundus_core.evaluation.observations.sample import (
    INTERVAL,
    Sample,
    check_level,
    interval_score,
    sort_rows,
    units,
    units_of_analysis,
    units_of_parts,
)
from fundus_core.evaluation.one_cohort.baselines import folds_of
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.evaluation.one_cohort.scores import divide, per_patient, skews
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import target as find_target

ALL = "all"
"""The row of everybody."""

PER_BIN = 25
"""People that a part of the predictions has, so that few parts are withheld: fewer than ten of a small cohort."""

NAMES = ("coverage", "interval_width", "interval_score", "interval_score_constant", "interval_score_ratio")


@dataclass(frozen=True, slots=True)
class IntervalsOf:
    """The prediction intervals of one part of a cohort."""

    target: str
    """Target id."""
    unit: str
    """Of widths and scores."""
    by: str
    """What parts the cohort: a column, or ``prediction``."""
    group: str
    """Which part; :data:`ALL` for everybody."""
    n: int
    """Observations whose photographs have intervals."""
    n_patients: int
    """People they belong to."""
    coverage: Estimate
    """Share of observations whose interval holds the measured value."""
    interval_width: Estimate
    """Mean width."""
    interval_score: Estimate
    """Mean interval score; lower is better."""
    interval_score_constant: Estimate
    """That of the interval between the 5th and the 95th percentile of other people's measured values."""
    interval_score_ratio: Estimate
    """The first over the second: below 1 the photograph makes the interval better."""


def prediction_intervals(
    table: CohortTable, target: str, by: str = "", *, level: str = "patient", bins: int = 10
) -> tuple[IntervalsOf, ...]:
    """Judge the prediction intervals of a target in the parts of a cohort.

    Args:
        table: A row per photograph, any order.
        target: Target id.
        by: A column (see :func:`fundus_core.evaluation.grouping`); empty for everybody and tenths of the prediction.
        level: What one observation is; of several photographs it has the interval of their mean.
        bins: Into how many parts of about equal count the predictions are cut at most.

    Returns:
        A row per part that has intervals; of fewer than 20 people without numbers.

    Raises:
        UsageError: Unknown target, column or level.

    >>> from fundus_core.evaluation import from_values
    >>> from dataclasses import replace
    >>> y, p = np.linspace(100, 160, 40), np.linspace(100, 160, 40) + np.tile([4.0, -6.0], 20)
    >>> table = replace(from_values("sbp", y, p), low={"sbp": p - 5}, high={"sbp": p + 5})
    >>> everybody, *_ = prediction_intervals(table, "sbp")
    >>> everybody.coverage.value, everybody.interval_width.value, everybody.interval_score.value
    (0.5, 10.0, 20.0)
    """
    of, ordered, checked = find_target(target), sort_rows(table), check_level(level)
    if not by:
        sample = _bounded(units_of_analysis(ordered, of, checked, ordered=True))
        return _along(sample, bins) if len(sample) else ()
    found, of_words = [], parts(ordered, by)
    for name, whole in zip(of_words, units_of_parts(ordered, of, checked, of_words.values()), strict=True):
        if len(sample := _bounded(whole)):
            found.append(_row(sample, by, name, _constant(sample)))
    return tuple(found)


def _bounded(sample: Sample) -> Sample:
    there = np.isfinite(sample.covered)
    return sample if there.all() else units(sample, there)


def _along(sample: Sample, bins: int) -> tuple[IntervalsOf, ...]:
    constant = _constant(sample)
    place = equal_counts(sample.p, max(1, min(bins, len(sample.patients) // PER_BIN)))
    ends = [(float(sample.p[place == k].min()), float(sample.p[place == k].max())) for k in range(place.max() + 1)]
    names = [say("{low:.4g} to {high:.4g}", low=low, high=high) for low, high in ends]
    parts_ = ((name, place == k) for k, name in enumerate(names))
    rows = (_row(units(sample, mine), "prediction", name, constant[mine]) for name, mine in parts_)
    return (_row(sample, "prediction", ALL, constant), *rows)


def _constant(sample: Sample) -> Floats:
    """The score of each unit's interval that knows other people's measured values alone, n."""
    folds = folds_of(sample, np.ones(len(sample), dtype=bool))
    tail = (1 - INTERVAL) / 2
    order = np.argsort(sample.y)
    rising, theirs = sample.y[order], folds[order]
    ends = np.full((2, folds.max(initial=-1) + 1), np.nan)
    for fold in range(ends.shape[1]):
        if len(others := rising[theirs != fold]):
            ends[:, fold] = [_quantile(others, share) for share in (tail, 1 - tail)]
    return interval_score(sample.y, *ends[:, folds])


def _quantile(rising: Floats, share: float) -> float:
    """Return numpy's quantile of n values that rise, from the two beside it."""
    place = share * (len(rising) - 1)
    return float(np.quantile(rising[int(place) : int(place) + 2], place - int(place)))


def _row(sample: Sample, by: str, name: str, constant: Floats) -> IntervalsOf:
    people = len(sample.patients)
    head = (sample.target.id, sample.target.unit, by, name, len(sample), people)
    if people < FEWEST_PEOPLE:
        few = say(
            "withheld: {people} {people:person|people}, fewer than {fewest_people}",
            people=people,
            fewest_people=FEWEST_PEOPLE,
        )
        return IntervalsOf(*head, *(Estimate(None, note=few),) * len(NAMES))
    return IntervalsOf(*head, *_estimates(sample, constant))


_RULES = (
    Rule("share", related=True),
    Rule(),
    Rule(scale="log", skewed="error", per_skew=250, least=200, related=True),  # few miss: 85 % cover with 50 people
    Rule(scale="log", skewed="error", per_skew=250, least=100, related=True),
    Rule(scale="log", skewed="error", per_skew=250, least=50, related=True),
)


def _estimates(sample: Sample, constant: Floats) -> list[Estimate]:
    columns = np.array([np.ones(len(sample)), sample.covered, sample.width, sample.interval_score, constant])

    def finish(sums: Floats) -> Floats:
        n, covered, width, score, base = sums.T
        return np.column_stack([*(divide(column, n) for column in (covered, width, score, base)), divide(score, base)])

    needs = ("nothing varies",) * len(NAMES)
    in_pool = np.arange(len(sample.patients))
    sums = per_patient(sample, columns)
    found = estimated(SumStatistic(in_pool, NAMES, needs, sums, finish, rules=_RULES, skews=skews(sample)))
    return [found[name] for name in NAMES]
