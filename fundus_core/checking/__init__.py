"""``models check``: whether a model is read as its makers meant it. It names what is wrong and changes nothing."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fundus_core import confined
from fundus_core.checking.check_photographs import Preprocessed, hand_over, preprocess
from fundus_core.checking.diagnose_output import Symptom
from fundus_core.checking.report import CheckReport, GoldenLine
from fundus_core.confined import Limits, StoppedError
from fundus_core.errors import CardError, UsageError, say
from fundus_core.models import card as cards
from fundus_core.models import registry
from fundus_core.models.card import Card

_FOR_PHOTOGRAPHS, _A_PHOTOGRAPH = 180.0, 3.0
"""Seconds that a check on photographs may take longer: at all, and for each of 300 pixels."""


def check_model(model_id: str, *, photographs: Sequence[Path] = (), truth: Path | None = None) -> CheckReport:
    """Check a model: replay its golden example, look for symptoms on photographs, measure what bf16 changes.

    The photographs are read here (best with people of both sexes and all ages); the model's files are opened in a
    confined process alone.

    Raises:
        UsageError: There is no such model or path, or truth without photographs.
        CardError: Weights or example are missing or others than the card names.
        TruthError: The table cannot be used.
    """
    card = registry.find(model_id)
    if truth is not None and not photographs:
        raise UsageError("A truth table alone checks nothing; give the photographs too.")
    registry.check(card)
    return _asked(card, preprocess(card, photographs, truth) if photographs else None)


def _asked(card: Card, looked: Preprocessed | None) -> CheckReport:
    with tempfile.TemporaryDirectory() as place:
        room, given = Path(place) / "room", Path(place) / "given"
        room.mkdir()
        given.mkdir()
        if looked is not None:
            hand_over(looked, given)
        arguments = {
            "card": cards.as_plain(card),
            "beside": str(card.folder.resolve()),
            "given": str(given) if looked else "",
            "folder": str(room),
        }
        try:
            answer = confined.run(
                "fundus_core.checking.checking_process:check",
                arguments,
                folder=room,
                readable=[card.folder, given],
                limits=_limits(card, looked),
            )
            return replace(_report(answer.value), left_out=looked.left_out if looked else 0)
        except (StoppedError, KeyError, TypeError, ValueError) as error:
            why = str(error) if isinstance(error, StoppedError) else "It gave no report."
            raise CardError(
                "The check of '{id}' was not finished. {why} Import the model again, or train it again.",
                id=card.id,
                why=say(why),
            ) from error


def _limits(card: Card, looked: Preprocessed | None) -> Limits:
    parts = (card.weights_path, card.weights_path.with_suffix(".bin"))
    size = sum(path.stat().st_size for path in parts if path.is_file())
    limits = confined.of_weights(size)
    if looked is None:
        return limits
    longer = _FOR_PHOTOGRAPHS + _A_PHOTOGRAPH * len(looked.crops) * (card.input.size / 300) ** 2
    return replace(limits, seconds=limits.seconds + longer, memory=limits.memory + 8 * looked.crops.nbytes)


def _report(said: Mapping[str, Any]) -> CheckReport:
    """Return what the confined process says, its sentences each one line."""

    def lines(key: str) -> tuple[str, ...]:
        return tuple(confined.plain(line) for line in said[key])

    return CheckReport(
        id=confined.plain(said["id"]),
        golden=tuple(GoldenLine(**line) for line in said["golden"]),
        photographs=int(said["photographs"]),
        left_out=0,
        with_truth=int(said["with_truth"]),
        symptoms=tuple(_symptom(**one) for one in said["symptoms"]),
        reduced={str(target): float(moved) for target, moved in said["reduced"].items()},
        lines=lines("lines"),
        notes=lines("notes"),
        unverified=lines("unverified"),
    )


def _symptom(code: str, target: str, sentence: str, lines: Sequence[str]) -> Symptom:
    return Symptom(code, target, confined.plain(sentence), tuple(map(confined.plain, lines)))
