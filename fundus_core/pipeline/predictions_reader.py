"""Reading a file of predictions: predictions.csv of this program exactly, any other as a researcher's table is read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.pipeline.predicted import Asked, PredictionsFile, apply_mapping, decisions_in, labels, proposed
from fundus_core.pipeline.tables import TAIL, VISIT, prediction_columns
from fundus_core.records import CohortTable, Eye, Floats, Labels, Status
from fundus_core.tables import arrow, columns_from_csv, read_table, restored
from fundus_core.targets import TARGETS


def read_predictions(path: Path, asked: Asked | None = None) -> PredictionsFile:
    """Read a table of predictions: this program's own, or any other that names photographs or people.

    Raises:
        UsageError: The file is missing, holds no predictions, or what cannot be told was not said.
        TruthError: The file is no table at all.
    """
    asked = asked or Asked()
    return (None if asked.columns or asked.mapping else _ours(path)) or _any(path, asked)


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
            columns = _columns(path, head) or _cell_by_cell(stream, head)
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    except OSError as error:
        raise UsageError(
            "'{name}' could not be read ({strerror}); give a predictions.csv.", name=path.name, strerror=error.strerror
        ) from error
    try:
        return _as_written(columns)
    except ValueError:
        return None
    finally:
        arrow.give_back()


_DIFFERENT = ("photograph", "sha256", "patient_id")
_WORDS = (*_DIFFERENT, "eye", "status", "reason_code", "reason", *TAIL, VISIT)
"""Columns that hold no numbers."""


def _columns(path: Path, head: Sequence[str]) -> dict[str, arrow.Column] | None:
    numbers = [name for name in head if name not in _WORDS]
    return arrow.read(path, head, quote='"', skip=1, numbers=numbers, different=_DIFFERENT)


def _cell_by_cell(stream: TextIO, head: Sequence[str]) -> dict[str, arrow.Column]:
    """Rows that end early, or numbers that only Python reads. Raises ValueError where a cell is no number."""
    stream.seek(0)
    cells = columns_from_csv(stream)
    return {name: arrow.column(_numbers(cells[name]) if name not in _WORDS else cells[name]) for name in head}


def _as_written(columns: dict[str, arrow.Column]) -> PredictionsFile:
    """Raises ValueError where a cell is not as this program writes it; columns go as they are taken up."""
    targets = [target for target in TARGETS if target in columns]

    def words(name: str, read: Callable[[str], str] = str) -> Labels:
        return arrow.words(columns.pop(name), lambda cell: read(restored(cell)))

    def numbers(end: str) -> dict[str, Floats]:
        return {target: arrow.floats(columns.pop(f"{target}{end}")) for target in targets}

    def several(name: str) -> str:
        return "+".join(sorted(set(arrow.distinct(columns.pop(name), restored)[0]) - {""}))

    photograph, sha256 = words("photograph"), arrow.sentences(columns.pop("sha256"), restored)  # the longest first
    codes, code = arrow.distinct(columns.pop("reason_code"), restored)
    decision = decisions_in(labels(codes))
    table = CohortTable(
        photograph=photograph,
        patient_id=words("patient_id"),
        eye=words("eye", lambda word: Eye(word).value),
        visit=words(VISIT) if VISIT in columns else labels([]),
        status=words("status", lambda word: Status(word).value),
        reason=arrow.sentences(columns.pop("reason"), restored),
        truth={},
        quality=arrow.floats(columns.pop("quality")),
        out_of_distribution=arrow.floats(columns.pop("out_of_distribution")),
        predicted=numbers(""),
        low=numbers("_low"),
        high=numbers("_high"),
        decision=decision[code] if (decision != "").any() else labels([]),
    )
    return PredictionsFile(
        table=table,
        sha256=sha256,
        reason_code=np.array(codes, dtype=object)[code] if codes else labels([]),
        model=several("model"),
        weights_sha256=several("weights_sha256"),
    )


def _numbers(cells: Sequence[str]) -> Floats:
    values = np.array([cell or "nan" for cell in cells], dtype=np.float64)
    values[np.isinf(values)] = np.nan
    return values


def _any(path: Path, asked: Asked) -> PredictionsFile:
    table = read_table(_bytes(path), path.name, sheet=asked.sheet)
    return apply_mapping(table, proposed(table, asked), asked)
