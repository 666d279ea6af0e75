"""Asking networks about a batch of photographs, and what is written of each after all have spoken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fundus_core.errors import FundusError, joined, say
from fundus_core.records import Eye, Prediction, Status
from fundus_core.retina import CropRule
from fundus_core.runs.model_loading import Model
from fundus_core.runs.preprocess import PICTURE, Fault, Preprocessed
from fundus_core.store import Finding
from fundus_core.store.endings import Ending

if TYPE_CHECKING:  # it stands on what runs networks
    from fundus_core.inference import Predictions
from collections.abc import Iterator
from types import MappingProxyType

from fundus_core.processes import Child, DiedError
from fundus_core.runs import preprocess
from fundus_core.runs.model_loading import OpenModel
from fundus_core.runs.preprocess import Carried
from fundus_core.store.endings import ClaimedPhotograph, Turn

_MODEL_FAULTS = (FundusError, RuntimeError, MemoryError, ValueError)
"""What networks raise when they run out of memory or are fed what they cannot take."""


def rules_of(wanted: Iterable[CropRule]) -> tuple[CropRule, ...]:
    """The crops that models want, each once, and the picture for the pages as the last."""
    return (*dict.fromkeys(wanted), PICTURE)


def predict(
    models: Mapping[int, Model], looked: Sequence[Preprocessed], rules: Sequence[CropRule]
) -> dict[int, dict[int, Finding | Fault]]:
    """Ask every model, by version id, about the photographs that it has not read before.

    Refused ones are asked about too where they have a crop: what is said of them counts if a person accepts them. Of
    two with the same bytes one is asked about. The rules are in the order of their crops. Returns by photograph id,
    then by version id.
    """
    answers: dict[int, dict[int, Finding | Fault]] = {}
    for version, model in models.items():
        new = {one.sha256: one for one in looked if _askable(one) and version not in one.known}
        batch = list(new.values())
        position = rules.index(model.rule)
        for one, answer in zip(batch, _ask(model, batch, position), strict=True):
            answers.setdefault(one.member.id, {})[version] = answer
    return answers


def _askable(one: Preprocessed) -> bool:
    return one.examined is not None and bool(one.examined.crops) and one.fault is None


def _ask(model: Model, batch: Sequence[Preprocessed], position: int) -> list[Finding | Fault]:
    """Ask about a batch; where that fails, about each photograph alone, so that one cannot spoil the others."""
    if not batch:
        return []
    try:
        found = model.predict(np.stack([one.examined.crops[position].pixels for one in batch if one.examined]))
    except _MODEL_FAULTS as error:
        if len(batch) > 1:
            return [answer for one in batch for answer in _ask(model, [one], position)]
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return [("prediction_failed", say("The model failed on this photograph: {why}.", why=say(why)))]
    return [_one(model, found, i, one) for i, one in enumerate(batch)]


def _one(model: Model, found: Predictions, i: int, looked: Preprocessed) -> Finding | Fault:
    distance = float(found.distance[i])
    finding = replace(read(looked), out_of_distribution=distance, precision=found.precision)
    refused = finding.status == Status.REFUSED.value
    if distance > model.silent_beyond:
        message = say(
            "The photograph lies at distance {distance:.1f} from the rendered eyes that the model was "
            "trained on ({silent_beyond:g} is allowed): its numbers would mean nothing. Use a model of "
            "real photographs.",
            distance=distance,
            silent_beyond=model.silent_beyond,
        )
        return finding if refused else replace(
            finding, status=Status.REFUSED.value, reason_code="out_of_distribution", reason=message
        )  # fmt: skip
    predictions = {
        name: Prediction(float(values[i]), float(found.low[name][i]), float(found.high[name][i]))
        for name, values in found.values.items()
    }
    wrong = [name for name, one in predictions.items() if not math.isfinite(one.value)]
    if wrong:
        message = say("The model gave no number for {wrong}; check the model with 'models check'.", wrong=wrong)
        return "prediction_failed", message
    reason = finding.reason if refused else joined((finding.reason, model.remark))
    return replace(finding, reason=reason, predictions=predictions)


def read(looked: Preprocessed) -> Finding:
    """What is written of a photograph before a model has spoken: predicted or refused, with its quality and kind."""
    if looked.examined is None:
        return Finding(looked.sha256, Status.PREDICTED.value)
    seen = looked.examined
    status = Status.PREDICTED if seen.status is Status.ACCEPTED else seen.status
    return Finding(looked.sha256, status.value, seen.reason_code, seen.reason, quality=seen.score, kind=seen.kind)


def ending(looked: Preprocessed, versions: Iterable[int], predicted: Mapping[int, Finding | Fault]) -> Ending:
    """How a photograph ended.

    Args:
        looked: What is known of it.
        versions: All that the run asks for.
        predicted: What the models said, by version id; a version that has read the same bytes before says
            nothing, neither does one that was asked about another photograph of the same bytes.
    """
    examined = looked.examined
    faults = () if _refused(looked) else (one for one in predicted.values() if not isinstance(one, Finding))
    fault = looked.fault or next(iter(faults), None)
    return Ending(
        member=looked.member,
        sha256=looked.sha256,
        stamp=looked.stamp,
        eye=examined.eye if examined else Eye.UNKNOWN,
        eye_source=examined.eye_source if examined else "",
        patient_id=examined.patient_id if examined else "",
        visit=examined.visit if examined else "",
        findings=_findings(looked, versions, predicted),
        fault=fault,
    )


def _refused(looked: Preprocessed) -> bool:
    return looked.examined is not None and looked.examined.status is not Status.ACCEPTED


def _findings(
    looked: Preprocessed, versions: Iterable[int], predicted: Mapping[int, Finding | Fault]
) -> dict[int, Finding]:
    """What each version found; a model that fails on a photograph that is refused anyway changes nothing."""
    if looked.examined is None or looked.fault:
        return {}
    found = {version: one for version, one in predicted.items() if isinstance(one, Finding)}
    if not _refused(looked):
        return found
    return {version: found.get(version, read(looked)) for version in versions if version not in looked.known}


PATIENCE_S = 180.0
"""A child that has not answered by then is taken for dead."""

KILLED = (
    "killed_worker",
    "The photograph made the program that reads it crash, twice; open it in an image editor, save it anew and "
    "hand it in again.",
)

Answer = tuple[Preprocessed, Mapping[int, Finding | Fault]]
"""What came of a photograph: with the fault ``KILLED`` where the child died; and what models said, by version id."""


class Apart:
    """Reads photographs in a process of its own, which lives from the first until it dies on one or is ended."""

    def __init__(self, open_model: OpenModel) -> None:
        """Start nothing yet: most workers never meet a suspect."""
        self._open_model = open_model
        self._child: Child | None = None

    def each(
        self,
        turn: Turn,
        rules: tuple[CropRule, ...],
        photographs: Sequence[ClaimedPhotograph],
        carried: Mapping[int, Carried] = MappingProxyType({}),
    ) -> Iterator[Answer]:
        """Read photographs one after the other, each without danger to this process; the rules are one per crop.

        The networks are asked there too about those that have killed before. Bytes may be ``carried``, by id.
        """
        for photograph in photographs:
            self._child = self._child or Child(_Reader, self._open_model)
            try:
                asked = (turn, rules, photograph, carried.get(photograph.id))
                answer: Answer = self._child.ask("read", *asked, patience_s=PATIENCE_S)
            except DiedError:
                self.end()
                answer = Preprocessed(photograph, "", frozenset(), None, KILLED), {}
            yield answer

    def end(self) -> None:
        """End the process and give its memory back; the next photograph starts another."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Reader:
    """In the child: reads, and keeps the networks open between two photographs."""

    def __init__(self, open_model: OpenModel) -> None:
        self._open, self._models = open_model, dict[str, Model]()

    def read(
        self, turn: Turn, rules: tuple[CropRule, ...], photograph: ClaimedPhotograph, carried: Carried | None
    ) -> Answer:
        suspect = {version: one.model for version, one in turn.versions.items() if photograph.deaths > 1}
        self._models |= {name: self._open(name) for name in suspect.values() if name not in self._models}
        looked = preprocess.preprocess(
            photograph,
            rules,
            versions=frozenset(turn.versions),
            known=lambda _: frozenset(),
            limits=turn.limits,
            carried=carried,
        )
        asked = {version: self._models[name] for version, name in suspect.items()}
        return looked, predict(asked, [looked], rules).get(photograph.id, {})
