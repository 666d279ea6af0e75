"""The tables that the command line writes and reads back: predictions.csv and the list of what was inspected.

Numbers are written so that reading them back gives the same float; a missing number is an empty cell.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.journey import Examined
from fundus_core.records import CohortTable, Eye, Floats, Labels, Prediction, Reading, Status
from fundus_core.tables import number, records_from_csv, write_csv
from fundus_core.targets import TARGETS

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
_TAIL = ("model", "weights_sha256", "code_version")

INSPECTION_COLUMNS = (
    "photograph",
    "sha256",
    "width_px",
    "height_px",
    "status",
    "reason_code",
    "reason",
    "cx_px",
    "cy_px",
    "radius_px",
    "eye",
    "eye_source",
    "quality",
)


def prediction_columns(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of predictions.csv in their order.

    >>> prediction_columns(["sbp"])[9:12]
    ('sbp', 'sbp_low', 'sbp_high')
    """
    return _HEAD + tuple(f"{target}{end}" for target in targets for end in ("", "_low", "_high")) + _TAIL


def write_predictions(path: Path, readings: Iterable[Reading], targets: Sequence[str]) -> None:
    """Write one row per photograph; targets without a prediction stay empty."""
    write_csv(path, prediction_columns(targets), (_prediction_row(reading, targets) for reading in readings))


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
    bounds = examined.bounds
    circle = (bounds.cx, bounds.cy, bounds.radius) if bounds else (math.nan,) * 3
    return [
        examined.photograph,
        examined.sha256,
        str(examined.width or ""),
        str(examined.height or ""),
        examined.status.value,
        examined.reason_code,
        examined.reason,
        *(number(round(value, 2)) for value in circle),
        examined.eye.value,
        examined.eye_source,
        number(round(examined.score, 4)),
    ]


@dataclass(frozen=True, slots=True)
class PredictionsFile:
    """predictions.csv as columns."""

    table: CohortTable
    """Readings without truth."""
    sha256: Labels
    """Of each photograph's bytes."""
    reason_code: Labels
    """Stable word for a refusal or failure."""
    model: str
    """Id of the model, several joined by a plus sign."""
    weights_sha256: str
    """Of the weights, several joined by a plus sign."""

    def readings(self) -> list[Reading]:
        """Return the rows as readings."""
        return [self._reading(row) for row in range(len(self.table))]

    def _reading(self, row: int) -> Reading:
        table = self.table
        status = Status(str(table.status[row]))
        return Reading(
            photograph=str(table.photograph[row]),
            sha256=str(self.sha256[row]),
            patient_id=str(table.patient_id[row]),
            eye=Eye(str(table.eye[row])),
            status=status,
            reason_code=str(self.reason_code[row]),
            reason=str(table.reason[row]),
            quality=float(table.quality[row]),
            out_of_distribution=float(table.out_of_distribution[row]),
            model=self.model,
            weights_sha256=self.weights_sha256,
            code_version="",
            predictions={
                target: Prediction(float(values[row]), float(table.low[target][row]), float(table.high[target][row]))
                for target, values in table.predicted.items()
                if status is Status.PREDICTED
            },
        )


def read_predictions(path: Path) -> PredictionsFile:
    """Read a predictions.csv, ours or one written by hand (``photograph`` and one target column suffice).

    Raises:
        UsageError: The file is missing, is no such table, or holds something else than numbers.
    """
    rows, columns = _rows(path)
    targets = [target for target in TARGETS if target in columns]
    if "photograph" not in columns or not targets:
        message = (
            f"'{path.name}' has the columns {', '.join(columns)}; needed are 'photograph' and one or more of "
            f"{', '.join(TARGETS)}."
        )
        raise UsageError(message)
    table = CohortTable(
        photograph=_words(rows, "photograph"),
        patient_id=_words(rows, "patient_id"),
        eye=_words(rows, "eye"),
        status=_words(rows, "status", default="predicted"),
        reason=_words(rows, "reason"),
        quality=_numbers(rows, "quality", path),
        out_of_distribution=_numbers(rows, "out_of_distribution", path),
        truth={},
        predicted={target: _numbers(rows, target, path) for target in targets},
        low={target: _numbers(rows, f"{target}_low", path) for target in targets},
        high={target: _numbers(rows, f"{target}_high", path) for target in targets},
    )
    return PredictionsFile(
        table=table,
        sha256=_words(rows, "sha256"),
        reason_code=_words(rows, "reason_code"),
        model=_only(rows, "model"),
        weights_sha256=_only(rows, "weights_sha256"),
    )


def _rows(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            head, rows = records_from_csv(stream)
            return rows, head
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"'{path.name}' could not be read as a CSV file in UTF-8 ({error}); give a predictions.csv."
        raise UsageError(message) from error


def _words(rows: Sequence[Mapping[str, str]], column: str, default: str = "") -> Labels:
    return np.array([row.get(column) or default for row in rows], dtype=np.str_)


def _only(rows: Sequence[Mapping[str, str]], column: str) -> str:
    return "+".join(sorted({row.get(column) or "" for row in rows} - {""}))


def _numbers(rows: Sequence[Mapping[str, str]], column: str, path: Path) -> Floats:
    values = np.full(len(rows), np.nan)
    for index, row in enumerate(rows):
        text = (row.get(column) or "").strip()
        try:
            values[index] = float(text) if text else math.nan
        except ValueError as error:
            message = f"'{path.name}' row {index + 2}, column '{column}': found '{text}', a number is needed."
            raise UsageError(message) from error
    values[np.isinf(values)] = np.nan
    return values
