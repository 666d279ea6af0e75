"""What the network says as it is, put into words: order of outputs, link, scale, offset and unit of each."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fundus_core.checking import fits, scoring
from fundus_core.checking.scoring import CONFIRMED, SURE, Gain, Line
from fundus_core.checking.trial import Trial
from fundus_core.errors import say
from fundus_core.models.card import Card, Output
from fundus_core.records import Floats
from fundus_core.targets import TARGETS


def order_of(trial: Trial, card: Card) -> tuple[tuple[int, ...], list[dict[str, object]]]:
    """The order of outputs of which every exchange agrees better beyond chance on both halves; what stays open.

    Exchanges are decided one by one, so that a clear one does not carry an unclear one with it.
    """
    halves = (trial.matrix(card, 0), trial.matrix(card, 1))
    people = [len(np.unique(trial.part(half)[1])) for half in (0, 1)]

    def better(one: tuple[int, ...], other: tuple[int, ...], half: int, sure: float) -> Gain:
        first, second = (scoring.agreement(halves[half], order, trial.sample.binary) for order in (one, other))
        return scoring.gain(first, second, people[half], sure)

    order = tuple(range(len(trial.targets)))
    for cycle in _cycles(scoring.best_order(halves[0][0], trial.sample.binary)):
        other = tuple(cycle.get(place, output) for place, output in enumerate(order))
        if better(other, order, 0, SURE).low > 0 and better(other, order, 1, CONFIRMED).low > 0:
            order = other
    open_: list[dict[str, object]] = []
    for one, two in itertools.combinations(range(len(order)), 2):
        swapped = list(order)
        swapped[one], swapped[two] = order[two], order[one]
        gap = better(order, tuple(swapped), 0, CONFIRMED)
        if gap.low <= 0:
            names = [say(TARGETS[trial.targets[place]].name) for place in (one, two)]
            words = say("{one} and {two} exchanged", one=names[0], two=names[1])
            needed = max(gap.needed, people[0])
            both = [trial.targets[one], trial.targets[two]]
            open_.append({"key": "outputs", "words": words, "gap": gap.value, "needed": needed, "targets": both})
    return order, open_


def _cycles(order: Sequence[int]) -> list[dict[int, int]]:
    """Return the exchanges of which an order is made, each as the outputs of its places."""
    found, seen = [], set()
    for start in range(len(order)):
        cycle, place = {}, start
        while place not in seen:
            seen.add(place)
            cycle[place] = order[place]
            place = order[place]
        if len(cycle) > 1:
            found.append(cycle)
    return found


def reordered(card: Card, targets: Sequence[str], order: Sequence[int]) -> Card:
    """The card with its targets named in the order that was found; links and numbers stay where they are."""
    outputs = list(card.outputs)
    places = [card.targets.index(target) for target in targets]
    for k, output in enumerate(order):
        here = outputs[places[output]]
        outputs[places[output]] = replace(
            card.outputs[places[output]],
            target=targets[k],
            unit=TARGETS[targets[k]].unit,
            interval=(float("nan"), float("nan")) if here.target != targets[k] else here.interval,
        )
    return replace(card, outputs=tuple(outputs))


def lines(trial: Trial, before: Card, card: Card, targets: Sequence[str]) -> tuple[Card, list[str]]:
    """Choose link, scale and offset of each output on one half; a change must hold on the other.

    Returns as well of which targets they were fitted.
    """
    fitted: list[str] = []
    outputs = list(card.outputs)
    for k, target in enumerate(targets):
        place = card.targets.index(target)
        own = outputs[place]
        old = before.outputs[before.targets.index(target)]
        binary = TARGETS[target].binary
        raw, (truth, _, weights) = trial.raw(before, 0)[:, place], trial.part(0)
        candidates = list(_candidates(own, old, raw, truth[:, k]))
        line = scoring.choose(candidates, raw, truth[:, k], weights, binary=binary)
        other, (truth, _, weights) = trial.raw(before, 1)[:, place], trial.part(1)
        now = scoring.errors(Line(own.link, own.scale, own.offset), other, truth[:, k], weights, binary=binary)
        then = scoring.errors(line, other, truth[:, k], weights, binary=binary)
        better = float(np.quantile((now - then)[1:], (1 - CONFIRMED) / 2)) > 0
        if line.why == "moved":  # of two names' lines none was there first
            better = bool(then[0] < now[0])
        if line.why != "card" and better:
            fitted += [target] if line.why == "fitted" else []
            interval = (float("nan"), float("nan"))
            outputs[place] = replace(
                own, link=line.link, scale=line.scale, offset=line.offset, interval=interval, growth=0.0
            )
    return replace(card, outputs=tuple(outputs)), fitted


def by_place(trial: Trial, card: Card, named: Card, others: Mapping[str, Card]) -> tuple[str, set[str]]:
    """Return which reading that agrees as well puts the values in place, empty if none, and which put them out of it.

    Where under one reading all outputs lie on the lines that truth has, and under another none does, the first is the
    network's own: one line of the network that moves them all is likelier than each line wrong, and a difference
    between two populations is not undone by another reading. Both halves of the people must show it.
    """
    now = _misplaced(trial, card, named)
    if now is None:
        return "", set()
    then = {words: found for words, other in others.items() if (found := _misplaced(trial, other, named)) is not None}
    better = [words for words, found in then.items() if _closer(found, now)]
    far = {words: float(then[words][0][0] + then[words][1][0]) for words in better}
    # of several the one that is named first, as readings are by their habit: that differences are chance is likelier
    best = next((words for words in better if far[words] <= 2 * min(far.values())), "")
    stays = then[best] if best else now
    return best, {words for words, found in then.items() if words != best and _closer(stays, found)}


_IN_PLACE = 0.25
"""Of the truths' spread: values that lie so near their lines are in place."""


