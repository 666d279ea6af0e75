"""Twins: other readings of one file, which names and shapes cannot tell apart, and how far their answers differ."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from fundus_core.errors import CardError, say
from fundus_core.models import card_files
from fundus_core.models.card import Card
from fundus_core.models.importing import complete_card, parity
from fundus_core.models.importing.imported import IMAGENET, UNIT, Found, Twin
from fundus_core.models.importing.partial_card import Draft
from fundus_core.records import Floats, Pixels

MOST, _LONGEST = 20, 60.0
"""Readings whose answers are computed, and seconds after which no other is begun."""
_SMALL = 400
"""Pixels of the input from which fewer photographs are asked about."""
SIGNED: Mapping[str, object] = {"input.value_range": [-1.0, 1.0], "input.mean": [0.0] * 3, "input.std": [1.0] * 3}
BYTES: Mapping[str, object] = {"input.value_range": [0.0, 255.0], "input.mean": [0.0] * 3, "input.std": [1.0] * 3}
RANGES: Mapping[str, Mapping[str, object]] = {
    "fed 0 to 1 with ImageNet's mean and spread": IMAGENET,
    "fed 0 to 1": UNIT,
    "fed -1 to 1": SIGNED,
    "fed 0 to 255": BYTES,
}
"""What the field feeds networks."""


def with_habits(draft: Draft, found: Found) -> Found:
    """Add the readings that no file of its form rules out: order of colours, range of values, the other class."""
    more: list[Twin] = []
    if draft.confirmed("input.channels") is None:
        other = "rgb" if draft.get("input.channels") == "bgr" else "bgr"
        more.append(
            Twin("input.channels", say("fed in the order {other}", other=other), None, {"input.channels": other})
        )
    if found.inside is None and draft.confirmed("input.value_range") is None:
        now = draft.get("input.value_range"), draft.get("input.mean")
        for words, changes in RANGES.items():
            if (changes["input.value_range"], changes["input.mean"]) != tuple(
                list(one) if isinstance(one, list | tuple) else one for one in now
            ):
                more.append(Twin("input.value_range", words, None, changes))
    for place, one in enumerate(draft.outputs[: found.outputs]):
        target = str(one["target"])
        if draft.known[target].binary and draft.confirmed_output(place, "scale") is None:
            words = say("{target} meaning the other class (1 - p)", target=target)
            more.append(Twin(f"outputs.{target}.scale", words, None, {f"outputs.{target}": "other"}))
    told = all(
        draft.confirmed_output(place, key) is not None for place in range(found.outputs) for key in ("scale", "offset")
    )
    said = {"outputs.scale"} if told else set()
    said |= {"input.value_range"} if draft.confirmed("input.value_range") is not None else set()
    kept = [twin for twin in found.twins if twin.key not in said]
    return replace(found, twins=(*kept, *more))


def measured(draft: Draft, found: Found, folder: Path, photographs: Sequence[Path]) -> list[dict[str, object]]:
    """Return for each reading that remains what it is, its key, and how far each target would differ.

    Card and weights lie in ``folder``; drawn examples are asked about where there are no photographs of the sample.
    """
    if not found.twins:
        return []
    card = card_files.read(folder / "card.toml")
    crops = _crops(card, photographs)
    now = _said(card, found, crops)
    lines: list[dict[str, object]] = []
    begun = time.monotonic()
    for place, twin in enumerate(found.twins):
        line: dict[str, object] = {"key": twin.key, "words": twin.words, "differences": {}, "on": 0}
        if (twin.found is None and not twin.changes) or place >= MOST or time.monotonic() - begun > _LONGEST:
            lines.append(line)  # of which nobody computed the answers
            continue
        try:
            gap = np.abs(_said(_card(draft, twin, card), twin.found or found, crops) - now).max(axis=0)
        except CardError:
            continue  # no such network can be built
        differences = {t: float(f"{g:.3g}") for t, g in zip(card.targets, gap, strict=True) if math.isfinite(g)}
        if any(differences.values()) or not differences:  # no difference at all is no other reading
            lines.append({**line, "differences": differences, "on": len(crops)})
    return lines


def _crops(card: Card, photographs: Sequence[Path]) -> Pixels:
    """Photographs of the sample at the card's size; drawn ones where they are not at hand."""
    side, crops = card.input.size, []
    for path in photographs[: 2 if side > _SMALL else 4]:
        with Image.open(path) as picture:
            crops.append(np.asarray(picture.convert("RGB").resize((side, side)), dtype=np.uint8))
    return np.stack(crops) if crops else parity.example(side)


def _said(card: Card, found: Found, crops: Pixels) -> Floats:
    if found.tensors is None:
        return parity.imported_outputs(card, crops)
    import torch

    from fundus_core.models.networks import assembled

    with torch.no_grad():
        return np.asarray(assembled(card, found.tensors)(torch.from_numpy(crops))[0].numpy(), dtype=np.float64)


def _card(draft: Draft, twin: Twin, card: Card) -> Card:
    """The card under which the file is read so."""
    if twin.found is not None:
        weights = {"file": card.weights.file, "sha256": card.weights.sha256}
        plain = complete_card.complete(
            draft, twin.found, weights, {"file": "", "sha256": "", "outputs": {}, "tolerance": 1e-3}
        )
        return card_files.parse(plain, card.folder, draft.name)
    return changed(card, twin.changes)


def changed(card: Card, changes: Mapping[str, object]) -> Card:
    """Return the card with other values under dotted keys of its input and outputs."""
    given, outputs = card.input, list(card.outputs)
    for key, value in changes.items():
        table, _, name = key.partition(".")
        if table == "input":
            plain = tuple(value) if isinstance(value, list) else value
            given = replace(given, **{name: plain})  # type: ignore[arg-type]
        else:
            place = card.targets.index(name)
            line = dict(value) if isinstance(value, Mapping) else None
            outputs[place] = outputs[place].other_class() if line is None else replace(outputs[place], **line)
    return replace(card, input=given, outputs=tuple(outputs))
