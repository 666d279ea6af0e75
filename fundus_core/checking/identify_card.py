"""``models identify``: the card of a model found by measuring, on photographs of known truth.

Nothing is changed here (``change_card`` does, at the user's word). What was found says on how many people it stands,
what could not be told apart, and how many people would be needed.
"""

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core import confined, jobs
from fundus_core.checking.check_photographs import look_for_identifying
from fundus_core.checking.scoring import FEWEST
from fundus_core.confined import StoppedError
from fundus_core.errors import CardError, UsageError, say
from fundus_core.jobs import Notice
from fundus_core.models import card as cards
from fundus_core.models import card_files, registry
from fundus_core.models.card import Card
from fundus_core.targets import TARGETS

_LARGEST_MASTER = 1024
_NAMED = 6
"""Readings of one line that are named where they cannot be told apart."""


@dataclass(frozen=True, slots=True)
class IdentifyReport:
    """What measuring found."""

    id: str
    """Of the model."""
    photographs: int
    """Of known truth that were used."""
    people: int
    """That they show; one half to find, the other to confirm."""
    changes: Mapping[str, Sequence[object]]
    """By key of the card: the value that stands there, and the one that agrees better on both halves."""
    confirmed: tuple[str, ...]
    """Keys whose values agree better than every other that was tried."""
    sentences: tuple[str, ...]
    """What was found, what could not be told apart, and how many people it would need."""
    results: Mapping[str, Mapping[str, Sequence[float]]]
    """By target: ``r_before``, ``r_after``, ``error_before``, ``error_after``, each with the ends of its interval, on
    the half that took no part in finding (of yes/no targets the mean squared error)."""
    points: Mapping[str, Mapping[str, Sequence[float]]]
    """By target: ``truth``, ``before`` and ``after`` of each photograph of that half."""
    card: Mapping[str, object]
    """The card with the changes."""
    unsure: tuple[str, ...] = ()
    """Keys of changes that agree better and of which nobody can be sure on so few people: they stay unverified."""

    def as_json(self) -> dict[str, object]:
        """Return plain values; numbers that are none as ``None``."""
        return {str(key): _finite(value) for key, value in asdict(self).items()}


def from_json(found: Mapping[str, Any]) -> IdentifyReport:
    """Return the report of which ``as_json`` made plain values."""
    lists = {key: tuple(found.get(key, ())) for key in ("confirmed", "unsure")}
    return IdentifyReport(**{**found, **lists, "card": _unknown(found["card"])})


def _unknown(value: Any) -> Any:
    """A card's numbers that nobody knows as NaN again."""
    if isinstance(value, Mapping):
        return {key: _unknown(item) for key, item in value.items()}
    return [_unknown(item) for item in value] if isinstance(value, list) else math.nan if value is None else value


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def identify_model(
    model_id: str, photographs: Sequence[Path], truth: Path, *, job: Path | None = None
) -> IdentifyReport:
    """Try readings of a model on photographs of known truth and say which agrees best.

    ``job``: a folder in which it says how far it is (``fundus_core.jobs``) and keeps what it found.

    Raises:
        UsageError: There is no such model or path, or too few people.
        CardError: The weights are missing, or others than the card names.
        TruthError: The table cannot be used.
    """
    notice = Notice(job)
    card = registry.find(model_id)
    registry.check(card)
    side = int(min(max(512, 1.5 * card.input.size), _LARGEST_MASTER))
    looked, people = look_for_identifying(card, photographs, truth, side, notice)
    count = len(np.unique(people))
    if count < 2 * FEWEST:
        raise UsageError(
            "{count} people have photographs that can be used and measured values; {fewest} or more are "
            "needed to find a card by measuring, 400 are better.",
            count=count,
            fewest=2 * FEWEST,
        )
    report = _report(card, _asked(card, looked.crops, looked.truth, people, notice))
    if job is not None:
        jobs.keep(job, report.as_json())
        notice.say(jobs.DONE)
    return report


def _asked(card: Card, crops: Any, truth: Mapping[str, Any], people: Any, notice: Notice) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        room, given = Path(place) / "room", Path(place) / "given"
        room.mkdir()
        given.mkdir()
        np.save(given / "masters.npy", crops, allow_pickle=False)
        np.savez(given / "truth.npz", allow_pickle=False, **truth)
        np.save(given / "people.npy", np.unique(people, return_inverse=True)[1], allow_pickle=False)
        arguments = {
            "card": cards.as_plain(card),
            "beside": str(card.folder.resolve()),
            "given": str(given),
            "folder": str(room),
        }
        size = sum(one.stat().st_size for one in (card.weights_path,) if one.is_file())
        limits = confined.of_weights(size)
        longer = 600 + 20 * len(crops) * max(card.input.size / 300, 0.5) ** 2
        limits = replace(limits, seconds=limits.seconds + longer, memory=limits.memory + 4 * crops.nbytes)
        try:
            answer = confined.run(
                "fundus_core.checking.try_readings:identify",
                arguments,
                folder=room,
                readable=[card.folder, given],
                limits=limits,
                heed=lambda told: _pass_on(told, notice),
            )
        except StoppedError as error:
            raise CardError(
                "The card of '{id}' was not measured to the end. {error} Give fewer photographs.",
                id=card.id,
                error=error,
            ) from error
    return answer.value if isinstance(answer.value, dict) else {}


