"""From a table and its mapping to measured values, a line per photograph, eye or person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import TruthError, say
from fundus_core.identity import eyes_in_names, is_nobody, standing_for_many
from fundus_core.records import Eye, Floats, Labels
from fundus_core.tables import parse
from fundus_core.tables.table import Fault, Table, Words
from fundus_core.targets import TARGETS
from fundus_core.truth import parse_measured, validate
from fundus_core.truth.mapping import KEPT_OR_NOT, Column, Proposal
from fundus_core.truth.parse_measured import Quantity, Record
from fundus_core.truth.parse_predicted import Forecast, forecasts
from fundus_core.truth.receipt import entry
from fundus_core.truth.table import TruthTable

_LONGEST = 200
_NO_GROUP = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "-", "<na>"))


def apply(table: Table, proposal: Proposal, *, rows_are_people: bool = False) -> TruthTable:
    """Read a table as its mapping says.

    Columns that still need confirmation are not used; cells that cannot be used become missing; both are listed.

    Args:
        table: As read.
        proposal: From ``propose``, changed and confirmed by a person, or saved from an earlier table.
        rows_are_people: Whether, in a table that names nobody, each row is another person.

    Raises:
        TruthError: The mapping does not fit the table, or names neither photographs nor patients.
    """
    record = Record(table.rows, list(table.faults), [*table.notes, *proposal.notes])
    columns = _usable(table, proposal, record)
    named = any(column.role in ("photograph", "patient_id") for column, _ in columns)
    if not (named or rows_are_people):
        raise TruthError(
            "'{name}': no column names the photograph or the patient; the columns are {headings}. Choose one.",
            name=table.name,
            headings=table.headings,
        )
    quantities = _quantities(columns, record)
    validate.check(quantities, _ages(columns, record), record)
    made = forecasts(columns, record)
    lines = _not_for_many(_lines(columns, quantities, made, record), record)
    if not named:
        lines = replace(lines, patient_id=np.array([f"row {row}" for row in lines.rows], dtype=np.str_))
    if not (lines.values or lines.predicted):
        what = say("No column holds a target ({targets}): nothing can be evaluated. Map at least one.", targets=TARGETS)
        record.about("", "no_target", what)
    if not lines.predicted:
        validate.repeated(lines, record)
    order = sorted(dict.fromkeys(record.faults), key=lambda fault: (fault.row, fault.column))
    receipt = tuple(
        entry(column, words, _used(column, quantities, made), record.converted.get(column.heading, {}))
        for column, words in columns
    )
    lines = replace(lines, name=table.name, level=proposal.level, receipt=receipt)
    return replace(lines, notes=tuple(record.notes), faults=tuple(order))


def _used(column: Column, quantities: Sequence[Quantity], made: Made) -> list[Floats]:
    """Return the values that a column gave; two where a cell holds both pressures."""
    if column.part == "predicted":
        return [one.value for (role, eye), one in made.items() if (role, eye) == (column.role, column.eye)]
    if column.part:
        return []
    return [one.values for one in quantities if one.heading == column.heading and one.words is not None]


def _usable(table: Table, proposal: Proposal, record: Record) -> list[tuple[Column, Words]]:
    """Return the mapped columns with their cells; leave out what must first be confirmed."""
    words = dict(zip(table.headings, table.columns, strict=True))
    by_fold = {parse.fold(heading): heading for heading in table.headings}
    absent, result = [], []
    for column in proposal.columns:
        heading = column.heading if column.heading in words else by_fold.get(parse.fold(column.heading), "")
        if column.needs_confirmation:
            record.about(
                column.heading, "unconfirmed", say("Not used until you confirm it. {reason}", reason=say(column.reason))
            )
        elif heading:
            result.append((column, words[heading]))
        elif column.role not in KEPT_OR_NOT:
            absent.append(column.heading)
    if absent:
        raise TruthError(
            "'{name}' has no column {absent}, which the mapping names; there are {headings}.",
            name=table.name,
            absent=absent,
            headings=table.headings,
        )
    known = {parse.fold(column.heading) for column in proposal.columns}
    new = [heading for heading in table.headings if parse.fold(heading) not in known]
    if new:
        record.notes.append(say("Columns that the mapping does not name were left out: {new}.", new=new))
    return result


def _quantities(columns: Sequence[tuple[Column, Words]], record: Record) -> list[Quantity]:
    result = []
    for column, words in columns:
        if column.part:
            continue
        if column.role in parse_measured.READERS:
            values = parse_measured.READERS[column.role](column, words, record)
            result.append(Quantity(column.role, column.eye, column.heading, column.unit, values, words))
        elif column.role == "blood_pressure":
            both = parse_measured.pressures(column, words, record)
            for role, values in zip(("sbp", "dbp"), both, strict=True):
                result.append(Quantity(role, column.eye, column.heading, column.unit, values, words))
    return result


def _ages(columns: Sequence[tuple[Column, Words]], record: Record) -> Quantity | None:
    """Return age from the dates of birth and examination."""
    found = {column.role: (column, words) for column, words in columns if column.role in ("birth_date", "exam_date")}
    if len(found) < 2:
        return None
    births, exams = (parse_measured.days(*found[role], record) for role in ("birth_date", "exam_date"))
    heading = "+".join(found[role][0].heading for role in ("birth_date", "exam_date"))
    return Quantity("age", Eye.UNKNOWN, heading, "years", parse_measured.years_between(births, exams))


Made = Mapping[tuple[str, Eye], Forecast]
"""Predictions by target and eye of a wide column."""


def _lines(
    columns: Sequence[tuple[Column, Words]], quantities: Sequence[Quantity], made: Made, record: Record
) -> TruthTable:
    """Turn rows into lines: a wide row gives one line per eye."""
    wide = {c.eye for c, _ in columns if c.role not in KEPT_OR_NOT} - {Eye.UNKNOWN}
    wide |= {quantity.eye for quantity in quantities} - {Eye.UNKNOWN}
    sides: list[Eye] = [eye for eye in (Eye.RIGHT, Eye.LEFT) if eye in wide] or [Eye.UNKNOWN]
    parts = [_side(eye, columns, quantities, made, record) for eye in sides]
    if len(sides) > 1:
        record.notes.append("Right and left stand side by side in one row; each row was read as two lines.")
    order = np.argsort(np.concatenate([part.rows for part in parts]), kind="stable")

    def put(columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return columns[0] if len(columns) == 1 else np.concatenate(columns)[order]

    def joined(of: str) -> dict[str, Floats]:
        names = [name for name in TARGETS if any(name in getattr(part, of) for part in parts)]
        return {name: put([_or_missing(part, of, name) for part in parts]) for name in names}

    return TruthTable(
        name="",
        level="",
        rows=put([part.rows for part in parts]),
        photograph=put([part.photograph for part in parts]),
        patient_id=put([part.patient_id for part in parts]),
        eye=put([part.eye for part in parts]),
        visit=put([part.visit for part in parts]),
        values=joined("values"),
        predicted=joined("predicted"),
        low=joined("low"),
        high=joined("high"),
        covariates={name: put([part.covariates[name] for part in parts]) for name in parts[0].covariates},
    )


def _or_missing(part: TruthTable, of: str, name: str) -> Floats:
    found: Mapping[str, Floats] = getattr(part, of)
    return found[name] if name in found else np.full(len(part), np.nan)


def _side(
    side: Eye, columns: Sequence[tuple[Column, Words]], quantities: Sequence[Quantity], made: Made, record: Record
) -> TruthTable:
    """Return the lines of one side; in a wide table, rows about the other side alone give none."""
    mine = [(column, words) for column, words in columns if column.eye in (Eye.UNKNOWN, side)]
    photograph = _names(mine, "photograph", len(record.rows))
    eye = _eyes(mine, photograph, record)
    if side:
        wide = any(column.role == "photograph" and column.eye for column, _ in columns)
        keep: NDArray[np.int64] | slice = np.flatnonzero(photograph != "" if wide else np.isin(eye, ("", side.value)))
        eye = np.full(len(record.rows), side.value)
    else:
        keep = slice(None)  # copies nothing
    own = [q for q in quantities if q.eye is side] if side else []
    chosen = {q.role: q for q in [*(q for q in quantities if q.eye is Eye.UNKNOWN), *own] if q.role in TARGETS}
    told = {role: one for eye_ in dict.fromkeys((Eye.UNKNOWN, side)) for (role, of), one in made.items() if of is eye_}
    return TruthTable(
        name="",
        level="",
        rows=record.rows[keep],
        photograph=photograph[keep],
        patient_id=_names(mine, "patient_id", len(record.rows))[keep],
        eye=eye[keep],
        visit=_visits(mine, record)[keep],
        values={role: q.values[keep] for role, q in chosen.items()},
        predicted={role: one.value[keep] for role, one in told.items()},
        low={role: one.low[keep] for role, one in told.items()},
        high={role: one.high[keep] for role, one in told.items()},
        covariates=_covariates(columns, keep),
    )


def _eyes(columns: Sequence[tuple[Column, Words]], photograph: Labels, record: Record) -> Labels:
    """Return the eye of each row: from its column, in a wide table else from the photograph's name."""
    found = [(column, words) for column, words in columns if column.role == "eye"]
    if found:
        return parse_measured.eyes(*found[0], record)
    if any(column.eye for column, _ in columns):
        return np.array(eyes_in_names(photograph), dtype=np.str_)
    return np.full(len(photograph), "")


