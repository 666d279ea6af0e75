"""What each column probably is: by its heading first, by its cells where the heading does not say, never in silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fundus_core.errors import TruthError, joined, say
from fundus_core.identity import BOTH_EYES, EYES, eye_in_name
from fundus_core.records import Eye, Floats
from fundus_core.tables import spelling, units
from fundus_core.tables.announced import PREDICTED, announced
from fundus_core.tables.grid import PHOTOGRAPH
from fundus_core.tables.headings import Meaning, is_hospital_number, spoken, understand
from fundus_core.tables.table import Table, Words
from fundus_core.targets import TARGETS, Derived
from fundus_core.truth import coding, heaps
from fundus_core.truth.mapping import Column, Proposal

NUMERIC: Mapping[str, object] = Derived(
    lambda: {name: of for name, of in units.UNITS.items() if name not in TARGETS or not TARGETS[name].binary}
)
"""Roles whose cells are numbers with a unit."""
_PERSONAL_CELL = re.compile(
    r"[\w.+\-]+@[\w\-]+\.[\w.\-]+|(?:\+81|0)\d{1,4}-\d{1,4}-\d{3,4}|〒\s?\d{3}-?\d{4}.*|(?:東京都|北海道|(?:京都|大阪)府|.{2,3}県).{1,8}[市区町村郡].*"
)
_DATE = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|"
    r"\d{1,2}[-/. ][A-Za-z]{3,9}[-/. ](?:\d{2}|\d{4})"
)
_SAMPLE = 5_000
_LONGEST = 200
_FEWEST_NUMBERS = 0.2
_NAMED_EYES = 0.8


def propose(table: Table) -> Proposal:
    """Propose a meaning for every column of a table, with confidence and reason.

    A column that the file leaves ambiguous in a way that would turn results round (sex coded 1 and 2, swapped
    pressures, a unit that contradicts its heading) is marked ``needs_confirmation`` and not used until confirmed.
    """
    _refuse_predictions(table)
    columns = [
        column_of(heading, words, measured_meaning(heading))
        for heading, words in zip(table.headings, table.columns, strict=True)
    ]
    columns = settled(columns, table)
    return Proposal(tuple(columns), notes_of(columns))


def settled(columns: list[Column], table: Table) -> list[Column]:
    """Return the columns once each has been looked at beside the others: one for each role, codes, order."""
    columns = _fall_back(_one_each(_sided(columns, table), table))
    columns = [column if column.part else coding.coded(column, columns, table) for column in columns]
    return heaps.asked(_in_order(columns, table), table)


def bare(heading: str) -> str:
    """Return a heading without what the reader of tables put behind it to tell it from its like."""
    return re.sub(r"(?: \(\d+\)|'+)$", "", heading)


def measured_meaning(heading: str) -> Meaning:
    """Return what a heading means in a table of measured values, where a prediction is none."""
    found = announced(bare(heading))
    if found.meaning.role in TARGETS and (found.end or found.mark == PREDICTED):
        return Meaning("covariate", 0.9, "Not a measured value: kept for grouping only.")
    return understand(bare(heading))


def _refuse_predictions(table: Table) -> None:
    """Raise where someone gives this program's own predictions as measured values: every error would be nought."""
    if {"weights_sha256", "code_version", "status"} <= set(table.headings):
        raise TruthError(
            "'{name}' holds predictions of a model, not measured values; give the table of measurements.",
            name=table.name,
        )


