"""What runs on a cluster's machines: stateless readers, and actors that keep networks open. Nothing here knows Ray."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fundus_core import home, owner_only
from fundus_core.retina import CropRule
from fundus_core.runs import batch_prediction, preprocess
from fundus_core.runs.batch_prediction import ending, predict
from fundus_core.runs.model_loading import CANNOT_OPEN, Model, OpenModel, open_version, unusable
from fundus_core.runs.preprocess import Carried, Fault, Preprocessed
from fundus_core.store import Finding
from fundus_core.store.endings import ClaimedPhotograph, Ending, Turn

Pictures = tuple[bytes, bytes]
"""What pages show of a photograph: large and small, as JPEG."""


Brought = Mapping[str, Mapping[str, bytes]]
"""The folders of models that travel to a machine: by name, what is in each."""


def unpack(brought: Brought) -> None:
    """Have models that travelled found as a user's own are; nothing else of the user's is on this machine."""
    if not brought:
        return
    files = {f"{folder}/{name}": data for folder, each in brought.items() for name, data in each.items()}
    sums = "".join(f"{name} {hashlib.sha256(data).hexdigest()}\n" for name, data in sorted(files.items()))
    place = owner_only.temporary() / f"models-{hashlib.sha256(sums.encode()).hexdigest()[:16]}"
    for name, data in files.items():
        path = place / "models" / name
        if not path.exists():  # another actor of this machine may write it at this moment, too
            scrap = owner_only.folder(path.parent) / f".{secrets.token_hex(8)}"
            owner_only.write(scrap, data)
            scrap.replace(path)
    os.environ[home.VARIABLE] = str(place)


@dataclass(frozen=True, slots=True)
class Batch:
    """Photographs on their way to a reader."""

    turn: Turn
    """The run that they belong to."""
    rules: tuple[CropRule, ...]
    """How they are cut."""
    members: Sequence[ClaimedPhotograph]
    """The photographs."""
    carried: Mapping[int, Carried]
    """Bytes that travel with them, by id."""
    all_carried: bool
    """Whether what could be read by the driver is carried, so that what is missing is missing everywhere."""

    @property
    def suspect(self) -> bool:
        """Whether they may have killed what read them."""
        return any(member.deaths for member in self.members)


@dataclass(frozen=True, slots=True)
class Read:
    """A photograph that was read."""

    looked: Preprocessed
    """With the crops of the networks."""
    answers: Mapping[int, Finding | Fault]
    """What networks said already, of one that killed twice."""
    pictures: Pictures | None
    """What pages show; ``None`` without a retina."""


def read(batch: Batch, opening: OpenModel, brought: Brought) -> list[Read] | None:
    """Read a batch; ``None`` where files of it are not on this machine and did not come along.

    Networks, of which some are ``brought``, are opened for those that may have killed one.
    """
    if not batch.all_carried and any(_elsewhere(one, batch) for one in batch.members):
        return None
    if batch.suspect:
        unpack(brought)
        apart = batch_prediction.Apart(opening)
        try:
            return [_read(*answer) for answer in apart.each(batch.turn, batch.rules, batch.members, batch.carried)]
        finally:
            apart.end()
    return [_read(_look(one, batch), {}) for one in batch.members]


def _elsewhere(member: ClaimedPhotograph, batch: Batch) -> bool:
    carried = member.id in batch.carried or not member.locator or "://" in member.locator
    return not carried and preprocess.is_missing(member)


def _look(member: ClaimedPhotograph, batch: Batch) -> Preprocessed:
    return preprocess.preprocess(
        member,
        batch.rules,
        versions=frozenset(batch.turn.versions),
        known=lambda _: frozenset(),  # the store is elsewhere; it keeps what it knows
        limits=batch.turn.limits,
        carried=batch.carried.get(member.id),
    )


def _read(looked: Preprocessed, answers: Mapping[int, Finding | Fault]) -> Read:
    crop, examined = preprocess.shown(looked), looked.examined
    if crop is None or examined is None:
        return Read(looked, answers, None)
    slim = replace(looked, examined=replace(examined, crops=examined.crops[:-1]))
    return Read(slim, answers, preprocess.pictures(crop))


class Predictor:
    """In an actor: keeps the networks of runs open between batches."""

    def __init__(self, opening: OpenModel, brought: Brought) -> None:
        """Open nothing yet, so that a network that cannot be opened is said and not died of."""
        unpack(brought)
        self._opening = opening
        self._models: dict[int, Model] = {}

    def ping(self) -> None:
        """Show that the actor lives, while it is predicting, too."""

    def predict(
        self, turn: Turn, rules: Sequence[CropRule], batch: Sequence[Read] | None
    ) -> list[tuple[Ending, Pictures | None]] | str | None:
        """Return how photographs ended, or why the run cannot go on; ``None`` where they could not be found."""
        if batch is None:
            return None
        try:
            for version, wanted in turn.versions.items():
                if version not in self._models:
                    self._models[version] = open_version(self._opening, wanted)
        except CANNOT_OPEN as error:
            return unusable(error)
        left = [one.looked for one in batch if not one.answers]
        answers = predict({version: self._models[version] for version in turn.versions}, left, rules)
        answers |= {one.looked.member.id: dict(one.answers) for one in batch if one.answers}
        return [(_ending(one, turn, answers), one.pictures) for one in batch]


def _ending(one: Read, turn: Turn, answers: Mapping[int, Mapping[int, Finding | Fault]]) -> Ending:
    return ending(one.looked, turn.versions, answers.get(one.looked.member.id, {}))
