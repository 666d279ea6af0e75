"""Does the photograph read anything beyond age and sex, or beyond other columns that were known without it?

A prediction that is a function of age and sex predicts blood pressure, and reads nothing of it. So the baseline alone
is held against baseline and prediction together, both cross-validated by person and fitted to the same loss; what the
prediction adds is the gain. The partial correlation is that of what the baseline leaves of the truth and of the
prediction (the generalised covariance measure of Shah & Peters 2020, doi:10.1214/19-AOS1857, as a correlation): zero
where the prediction says nothing more, whatever curve age and sex follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fundus_core.errors import UsageError, joined, say
from fundus_core.evaluation.intervals.bootstrap import SumStatistic
from fundus_core.evaluation.intervals.estimate import Estimate, Rule, not_estimable
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.sample import Sample, check_level, sort_rows, units, units_of_analysis
from fundus_core.evaluation.one_cohort.baselines import (
    FEWEST_PEOPLE,
    Loss,
    cross_fitted,
    curves,
    folds_of,
    knots_for,
    known_by,
    standardised,
)
from fundus_core.evaluation.one_cohort.double_selection import Path, Told, adds_beyond
from fundus_core.evaluation.one_cohort.scores import divide, per_patient
from fundus_core.records import CohortTable, Floats, Labels
from fundus_core.targets import target as find_target

MOST_WORDS = 12
"""Different words of a column beyond which it is no group but a name."""

OWN_SHARE = 0.02
"""Share of a prediction's variance that the baseline leaves, below which it is a function of the baseline: what is left
is then how well a curve fits, and nothing to correlate."""

TO_ZERO = "the interval reaches to 0: steps, bends, bumps and waves along what is known without it can explain this"
"""Stands beside a gain that is not told from what a curve of age and sex misses."""

WRONG_WAY = "the interval reaches to 0: of people alike in what is known without it, those with more are predicted less"
"""Stands beside a gain of a prediction that would have to be turned round."""

ROOTED = "its lower end on the root"
"""A gain grows with the square of the partial correlation."""

FUNCTION_OF_KNOWN = "the prediction is a function of what is known without it"
"""Why there is nothing to correlate."""

OF_TARGETS = ("age", "sex")
"""What every baseline knows, unless it is what is predicted."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a prediction adds to what was known without the photograph."""

    target: str
    """Target id."""
    unit: str
    """Of errors; empty for a probability."""
    beyond: str
    """What the baseline knows, in words."""
    n: int
    """Observations whose baseline is known."""
    n_patients: int
    """People they belong to."""
    partial_r: Estimate
    """Correlation of truth and prediction, both freed of the baseline; 0 where nothing is added."""
    r2_baseline: Estimate
    """R² of the baseline alone, 1 - SSE/SST, cross-validated; of a probability the same of its squared error."""
    r2_gain: Estimate
    """R² of baseline and prediction together minus that of the baseline alone."""
    mae_baseline: Estimate
    """MAE of the baseline alone (median regression); none for a yes/no target."""
    mae_gain: Estimate
    """MAE of the baseline alone minus that of baseline and prediction together: above zero the prediction adds."""

    @property
    def adds(self) -> bool | None:
        """Whether the partial correlation is told from chance and above zero; ``None`` where there is no interval."""
        if self.r2_gain.low is None:
            return None
        return self.partial_r.low is not None and self.partial_r.low > 0


