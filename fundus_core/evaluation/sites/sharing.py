"""From a cohort to what its hospital can share: see ``shared`` for what is told, ``cells`` for what is not."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.evaluation.intervals.estimate import Estimate
from fundus_core.evaluation.intervals.jackknife_intervals import effective_people
from fundus_core.evaluation.observations.person_means import per_person
from fundus_core.evaluation.observations.sample import (
    Level,
    Sample,
    person_ids,
    shared_targets,
    sort_rows,
    units_of_analysis,
)
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.evaluation.one_cohort.binary import THRESHOLD
from fundus_core.evaluation.one_cohort.calibration import equal_counts
from fundus_core.evaluation.one_cohort.scores import OF_KNOWN, TOLERANCES
from fundus_core.evaluation.sites.shared import (
    NAME,
    Count,
    Covariances,
    Identity,
    Shared,
    SharedFlow,
    SharedTarget,
    Tenth,
    Variable,
    Why,
    because,
)
from fundus_core.evaluation.sites.site_estimates import AtSite, at_site, moved_without_each
from fundus_core.evaluation.sites.small_cells import FEWEST, bins, is_small, merged, odd_ones, rounded_down, shares_told
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.targets import TARGETS, Target

DIGITS = 9
"""Significant digits of every number that is shared: enough for 1e-6, too few to tell values by their rounding."""

FIRST = (
    "mae", "bias", "rmse", "r2", "slope", "intercept", "pearson", "sd_truth", "mae_over_median",
    "auc", "brier", "prevalence", "accuracy", "sensitivity", "specificity",
)  # fmt: skip
"""Estimates that are told first where a site has few people."""

COVARIED = ("mae", "bias", "r2", "slope", "intercept", "pearson", "sd_truth", "mae_over_median", "auc", "brier")
"""Estimates whose covariances are told."""

_MOST_TENTHS = 10
Mask = NDArray[np.bool_]


def share(table: CohortTable, identity: Identity, level: Level, least: int = FEWEST) -> Shared:
    """Return what a cohort's site can share of it.

    Args:
        table: Readings and truth, in any order.
        identity: Who tells, and of which model.
        level: What one observation is.
        least: People behind every number.
    """
    ordered = sort_rows(table)
    samples = {of.id: units_of_analysis(ordered, of, level, ordered=True) for of in shared_targets(table)}
    told = {name: one for name, one in samples.items() if _tellable(one, least)}
    made = {name: _Telling(one, ordered, least) for name, one in told.items()}
    others = {name: ordered.truth[name] for name in TARGETS if name in ordered.truth and name not in told}
    known = list(_others(ordered, others, least))
    flow = _flow(ordered, told, least)
    variables = [each.variable for each in made.values()] + known + _quality(ordered, flow, least)
    names = {each.name for each in variables}
    return Shared(
        identity,
        level,
        least,
        flow,
        tuple(variables),
        MappingProxyType({name: each.target for name, each in made.items()}),
        tuple(name for name in dict.fromkeys((*samples, *others)) if name not in (told if name in samples else names)),
    )


def identity_of(
    table: CohortTable, name: str, model: str, weights_sha256: str, *, card: bool, rendered: bool, software: str
) -> Identity:
    """Return who tells; a name that could tell of a person is refused or replaced.

    Args:
        table: The cohort, whose ids and names of photographs the site's name must not hold.
        name: What the site wants to be called.
        model: Id or name of the model; one without a card here is told as a hash of its name.
        weights_sha256: Of the model's weights; empty where unknown.
        card: Whether the model has a card here.
        rendered: Whether it was trained on rendered eyes.
        software: Version of this program.

    Raises:
        UsageError: The site's name has other signs than letters, digits and ``. + -``, or holds somebody's id.
    """
    if not re.fullmatch(NAME, name):
        raise UsageError(
            "'{name}' cannot name a site; give at most 40 letters, digits, spaces and . + -, such as 'Clinic A'.",
            name=name[:60],
        )
    ids = {str(one).casefold() for one in (*np.unique(person_ids(table)), *np.unique(table.photograph))}
    ids |= {one.rpartition(".")[0] for one in ids if "." in one}
    said = name.casefold()
    if any(one == said or (len(one) > 2 and one in said) for one in ids):
        raise UsageError("The name of the site holds the id of a person or photograph; give another.")
    weights = weights_sha256 if re.fullmatch("[0-9a-f]{64}", weights_sha256) else ""
    return Identity(name, told_model(model, card=card), weights, rendered, software)


def told_model(model: str, *, card: bool) -> str:
    """Return what others are told of a model: its id, or a hash of the name of one without a card.

    >>> told_model("own", card=True), told_model("", card=False), told_model("own", card=False)
    ('own', '', 'model-5b3975651c3c')
    """
    if not model or (card and re.fullmatch(NAME, model)):
        return model
    return f"model-{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def _tellable(sample: Sample, least: int) -> bool:
    """Whether a target has enough people, and a yes/no target enough of each kind (or none of one)."""
    if not sample.target.binary:
        return _weighing(sample.group) >= least
    kinds = [_people(sample, sample.y == 1), _people(sample, sample.y == 0)]
    return _weighing(sample.group) >= least and not any(is_small(n, least) for n in kinds)


def _weighing(group: Indices) -> int:
    """How many people with one observation each would weigh as evenly: one who has most of them is no cohort."""
    sizes = np.bincount(group)
    return int(effective_people(sizes[sizes > 0].astype(np.float64)) + 1e-9) if len(group) else 0


def _people(sample: Sample, chosen: Mask) -> int:
    return len(np.unique(sample.group[chosen]))


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _some_digits(value: float | None) -> float | None:
    return None if value is None else _digits(value)


class _Telling:
    """One target: what is told of it, first things first, while there are more people than numbers."""

    def __init__(self, sample: Sample, ordered: CohortTable, least: int) -> None:
        self.sample, self.least, self.left = sample, least, len(sample.patients)
        mean, sd = self._moments()
        estimates, why = self._estimates()
        tenths = self._tenths()
        histogram = () if sample.target.binary else self._histogram()
        measured = at_site(sample)
        measured = replace(
            measured,
            estimates=MappingProxyType(estimates),
            n_photographs=self._photographs(ordered, measured.n_photographs),
            n=rounded_down(measured.n, odd_ones(np.bincount(sample.group), least), least),
        )
        self.target = SharedTarget(
            sample.target.unit, measured, MappingProxyType(why), tenths, self._covariances(estimates)
        )
        self.variable = Variable(sample.target.id, measured.n, mean, sd, histogram)

    def _moments(self) -> tuple[float, float | None]:
        self.left -= 2
        sd = None if self.sample.target.binary else _digits(float(self.sample.y.std(ddof=1)))
        return _digits(float(self.sample.y.mean())), sd

    def _photographs(self, ordered: CohortTable, n: int) -> int:
        both = np.isfinite(ordered.truth[self.sample.target.id]) & np.isfinite(ordered.predicted[self.sample.target.id])
        who = person_ids(ordered)[both & (ordered.status == Status.PREDICTED.value)]
        return rounded_down(n, odd_ones(np.unique(who, return_counts=True)[1], self.least), self.least)

    def _estimates(self) -> tuple[dict[str, AtSite], dict[str, Why]]:
        found, hidden = at_site(self.sample).estimates, withheld(self.sample, self.least)
        told: dict[str, AtSite] = {}
        why: dict[str, Why] = {}
        for name in sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST)):
            reason = self._reason(found[name], hidden=name in hidden)
            told[name] = _rounded(found[name], reason, self.least)
            if reason:
                why[name] = reason
        return {name: told[name] for name in found}, {name: why[name] for name in found if name in why}

    def _reason(self, one: AtSite, *, hidden: bool) -> Why:
        if hidden:
            return "small"
        if one.estimate.value is None:
            return "none"
        if self.left < 2:
            return "numbers"
        self.left -= 2
        return "" if one.scaled is not None else "none"

    def _tenths(self) -> tuple[Tenth, ...]:
        sample = self.sample
        number = min(_MOST_TENTHS, self.left // 4, len(sample.patients) // self.least)
        if number < 2:
            return ()
        place = equal_counts(sample.p, number)
        kinds = (sample.y == 1, sample.y == 0) if sample.target.binary else (np.ones(len(sample), dtype=bool),)
        cells = [
            [_weighing(sample.group[(place == at) & kind]) for kind in kinds] for at in range(int(place.max()) + 1)
        ]
        parts = [(place >= part.start) & (place < part.stop) for part in merged(cells, self.least)]
        self.left -= 4 * len(parts)
        return tuple(_tenth(sample, inside, self.least) for inside in parts) if len(parts) > 1 else ()

    def _histogram(self) -> tuple[Count, ...]:
        found = bins(self.sample.y, width_of(self.sample.target), self.sample.group, self.least)
        if len(found) > self.left:
            return ()
        self.left -= len(found)
        return tuple(Count(*each) for each in found)

    def _covariances(self, estimates: Mapping[str, AtSite]) -> Covariances:
        moved = moved_without_each(self.sample)
        names = [name for name in COVARIED if name in estimates and estimates[name].error is not None]
        names = [name for name in names if len(moved[name]) == len(self.sample.patients)]
        while names and len(names) * (len(names) - 1) // 2 > self.left:
            names.pop()
        if len(names) < 2:
            return Covariances((), ())
        away = np.array([moved[name] - moved[name].mean() for name in names])
        n = away.shape[1]
        matrix = (n - 1) / n * (away @ away.T)
        return Covariances(
            tuple(names), tuple(_digits(float(matrix[k, j])) for k in range(len(names)) for j in range(k + 1))
        )


def _rounded(one: AtSite, why: Why, least: int) -> AtSite:
    """Return an estimate with the digits that are shared; without what must not be."""
    if why in ("small", "numbers"):
        return AtSite(Estimate(None, note=because(why, least)), one.scale, None, None)
    value, low, high, scaled, error = map(
        _some_digits, (one.estimate.value, one.estimate.low, one.estimate.high, one.scaled, one.error)
    )
    return AtSite(Estimate(value, low, high, note=because(why, least)), one.scale, scaled, error)


def withheld(sample: Sample, least: int = FEWEST) -> set[str]:
    """Return the estimates that would tell of fewer than ten people, by themselves or beside others.

    Args:
        sample: A target's observations.
        least: Fewest people.
    """
    hidden = {"medae"}  # with an odd number of people it is one person's error
    known = np.isfinite(sample.age) & np.isfinite(sample.sex)
    if _part(sample, known, least):
        hidden |= {*OF_KNOWN, "brier_age_sex"}
    bounded = np.isfinite(sample.covered)
    if _part(sample, bounded, least):
        hidden |= {"coverage", "interval_width", "interval_score"}
    if any(is_small(_people(sample, cell), least) for cell in (sample.covered > 0, sample.covered < 1)):
        hidden |= {"coverage"}
    return hidden | (_of_classes(sample, least) if sample.target.binary else _of_limits(sample, least))


def _part(sample: Sample, chosen: Mask, least: int) -> bool:
    """Whether an estimate of some observations would tell of the few that it leaves out, or of few at all."""
    return is_small(_people(sample, ~chosen), least) or is_small(_people(sample, chosen), least)


def _of_classes(sample: Sample, least: int) -> set[str]:
    called, true = sample.p >= THRESHOLD, sample.y == 1
    cells = (called & true, called & ~true, ~called & true, ~called & ~true)
    small = any(is_small(_people(sample, cell), least) for cell in cells)
    return {"accuracy", "sensitivity", "specificity"} if small else set()


def _of_limits(sample: Sample, least: int) -> set[str]:
    limits = TOLERANCES.get(sample.target.id, (5, 10, 15))
    beyond = {f"within_{limit:g}": _people(sample, np.abs(sample.error) > limit) for limit in limits}
    people = len(sample.patients)
    told = shares_told({name: people - n for name, n in beyond.items()}, people, least)
    return set(beyond) - told


def _tenth(sample: Sample, inside: Mask, least: int) -> Tenth:
    y, p, group = sample.y[inside], sample.p[inside], sample.group[inside]
    n, people = len(y), len(np.unique(group))
    own = np.bincount(group, weights=y - y.mean(), minlength=1)
    error = float(np.sqrt(people / max(people - 1, 1) * (own**2).sum()) / n)
    sizes = np.bincount(group)
    exact = rounded_down(n, odd_ones(sizes[sizes > 0], least), least)
    return Tenth(
        exact, people, _digits(float(p.mean())), _digits(float(y.mean())), _digits(error) if error > 0 else None
    )


def width_of(target: Target) -> float:
    """Return the width of a target's bins: a 1, 2 or 5 that gives about twenty over what is plausible.

    >>> width_of(TARGETS["sbp"]), width_of(TARGETS["age"])
    (10.0, 5.0)
    """
    least = (target.high - target.low) / 25
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= least))


def _others(ordered: CohortTable, columns: Mapping[str, Floats], least: int) -> Iterator[Variable]:
    """Yield what is measured and not told with its predictions, a number a person."""
    for name, column in columns.items():
        values = per_person(ordered, column)
        known = values[np.isfinite(values)]
        if TARGETS[name].binary:
            known = known[(known == 0) | (known == 1)]
            if len(known) >= least and not any(is_small(int((known == kind).sum()), least) for kind in (0, 1)):
                yield Variable(name, len(known), _digits(float(known.mean())), None)
        elif len(known) >= least:
            found = bins(known, width_of(TARGETS[name]), np.arange(len(known)), least)
            cells = tuple(Count(*each) for each in found) if len(found) + 2 <= len(known) else ()
            yield Variable(name, len(known), _digits(float(known.mean())), _digits(float(known.std(ddof=1))), cells)


def _quality(ordered: CohortTable, flow: SharedFlow, least: int) -> list[Variable]:
    known = np.isfinite(ordered.quality)
    who = person_ids(ordered)
    few = is_small(len(np.unique(who[~known])), least) or len(np.unique(who[known])) < least
    if few or flow.photographs is None:
        return []
    values = ordered.quality[known]
    n = rounded_down(len(values), flow.photographs != len(ordered), least)
    return [Variable("quality", n, _digits(float(values.mean())), _digits(float(values.std(ddof=1))))]


def _flow(ordered: CohortTable, samples: Mapping[str, Sample], least: int) -> SharedFlow:
    """Count, so that nothing told of a part gives a small count of the rest."""
    who, made = person_ids(ordered), ordered.status == Status.PREDICTED.value
    lost = {status: ordered.status == status.value for status in (Status.REFUSED, Status.FAILED)}
    people = len(np.unique(who))
    if people < least:
        return SharedFlow(None, None, None, None, None, None, MappingProxyType({}))
    counted = {name: _counted(ordered, name) & made for name in samples}
    rest = {name: len(np.unique(who[made & ~mine])) for name, mine in counted.items()}
    few_lost = any(is_small(len(np.unique(who[mask])), least) for mask in lost.values())
    few_rest = any(is_small(n, least) for n in rest.values())
    uneven = odd_ones(np.unique(who, return_counts=True)[1], least)
    few_people = any(is_small(people - len(sample.patients), least) for sample in samples.values())
    of_status = [_cell(int(mask.sum()), len(np.unique(who[mask])), least) for mask in lost.values()]
    return SharedFlow(
        rounded_down(people, few_people, least),
        _eyes(ordered, who, least),
        rounded_down(len(ordered), few_lost or few_rest or uneven, least),
        rounded_down(int(made.sum()), few_lost or few_rest or uneven, least),
        of_status[0],
        of_status[1],
        MappingProxyType({name: _cell(n, n, least) for name, n in rest.items()}),
    )


def _counted(ordered: CohortTable, name: str) -> Mask:
    return np.isfinite(ordered.truth[name]) & np.isfinite(ordered.predicted[name])


def _cell(count: int, people: int, least: int) -> int | None:
    return None if is_small(people, least) or is_small(count, least) else count


def _eyes(ordered: CohortTable, who: Labels, least: int) -> int | None:
    known = ordered.eye != ""
    if not known.any():
        return None
    pairs = np.unique(np.char.add(np.char.add(who[known], "\n"), ordered.eye[known]))
    owners = np.char.partition(pairs, "\n")[:, 0]
    sizes = np.unique(owners, return_counts=True)[1]
    few = odd_ones(sizes, least) or is_small(len(np.unique(who)) - len(sizes), least)
    return rounded_down(len(pairs), few, least)
