"""Reading a file of predictions: predictions.csv of this program exactly, any other as a researcher's table is read."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.pipeline.predicted import Asked, PredictionsFile, apply_mapping, decisions_in, labels, proposed
from fundus_core.pipeline.tables import VISIT, prediction_columns
from fundus_core.records import CohortTable, Eye, Floats, Status
from fundus_core.tables import columns_from_csv, read_table
from fundus_core.targets import TARGETS


def read_predictions(path: Path, asked: Asked | None = None) -> PredictionsFile:
    """Read a table of predictions: this program's own, or any other that names photographs or people.

    Raises:
        UsageError: The file is missing, holds no predictions, or what cannot be told was not said.
        TruthError: The file is no table at all.
    """
    asked = asked or Asked()
    return (None if asked.columns or asked.mapping else _ours(path)) or _any(_bytes(path), path.name, asked)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            "'{name}' could not be read ({strerror}); give a table of predictions.",
            name=path.name,
            strerror=error.strerror,
        ) from error


def _ours(path: Path) -> PredictionsFile | None:
    """A file just as it was written here; ``None`` where it was saved again by something else."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            head = next(csv.reader(stream), [])
            ours = prediction_columns([target for target in TARGETS if target in head])
            if tuple(head) not in (ours, (*ours, VISIT)):
                return None
            stream.seek(0)
            columns = columns_from_csv(stream)
    except (UnicodeDecodeError, csv.Error):
        return None
    except OSError as error:
        raise UsageError(
            "'{name}' could not be read ({strerror}); give a predictions.csv.", name=path.name, strerror=error.strerror
        ) from error
    try:
        return _as_written(columns)
    except ValueError:
        return None


def _as_written(columns: Mapping[str, Sequence[str]]) -> PredictionsFile:
    """Raises ValueError where a cell is not as this program writes it."""
    targets = [target for target in TARGETS if target in columns]
    table = CohortTable(
        photograph=labels(columns["photograph"]),
        patient_id=labels(columns["patient_id"]),
        eye=labels([Eye(word).value for word in columns["eye"]]),
        visit=labels(columns.get(VISIT, [])),
        status=labels([Status(word).value for word in columns["status"]]),
        reason=labels(columns["reason"]),
        truth={},
        quality=_numbers(columns["quality"]),
        out_of_distribution=_numbers(columns["out_of_distribution"]),
        predicted={target: _numbers(columns[target]) for target in targets},
        low={target: _numbers(columns[f"{target}_low"]) for target in targets},
        high={target: _numbers(columns[f"{target}_high"]) for target in targets},
        decision=decisions_in(labels(columns["reason_code"])),
    )
    return PredictionsFile(
        table=table,
        sha256=labels(columns["sha256"]),
        reason_code=labels(columns["reason_code"]),
        model="+".join(sorted(set(columns["model"]) - {""})),
        weights_sha256="+".join(sorted(set(columns["weights_sha256"]) - {""})),
    )


def _numbers(cells: Sequence[str]) -> Floats:
    values = np.array([cell or "nan" for cell in cells], dtype=np.float64)
    values[np.isinf(values)] = np.nan
    return values


def _any(data: bytes, name: str, asked: Asked) -> PredictionsFile:
    table = read_table(data, name, sheet=asked.sheet)
    return apply_mapping(table, proposed(table, asked), asked)
