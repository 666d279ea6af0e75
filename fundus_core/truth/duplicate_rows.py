"""Rows of predictions that say the same twice, that contradict each other, or that name nobody; and names for rows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from fundus_core.errors import TruthError, say
from fundus_core.identity import as_path
from fundus_core.records import Labels
from fundus_core.truth.table import TruthTable


def once(lines: TruthTable) -> TruthTable:
    """Return lines of predictions each once, with a note of what was left out.

    Raises:
        TruthError: A photograph has several rows that differ: nobody can tell which holds.
    """
    named = (lines.photograph != "") | (lines.patient_id != "")
    notes = list(lines.notes)
    if not named.all():
        note = "Rows that name neither photograph nor patient were left out: {rows}."
        notes.append(say(note, rows=_rows(lines.rows[~named])))
        lines = select_lines(lines, np.flatnonzero(named))
    first, again = _first(lines)
    if len(again):
        note = "Rows that repeat an earlier row in every value were left out: {rows}."
        notes.append(say(note, rows=_rows(lines.rows[again])))
        lines = select_lines(lines, first)
    _refuse_contradictions(lines)
    return replace(lines, notes=tuple(notes))


def select_lines(lines: TruthTable, at: np.ndarray[Any, np.dtype[np.int64]]) -> TruthTable:
    """Return the lines at these positions."""
    changed: dict[str, Any] = {}
    for field in fields(lines):
        value = getattr(lines, field.name)
        if isinstance(value, np.ndarray):
            changed[field.name] = value[at]
        elif isinstance(value, dict):
            changed[field.name] = {name: column[at] for name, column in value.items()}
    return replace(lines, **changed)


def _first(lines: TruthTable) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return where each different line stands first, and where one stands again."""
    numbers = [column for part in (lines.values, lines.predicted, lines.low, lines.high) for column in part.values()]
    words = [lines.photograph, lines.patient_id, lines.eye, lines.visit, *lines.covariates.values()]
    columns = [[None if np.isnan(value) else value for value in column.tolist()] for column in numbers]
    seen: set[tuple[Any, ...]] = set()
    first: list[int] = []
    again: list[int] = []
    for at, key in enumerate(zip(*words, *columns, strict=True)):
        (again if key in seen else first).append(at)
        seen.add(key)
    return np.array(first, dtype=np.int64), np.array(again, dtype=np.int64)


def _refuse_contradictions(lines: TruthTable) -> None:
    names = [as_path(str(name)) for name in lines.photograph]
    several = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if not several:
        return
    rows = lines.rows[[name == several[0] for name in names]]
    message = (
        "'{name}': the photograph '{photograph}' stands in rows {rows} with different values, and {n:,} photographs "
        "in all. Keep one row of each; where the rows are of several models, choose the column that says which."
    )
    raise TruthError(message, name=lines.name, photograph=several[0], rows=_rows(rows), n=len(several))


def _rows(rows: Iterable[Any]) -> str:
    numbers = [str(int(row)) for row in rows]
    return ", ".join([*numbers[:8], *(["…"] if len(numbers) > 8 else [])])


def names(lines: TruthTable) -> Labels:
    """Return a name for every line: the photograph's, else one made of patient, eye and visit, each different."""
    seen: Counter[str] = Counter()
    made = []
    for photograph, patient, eye, visit in zip(lines.photograph, lines.patient_id, lines.eye, lines.visit, strict=True):
        plain = " ".join(filter(None, (str(patient), str(visit), str(eye))))
        seen[plain] += 1
        made.append(str(photograph) or f"{plain} ({seen[plain]})")
    return np.array(made, dtype=np.str_)
