"""Exported tables as people read them: intervals beside values, names in words, long remarks below the table.

Pages and reports lay out this one; the exported table keeps every number and remark.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any

from fundus_core.analyses.labels import COLUMNS, Kind, Say, Word, interval, name, word, written
from fundus_core.analyses.study import Analysis, Rows, Study
from fundus_core.evaluation import Cell, Characteristic, as_number
from fundus_core.records import Status
from fundus_core.targets import TARGETS, Target

_REMARKS = ("test", "method", "correction", "note", "remark", "read")
"""Columns of sentences, which would take a table's width; also every column that ends in ``_note``."""
_ABOUT = ("value", "difference", "margin", "new_site", "without", "complete", "least", "most")
"""Columns that are written as the estimate that their row is about."""
_EXPORTED_ONLY = ("unit", "wasserstein", "left_out", "baseline", "level", "n_first", "n_second", "along", "category")


@dataclass(frozen=True, slots=True)
class Laid:
    """A table for people."""

    head: tuple[str, ...]
    """Of the columns."""
    body: tuple[tuple[str, ...], ...]
    """Rows of cells."""
    notes: tuple[str, ...]
    """Sentences below the table; the last column names them by letters where they differ between rows."""
    says: Mapping[str, str] = field(default_factory=dict)
    """How to read a column, by its heading."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads: the language, what cohorts are called, and what a table's own words are."""

    say: Say
    names: Callable[[str], str]
    own: Mapping[str, Word]
    united: bool = False
    """Whether units differ between rows: then they stand beside the targets."""

    def head(self, column: str, unit: str) -> str:
        """Return a column's heading; one whose numbers all have one unit says it."""
        of = self.of(column)
        text = self.say(of.name)
        text = text if len(re.split(r"\W", text)[0]) < 2 else text[:1].upper() + text[1:]  # p and n stay small
        return f"{text} ({self.say(unit)})" if unit and of.kind is Kind.UNIT else text

    def of(self, column: str) -> Word:
        """Return a column's word."""
        return self.own.get(column) or COLUMNS.get(column) or word(column)

    def cell(self, row: Mapping[str, Cell], column: str) -> str:
        """Return one cell, with its interval where it has one."""
        value, of = row[column], self._number(row, column)
        if of.kind is Kind.ESTIMATE:
            return name(str(value), _target(row), self.say, self.own) if value else "–"
        if column == "target" and value in TARGETS:
            return self._named(TARGETS[str(value)])
        if isinstance(value, str) or value is None:
            return self._text(value, of)
        low, high = (
            ("low", "high")
            if column in ("value", "difference") and "low" in row
            else (f"{column}_low", f"{column}_high")
        )
        ends = (as_number(row.get(low)), as_number(row.get(high)))
        around = interval(*ends, of, self.say)
        shown = written(float(value), of.kind, signed=of.signed)
        return f"{shown} ({around})" if around else shown

    def _number(self, row: Mapping[str, Cell], column: str) -> Word:
        """Return how a column's numbers are written: as the estimate that the row is about, where it is about one."""
        of = self.of(column)
        about = str(row.get("estimate") or row.get("score") or "")
        if column not in _ABOUT or not about:
            return of
        found = word(about, self.own)
        return Word(of.name, found.kind, signed=column != "margin" and (of.signed or found.signed))

    def _named(self, target: Target) -> str:
        short = self.say(target.short)
        return f"{short} ({self.say(target.unit)})" if self.united and target.unit else short

    def _text(self, value: str | None, of: Word) -> str:
        if value is None or value == "":
            return "–"
        if of.kind is Kind.NAME:
            return self.names(value)
        if value in TARGETS:
            return self.say(TARGETS[value].short)
        return self.say(value.replace("_", " "))


def _target(row: Mapping[str, Cell]) -> Target | None:
    return TARGETS.get(str(row.get("target", "")))


def layout(
    rows: Rows,
    say: Say = str,
    names: Callable[[str], str] = str,
    *,
    own: Mapping[str, Word] = MappingProxyType({}),
    hide: Sequence[str] = (),
) -> Laid:
    """Return an exported table, its rows with the same columns, for people.

    ``say`` puts words into the reader's language, ``names`` tells what cohorts, groups or models are called. Words of
    this table's ``own`` go before the usual ones; columns to hide stand elsewhere on the page.

    >>> row = {"target": "sbp", "mae": 10.601, "mae_low": 9.45, "mae_high": 11.8, "mae_note": "", "n": 3}
    >>> made = layout([row])
    >>> made.head, made.body
    (('Target', 'MAE (mmHg)', 'n'), (('SBP', '10.60 (9.45 to 11.80)', '3'),))
    """
    if not rows:
        return Laid((), (), ())
    columns = [each for each in rows[0] if each not in hide and not _aside(each, rows[0])]
    columns = [each for each in columns if any(row[each] not in (None, "") for row in rows)]
    units = {found.unit for row in rows if (found := _target(row)) is not None}
    reader = _Reader(say, names, own, len(units) > 1)
    unit = units.pop() if len(units) == 1 else ""
    head = [reader.head(each, unit) for each in columns]
    says = {reader.head(each, unit): say(of.says) for each in columns if (of := reader.of(each)).says}
    body = [[reader.cell(row, each) for each in columns] for row in rows]
    texts = [word(str(row.get("estimate", "")), own).says for row in rows]
    if "estimate" in columns and len(set(texts)) > 1:
        head.append(say("How to read it"))
        body = [[*cells, say(text) if text else ""] for cells, text in zip(body, texts, strict=True)]
    return _annotated(head, body, [tuple(_remarks(row, say)) for row in rows], says, say)


