"""Photographs that a model reads alike: near in all of its answers together, each in its own spread."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.evaluation.observations.sample import person_ids
from fundus_core.records import CohortTable, Floats, Labels, Status


@dataclass(frozen=True, slots=True)
class StandardisedPredictions:
    """What a model said about each photograph of a cohort, all targets on one scale."""

    photograph: NDArray[np.bytes_]
    """Names in UTF-8, n: a quarter of the bytes to keep and to look through."""
    person: NDArray[np.int32]
    """Whose, as numbers from 0, n."""
    targets: tuple[str, ...]
    """Ids of the T targets that are compared: those whose predictions differ at all."""
    scaled: NDArray[np.float32]
    """n x T: each prediction in standard deviations of its target's predictions over the cohort; NaN without one."""


def standardised_predictions(table: CohortTable) -> StandardisedPredictions:
    """Put a cohort's predictions on one scale; photographs that were refused have no answer."""
    seen = table.status == Status.PREDICTED.value
    columns = {name: np.where(seen, column, np.nan) for name, column in table.predicted.items()}
    spread = {name: _spread(column) for name, column in columns.items()}
    targets = tuple(name for name in columns if spread[name] > 0)
    scaled = [(columns[name] / spread[name]).astype(np.float32) for name in targets]
    person = np.unique(person_ids(table), return_inverse=True)[1].astype(np.int32)
    whole = np.stack(scaled, axis=1) if scaled else np.empty((len(table), 0), dtype=np.float32)
    return StandardisedPredictions(np.char.encode(table.photograph, "utf-8"), person, targets, whole)


def _spread(column: Floats) -> float:
    known = column[np.isfinite(column)]
    return float(known.std()) if len(known) > 1 else 0.0


def nearest_neighbours(among: StandardisedPredictions, photograph: str, number: int) -> tuple[Labels, Floats]:
    """Find the photographs of other people that a model reads most like one: names, the nearest first, and distances.

    The distance is the root of the mean squared difference of the answers in standard deviations, over all targets
    (Euclidean distance of standardised predictions, divided by the root of their number): 0 for equal answers. Of
    equally near ones in the order of the cohort; fewer than the number where fewer have answers.

    Raises:
        UsageError: The cohort has no photograph of that name.

    >>> from fundus_core.evaluation import from_values
    >>> among = standardised_predictions(from_values("sbp", [0, 0, 0], [110, 130, 150]))
    >>> names, distance = nearest_neighbours(among, "photograph 000001", 1)
    >>> names.tolist(), round(float(distance[0]), 3)
    (['photograph 000002'], 1.225)
    """
    found = np.flatnonzero(among.photograph == photograph.encode())
    if not len(found):
        raise UsageError(
            "The cohort has no photograph '{photograph}'; choose one of its {photograph_2}.",
            photograph=photograph,
            photograph_2=len(among.photograph),
        )
    row = found[0]
    if not among.targets:
        return np.empty(0, dtype=np.str_), np.empty(0)
    square = np.square(among.scaled - among.scaled[row]).mean(axis=1)
    square[among.person == among.person[row]] = np.nan
    square = np.where(np.isnan(square), np.inf, square)
    some = np.flatnonzero(square <= np.partition(square, min(number, len(square)) - 1)[min(number, len(square)) - 1])
    order = some[np.argsort(square[some], kind="stable")][:number]
    order = order[np.isfinite(square[order])]
    return np.char.decode(among.photograph[order], "utf-8"), np.sqrt(square[order].astype(np.float64))
