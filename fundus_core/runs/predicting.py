"""Asking networks about a batch of photographs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fundus_core.errors import FundusError, say
from fundus_core.records import Pixels, Prediction, Status
from fundus_core.retina import CropRule
from fundus_core.runs.looking import PICTURE, Looked
from fundus_core.runs.opening import Model, Predictions

_MODEL_FAULTS = (FundusError, RuntimeError, MemoryError, ValueError)
"""What networks raise when they run out of memory or are fed what they cannot take."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one model said of one photograph."""

    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    """By target id."""
    distance: float = math.nan
    """From the training photographs."""
    precision: str = ""
    """Arithmetic that was used."""
    remark: str = ""
    """What a reader of the numbers must know."""
    refusal: tuple[str, str] | None = None
    """Code and sentence where the model must not be asked about this photograph."""
    fault: tuple[str, str] | None = None
    """Code and sentence where it said nothing."""


def rules_of(models: Mapping[int, Model]) -> tuple[CropRule, ...]:
    """The crops that models want, each once, and the picture for the pages as the last."""
    return (*dict.fromkeys(model.rule for model in models.values()), PICTURE)


def predict(
    models: Mapping[int, Model], looked: Sequence[Looked], rules: Sequence[CropRule]
) -> dict[int, dict[int, Predicted]]:
    """Ask every model, by version id, about the photographs that it has not read before.

    Of two with the same bytes one is asked about. The rules are in the order of their crops. Returns by photograph id,
    then by version id.
    """
    answers: dict[int, dict[int, Predicted]] = {}
    for version, model in models.items():
        new = {one.sha256: one for one in looked if _accepted(one) and version not in one.known}
        batch = list(new.values())
        position = rules.index(model.rule)
        crops = [one.examined.crops[position].pixels for one in batch if one.examined]
        for one, answer in zip(batch, _ask(model, crops), strict=True):
            answers.setdefault(one.member.id, {})[version] = answer
    return answers


def _accepted(one: Looked) -> bool:
    return one.examined is not None and one.examined.status is Status.ACCEPTED and one.fault is None


def _ask(model: Model, crops: Sequence[Pixels]) -> list[Predicted]:
    """Ask about a batch; where that fails, about each photograph alone, so that one cannot spoil the others."""
    if not crops:
        return []
    try:
        found = model.predict(np.stack(crops))
    except _MODEL_FAULTS as error:
        if len(crops) > 1:
            return [answer for crop in crops for answer in _ask(model, [crop])]
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return [
            Predicted(fault=("prediction_failed", say("The model failed on this photograph: {why}.", why=say(why))))
        ]
    return [_one(model, found, i) for i in range(len(crops))]


def _one(model: Model, found: Predictions, i: int) -> Predicted:
    distance = float(found.distance[i])
    if distance > model.silent_beyond:
        message = say(
            "The photograph lies at distance {distance:.1f} from the rendered eyes that the model was "
            "trained on ({silent_beyond:g} is allowed): its numbers would mean nothing. Use a model of "
            "real photographs.",
            distance=distance,
            silent_beyond=model.silent_beyond,
        )
        return Predicted(distance=distance, precision=found.precision, refusal=("out_of_distribution", message))
    predictions = {
        name: Prediction(float(values[i]), float(found.low[name][i]), float(found.high[name][i]))
        for name, values in found.values.items()
    }
    wrong = [name for name, one in predictions.items() if not math.isfinite(one.value)]
    if wrong:
        message = say("The model gave no number for {wrong}; check the model with 'models check'.", wrong=wrong)
        return Predicted(fault=("prediction_failed", message))
    return Predicted(predictions, distance, found.precision, model.remark)
