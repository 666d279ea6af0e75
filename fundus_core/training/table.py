"""What is learnt from: photographs and the numbers that belong to them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core import images
from fundus_core.errors import TruthError, UsageError
from fundus_core.records import Floats, Source

_WORDS = {"f": 1.0, "female": 1.0, "woman": 1.0, "女": 1.0, "女性": 1.0, "m": 0.0, "male": 0.0, "man": 0.0}
_WORDS |= {"男": 0.0, "男性": 0.0}


@dataclass(frozen=True, slots=True)
class LearningTable:
    """Photographs that were found in the truth table, a row each, sorted by name."""

    sources: tuple[Source, ...]
    """The files."""
    patients: tuple[str, ...]
    """Whose eye; the photograph's own name where the table has no ``patient_id``."""
    values: Mapping[str, Floats]
    """By column: a value per row, NaN where missing."""
    groups: tuple[str, ...]
    """Site per row where the table has a column ``site``, else empty."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the photographs."""
        return tuple(source.name for source in self.sources)


@dataclass(frozen=True, slots=True)
class Material:
    """One folder of photographs and the table that belongs to it."""

    photographs: Path
    """A folder (searched at every depth), a ZIP or a manifest."""
    truth: Path
    """CSV with ``photograph`` (path or file name), ``patient_id`` and the values; maybe ``site``."""
    join: Path | None = None
    """A further CSV whose columns belong to a ``patient_id``."""


def read(materials: Sequence[Material], columns: Mapping[str, str]) -> LearningTable:
    """Match photographs and values of one or several folders.

    Patients of one id in several folders count as one person, and so never stand on both sides of a split.

    Args:
        materials: Folders and tables.
        columns: What is learnt -> the column that holds it.

    Raises:
        TruthError: A column is missing or holds words, or no photograph is named in the table.
    """
    tables = [
        _read(material, columns, f"{k + 1}/" if len(materials) > 1 else "") for k, material in enumerate(materials)
    ]
    return LearningTable(
        sources=tuple(source for one in tables for source in one.sources),
        patients=tuple(patient for one in tables for patient in one.patients),
        values={name: np.concatenate([one.values[name] for one in tables]) for name in columns},
        groups=tuple(group for one in tables for group in one.groups),
    )


def _read(material: Material, columns: Mapping[str, str], prefix: str) -> LearningTable:
    rows = _rows(material.truth, "photograph")
    extra = _by_patient(material.join)
    by_name = {_base(row["photograph"]): row | extra.get(row.get("patient_id", ""), {}) for row in rows}
    if len(by_name) < len(rows):
        message = f"{material.truth.name} names a photograph twice; give each photograph one row and its own name."
        raise TruthError(message)
    sources = sorted(images.sources([material.photographs]), key=lambda source: source.name)
    known = [source for source in sources if _base(source.name) in by_name]
    if not known:
        message = (
            f"None of the {len(sources)} photographs in {material.photographs.name} stands in "
            f"{material.truth.name}; its column 'photograph' must hold their file names."
        )
        raise TruthError(message)
    matched = [by_name[_base(source.name)] for source in known]
    return LearningTable(
        sources=tuple(replace(source, name=prefix + source.name) for source in known),
        patients=tuple(row.get("patient_id") or row["photograph"] for row in matched),
        values={name: _column(matched, column, material.truth) for name, column in columns.items()},
        groups=tuple(row.get("site", "") for row in matched),
    )


def _base(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _rows(path: Path, key: str) -> list[dict[str, str]]:
    if not path.is_file():
        message = f"There is no table '{path}'; give a CSV file."
        raise UsageError(message)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in csv.DictReader(file)]
    if not rows or key not in rows[0]:
        message = f"{path.name} needs a column '{key}' and at least one row."
        raise TruthError(message)
    return rows


def _by_patient(path: Path | None) -> dict[str, dict[str, str]]:
    return {row["patient_id"]: row for row in _rows(path, "patient_id")} if path else {}


def _column(rows: Sequence[Mapping[str, str]], column: str, truth: Path) -> Floats:
    if column not in rows[0]:
        have = ", ".join(rows[0])
        message = f"{truth.name} has no column '{column}'; it has {have}."
        raise TruthError(message)
    return np.array([_number(row.get(column, ""), column, truth) for row in rows], dtype=np.float64)


def _number(word: str, column: str, truth: Path) -> float:
    if not word or word.lower() in ("na", "nan"):
        return float("nan")
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    try:
        return float(word)
    except ValueError as error:
        message = f"{truth.name}, column '{column}': '{word}' is not a number; leave a missing value empty."
        raise TruthError(message) from error
