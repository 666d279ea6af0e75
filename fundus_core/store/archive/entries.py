"""What the lines of the file mean, checked value by value."""

import math
from typing import Any

from fundus_core.errors import UsageError, say, unpacked
from fundus_core.quality import KINDS
from fundus_core.records import Eye, Prediction
from fundus_core.store.archive.rows import Row, reject, to_number
from fundus_core.store.decided import LAPSED, MOST_LETTERS, VERDICTS
from fundus_core.store.values import Finding, ModelVersion, NewPhotograph, TruthRow
from fundus_core.targets import Target, target

_EYES = frozenset(eye.value for eye in Eye)
_SAID_BY = frozenset({"table", "dicom", "name", "disc", ""})
_DOOR = frozenset({"refused", "failed"})
_KINDS = frozenset({"", *KINDS})
_VERDICTS = frozenset({*VERDICTS, LAPSED})
_MOST_LETTERS = tuple(MOST_LETTERS.values())
_MOST_DECISIONS = 1000
_LATEST = 1e11
"""Seconds since 1970; a later time would be in no calendar."""
_OUTCOMES = frozenset({"predicted", "refused", "failed"})


def photograph(row: Row) -> NewPhotograph:
    """A photograph as it comes into the cohort."""
    sha256, kept, name = row.sha256("sha256"), row.flag("bytes"), row.word("name")
    if kept and not sha256:
        reject("sha256")
    return NewPhotograph(
        name=name,
        locator=f"photographs/{sha256[:2]}/{sha256}" if kept else "",
        sha256=sha256,
        kept=kept,
        patient_id=row.word("patient_id"),
        eye=Eye(row.one_of("eye", _EYES)),
        eye_source=row.one_of("eye_source", _SAID_BY),
        door=_door(row.values.get("door")),
    )


def _door(words: object) -> Finding | None:
    """Files written before photographs could be turned away say nothing of it."""
    if words is None:
        return None
    if not isinstance(words, list) or len(words) not in {3, 4}:
        reject("door")
    row = Row(dict(zip(("status", "code", "reason", "reason_values"), words, strict=False)))
    return Finding("", row.one_of("status", _DOOR), row.word("code"), reason(row))


def truth(row: Row) -> TruthRow:
    """What is known of a photograph, measured values in their plausible range."""
    measured = row.mapping("truth")
    values = {name: _plausible(value, target(name)) for name, value in measured.items()}
    visit = row.word("visit") if "visit" in row.values else ""  # written since the fifth version of the store
    return TruthRow(row.word("name"), values, row.words("covariates"), visit=visit)


def _plausible(value: object, known: Target) -> float:
    """A measured value as the door for tables would let it in."""
    number = to_number(value, known.name)
    if known.binary and number not in {0.0, 1.0} and not math.isnan(number):
        reject(known.name)
    if number < known.low or number > known.high:
        raise UsageError(
            "The file holds {number:g} as a measured {name}, which can be {low:g} to {high:g}; correct "
            "the table and export the cohort again.",
            number=number,
            name=say(known.name),
            low=known.low,
            high=known.high,
        )
    return number


def model(row: Row, origin: str) -> ModelVersion:
    """A model's version, marked as come from elsewhere: its readings are not taken for our own."""
    limits = row.word("limits") if "limits" in row.values else ""  # written since the second version of the store
    return ModelVersion(row.word("model"), row.word("weights_sha256"), row.word("card_sha256"), origin, limits)


def finding(row: Row, sha256: str) -> Finding:
    """What a model found in the bytes of that hash."""
    found = row.mapping("predictions")
    return Finding(
        sha256=sha256,
        status=row.one_of("status", _OUTCOMES),
        reason_code=row.word("reason_code"),
        reason=reason(row),
        quality=row.number("quality"),
        out_of_distribution=row.number("out_of_distribution"),
        predictions={name: _prediction(values, target(name)) for name, values in found.items()},
        kind=row.one_of("kind", _KINDS) if "kind" in row.values else "",  # written since the eighth version
    )


def decisions(row: Row) -> list[list[Any]]:
    """What people decided about a photograph, the oldest first; written since the eighth version of the store."""
    told = row.values.get("decisions", [])
    if not isinstance(told, list) or len(told) > _MOST_DECISIONS:
        reject("decisions")
    return [_decision(words) for words in told]


def _decision(words: object) -> list[Any]:
    if not isinstance(words, list) or len(words) != 5:
        reject("decisions")
    row = Row(dict(zip(("verdict", "who", "why", "code", "at"), words, strict=True)))
    verdict, at = row.one_of("verdict", _VERDICTS), row.number("at")
    said = [row.word("who"), row.word("why")]
    if not all(text.isprintable() and len(text) <= most for text, most in zip(said, _MOST_LETTERS, strict=True)):
        reject("decisions")
    if not 0 <= at < _LATEST:
        reject("decisions")
    return [verdict, *said, row.word("code"), at]


def reason(row: Row) -> str:
    """Why there is no prediction; its values are written since the fifth version of the store."""
    return unpacked(row.word("reason"), row.word("reason_values") if "reason_values" in row.values else "")


def _prediction(values: object, known: Target) -> Prediction:
    if not isinstance(values, list) or len(values) != 3:
        reject("predictions")
    numbers = [to_number(one, "predictions") for one in values]
    if known.binary and any(one < 0 or one > 1 for one in numbers):
        reject("predictions")
    return Prediction(*numbers)
