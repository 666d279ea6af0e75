"""Asking a model what its check needs to know: the golden example, photographs, other inputs, less precision."""

import hashlib
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino as ov
from PIL import Image, UnidentifiedImageError

from fundus_core.checking import diagnose
from fundus_core.checking.check_photographs import Preprocessed
from fundus_core.checking.diagnose_output import Answers, Symptom
from fundus_core.checking.report import GoldenLine
from fundus_core.errors import CardError, say
from fundus_core.inference import Predictor, open_predictor
from fundus_core.models.card import Card
from fundus_core.models.importing import ambiguities
from fundus_core.records import Floats, Pixels

_MOST_TRIED = 40
"""Photographs on which other input ranges are tried, since each opens the network anew."""
ALLOWED_CHANGE = 0.01
"""Change by reduced precision, over the spread of a target's answers, below which it counts as harmless."""


def golden(card: Card, predictor: Predictor) -> tuple[GoldenLine, ...]:
    """Replay the card's golden example; a line per target, none where the card has no example.

    Raises:
        CardError: The example is missing, damaged, or another than the card names.
    """
    if not card.golden.file:
        return ()
    path = card.folder / card.golden.file
    try:
        with Image.open(path) as picture:
            crop = np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise CardError(
            "The golden example '{name}' of '{id}' cannot be read; import or train the model again.",
            name=path.name,
            id=card.id,
        ) from error
    if hashlib.sha256(crop.tobytes()).hexdigest() != card.golden.sha256:
        raise CardError(
            "The golden example '{name}' is another than the card of '{id}' names.", name=path.name, id=card.id
        )
    values = predictor.predict(crop[None]).values
    lines = []
    for target, expected in card.golden.outputs.items():
        said = float(values[target][0])
        passed = abs(said - expected) <= card.golden.tolerance * max(1.0, abs(expected))
        lines.append(GoldenLine(target, expected, said, passed))
    return tuple(lines)


def ask_variants(card: Card, predictor: Predictor, looked: Preprocessed) -> Answers:
    """Ask about photographs as they are, with red and blue exchanged, and mirrored."""
    swapped = np.ascontiguousarray(looked.crops[..., ::-1])
    flipped = np.ascontiguousarray(looked.crops[:, :, ::-1])
    values, other, mirrored = (predictor.predict(crops).values for crops in (looked.crops, swapped, flipped))
    return Answers(card, values, other, mirrored, looked.truth)


def reduced(card: Card, values: Mapping[str, Floats], crops: Pixels, cache: Path) -> dict[str, float]:
    """Return by target how far bf16 moves it, root mean square over the spread of its answers.

    Nothing where the processor has no bf16.
    """
    if "BF16" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return {}
    said = open_predictor(card, device="cpu", precision="bf16", cache=cache).predict(crops).values
    return {
        target: float(np.sqrt(np.mean(np.square(said[target] - values[target]))) / np.std(values[target]))
        if np.std(values[target]) > 0
        else math.nan
        for target in values
    }


def input_range(card: Card, looked: Preprocessed) -> Symptom | None:
    """Try what the field feeds networks, where nobody confirmed what this one wants, and name what agrees better."""
    doubted = {"input.value_range", "input.mean", "input.std"} & set(card.unverified)
    if not doubted or not looked.truth:
        return None
    few = {target: values[:_MOST_TRIED] for target, values in looked.truth.items()}
    crops = looked.crops[:_MOST_TRIED]
    with tempfile.TemporaryDirectory() as cache:
        others = [ambiguities.changed(card, changes) for changes in ambiguities.RANGES.values()]
        now, *tried = (
            diagnose.agreement(open_predictor(one, device="cpu", cache=Path(cache)).predict(crops).values, few)
            for one in (card, *others)
        )
    best = int(np.nanargmax(tried)) if np.isfinite(tried).any() else -1
    if best < 0 or not tried[best] > (now if math.isfinite(now) else 0.0) + diagnose.convincing(len(crops)):
        return None
    habit = list(ambiguities.RANGES.values())[best]
    lines = ("[input]", *(f"{key.removeprefix('input.')} = {value}" for key, value in habit.items()))
    sentence = say(
        "Fed in another range the model agrees better with the truth (correlation {now:.2f} to {tried:.2f}).",
        now=now,
        tried=tried[best],
    )
    return Symptom("input_range", "", sentence, lines)