def _closer(one: Sequence[Floats], other: Sequence[Floats]) -> bool:
    """Whether on both halves values are in place in the one reading, and at least twice as far off in the other."""
    return all(
        near[0] <= _IN_PLACE and 2 * near[0] <= far[0] and float(np.quantile((far - near)[1:], (1 - sure) / 2)) > 0
        for near, far, sure in zip(one, other, (SURE, CONFIRMED), strict=True)
    )


def _misplaced(trial: Trial, read: Card, named: Card) -> list[Floats] | None:
    """How far, on each half, values read under one card and named by another lie from their lines; of three or more."""
    columns = [k for k, target in enumerate(trial.targets) if not TARGETS[target].binary]
    if len(columns) < _SEVERAL:
        return None
    found = []
    for half in (0, 1):
        truth, _, weights = trial.part(half)
        values = []
        for k in columns:
            one = named.outputs[named.targets.index(trial.targets[k])]
            raw = trial.raw(read, half)[:, named.outputs.index(one)]
            values.append(Line(one.link, one.scale, one.offset)(raw))
        found.append(fits.misplaced(np.stack(values, axis=1), truth[:, columns], weights))
    return found


_SEVERAL = 3
"""Outputs whose values must agree on a reading."""


def fitted_again(trial: Trial, before: Card, card: Card, targets: Sequence[str]) -> tuple[Card, list[fits.Fit]]:
    """Fit scale and offset that are proposed on all people, now that one half has confirmed those of the other.

    Returns as well how sure each of them is.
    """
    parts = [trial.part(half) for half in (0, 1)]
    raw = np.concatenate([trial.raw(before, half) for half in (0, 1)])
    truth = np.concatenate([part[0] for part in parts])
    person = np.concatenate([part[1] for part in parts])
    first = np.arange(len(person)) < len(parts[0][1])
    outputs, sure = list(card.outputs), []
    for target in targets:
        place = card.targets.index(target)
        fit = fits.fit(target, raw[:, place], truth[:, trial.targets.index(target)], person, first)
        if fit.scale[0] > 0:
            outputs[place] = replace(outputs[place], scale=fit.scale[0], offset=fit.offset[0])
        sure.append(fit)
    return replace(card, outputs=tuple(outputs)), sure


def out_of_place(trial: Trial, start: Card, read: Card, final: Card) -> dict[str, float]:
    """Return by target whose line was changed how far its values lie from the people's, where that is more than near.

    In spreads of the truth. Either these people differ from those of the training, or it is another line: a name that
    went to another output has brought a line that nobody confirmed.
    """
    found = {}
    for place, (old, new) in enumerate(zip(start.outputs, final.outputs, strict=True)):
        if old == new or new.target not in trial.targets or TARGETS[new.target].binary:
            continue
        raw = np.concatenate([trial.raw(read, half)[:, place] for half in (0, 1)])
        k = trial.targets.index(new.target)
        truth = np.concatenate([trial.part(half)[0][:, k] for half in (0, 1)])
        values = Line(new.link, new.scale, new.offset)(raw)
        far = float(fits.misplaced(values[:, None], truth[:, None], np.ones((1, len(raw))))[0])
        if far > fits.NEAR:
            found[new.target] = far
    return found


def _candidates(own: Output, old: Output, raw: Floats, truth: Floats) -> Iterator[Line]:
    yield Line(own.link, own.scale, own.offset, "card")
    yield Line(old.link, old.scale, old.offset, "moved")
    target = TARGETS[own.target]
    if target.binary:
        other = own.other_class()
        yield Line("sigmoid" if own.link == "sigmoid" else "identity", other.scale, other.offset, "class")
        if own.link != "sigmoid":  # of two slopes the flatter errs less where nothing is read: no ground for a change
            yield from (Line("sigmoid", 1.0, 0.0, "logit"), Line("sigmoid", -1.0, 0.0, "class"))
        yield from (Line("identity", 1.0, 0.0, "plain"), Line("identity", -1.0, 1.0, "class"))
        yield Line("identity", 0.01, 0.0, "unit")
        return
    yield Line("identity", 1.0, 0.0, "plain")
    for unit in target.units[1:]:
        yield Line("identity", unit.factor, unit.offset, "unit")
        for one in (own, old):
            if one.link == "identity":
                yield Line("identity", unit.factor * one.scale, unit.factor * one.offset + unit.offset, "unit")
    yield Line("exp", 1.0, 0.0, "log")
    line = scoring.fitted(raw, truth)
    if line is not None:
        yield line