def _pass_on(told: Mapping[str, Any], notice: Notice) -> None:
    with contextlib.suppress(KeyError, TypeError, ValueError):  # a stranger's network had a hand in it
        notice.say("trying", int(told["done"]), int(told["total"]), confined.plain(told["words"]))


def _report(card: Card, found: Mapping[str, Any]) -> IdentifyReport:
    try:
        card_files.parse(found["card"], card.folder, card.id)  # a stranger's network had a hand in it
        return IdentifyReport(
            id=card.id,
            photographs=int(found["photographs"]),
            people=int(found["people"]),
            changes=found["changes"],
            confirmed=tuple(map(confined.plain, found["confirmed"])),
            sentences=tuple(_sentences(found)),
            results=found["results"],
            points=found["points"],
            card=found["card"],
            unsure=tuple(map(confined.plain, found["unsure"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CardError(
            "The card of '{id}' was not measured: no report came back. Import the model again.", id=card.id
        ) from error


def _sentences(found: Mapping[str, Any]) -> Iterator[str]:
    half = int(found["people"]) // 2
    if found["changes"]:
        count = len(found["changes"])
        yield say(
            "{count} {count:line of the card agrees|lines of the card agree} better otherwise, found on {half} people "
            "and confirmed on the others.",
            count=count,
            half=half,
        )
    else:
        yield say(
            "No line of the card agrees better otherwise, tried on {half} people; nothing is proposed.", half=half
        )
    for one in found["fitted"]:
        yield from _fitted(one, int(found["people"]))
    for target, far in found["shifted"].items():
        yield say(
            "The values of {name} lie {far:.2f} of its spread off under the line that agrees best: these people differ "
            "from those of the training, or it is another line. It stays unverified.",
            name=TARGETS[target].name if target in TARGETS else target,
            far=float(far),
        )
    for one in found["dropped"]:
        yield (
            say(
                "{one} ({one_2}) agreed better on one half and not on the other, and is not proposed; about "
                "{one_3:,} people would show it.",
                one=confined.plain(one["words"]),
                one_2=confined.plain(one["key"]),
                one_3=int(one["needed"]),
            )
        )
    by: dict[str, list[Mapping[str, Any]]] = {}
    for one in found["open"]:
        by.setdefault(str(one["key"]), []).append(one)
    for key, several in by.items():
        words = ", ".join(confined.plain(one["words"]) for one in several[:_NAMED])
        words += ", …" if len(several) > _NAMED else ""
        needed = min((int(one["needed"]) for one in several if one["needed"]), default=0) * 2
        more = say(" About {needed:,} people would tell the first of them apart.", needed=needed) if needed else ""
        yield say(
            "Not told apart from what stands under '{key}': {words}.{more}",
            key=confined.plain(key),
            words=words,
            more=more,
        )
    for target in found["silent"]:
        yield (
            say(
                "The output for {target} shows no relation with its truth here, so that nothing is said of its line.",
                target=TARGETS[target].name if target in TARGETS else target,
            )
        )


def _fitted(one: Mapping[str, Any], people: int) -> Iterator[str]:
    """What is to be known of a line that was fitted, with its intervals."""
    target = str(one["target"])
    name = TARGETS[target].name if target in TARGETS else target
    scale, offset = ([float(end) for end in one[key]] for key in ("scale", "offset"))
    yield say(
        "Scale and offset of {name} were fitted to these {people} people: {scale:.4g} ({scale_2:.4g} to {scale_3:.4g}) "
        "and {offset:.4g} ({offset_2:.4g} to {offset_3:.4g}); those of the training are better.",
        name=name, people=people, scale=scale[0], scale_2=scale[1], scale_3=scale[2],
        offset=offset[0], offset_2=offset[1], offset_3=offset[2],
    )  # fmt: skip
    if one["needed"]:
        yield say(
            "That is not sure: values of {name} may be wrong by {apart:.2f} of its spread, and stay unverified; about "
            "{needed:,} people would tell.",
            name=name,
            apart=float(one["apart"]),
            needed=int(one["needed"]),
        )
