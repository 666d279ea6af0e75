"""The tables that the command line writes: predictions.csv and the list of what was inspected.

Numbers are written so that reading them back gives the same float; a missing number is an empty cell.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fundus_core.journey import Examined
from fundus_core.records import Prediction, Reading
from fundus_core.tables import number, write_csv

_HEAD = (
    "photograph",
    "sha256",
    "patient_id",
    "eye",
    "status",
    "reason_code",
    "reason",
    "quality",
    "out_of_distribution",
)
TAIL = ("model", "weights_sha256", "code_version")
VISIT = "visit"
"""Last column of predictions.csv where any visit is known."""

_INSPECTED: Mapping[str, Callable[[Examined], object]] = {
    "photograph": lambda one: one.photograph,
    "sha256": lambda one: one.sha256,
    "width_px": lambda one: one.width or "",
    "height_px": lambda one: one.height or "",
    "status": lambda one: one.status.value,
    "reason_code": lambda one: one.reason_code,
    "reason": lambda one: one.reason,
    "cx_px": lambda one: number(round(one.bounds.cx, 2)) if one.bounds else "",
    "cy_px": lambda one: number(round(one.bounds.cy, 2)) if one.bounds else "",
    "radius_px": lambda one: number(round(one.bounds.radius, 2)) if one.bounds else "",
    "eye": lambda one: one.eye.value,
    "eye_source": lambda one: one.eye_source,
    "quality": lambda one: number(round(one.score, 4)),
    "kind": lambda one: one.kind,
}
INSPECTION_COLUMNS = tuple(_INSPECTED)
"""Of the table that ``inspect`` writes."""


def prediction_columns(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of predictions.csv in their order.

    >>> prediction_columns(["sbp"])[9:12]
    ('sbp', 'sbp_low', 'sbp_high')
    """
    return _HEAD + tuple(f"{target}{end}" for target in targets for end in ("", "_low", "_high")) + TAIL


def write_predictions(path: Path, readings: Sequence[Reading], targets: Sequence[str]) -> None:
    """Write one row per photograph; targets without a prediction stay empty."""
    dated = any(reading.visit for reading in readings)
    head = (*prediction_columns(targets), *([VISIT] if dated else []))
    rows = ([*_prediction_row(reading, targets), *([reading.visit] if dated else [])] for reading in readings)
    write_csv(path, head, rows)


def _prediction_row(reading: Reading, targets: Sequence[str]) -> list[str]:
    missing = Prediction(math.nan, math.nan, math.nan)
    found = [reading.predictions.get(target, missing) for target in targets]
    return [
        reading.photograph,
        reading.sha256,
        reading.patient_id,
        reading.eye.value,
        reading.status.value,
        reading.reason_code,
        reading.reason,
        number(reading.quality),
        number(reading.out_of_distribution),
        *(number(value) for one in found for value in (one.value, one.low, one.high)),
        reading.model,
        reading.weights_sha256,
        reading.code_version,
    ]


def inspection_row(examined: Examined) -> list[str]:
    """Return one row of the table that ``inspect`` writes."""
    return [str(cell(examined)) for cell in _INSPECTED.values()]
