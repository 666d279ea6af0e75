"""predictions.csv read back: ours exactly, one that was saved again or written by hand as any table is."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.identity import eye_in_cell, is_nobody, standing_for_many
from fundus_core.pipeline.tables import prediction_columns
from fundus_core.records import CohortTable, Eye, Floats, Labels, Prediction, Reading, Status
from fundus_core.tables import columns_from_csv, read_table, spelling, units
from fundus_core.targets import TARGETS


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
    notes: tuple[str, ...] = ()
    """What the reader had to do or to leave out, as sentences; to be shown."""

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


@dataclass(frozen=True, slots=True)
class _Words:
    """A predictions file before anything is understood."""

    name: str
    """Of the file."""
    columns: Mapping[str, Sequence[str]]
    """Cells by our name of the column."""
    rows: Sequence[int]
    """Row numbers as a spreadsheet shows them."""
    headings: Sequence[str]
    """As they stand in the file."""
    notes: tuple[str, ...] = ()
    """What the reader of tables had to do."""

    def each(self, column: str, default: str = "") -> list[str]:
        return [word or default for word in self.columns.get(column, [""] * len(self.rows))]


def read_predictions(path: Path) -> PredictionsFile:
    """Read a predictions.csv, ours or another table (``photograph`` and one target column suffice).

    Raises:
        UsageError: The file is missing, is no such table, or holds something else than numbers.
        TruthError: The file is no table at all.
    """
    words = _ours(path) or _any(path)
    targets = [target for target in TARGETS if target in words.columns]
    if "photograph" not in words.columns or not targets:
        message = (
            f"'{path.name}' has the columns {', '.join(words.headings)}; needed are 'photograph' and one or more of "
            f"{', '.join(TARGETS)}."
        )
        raise UsageError(message)
    patients, unnamed = _patients(words)
    eyes, unread = _eyes(words)
    table = CohortTable(
        photograph=_labels(words.each("photograph")),
        patient_id=patients,
        eye=eyes,
        status=_status(words),
        reason=_labels(words.each("reason")),
        quality=_numbers(words, "quality"),
        out_of_distribution=_numbers(words, "out_of_distribution"),
        truth={},
        predicted={target: _numbers(words, target) for target in targets},
        low={target: _numbers(words, f"{target}_low") for target in targets},
        high={target: _numbers(words, f"{target}_high") for target in targets},
    )
    return PredictionsFile(
        table=table,
        sha256=_labels(words.each("sha256")),
        reason_code=_labels(words.each("reason_code")),
        model=_only(words, "model"),
        weights_sha256=_only(words, "weights_sha256"),
        notes=(*words.notes, *unnamed, *unread),
    )


def _ours(path: Path) -> _Words | None:
    """A file just as it was written here; ``None`` where it was saved again by something else."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            head = next(csv.reader(stream), [])
            if tuple(head) != prediction_columns([target for target in TARGETS if target in head]):
                return None
            stream.seek(0)
            columns = columns_from_csv(stream)
    except (UnicodeDecodeError, csv.Error):
        return None
    except OSError as error:
        message = f"'{path.name}' could not be read ({error.strerror}); give a predictions.csv."
        raise UsageError(message) from error
    return _Words(path.name, columns, range(2, len(columns["photograph"]) + 2), head)


def _any(path: Path) -> _Words:
    table = read_table(path.read_bytes(), path.name)
    known = {spelling.fold(name): name for name in prediction_columns(list(TARGETS))}
    columns: dict[str, Sequence[str]] = {}
    for heading, cells in zip(table.headings, table.columns, strict=True):
        columns.setdefault(known.get(spelling.fold(heading), heading), cells.tolist())
    faults = (f"Row {fault.row}: {fault.what_to_do}" if fault.row else fault.what_to_do for fault in table.faults)
    return _Words(path.name, columns, table.rows.tolist(), table.headings, (*table.notes, *faults))


def _patients(words: _Words) -> tuple[Labels, list[str]]:
    """Ids as they are written; one that stands for many people stands for none."""
    stated = ["" if is_nobody(word) else word for word in words.each("patient_id")]
    many = standing_for_many(stated)
    notes = [
        f"'{word}' stands in {count:,} rows of '{words.name}' as the patient, more than any other id: it was not taken "
        "for one person."
        for word, count in many.items()
    ]
    return _labels(["" if word in many else word for word in stated]), notes


def _eyes(words: _Words) -> tuple[Labels, list[str]]:
    stated = words.each("eye")
    read = {word: eye_in_cell(word) for word in set(stated)}
    strange = sorted(word for word, eye in read.items() if eye is None)
    notes = [f"In '{words.name}' no eye is called {', '.join(map(repr, strange[:3]))}; write right or left."]
    return _labels([read[word] or "" for word in stated]), notes if strange else []


def _status(words: _Words) -> Labels:
    stated = [spelling.fold(word) for word in words.each("status", Status.PREDICTED.value)]
    strange = sorted(set(stated) - set(Status))
    if strange:
        message = f"'{words.name}', column 'status': found '{strange[0]}'; allowed are {', '.join(Status)}."
        raise UsageError(message)
    return _labels(stated)


def _labels(words: Sequence[str]) -> Labels:
    return np.array(words, dtype=np.str_)


def _only(words: _Words, column: str) -> str:
    return "+".join(sorted(set(words.each(column)) - {""}))


def _numbers(words: _Words, column: str) -> Floats:
    cells = words.each(column, "nan")
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = _spelt(words, column, cells)
    values[np.isinf(values)] = np.nan
    return values


def _spelt(words: _Words, column: str, cells: list[str]) -> Floats:
    """Numbers that are more than plain digits: a decimal comma, full width, ``N/A``."""
    decimal = spelling.decimal_mark(cells)
    read = [spelling.number(cell, decimal) for cell in cells]
    target = column.removesuffix("_low").removesuffix("_high")
    for row, cell, found in zip(words.rows, cells, read, strict=True):
        if found.problem or (found.unit and units.unit(target, found.unit) != units.unit(target, "")):
            message = f"'{words.name}' row {row}, column '{column}': found '{cell}', a number is needed."
            raise UsageError(message)
    return np.array([found.value for found in read], dtype=np.float64)