def _sample(words: Words) -> list[str]:
    step = max(1, len(words) // _SAMPLE)
    return [word[:_LONGEST] for word in words[::step] if not spelling.is_missing(word)]


def column_of(heading: str, words: Words, meaning: Meaning) -> Column:
    """Return what a column is taken for: by what its heading means, and by its cells."""
    sample = _sample(words)
    if meaning.role in ("", "visit", "personal", "patient_id", "photograph", "covariate") and (
        better := _by_cells(meaning, sample)
    ):
        meaning = better
    column = Column(heading, meaning.role or "covariate", meaning.confidence, meaning.reason, meaning.unit, meaning.eye)
    if meaning.role in NUMERIC:
        return _numeric(column, meaning, words, sample)
    if meaning.role in ("sex", "eye"):
        return replace(column, coding=dict(meaning.coding), eye=Eye.UNKNOWN if meaning.role == "eye" else meaning.eye)
    if not meaning.role:
        return replace(
            column,
            confidence=0.5,
            reason="The heading is not known: kept as it is, for grouping.",
            eye=Eye.UNKNOWN,
        )
    return column if meaning.role == "photograph" else replace(column, eye=Eye.UNKNOWN, unit="")


def _share(sample: Sequence[str], fits: Callable[[str], object]) -> float:
    return sum(1 for word in sample if fits(word)) / len(sample) if sample else 0.0


def _by_cells(meaning: Meaning, sample: list[str]) -> Meaning | None:
    """Cells that say more than the heading: file names, words for an eye or a sex, personal data."""
    photographs = _share(sample, PHOTOGRAPH.fullmatch)
    if photographs > 0.8 and meaning.role != "photograph":
        return replace(meaning, role="photograph", confidence=0.85, reason="The cells are file names of photographs.")
    if meaning.role in ("", "covariate") and _share(sample, _PERSONAL_CELL.fullmatch) > 0.3:
        return replace(
            meaning,
            role="personal",
            confidence=0.8,
            reason="The cells look like addresses, telephone numbers or e-mail.",
        )
    if meaning.role == "visit" and _share(sample, _DATE.fullmatch) > 0.8:
        return replace(meaning, role="exam_date", confidence=0.6, reason="The cells are dates.")
    if meaning.role:
        return None
    folded = {spelling.fold(word) for word in sample}
    if _share(sample, _DATE.fullmatch) > 0.8:
        return replace(meaning, role="exam_date", confidence=0.6, reason="The cells are dates.")
    if 1 < len(folded) <= 6 and folded <= set(EYES) | BOTH_EYES:
        return replace(meaning, role="eye", confidence=0.6, reason="The cells are words for right and left.")
    if len(folded) == 2 and folded <= set(spelling.SEXES) and folded != {"m", "w"}:
        return replace(meaning, role="sex", confidence=0.6, reason="The cells are words for female and male.")
    return None


def _numeric(column: Column, meaning: Meaning, words: Words, sample: list[str]) -> Column:
    decimal = spelling.decimal_mark(sample)
    if column.role == "blood_pressure":
        return _pressure(replace(column, decimal=decimal), sample)
    numbers = [spelling.number(word, decimal) for word in sample]
    values = np.array([number.value for number in numbers])
    if len(values) and float(np.isfinite(values).mean()) < _FEWEST_NUMBERS:
        reason = say(
            "The heading means {role}, but hardly any cell is a number: kept as words.", role=spoken(column.role)
        )
        return replace(column, role="covariate", confidence=0.6, reason=reason, unit="")
    written = np.array([number.unit for number in numbers], dtype=np.str_)
    several = {str(unit) for unit in written if unit and units.unit(column.role, str(unit)) is not None}
    column = replace(column, decimal=decimal)
    if len(several) > 1:
        reason = say(
            "{reason} Cells have units of their own ({several}), which are kept to.",
            reason=say(column.reason),
            several=sorted(several),
        )
        column, values = replace(column, reason=reason), values[written == ""]
    return _with_unit(column, values, several if len(several) == 1 else set())


def _pressure(column: Column, sample: list[str]) -> Column:
    """A bare 'blood pressure' is two numbers in one cell, or it cannot be told which of the two it is."""
    if _share(sample, spelling.PAIR.fullmatch) > 0.5:
        values = np.array(
            [float(pair[1].replace(",", ".")) for word in sample if (pair := spelling.PAIR.fullmatch(word))]
        )
        return _with_unit(
            replace(column, confidence=0.9, reason="The cells hold systolic/diastolic pressure."),
            values,
            set(),
        )
    reason = "It does not say which pressure it is: kept for grouping. Choose systolic or diastolic."
    return replace(column, role="covariate", confidence=0.4, reason=reason, unit="")


def _with_unit(column: Column, values: Floats, written: set[str]) -> Column:
    own = units.UNITS[column.role][0].name
    named = column.unit or (next(iter(written)) if len(written) == 1 else "")
    fitting = [unit.name for unit in units.fitting(column.role, values)]
    middle = f"{np.nanmedian(values):.4g}" if np.isfinite(values).any() else "missing"
    if named and (named in fitting or not fitting or named == "cmHg"):
        where = "heading" if column.unit else "cells"
        return _said(
            column,
            named,
            say(
                "{reason} The unit {named} stands in the {where}.",
                reason=say(column.reason),
                named=named,
                where=say(where),
            ),
            own,
        )
    if named:
        reason = say(
            "{reason} {named} is written, but the numbers (median {middle}) look like {fitting}: which is it?",
            reason=say(column.reason),
            named=named,
            middle=middle,
            fitting=fitting[0],
        )
        return replace(column, unit=fitting[0], confidence=0.4, reason=reason, needs_confirmation=True)
    if not len(values):
        return replace(column, unit=own)
    if own in fitting:
        return replace(
            column,
            unit=own,
            reason=say(
                "{reason} No unit is written; the numbers (median {middle}) look like {own}.",
                reason=say(column.reason),
                middle=middle,
                own=say(own),
            ),
        )
    if fitting:
        reason = say(
            "{reason} No unit is written; the numbers (median {middle}) look like {fitting}, not {own}.",
            reason=say(column.reason),
            middle=middle,
            fitting=fitting[0],
            own=say(own),
        )
        return _said(replace(column, confidence=min(column.confidence, 0.8)), fitting[0], reason, own)
    if column.role in ("height", "weight") or (column.confidence < 0.8 and len(values) > 1):
        reason = say(
            "The heading could mean {role}, but the numbers (median {middle}) do not: kept for grouping.",
            role=spoken(column.role),
            middle=middle,
        )
        return replace(column, role="covariate", confidence=0.5, reason=reason, unit="")
    reason = say(
        "{reason} The numbers (median {middle}) are unusual in every known unit; {own} was taken.",
        reason=say(column.reason),
        middle=middle,
        own=say(own),
    )
    return replace(column, unit=own, confidence=min(column.confidence, 0.5), reason=reason)


def _said(column: Column, unit: str, reason: str, own: str) -> Column:
    known = units.unit(column.role, unit)
    if known and unit != own:
        times, plus = known.factor, known.offset
        once = "They will be multiplied by {times:.6g} to give {own}."
        more = "They will be multiplied by {times:.6g}, and {plus:.6g} added, to give {own}."
        reason = joined([reason, say(more if plus else once, times=times, plus=plus, own=say(own))])
    return replace(column, unit=unit, reason=reason)


def _sided(columns: list[Column], table: Table) -> list[Column]:
    """Two columns of photographs are right and left where the file names say so."""
    places = [i for i, column in enumerate(columns) if column.role == "photograph" and not column.eye]
    if len(places) != 2:
        return columns
    eyes = [_named_eye(_sample(table.columns[i])) for i in places]
    if set(eyes) != {Eye.RIGHT, Eye.LEFT}:
        return columns
    for place, eye in zip(places, eyes, strict=True):
        reason = say(
            "{reason} The file names are of {value} eyes.", reason=say(columns[place].reason), value=say(eye.value)
        )
        columns[place] = replace(columns[place], eye=eye, reason=reason)
    return columns


def _named_eye(sample: list[str]) -> Eye:
    """Return the eye that nearly all file names state."""
    named = [eye_in_name(name) for name in sample]
    return next((eye for eye in (Eye.RIGHT, Eye.LEFT) if named.count(eye) > _NAMED_EYES * len(named)), Eye.UNKNOWN)


def _one_each(columns: list[Column], table: Table) -> list[Column]:
    """Keep the surest column for each role and eye; say what happens to the others."""
    result = list(columns)
    for role in dict.fromkeys(column.role for column in columns):
        if role in ("covariate", "personal", "ignored"):
            continue
        for eye in Eye:
            rivals = [i for i, c in enumerate(columns) if c.role == role and c.eye == eye and not c.part]
            best = max(rivals, key=lambda i: columns[i].confidence, default=None)
            for other in rivals:
                if best is not None and other != best:
                    result[other] = _second(columns[other], columns[best])
                    result[best] = _doubted(result[best], columns[other], table, best, other)
    return result


def _second(column: Column, best: Column) -> Column:
    role = "personal" if column.role in ("patient_id", "birth_date", "exam_date") else "covariate"
    kept = "not kept" if role == "personal" else "kept for grouping"
    reason = say(
        "A second column for {role}; '{heading}' is used, this one is {kept}.",
        role=spoken(column.role),
        heading=best.heading,
        kept=say(kept),
    )
    return replace(column, role=role, confidence=0.5, reason=reason, unit="", eye=Eye.UNKNOWN, coding={})


def _doubted(best: Column, other: Column, table: Table, first: int, second: int) -> Column:
    """Two columns under one heading that differ: the file cannot tell which is right."""
    plain = re.sub(r" \(\d+\)$", "", other.heading)
    if plain != re.sub(r" \(\d+\)$", "", best.heading) or best.role not in TARGETS:
        return best
    if bool((table.columns[first] == table.columns[second]).all()):
        return replace(
            best,
            reason=say("{reason} '{heading}' holds the same values.", reason=say(best.reason), heading=other.heading),
        )
    reason = say(
        "{reason} '{heading}' has the same heading and other values: which is it?",
        reason=say(best.reason),
        heading=other.heading,
    )
    return replace(best, confidence=0.4, reason=reason, needs_confirmation=True)


def _fall_back(columns: list[Column]) -> list[Column]:
    """A hospital's number identifies the patient; beside a study id it is personal data and not needed."""
    ids = [column for column in columns if column.role == "patient_id"]
    for index, column in enumerate(columns):
        if column.role == "patient_id" and is_hospital_number(column.heading):
            reason = say(
                "{reason} It is a hospital's number: give the cohort pseudonyms before it leaves the house.",
                reason=say(column.reason),
            )
            columns[index] = replace(column, reason=reason)
        elif column.role == "covariate" and is_hospital_number(column.heading) and ids:
            columns[index] = replace(column, role="personal", reason="A hospital's number: personal, not kept.")
    return columns


def _in_order(columns: list[Column], table: Table) -> list[Column]:
    """Mark systolic and diastolic pressure where most rows have them the wrong way round."""
    for eye in Eye:
        pair = [
            next((i for i, c in enumerate(columns) if (c.role, c.eye, c.part) == (role, eye, "")), None)
            for role in ("sbp", "dbp")
        ]
        if pair[0] is None or pair[1] is None:
            continue
        upper, lower = (spelling.floats(table.columns[i], columns[i].decimal) for i in pair if i is not None)
        both = np.isfinite(upper) & np.isfinite(lower)
        if both.any() and float((upper < lower)[both].mean()) > 0.5 and columns[pair[0]].unit == columns[pair[1]].unit:
            for i in (pair[0], pair[1]):
                reason = say(
                    "{reason} In most rows the systolic pressure is below the diastolic: the headings look swapped.",
                    reason=say(columns[i].reason),
                )
                columns[i] = replace(columns[i], confidence=0.3, reason=reason, needs_confirmation=True)
    return columns


def notes_of(columns: list[Column]) -> tuple[str, ...]:
    """Return sentences about the table as a whole."""
    notes = []
    roles = {column.role for column in columns if not column.part}
    personal = [column.heading for column in columns if column.role == "personal"]
    if personal:
        notes.append(say("Personal data were recognised and are not kept: {personal}.", personal=personal))
    if "bmi" not in roles and {"height", "weight"} <= roles:
        notes.append("Body mass index will be worked out from height and weight.")
    if "age" not in roles and {"birth_date", "exam_date"} <= roles:
        notes.append("Age will be worked out from birth and examination; the date of birth is not kept.")
    if "age" not in roles and "birth_date" in roles and "exam_date" not in roles:
        notes.append("There are dates of birth but none of the examination, so age cannot be worked out.")
    if not roles & {"photograph", "patient_id"}:
        notes.append("No column names the photograph or the patient: choose one before the table can be matched.")
    return tuple(notes)