def beyond(table: CohortTable, target: str, columns: Sequence[str] = (), *, level: str = "patient") -> Beyond:
    """Ask what a prediction adds to age, sex and named columns.

    Args:
        table: A row per photograph, any order.
        target: Target id.
        columns: Covariates of the cohort that are known without the photograph, beside age and sex. One of numbers
            enters as a curve, one of up to 12 words as groups.
        level: What one observation is.

    Raises:
        UsageError: Unknown target or level; no such column, or one of too many words.

    >>> from fundus_core.evaluation import from_values
    >>> age, other = np.linspace(30, 80, 60), np.random.default_rng(1).normal(0, 8, 60)
    >>> table = from_values("sbp", 80 + age + other, 80 + age + other / 2, age=age, sex=np.tile([0, 1, 1], 20))
    >>> round(beyond(table, "sbp").partial_r.value, 2), str(beyond(table, "sbp").beyond)
    (0.96, 'age and sex')
    """
    of, ordered = find_target(target), sort_rows(table)
    sample = units_of_analysis(ordered, of, check_level(level), ordered=True)
    names = [name for name in OF_TARGETS if name != of.id]
    words = say("{names:and}", names=[say(name) for name in (*names, *columns)])
    extra = [_column(ordered, sample, name) for name in columns]
    known = np.isfinite(np.column_stack([*(getattr(sample, name) for name in names), *extra])).all(axis=1)
    part, extra = units(sample, known), [column[known] for column in extra]
    people = len(part.patients)
    if people < FEWEST_PEOPLE:
        few = not_estimable(say("needs {fewest} people of known {words}", fewest=FEWEST_PEOPLE, words=words))
        return Beyond(of.id, of.unit, words, len(part), people, few, few, few, few, few)
    found = _told_from_chance(estimated(_panel(part, names, extra)), _told(part, names, extra))
    if of.binary:
        none = not_estimable("a yes/no target has no absolute error")
        found |= {"mae_baseline": none, "mae_gain": none}
    return Beyond(of.id, of.unit, words, len(part), people, **found)


def _told(sample: Sample, names: Sequence[str], extra: Sequence[Floats]) -> Told:
    """Ask of the means of people whether prediction and truth go together beyond any function of what is known."""
    count = np.bincount(sample.group).astype(np.float64)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(sample.group, weights=values) / count)

    age, sex = (mean(getattr(sample, name)) if name in names else np.zeros(len(count)) for name in OF_TARGETS)
    more = [np.column_stack([mean(values) for values in column.T]) for column in extra]
    design = standardised(np.hstack([curves(age, sex, _fine(len(count))), *more]))
    everybody = np.ones(len(count), dtype=bool)
    paths = [Path(age, within) for within in (everybody, sex >= 0.5, sex < 0.5)]
    paths += [Path(column[:, 0], everybody) for column in more]
    return adds_beyond(mean(sample.y), mean(sample.p), design, paths)


def _told_from_chance(found: dict[str, Estimate], by: Told) -> dict[str, Estimate]:
    """Let intervals reach to 0 where nothing is told from what the baseline misses."""
    told = {"partial_r": by.squared, "r2_gain": by.squared, "mae_gain": by.absolute}
    found |= {name: _rooted(found[name]) for name in ("r2_gain", "mae_gain")}
    found |= {name: _to_zero(found[name], WRONG_WAY if sign else TO_ZERO) for name, sign in told.items() if sign != 1}
    return found | ({"partial_r": not_estimable(FUNCTION_OF_KNOWN)} if by.own < OWN_SHARE else {})


def _rooted(gain: Estimate) -> Estimate:
    """Make a gain's lower end on its root, where that is the nearer: there it has the partial correlation's power.

    >>> round(_rooted(Estimate(0.04, -0.01, 0.09)).low, 5), _rooted(Estimate(-0.01, -0.03, 0.01)).low
    (0.00563, -0.03)
    """
    if gain.value is None or gain.low is None or gain.value <= 0:
        return gain
    root = np.sqrt(gain.value) - (gain.value - gain.low) / (2 * np.sqrt(gain.value))
    low = float(root * abs(root))
    return gain if low <= gain.low else replace(gain, low=low, method=joined([gain.method, ROOTED], ";"))


def _to_zero(estimate: Estimate, why: str) -> Estimate:
    if estimate.low is None or estimate.high is None or estimate.low <= 0 <= estimate.high:
        return estimate
    ends = min(estimate.low, 0.0), max(estimate.high, 0.0)
    return replace(estimate, low=ends[0], high=ends[1], note=joined([estimate.note, why], ";"))


