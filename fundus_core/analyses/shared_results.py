"""Shared results beside cohorts of one's own: what of each analysis they can tell, and by name what they cannot."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType

import numpy as np

from fundus_core import evaluation
from fundus_core.errors import say
from fundus_core.evaluation import (
    Characteristic,
    Comparison,
    Imbalance,
    Level,
    Shared,
    TargetComparison,
    TargetResult,
)
from fundus_core.targets import TARGETS

CANNOT = (
    "A shared result holds no people, so these stand without it: tests of differences, equivalence, case-mix-adjusted "
    "comparison, recalibration, shift of predictions, out of distribution, and the overlap of distributions."
)
"""What nobody can compute of aggregates."""


def different_models(
    models: Mapping[str, tuple[str, bool]],
    shared: Mapping[str, Shared] = MappingProxyType({}),
    named: Callable[[str], str] = str,
) -> str:
    """Say that several models read what stands side by side; empty where one did, as far as is known.

    Args:
        models: By one's own cohort its model, empty where unknown, and whether a card of it is here.
        shared: What other sites shared; a model without a card goes there by a hash of its name.
        named: What the reader calls a model.

    >>> different_models({"A": ("one", True), "B": ("one", True)})
    ''
    >>> str(different_models({"A": ("one", True), "B": ("other", False)}))[:43]
    'Read by different models: A: one; B: other.'
    """
    own = {evaluation.told_model(model, card=card): model for model, card in models.values()}
    of = {name: model for name, (model, _card) in models.items()}
    of |= {name: own.get(one.identity.model, one.identity.model) for name, one in shared.items()}
    known = {name: model for name, model in of.items() if model}
    if len({*known.values()}) < 2:
        return ""
    return say(
        "Read by different models: {who:;}. What differs may be the models rather than the people.",
        who=[f"{name}: {named(model)}" for name, model in known.items()],
    )


def with_shared(found: Comparison, shared: Mapping[str, Shared], level: Level, target: str = "") -> Comparison:
    """Return a comparison, of one target or of all, with the results of other sites beside it."""
    at_level = {name: one for name, one in shared.items() if one.level == level}
    there = {*found.targets, *(name for one in at_level.values() for name in one.targets)}
    wanted = [name for name in TARGETS if name in there and target in ("", name)]
    made = {name: _beside(name, found.targets.get(name), at_level) for name in wanted}
    return replace(found, names=(*found.names, *shared), targets=MappingProxyType(made))


def _beside(target: str, own: TargetComparison | None, shared: Mapping[str, Shared]) -> TargetComparison:
    own = own or TargetComparison(target, TARGETS[target].unit, {}, {}, (), (), None)
    theirs = {name: result_of(one, target) for name, one in shared.items() if target in one.targets}
    spread = {name: _value(result, "sd_truth") for name, result in theirs.items()}
    return replace(
        own,
        results=MappingProxyType({**own.results, **theirs}),
        spread=MappingProxyType({**own.spread, **spread}),
    )


def _value(result: TargetResult, score: str) -> float | None:
    found = result.estimates.get(score)
    return found.value if found else None


def result_of(shared: Shared, target: str) -> TargetResult:
    """Return what a site shared of one target as an evaluation says it."""
    of = shared.targets[target].measured
    estimates = {name: each.estimate for name, each in of.estimates.items()}
    unit = shared.targets[target].unit
    return TargetResult(target, unit, of.n_photographs, of.n_patients, of.n, MappingProxyType(estimates))


def characteristics(shared: Mapping[str, Shared]) -> Iterator[Characteristic]:
    """Yield a table one of shared results; a count of fewer than ten people is left out."""
    for name, one in shared.items():
        flow = one.flow
        for count in ("photographs", "predicted", "refused", "failed", "people", "eyes"):
            n = getattr(flow, count)
            if n is not None:
                yield Characteristic(name, count, "", "", n, 0, None, None, None)
        for each in one.case_mix:
            target = TARGETS.get(each.name)
            unit = (target.unit or f"share {target.said(1)}") if target else ""
            if target or each.name == "quality":
                yield Characteristic(name, each.name, "", unit, each.n, None, each.mean, each.sd, None)


def imbalances(lines: Sequence[Characteristic], shared: Mapping[str, Shared]) -> Iterator[Imbalance]:
    """Yield the standardised differences of every pair with a shared result, from means and SDs alone."""
    numbers = {(one.cohort, one.variable): one for one in lines if one.mean is not None}
    cohorts = list(dict.fromkeys(one.cohort for one in lines))
    variables = list(dict.fromkeys(one.variable for one in lines))
    for first, second in combinations(cohorts, 2):
        if first not in shared and second not in shared:
            continue
        for variable in variables:
            a, b = numbers.get((first, variable)), numbers.get((second, variable))
            if a is not None and b is not None:
                yield _difference(a, b)


def _difference(a: Characteristic, b: Characteristic) -> Imbalance:
    one, other = _spread(a), _spread(b)
    names = (a.variable, a.cohort, b.cohort)
    if a.mean is None or b.mean is None or one is None or other is None or not one + other > 0:
        return Imbalance(*names, None, None, None, "every value is the same")
    smd = float((a.mean - b.mean) / np.sqrt((one**2 + other**2) / 2))
    return Imbalance(*names, smd, one / other if other > 0 else None, None, evaluation.NO_OVERLAP)


def _spread(of: Characteristic) -> float | None:
    """The standard deviation, of a share that of its zeros and ones."""
    if of.sd is not None or of.mean is None or of.n < 2:
        return of.sd
    return float(np.sqrt(of.mean * (1 - of.mean) * of.n / (of.n - 1)))


def sites_shared(
    shared: Mapping[str, Shared], target: str, level: Level
) -> tuple[dict[str, evaluation.TargetAtSite], list[str]]:
    """Return what shared results measured of a target, and why those that cannot be pooled are left out."""
    found, remarks = {}, []
    for name, one in shared.items():
        if one.level != level:
            remarks.append(evaluation.other_level(name, one.level))
        elif target not in one.targets:
            remarks.append(evaluation.no_values(name))
        else:
            found[name] = one.targets[target].measured
    return found, remarks
