"""What is learnt from: photographs and the numbers that belong to them, read and matched as truth is everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core import images, truth
from fundus_core.errors import TruthError, UsageError
from fundus_core.records import MOST_DAYS, Floats, Labels, Source
from fundus_core.tables import parse, read_table
from fundus_core.tables.table import Words
from fundus_core.targets import TARGETS

NOTES = "notes.txt"
"""File with what a person should know of the tables that were read, a sentence a line."""


@dataclass(frozen=True, slots=True)
class LearningTable:
    """Photographs that were found in the truth table, a row each, sorted by name."""

    sources: tuple[Source, ...]
    """The files."""
    patients: tuple[str, ...]
    """Whose eye; the photograph's own name where nobody says."""
    values: Mapping[str, Floats]
    """By column: a value per row, NaN where missing."""
    notes: tuple[str, ...] = ()
    """What was converted, left out or not matched, as sentences; to be shown."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the photographs."""
        return tuple(source.name for source in self.sources)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person says of the tables."""

    sheet: str | None = None
    """Of a workbook."""
    columns: tuple[str, ...] = ()
    """Of single columns, each ``HEADING=MEANING``, as ``truth.told`` reads it."""
    most_days: int = MOST_DAYS
    """Between a photograph and its measured values."""


@dataclass(frozen=True, slots=True)
class Material:
    """One folder of photographs and the table that belongs to it."""

    photographs: Path
    """A folder (searched at every depth), a ZIP or a manifest."""
    truth: Path
    """Any table that names photographs or patients, with the values."""
    join: Path | None = None
    """A further table whose columns belong to a ``patient_id``."""
    reading: Reading = Reading()
    """Of the table of measured values."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """One table with everything in it that may be learnt."""

    lines: truth.TruthTable
    """As truth is read everywhere."""
    values: Mapping[str, Floats]
    """By what is learnt, a value per line; only what this table has."""
    headings: tuple[str, ...]
    """Of the table."""


def read(materials: Sequence[Material], columns: Mapping[str, str]) -> LearningTable:
    """Match photographs and values of one or several folders.

    ``columns`` is what is learnt and the column that holds it; those that hold a target are converted to its unit.
    Patients of one id in several folders count as one person, and so never stand on both sides of a split.

    Raises:
        UsageError: A table does not exist.
        TruthError: A column is missing or holds words, or no photograph is named in the table.
    """
    tables = [
        _read(material, columns, f"{k + 1}/" if len(materials) > 1 else "") for k, material in enumerate(materials)
    ]
    return LearningTable(
        sources=tuple(source for one in tables for source in one.sources),
        patients=tuple(patient for one in tables for patient in one.patients),
        values={name: np.concatenate([one.values[name] for one in tables]) for name in columns},
        notes=tuple(note for one in tables for note in one.notes),
    )


def _read(material: Material, columns: Mapping[str, str], prefix: str) -> LearningTable:
    measured = _measured(material.truth, columns, material.reading)
    sources = sorted(images.sources([material.photographs]), key=lambda source: source.name)
    names = [source.name for source in sources]
    visits = [source.visit for source in sources]
    found = truth.match(
        measured.lines,
        names,
        patient_ids=[source.patient_id for source in sources],
        eyes=[source.eye.value for source in sources],
        visits=visits if any(visits) else truth.visits_in_names(names).tolist(),
        most_days=material.reading.most_days,
    )
    torn = found.photographs[found.status == "conflict"]
    if len(torn):
        raise TruthError(
            "{name} says different things of {torn:,} photographs, '{torn_2}' among them; give each "
            "photograph one row.",
            name=material.truth.name,
            torn=len(torn),
            torn_2=torn[0],
        )
    rows = np.flatnonzero(found.line >= 0)
    if not len(rows):
        raise TruthError(
            "None of the {sources} photographs in {name} stands in {name_2}. {why}",
            sources=len(sources),
            name=material.photographs.name,
            name_2=material.truth.name,
            why=" ".join(found.why),
        )
    patients = found.patient_id()
    stated = np.where(patients != "", patients, np.array([source.patient_id for source in sources], dtype=np.str_))
    values = {name: value[found.line] for name, value in measured.values.items()}
    values |= _joined(material, columns.items() - {(name, columns[name]) for name in values}, stated, measured.headings)
    return LearningTable(
        sources=tuple(replace(sources[row], name=prefix + sources[row].name) for row in rows),
        patients=tuple(str(stated[row]) or sources[row].name for row in rows),
        values={name: values[name][rows] for name in columns},
        notes=found.remarks,
    )


def _joined(
    material: Material, wanted: set[tuple[str, str]], people: Labels, headings: Sequence[str]
) -> dict[str, Floats]:
    """Return what the further table holds of each photograph's person."""
    if not wanted:
        return {}
    more = _measured(material.join, dict(wanted)) if material.join else None
    absent = sorted({column for name, column in wanted if more is None or name not in more.values})
    if absent or more is None:
        have = ", ".join([*headings, *(more.headings if more else ())])
        raise TruthError(
            "{name} has no column '{absent}'; it has {have}.", name=material.truth.name, absent=absent[0], have=have
        )
    ids = [str(word) for word in more.lines.patient_id]
    line = {who: at for at, who in enumerate(ids)}
    twice = sorted({who for at, who in enumerate(ids) if line[who] != at})
    if twice:
        raise TruthError(
            "'{name}' has several rows of '{twice}'; give each patient one row.", name=more.lines.name, twice=twice[0]
        )
    rows = np.array([line.get(str(who), -1) if who else -1 for who in people], dtype=np.int64)
    return {name: np.where(rows >= 0, values[rows], np.nan) for name, values in more.values.items()}


def _measured(path: Path, columns: Mapping[str, str], reading: Reading = Reading()) -> _Measured:
    """Read a table as truth is read, and those of its columns that are learnt."""
    try:
        table = read_table(path.read_bytes(), path.name, sheet=reading.sheet)
    except OSError as error:
        raise UsageError(
            "The table '{path}' cannot be opened ({strerror}); give the path of a CSV or XLSX file.",
            path=path,
            strerror=error,
        ) from error
    proposal = truth.apply_options(truth.propose(table), *reading.columns)
    lines = truth.apply(table, proposal)
    known = {parse.fold(column.heading): column for column in proposal.columns}
    words = dict(zip(table.headings, table.columns, strict=True))
    place = np.searchsorted(table.rows, lines.rows)
    values = {}
    for name, heading in columns.items():
        target = heading if heading in TARGETS else name
        column = known.get(parse.fold(heading))
        if column and column.role in (target, "blood_pressure") and column.needs_confirmation:
            raise TruthError(
                "{name}, column '{heading}': {reason} Say what it is with --truth-column '{heading}=...'.",
                name=path.name,
                heading=column.heading,
                reason=column.reason,
            )
        if target in lines.values and (column is None or column.role in (target, "blood_pressure")):
            values[name] = lines.values[target]
        elif column:
            values[name] = _plain(words[column.heading], column.heading, path)[place]
    return _Measured(lines, values, table.headings)


def _plain(words: Words, heading: str, path: Path) -> Floats:
    """Return the numbers of a column that is no target's; a word that is no number is the caller's to mend."""
    found, codes = parse.distinct(words)
    values, others = parse.numbers([*found, ""], parse.decimal_mark(found))
    for at, read in others.items():
        if read.problem or read.unit:
            raise TruthError(
                "{name}, column '{heading}': '{found}' is not a number; leave a missing value empty.",
                name=path.name,
                heading=heading,
                found=found[at],
            )
    return values[codes]