def _panel(sample: Sample, names: Sequence[str], extra: Sequence[Floats]) -> SumStatistic:
    """The statistics of one baseline, from sums over people."""
    y, p, people = sample.y, sample.p, len(sample.patients)
    folds = folds_of(sample, np.ones(len(sample), dtype=bool))
    age, sex = (getattr(sample, name) if name in names else np.zeros(len(sample)) for name in OF_TARGETS)
    (base, of), (fine, of_fine) = (known_by(age, sex, knots) for knots in (knots_for(people), _fine(people)))
    if extra:
        others = [standardised(each)[:, 1:] for each in extra]
        base, fine = (np.hstack([rows[of_each], *others]) for rows, of_each in ((base, of), (fine, of_fine)))
        of = of_fine = np.arange(len(y))
    both = np.column_stack([base[of], standardised(p[:, None])[:, 1:]]), np.arange(len(y))
    squared: Loss = "logistic" if sample.target.binary else "squared"
    alone, together = (cross_fitted(each, y, folds, squared, rows) - y for each, rows in ((base, of), both))
    near, nearer = (
        np.zeros((2, len(y))) if sample.target.binary
        else (np.abs(cross_fitted(each, y, folds, "absolute", rows) - y) for each, rows in ((base, of), both))
    )  # fmt: skip
    left = p - cross_fitted(fine, p, folds, "squared", of_fine)
    u, ones = y - y.mean(), np.ones_like(y)
    columns = np.array([ones, u, u * u, alone**2, together**2, near, nearer, alone, left, left**2, alone * left])
    floor = OWN_SHARE * float(p.var()) * len(p)

    def finish(sums: Floats) -> Floats:
        n, su, suu, s0, s1, a0, a1, r, q, qq, rq = sums.T
        total = suu - divide(su * su, n)
        shared, free, rest = -(rq - divide(r * q, n)), qq - divide(q * q, n), s0 - divide(r * r, n)
        partial = divide(shared, np.sqrt(np.maximum(rest, 0) * np.maximum(np.where(free > floor, free, 0), 0)))
        return np.column_stack([
            np.clip(partial, -1, 1), 1 - divide(s0, total), divide(s0 - s1, total), divide(a0, n), divide(a0 - a1, n),
        ])  # fmt: skip

    scores = ("partial_r", "r2_baseline", "r2_gain", "mae_baseline", "mae_gain")
    needs = (FUNCTION_OF_KNOWN, *("nothing varies",) * 4)
    plain = Rule(related=True)
    rules = (Rule(scale="z", related=True), Rule(scale="rest", related=True), plain, Rule(scale="log"), plain)
    in_pool = np.arange(people)
    return SumStatistic(in_pool, scores, needs, per_patient(sample, columns), finish, rules=rules)


def _fine(people: int) -> int:
    """Knots of a prediction's own curve: what it leaves of a rule of age and sex must not resemble the truth's rest."""
    return min(10, max(3, people // 12))


def _column(ordered: CohortTable, sample: Sample, name: str) -> Floats:
    """A covariate as numbers of each unit, n x k: its person's first stated value; NaN where there is none.

    Raises:
        UsageError: No such column, or one of too many words.
    """
    if name not in ordered.covariates:
        raise UsageError(
            "The cohort has no column '{name}' to look beyond; there are {there}.",
            name=name,
            there=", ".join(ordered.covariates) or say("none besides age and sex"),
        )
    words = ordered.covariates[name]
    stated = words != ""
    people, first = np.unique(ordered.patient_id[stated], return_index=True)
    own = sample.patients[sample.group]
    place = np.clip(np.searchsorted(people, own), 0, max(len(people) - 1, 0))
    has = people[place] == own if len(people) else np.zeros(len(own), dtype=bool)
    mine = np.where(has, words[stated][first][place] if len(people) else "", "")
    return _numbers(mine, name)


def _numbers(mine: Labels, name: str) -> Floats:
    known = np.unique(mine[mine != ""])
    try:
        value = np.array([float(word) if word else np.nan for word in mine])
    except ValueError:
        if len(known) > MOST_WORDS:
            raise UsageError(
                "The column '{name}' has {known:,} different words; look beyond a column of numbers, or of at most "
                "{most} groups.",
                name=name,
                known=len(known),
                most=MOST_WORDS,
            ) from None
        grouped = (mine[:, None] == known[1:]).astype(np.float64) if len(known) > 1 else np.zeros((len(mine), 1))
        return np.where(mine[:, None] == "", np.nan, grouped)
    return np.column_stack([value, value**2])
