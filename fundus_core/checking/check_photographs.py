"""Photographs that a check stands on: read here, and handed to the confined process as plain arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_core import images, truth
from fundus_core.errors import UsageError
from fundus_core.jobs import Notice
from fundus_core.journey import Examined, examine
from fundus_core.models.card import Card
from fundus_core.records import Floats, Labels, Pixels, Source, Status
from fundus_core.retina import CropRule

MOST = 200
"""Photographs that are looked at; spread over all that are given."""
MOST_TRIED = 800
"""Photographs on which other readings of a model are tried."""
_CROPS, _TRUTH = "crops.npy", "truth.npz"


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """Photographs that a check stands on."""

    crops: Pixels
    """n x S x S x 3."""
    truth: Mapping[str, Floats]
    """By target: n values, NaN where unknown."""
    left_out: int
    """Photographs that were refused or could not be read."""


def preprocess(card: Card, paths: Sequence[Path], measured: Path | None) -> Preprocessed:
    """Read photographs, cut as the card says, and their truth.

    Raises:
        UsageError: There is no such path, or no photograph that can be used.
        TruthError: The table cannot be used.
    """
    every = list(images.sources(paths))
    picked = [every[k] for k in sorted({int(k) for k in np.linspace(0, len(every) - 1, min(len(every), MOST))})]
    read = [(source, examine(source, [card.rule])) for source in picked]
    good = [(source, seen) for source, seen in read if seen.status is Status.ACCEPTED]
    if not good:
        raise UsageError(
            (
                "None of the {picked} {picked:photograph|photographs} can be used; give gradable colour "
                "photographs of the retina."
            ),
            picked=len(picked),
        )
    crops = np.stack([seen.crops[0].pixels for _, seen in good])
    if measured is None:
        return Preprocessed(crops, {}, len(read) - len(good))
    found = truth.match(
        truth.load(measured),
        [source.name for source, _ in good],
        patient_ids=[seen.patient_id for _, seen in good],
        eyes=[str(seen.eye) for _, seen in good],
    )
    return Preprocessed(crops, {t: v for t, v in found.values().items() if t in card.targets}, len(read) - len(good))


def look_for_identifying(
    card: Card, paths: Sequence[Path], measured: Path, side: int, notice: Notice
) -> tuple[Preprocessed, Labels]:
    """Read photographs of known truth, and whom each shows, cut to one larger size of ``side`` pixels without a rim.

    Every other cut can be made from it.

    Raises:
        UsageError: There is no such path, or no photograph that can be used.
        TruthError: The table cannot be used.
    """
    every = list(images.sources(paths))
    picked = [every[k] for k in sorted({int(k) for k in np.linspace(0, len(every) - 1, min(len(every), MOST_TRIED))})]
    read: list[tuple[Source, Examined]] = []
    for source in picked:
        notice.say("reading", len(read), len(picked))
        read.append((source, examine(source, [CropRule(side)])))
    good = [(source, seen) for source, seen in read if seen.status is Status.ACCEPTED]
    names = [source.name for source, _ in good]
    found = truth.match(
        truth.load(measured),
        names,
        patient_ids=[seen.patient_id for _, seen in good],
        eyes=[str(seen.eye) for _, seen in good],
    )
    values = {target: column for target, column in found.values().items() if target in card.targets}
    known = np.any([np.isfinite(column) for column in values.values()], axis=0) if values else np.zeros(len(good), bool)
    if not known.any():
        raise UsageError(
            "No photograph that can be used has a measured value of a target of this model; give their table."
        )
    people = found.patient_id()
    people = np.where(people == "", [seen.patient_id for _, seen in good], people)
    people = np.where(people == "", names, people)[known]
    crops = np.stack([seen.crops[0].pixels for (_, seen), kept in zip(good, known, strict=True) if kept])
    return Preprocessed(crops, {t: column[known] for t, column in values.items()}, len(read) - int(known.sum())), people


def hand_over(looked: Preprocessed, folder: Path) -> None:
    """Write what was looked at as arrays that hold no objects."""
    np.save(folder / _CROPS, looked.crops, allow_pickle=False)
    np.savez(folder / _TRUTH, allow_pickle=False, **looked.truth)


def handed_over(folder: Path) -> Preprocessed:
    """Read what was handed over; that some were left out is not part of it."""
    with np.load(folder / _TRUTH, allow_pickle=False) as columns:
        measured = {name: columns[name] for name in columns.files}
    return Preprocessed(np.load(folder / _CROPS, allow_pickle=False), measured, 0)
