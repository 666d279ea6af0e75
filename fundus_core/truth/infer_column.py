"""What one column probably is: its heading first, then its cells, and the unit that its numbers look like."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fundus_core.errors import joined, say
from fundus_core.identity import BOTH_EYES, EYES
from fundus_core.records import Eye, Floats
from fundus_core.tables import parse, units
from fundus_core.tables.grid import PHOTOGRAPH
from fundus_core.tables.headings import Meaning, spoken
from fundus_core.tables.table import Words
from fundus_core.targets import TARGETS, Derived
from fundus_core.truth.mapping import Column

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


def cells_of(words: Words) -> list[str]:
    """Some cells of a column that hold anything, evenly taken; very long ones are cut."""
    step = max(1, len(words) // _SAMPLE)
    return [word[:_LONGEST] for word in words[::step] if not parse.is_missing(word)]


def column_of(heading: str, words: Words, meaning: Meaning) -> Column:
    """Return what a column is taken for: by what its heading means, and by its cells."""
    sample = cells_of(words)
    if meaning.role in ("", "visit", "personal", "patient_id", "photograph", "covariate") and (
        better := _by_cells(meaning, sample)
    ):
        meaning = better
    column = Column(heading, meaning.role or "covariate", meaning.confidence, meaning.reason, meaning.unit, meaning.eye)
    if meaning.role in NUMERIC:
        return _numeric(column, sample)
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
    folded = {parse.fold(word) for word in sample}
    if _share(sample, _DATE.fullmatch) > 0.8:
        return replace(meaning, role="exam_date", confidence=0.6, reason="The cells are dates.")
    if 1 < len(folded) <= 6 and folded <= set(EYES) | BOTH_EYES:
        return replace(meaning, role="eye", confidence=0.6, reason="The cells are words for right and left.")
    if len(folded) == 2 and folded <= set(parse.SEXES) and folded != {"m", "w"}:
        return replace(meaning, role="sex", confidence=0.6, reason="The cells are words for female and male.")
    return None


def _numeric(column: Column, sample: list[str]) -> Column:
    decimal = parse.decimal_mark(sample)
    if column.role == "blood_pressure":
        return _pressure(replace(column, decimal=decimal), sample)
    numbers = [parse.number(word, decimal) for word in sample]
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
    if _share(sample, parse.PAIR.fullmatch) > 0.5:
        values = np.array([float(pair[1].replace(",", ".")) for word in sample if (pair := parse.PAIR.fullmatch(word))])
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
