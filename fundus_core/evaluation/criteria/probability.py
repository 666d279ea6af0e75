"""How likely a person meets a criterion, given predictions and the errors seen in a validation, as those errors are.

A predicted waist of 84 cm is no "no" at a threshold of 85. Predictions are shrunken, so cutting them at a threshold
calls too few people positive where fewer than half are; the probability over the validated errors does not. The errors
are no normal ones of constant spread: a person's truth is put together from the errors of others with similar
predictions, each with all that was measured of them (nearest neighbours: Lall & Sharma 1996, doi:10.1029/95WR02966),
and all log odds are shifted by one number so that expected and observed prevalence agree among those others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import expit, logit

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.criteria.definitions import INDETERMINATE, YES, Criterion, Verdicts
from fundus_core.evaluation.intervals.estimate import FEWEST_EVENTS
from fundus_core.evaluation.observations.person_means import PersonMeans, select_people
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.binary import recalibrations
from fundus_core.evaluation.one_cohort.subgroups import FEWEST_PEOPLE
from fundus_core.records import Floats, Labels
from fundus_core.tables.covariates import DRUGS
from fundus_core.targets import TARGETS

MOST_NEIGHBOURS = 400
"""However many donors there are."""

_APART = 3.0
"""How many standard deviations of a prediction lie between the sexes: a neighbour is first of all of one's own sex."""

PARTS = 5
"""Parts of the people; each is judged by the errors of the other four."""

_AT_ONCE = 65_536
"""Neighbours times people that are decided together: fits the cache."""


@dataclass(frozen=True, slots=True)
class Donors:
    """People with everything measured and predicted that a criterion looks at: their errors are lent to others."""

    targets: tuple[str, ...]
    """Which predictions are looked at, k."""
    values: tuple[str, ...]
    """What is put together for a person: the targets, and lipids and HbA1c where the table has them; v."""
    by_sex: bool
    """Whether sex is looked at beside the predictions."""
    lines: Floats
    """Of each value, then of each drug, on 1, all predictions and sex, by least squares: (k + 2) x (v + drugs)."""
    errors: Floats
    """Values minus their lines, d people x v; a person's errors stay together."""
    drugs: Mapping[str, Floats]
    """Which of them take which drug, d each."""
    scale: Floats
    """Standard deviation about each line, v + drugs."""
    place: Floats
    """Where they are among others: what their lines expect in these standard deviations, and sex, d rows."""
    shift: float = 0.0
    """Added to everybody's log odds, so that the donors' expected share is their observed one."""

    def expect(self, p: Floats, sex: Floats) -> Floats:
        """Return what the lines expect of n people with predictions p (n x k): n x (v + drugs)."""
        return np.asarray(_design(p, sex if self.by_sex else np.zeros(len(p))) @ self.lines)

    def among(self, p: Floats, sex: Floats) -> Floats:
        """Return where n people with predictions p (n x k) are among the donors; n x (v + drugs + 1)."""
        apart = _APART * np.nan_to_num(sex, nan=0.5) if self.by_sex else np.zeros(len(p))
        return np.column_stack([self.expect(p, sex) / self.scale, apart])


def donors_of(truth: PersonMeans, predicted: PersonMeans, criterion: Criterion) -> Donors:
    """Learn how truth scatters about predictions, from what was measured and predicted of the same people.

    Only who has everything measured that the criterion looks at lends errors, whatever the verdict; lipids that nobody
    has a column of stay unknown.

    Raises:
        NotEstimableError: Fewer than 20 people have all of it measured and predicted, or a prediction is constant.
    """
    targets = criterion.needs
    p = np.column_stack([getattr(predicted, name) for name in targets])
    complete = criterion.complete(truth, without_lipids=True) & np.isfinite(p).all(axis=1)
    if complete.sum() < FEWEST_PEOPLE:
        raise NotEstimableError(
            "Errors as they are need {fewest_people} people with all of {targets} measured and "
            "predicted; this cohort has {sum}.",
            fewest_people=FEWEST_PEOPLE,
            targets=[say(TARGETS[name].short) for name in targets],
            sum=complete.sum(),
        )
    measured, p = select_people(truth, complete), p[complete]
    if not (np.ptp(p, axis=0) > 0).all():
        raise NotEstimableError(
            "Every prediction of a target is the same, so its errors cannot be described; use another model."
        )
    rest = [name for name in criterion.further if name in measured.further]
    drugs = {name: measured.further[name] for name in rest if name in DRUGS}
    values = (*targets, *(name for name in rest if name not in DRUGS))
    y = np.column_stack([measured.known(name) for name in (*values, *drugs)])
    sex = measured.sex if criterion.by_sex else np.zeros(len(p))
    lines = np.asarray(np.linalg.lstsq(_design(p, sex), y, rcond=None)[0], dtype=np.float64)
    about = y - _design(p, sex) @ lines
    scale: Floats = np.where(about.std(axis=0) > 0, about.std(axis=0), 1.0)
    made = Donors(targets, values, criterion.by_sex, lines, about[:, : len(values)], drugs, scale, np.empty((0, 0)))
    made = replace(made, place=made.among(p, sex))
    return replace(made, shift=_shift(made, p, criterion.decide(measured), measured, criterion))