def _visits(columns: Sequence[tuple[Column, Words]], record: Record) -> Labels:
    """Return the day of each row's examination (year-month-day), else its word for the visit."""
    found = {column.role: (column, words) for column, words in columns if column.role in ("visit", "exam_date")}
    words = _names([found["visit"]], "visit", len(record.rows)) if "visit" in found else np.full(len(record.rows), "")
    if "exam_date" not in found:
        return words
    read = parse_measured.days(*found["exam_date"], record)
    return np.array([day.isoformat() if day else word for day, word in zip(read, words, strict=True)], dtype=np.str_)


def _names(columns: Sequence[tuple[Column, Words]], role: str, n: int) -> Labels:
    """Return the words of a key as they are written, empty where the cell names nobody."""
    found = next((words for column, words in columns if column.role == role), None)
    if found is None:
        return np.full(n, "")
    return parse.labels(found, lambda word: "" if is_nobody(word) else word)


def _not_for_many(lines: TruthTable, record: Record) -> TruthTable:
    """Take away an id such as ``NA`` that more rows have than any person: it is not one person, and may be many."""
    found, codes = parse.distinct(lines.patient_id)
    many = standing_for_many(dict(zip(found, np.bincount(codes).tolist(), strict=True)))
    for word, count in many.items():
        what = say(
            "'{word}' stands in {count:,} rows as the patient, more than any other id: it was not taken "
            "for one person. Write each row's own id, or leave the cell empty.",
            word=word,
            count=count,
        )
        record.faults.append(Fault(0, "", word, "shared_id", what))
    if not many:
        return lines
    return replace(lines, patient_id=np.where(np.isin(lines.patient_id, list(many)), "", lines.patient_id))


def _covariates(columns: Sequence[tuple[Column, Words]], keep: NDArray[np.int64] | slice) -> Mapping[str, Labels]:
    return {
        column.heading: parse.labels(words, _group)[keep]
        for column, words in columns
        if column.role in ("covariate", "visit")
    }


def _group(word: str) -> str:
    return "" if parse.fold(word) in _NO_GROUP else word[:_LONGEST]
