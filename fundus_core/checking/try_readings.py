"""Inside the confined process: every reading of a model is tried on one half of the people, the best on the other.

One dimension after the other, the order that the field's mistakes suggest: values and colours, size, rim, network,
resampling; then, from what the network says as it is, order of outputs, link, scale, offset, unit. A change is
proposed where it agrees better by more than chance on the first half and again on the second.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fundus_core.checking import scoring
from fundus_core.checking.scoring import Line, Sample
from fundus_core.checking.trial import (
    Step,
    Trial,
    other_networks,
    other_ranges,
    other_resampling,
    other_rims,
    other_sizes,
)
from fundus_core.models import card as cards
from fundus_core.models import card_files
from fundus_core.models.card import Card, Output
from fundus_core.records import Floats
from fundus_core.targets import TARGETS

_SURE, _CONFIRMED = 0.995, 0.95


def identify(*, card: Mapping[str, object], beside: str, given: str, folder: str) -> dict[str, object]:
    """Try readings of a model by its card's plain values; return an ``IdentifyReport`` as plain values.

    ``beside`` is the card's folder, ``given`` one with ``masters.npy`` (n x M x M x 3), ``truth.npz`` and
    ``people.npy``, and ``folder`` where to work.

    Raises:
        FundusError: Weights are missing, or others than the card names.
    """
    model = card_files.parse(card, Path(beside), str(card.get("id")))
    with np.load(Path(given) / "truth.npz", allow_pickle=False) as columns:
        measured = {name: columns[name] for name in columns.files}
    masters = np.load(Path(given) / "masters.npy", mmap_mode="r", allow_pickle=False)
    people = np.load(Path(given) / "people.npy", allow_pickle=False)
    targets = tuple(target for target in model.targets if target in measured)
    truth = np.stack([measured[target] for target in targets], axis=1)
    sample = Sample(truth, people, tuple(TARGETS[target].binary for target in targets))
    found = _found(Trial(masters, sample, targets, Path(folder)), model)
    return json.loads(json.dumps(found, default=float))  # type: ignore[no-any-return]


def _found(trial: Trial, card: Card) -> dict[str, object]:
    start = card
    dimensions = (other_ranges, other_sizes, other_rims, other_networks, other_resampling)
    trial.planned = sum(1 for dimension in dimensions for _ in dimension(card))
    people = len(np.unique(trial.part(0)[1]))
    accepted: list[Step] = []
    settled: list[str] = []
    open_: list[dict[str, object]] = []
    for dimension in dimensions:
        card, step, ties, sure = _decided(trial, card, list(dimension(card)), people)
        accepted += [step] if step else []
        settled += sure
        open_ += ties
    card, dropped = _confirmed(trial, start, accepted)
    order, moved, sure_order = _order(trial, card)
    reordered = _reordered(card, trial.targets, order) if moved else card
    final = _lines(trial, card, reordered, trial.targets)
    changes, results = _changes(start, final), _results(trial, start, final)
    return {
        "photographs": len(trial.sample.person),
        "people": len(np.unique(trial.sample.person)),
        "changes": changes,
        "confirmed": sorted({key for key in settled if key not in changes} | ({"outputs"} if sure_order else set())),
        "open": open_,
        "dropped": dropped,
        "results": results,
        "silent": [target for target, one in results.items() if one["r_after"][1] <= 0 <= one["r_after"][2]],
        "card": cards.as_plain(final),
        "points": _points(trial, start, final),
    }


def _decided(
    trial: Trial, card: Card, steps: Sequence[Step], people: int
) -> tuple[Card, Step | None, list[dict[str, object]], list[str]]:
    """Take the best step where it is better than what stands by more than chance; say what cannot be told apart."""
    kept = trial.promising(card, steps)
    now, scored = trial.score(card, 0), [(step, trial.score(step.card, 0)) for step in kept]
    if not scored:
        return card, None, [], list(dict.fromkeys(step.key for step in steps))
    best, score = max(scored, key=lambda one: float(one[1][0]))
    better = scoring.gain(score, now, people, _SURE)
    taken = best if better.low > 0 else None
    if taken:
        card, now = taken.card, score
    ties: list[dict[str, object]] = []
    for step, other in scored:
        if step is taken:
            continue
        gap = scoring.gain(now, other, people, _CONFIRMED)
        if gap.low <= 0:
            ties.append({"key": step.key, "words": step.words, "gap": gap.value, "needed": max(gap.needed, people)})
    keys = list(dict.fromkeys(step.key for step in steps))
    open_keys = {str(tie["key"]) for tie in ties}
    return card, taken, ties, [key for key in keys if key not in open_keys]


def _confirmed(trial: Trial, start: Card, accepted: Sequence[Step]) -> tuple[Card, list[dict[str, object]]]:
    """Keep the changes that together agree better on the other half too; none where they do not."""
    if not accepted:
        return start, []
    people = len(np.unique(trial.part(1)[1]))
    better = scoring.gain(trial.score(accepted[-1].card, 1), trial.score(start, 1), people, _CONFIRMED)
    if better.low > 0:
        return accepted[-1].card, []
    dropped = [{"key": one.key, "words": one.words, "gap": better.value, "needed": better.needed} for one in accepted]
    return start, dropped


# Outputs ----------------------------------------------------------------------------------------------------------


def _order(trial: Trial, card: Card) -> tuple[tuple[int, ...], bool, bool]:
    """The order of outputs that fits best, whether it is another beyond chance on both halves, and whether sure."""
    same = tuple(range(len(trial.targets)))
    first = trial.matrix(card, 0)
    order = scoring.best_order(first[0], trial.sample.binary)
    halves = (trial.matrix(card, 0), trial.matrix(card, 1))
    gains = [
        scoring.gain(
            scoring.agreement(found, order, trial.sample.binary),
            scoring.agreement(found, same, trial.sample.binary),
            len(np.unique(trial.part(half)[1])),
            (_SURE, _CONFIRMED)[half],
        )
        for half, found in enumerate(halves)
    ]
    moved = order != same and all(one.low > 0 for one in gains)
    return (order if moved else same), moved, order == same or moved


def _reordered(card: Card, targets: Sequence[str], order: Sequence[int]) -> Card:
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


def _lines(trial: Trial, before: Card, card: Card, targets: Sequence[str]) -> Card:
    """Choose link, scale and offset of each output on one half; a change must hold on the other."""
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
        better = float(np.quantile((now - then)[1:], (1 - _CONFIRMED) / 2)) > 0
        if line.why != "card" and better:
            interval = (float("nan"), float("nan"))
            outputs[place] = replace(
                own, link=line.link, scale=line.scale, offset=line.offset, interval=interval, growth=0.0
            )
    return replace(card, outputs=tuple(outputs))


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
    yield from (Line("identity", unit.factor, unit.offset, "unit") for unit in target.units[1:])
    yield Line("exp", 1.0, 0.0, "log")
    line = scoring.fitted(raw, truth)
    if line is not None:
        yield line


# What is said -------------------------------------------------------------------------------------------------------


def _changes(start: Card, final: Card) -> dict[str, list[object]]:
    """Dotted keys that differ, and both values."""
    found: dict[str, list[object]] = {}
    one, other = cards.as_plain(start), cards.as_plain(final)
    if not isinstance(one, dict) or not isinstance(other, dict):
        return found
    for key in ("backbone", "backbone_options"):
        if one[key] != other[key]:
            found[key] = [one[key], other[key]]
    found |= {f"input.{k}": [one["input"][k], v] for k, v in other["input"].items() if one["input"][k] != v}
    for place, (a, b) in enumerate(zip(one["outputs"], other["outputs"], strict=True)):
        for key in ("target", "link", "scale", "offset"):
            if a[key] != b[key]:
                found[f"outputs[{place}].{key}"] = [a[key], b[key]]
    return found


def _values(trial: Trial, card: Card, half: int) -> dict[str, Floats]:
    raw = trial.raw(card, half)
    return {one.target: Line(one.link, one.scale, one.offset)(raw[:, k]) for k, one in enumerate(card.outputs)}


def _results(trial: Trial, start: Card, final: Card) -> dict[str, dict[str, list[float]]]:
    """By target, on the half that took no part in finding: r and mean error before and after, with intervals."""
    truth, _, weights = trial.part(1)
    found: dict[str, dict[str, list[float]]] = {}
    for k, target in enumerate(trial.targets):
        found[target] = {}
        for name, card in (("before", start), ("after", final)):
            values = _values(trial, card, 1)[target]
            together = scoring.correlations(values[:, None], truth[:, k : k + 1], weights)[:, 0, 0]
            error = scoring.errors(Line("identity", 1, 0), values, truth[:, k], weights, binary=TARGETS[target].binary)
            found[target][f"r_{name}"] = _interval(together)
            found[target][f"error_{name}"] = _interval(error)
    return found


def _interval(values: Floats) -> list[float]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return [float(f"{value:.6g}") for value in (values[0], low, high)]


def _points(trial: Trial, start: Card, final: Card) -> dict[str, dict[str, list[float]]]:
    """By target: truth, and values before and after, on the half that took no part in finding."""
    truth = trial.part(1)[0]
    one, other = _values(trial, start, 1), _values(trial, final, 1)

    def plain(values: Floats) -> list[float]:
        return [float(f"{value:.5g}") for value in np.nan_to_num(values, nan=-1e9, posinf=1e9, neginf=-1e9)]

    return {
        target: {"truth": plain(truth[:, k]), "before": plain(one[target]), "after": plain(other[target])}
        for k, target in enumerate(trial.targets)
    }