def _shift(donors: Donors, p: Floats, verdict: Verdicts, measured: PersonMeans, criterion: Criterion) -> float:
    """Calibration in the large among the donors, each by the errors of the others: lines and neighbours are rough.

    Nothing is shifted where verdicts stay unknown, or with fewer than five donors of a kind.
    """
    y = (verdict == YES).astype(np.float64)
    if (verdict == INDETERMINATE).any() or min(y.sum(), len(y) - y.sum()) < FEWEST_EVENTS:
        return 0.0
    count = min(neighbours(len(p)), len(p) - 1)
    near = _nearest(donors.place, donors.place, count + 1)
    others = np.argsort(near == np.arange(len(p))[:, None], axis=1, kind="stable")[:, :count]
    yes = _decided(measured, p, criterion, donors, np.take_along_axis(near, others, axis=1).T)[0] / count
    found = recalibrations(np.ones((1, len(y))), y, np.clip(yes, 0.5 / count, 1 - 0.5 / count))[0, 0]
    return float(found) if np.isfinite(found) else 0.0


def _nearest(among: Floats, place: Floats, count: int) -> Indices:
    """Return which ``count`` of d places are nearest to each of n: n x count. Definitions of one value share them."""
    return _found(among.tobytes(), place.tobytes(), among.shape[1], count).astype(np.intp)


@lru_cache(maxsize=2 * PARTS)
def _found(among: bytes, place: bytes, dimensions: int, count: int) -> NDArray[np.int32]:
    donors, people = (np.frombuffer(each).reshape(-1, dimensions) for each in (among, place))
    return np.asarray(cKDTree(donors).query(people, k=count)[1], dtype=np.int32).reshape(len(people), count)


def _design(p: Floats, sex: Floats) -> Floats:
    return np.column_stack([np.ones(len(p)), p, np.nan_to_num(sex, nan=0.5)])


def neighbours(donors: int) -> int:
    """Return how many of the donors lend a person their errors: four times the root of their number.

    Fewer scatter more; more lend the errors of people with other predictions. In simulations with 300 to 2,000 people
    (skewed errors, errors that grow with the prediction, normal errors, all items of a syndrome with drugs and lipids)
    expected and observed prevalence then differ by no more than chance and the calibration slope is 0.95 to 1.15.

    >>> neighbours(25), neighbours(400), neighbours(100_000)
    (20, 80, 400)
    """
    return min(donors, max(FEWEST_PEOPLE, min(int(4 * donors**0.5), MOST_NEIGHBOURS)))


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Per person; the three add up to 1; NaN where a prediction is missing."""

    patient: Labels
    """Whose, n."""
    yes: Floats
    """Probability that the criterion is met."""
    no: Floats
    """Probability that it is not."""
    indeterminate: Floats
    """Probability that it cannot be told without what is unknown."""


def probabilities(predicted: PersonMeans, criterion: Criterion, donors: Donors) -> Probabilities:
    """Give each person the errors of their neighbours and count how often the criterion is met.

    A truth is the donors' lines at the person's own predictions and sex, plus one neighbour's errors of all values
    together, and that neighbour's drugs. Sex is the person's own. None or all of the neighbours count as half a
    neighbour more or less: a share of so few is no certainty. The donors' shift comes on top. A person's answer depends
    on the donors and on nobody else.
    """
    p = np.column_stack([getattr(predicted, name) for name in donors.targets])
    known = np.isfinite(p).all(axis=1)
    count = neighbours(len(donors.errors))
    yes, unknown = np.full((2, len(predicted)), np.nan)
    if known.any():
        place = donors.among(p[known], predicted.sex[known])
        near = _nearest(donors.place, place, count).T
        found = _decided(select_people(predicted, known), p[known], criterion, donors, near)
        yes[known], unknown[known] = found / count
        yes[known] = np.clip(yes[known], 0.5 / count, np.maximum(1 - 0.5 / count - unknown[known], 0.5 / count))
        yes = expit(logit(yes) + donors.shift) if donors.shift else yes
    return Probabilities(predicted.patient, yes, 1 - (yes + unknown), unknown)


def _decided(people: PersonMeans, p: Floats, criterion: Criterion, donors: Donors, near: Indices) -> Floats:
    """Count yes and indeterminate over the neighbours (count x n) of n people: 2 x n."""
    centre = donors.expect(p, people.sex)
    parts = max(1, near.size // _AT_ONCE)
    total = np.zeros((2, len(p)))
    for some in np.array_split(near, parts):
        moved = {name: centre[:, k] + donors.errors[some, k] for k, name in enumerate(donors.values)}
        lent = {name: moved.pop(name) for name in donors.values if name not in donors.targets}
        lent |= {name: taken[some] for name, taken in donors.drugs.items()}
        verdict = criterion.decide(replace(people, **moved, further=lent))
        total += np.array([(verdict == what).sum(axis=0) for what in (YES, INDETERMINATE)])
    return total