def _annotated(
    head: list[str], body: list[list[str]], remarks: list[tuple[str, ...]], says: Mapping[str, str], say: Say
) -> Laid:
    """Put remarks below the table, once each; rows that differ name theirs by letters."""
    distinct = list(dict.fromkeys(sentence for each in remarks for sentence in each))
    if all(each == remarks[0] for each in remarks):
        return Laid(tuple(head), tuple(map(tuple, body)), tuple(distinct), says)
    letters = dict(zip(distinct, (*ascii_lowercase, *map(str, range(27, len(distinct) + 1))), strict=False))
    marked = tuple((*cells, " ".join(letters[one] for one in each)) for cells, each in zip(body, remarks, strict=True))
    notes = tuple(f"{letter}: {sentence}" for sentence, letter in letters.items())
    return Laid((*head, say("Notes")), marked, notes, says)


def shown(
    study: Study, analysis: Analysis[Any], target: str = "", say: Say = str, names: Callable[[str], str] = str
) -> Laid:
    """Return an analysis of a study as people read it, of one target or of all."""
    rows = analysis.display(study.rows(analysis, target))
    hide = ("target", *analysis.hide) if target else analysis.hide
    return layout(rows, say, names, own=analysis.words, hide=hide)


def table_one(found: Sequence[Characteristic], say: Say = str, names: Callable[[str], str] = str) -> Laid:
    """Return who the people are, a column per cohort: mean (SD) of a number, count (share) of a category."""
    cohorts = list(dict.fromkeys(each.cohort for each in found))
    places = list(dict.fromkeys((each.variable, each.category) for each in found))
    cells = {(each.cohort, each.variable, each.category): _characteristic(each) for each in found}
    units = {each.variable: each.unit for each in found}
    counted = {each.variable for each in found if each.n or each.mean is not None or each.missing}
    places = [place for place in places if place[0] in counted]  # nobody refused, none failed: nothing to say
    body = tuple(
        (_variable(*place, units[place[0]], say), *(cells.get((cohort, *place), "–") for cohort in cohorts))
        for place in places
    )
    note = "Numbers are mean (SD), of which n known where some are missing; categories n (share)."
    return Laid(("", *map(names, cohorts)), body, (say(note),))


def _variable(variable: str, category: str, unit: str, say: Say) -> str:
    """Return what a line is of; a stranger's column and words stand as they were written."""
    if variable in TARGETS:
        words = say(TARGETS[variable].short)
    else:
        words = say(variable) if variable in _OURS and not category else variable
    if category:
        return f"{words}: {category}"
    return f"{words} ({say(unit)})" if unit else words


_OURS = frozenset({"photographs", "people", "eyes", "quality", *(one.value for one in Status)})
"""Lines of a table one that every cohort has."""


def _characteristic(each: Characteristic) -> str:
    missing = f", n = {each.n:,}" if each.missing != 0 and each.mean is not None else ""
    if each.share is not None:
        return f"{each.n:,} ({written(each.share, Kind.SHARE)})"
    if each.variable == "sex" and each.mean is not None:
        return f"{written(each.mean, Kind.SHARE)}{missing}"
    if each.mean is None:
        return f"{each.n:,}"
    spread = "" if each.sd is None else f" ({written(each.sd, Kind.PLAIN)})"
    return f"{written(each.mean, Kind.PLAIN)}{spread}{missing}"


def _aside(column: str, row: Mapping[str, Cell]) -> bool:
    """Whether a column is none for people: an interval's end, a remark, or of the exported table only."""
    stem, _, ending = column.rpartition("_")
    end = ending in ("low", "high") and stem in row
    repeated = column == "p" and "q" in row
    return end or repeated or column in ("low", "high", *_REMARKS, *_EXPORTED_ONLY) or column.endswith("_note")


def _remarks(row: Mapping[str, Cell], say: Say) -> list[str]:
    found = [say(str(text)) for key, text in row.items() if (key in _REMARKS or key.endswith("_note")) and text]
    return list(dict.fromkeys(text[0].upper() + text[1:] for text in found))
