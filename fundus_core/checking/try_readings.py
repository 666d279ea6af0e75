"""Inside the confined process: every reading of a model is tried on one half of the people, the best on the other.

One dimension after the other, the order that the field's mistakes suggest: values and colours, size, rim, network,
resampling; then (``try_outputs``), from what the network says as it is, order of outputs, link, scale, offset, unit.
Each change is proposed by itself, where it agrees better by more than chance on the first half and again on the second.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core.checking import scoring, try_outputs
from fundus_core.checking.fits import Fit
from fundus_core.checking.scoring import CONFIRMED, SURE, Gain, Line, Sample
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
from fundus_core.models.card import Card, Input
from fundus_core.records import Floats
from fundus_core.targets import TARGETS


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
    accepted: list[tuple[Card, Step]] = []
    tried: list[str] = []
    open_: list[dict[str, object]] = []
    pairs: dict[str, tuple[Card, Card]] = {}
    for dimension in dimensions:
        before = card
        steps = list(dimension(card))
        tried += [step.key for step in steps]
        card, step, ties = _decided(trial, card, steps, people)
        accepted += [(before, step)] if step else []
        open_ += [_told(one, gap, people) for one, gap in ties]
        pairs |= {one.words: (card, one.card) for one, _ in ties}
    card, dropped = _confirmed(trial, start, accepted)
    order, exchanges = try_outputs.order_of(trial, card)
    open_ += exchanges
    card, named, open_ = _placed(trial, card, order, pairs, open_)
    confirmed, fitted = try_outputs.lines(trial, card, named, trial.targets)
    results = _results(trial, start, confirmed)
    final, fits = try_outputs.fitted_again(trial, card, confirmed, fitted)
    changes, shifted = _changes(start, final), try_outputs.out_of_place(trial, start, card, final)
    doubted = {str(one["key"]) for one in (*open_, *dropped)}
    return {
        "photographs": len(trial.sample.person),
        "people": len(np.unique(trial.sample.person)),
        "changes": changes,
        "confirmed": sorted({*tried, "outputs"} - doubted - set(changes)),
        "open": open_,
        "dropped": dropped,
        "fitted": [{**asdict(one), "needed": 0 if one.sure else one.needed} for one in fits],
        "unsure": sorted({key for key in changes if key in doubted} | set(_unsure(final, fits, exchanges, shifted))),
        "shifted": shifted,
        "results": results,
        "silent": [target for target, one in results.items() if one["r_after"][1] <= 0 <= one["r_after"][2]],
        "card": cards.as_plain(final),
        "points": _points(trial, start, final),
    }


def _placed(
    trial: Trial,
    card: Card,
    order: Sequence[int],
    pairs: Mapping[str, tuple[Card, Card]],
    open_: list[dict[str, object]],
) -> tuple[Card, Card, list[dict[str, object]]]:
    """Of readings that agree as well, take those that put the values in place; leave those that put them out of it.

    Returns the card, the card with its outputs in the order that was found, and what is open still.
    """
    for _ in range(_TURNS):
        named = try_outputs.reordered(card, trial.targets, order)
        still = {str(one["words"]) for one in open_}
        others = {words: _with(card, *pair) for words, pair in pairs.items() if words in still}
        taken, refuted = try_outputs.by_place(trial, card, named, others)
        open_ = [one for one in open_ if one["words"] not in (taken, *refuted)]
        if not taken:
            break
        card = others[taken]
    return card, try_outputs.reordered(card, trial.targets, order), open_


_TURNS = 3
"""Readings, one after the other, that may be taken for putting values in place."""


def _unsure(
    card: Card, fits: Sequence[Fit], exchanges: Sequence[Mapping[str, Any]], shifted: Mapping[str, float]
) -> Iterator[str]:
    """Keys of lines that were fitted to too few people, lie off these people, or may be another output's."""
    doubted = {one.target for one in fits if not one.sure} | set(shifted)
    doubted |= {target for one in exchanges for target in one["targets"]} & {one.target for one in fits}
    for place, output in enumerate(card.outputs):
        if output.target in doubted:
            yield from (f"outputs[{place}].scale", f"outputs[{place}].offset")


def _decided(
    trial: Trial, card: Card, steps: Sequence[Step], people: int
) -> tuple[Card, Step | None, list[tuple[Step, Gain]]]:
    """Take the best step where it is better than what stands by more than chance; say what cannot be told apart."""
    kept = trial.promising(card, steps)
    now, scored = trial.score(card, 0), [(step, trial.score(step.card, 0)) for step in kept]
    if not scored:
        return card, None, []
    best, score = max(scored, key=lambda one: float(one[1][0]))
    better = scoring.gain(score, now, people, SURE)
    taken = best if better.low > 0 else None
    if taken and taken.key == "backbone_options":
        taken, score = _plainest(scored, score, now, people)
    if taken:
        card, now = taken.card, score
    ties: list[tuple[Step, Gain]] = []
    for step, other in scored:
        if step is taken:
            continue
        gap = scoring.gain(now, other, people, CONFIRMED)
        if gap.low <= 0:
            ties.append((step, gap))
    return card, taken, ties


def _plainest(scored: Sequence[tuple[Step, Floats]], best: Floats, now: Floats, people: int) -> tuple[Step, Floats]:
    """Of networks that are better than what stands and not worse than the best, the one that is named first.

    That is the one that timm builds, before those with something more that leaves no numbers in a file.
    """
    return next(
        (step, score)
        for step, score in scored
        if scoring.gain(score, now, people, SURE).low > 0 and scoring.gain(best, score, people, CONFIRMED).low <= 0
    )


def _told(step: Step, gap: Gain, people: int) -> dict[str, object]:
    return {"key": step.key, "words": step.words, "gap": gap.value, "needed": max(gap.needed, people)}


def _confirmed(
    trial: Trial, start: Card, accepted: Sequence[tuple[Card, Step]]
) -> tuple[Card, list[dict[str, object]]]:
    """Keep each change that, after those before it, agrees better on the other half too; say which do not."""
    people = len(np.unique(trial.part(1)[1]))
    dropped: list[dict[str, object]] = []
    for before, step in accepted:
        other = _with(start, before, step.card)
        better = scoring.gain(trial.score(other, 1), trial.score(start, 1), people, CONFIRMED)
        if better.low > 0:
            start = other
        else:
            dropped.append({"key": step.key, "words": step.words, "gap": better.value, "needed": better.needed})
    return start, dropped


def _with(card: Card, before: Card, after: Card) -> Card:
    """Change in a card what differs between two others."""
    lines = {one.name: getattr(after.input, one.name) for one in fields(Input)}
    fed = {name: value for name, value in lines.items() if value != getattr(before.input, name)}
    card = replace(card, input=replace(card.input, **fed))
    if before.backbone != after.backbone:
        card = replace(card, backbone=after.backbone)
    return card if before.backbone_options == after.backbone_options else replace(
        card, backbone_options=after.backbone_options
    )  # fmt: skip


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
