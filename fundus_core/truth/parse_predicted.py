"""From mapped columns of predictions to numbers in the targets' units: a value and the ends of its interval."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fundus_core.errors import say
from fundus_core.records import Eye, Floats
from fundus_core.tables import parse, units
from fundus_core.tables.headings import spread
from fundus_core.tables.table import Words
from fundus_core.targets import TARGETS
from fundus_core.truth import parse_measured
from fundus_core.truth.mapping import Column
from fundus_core.truth.parse_measured import Record

_SIGN = re.compile(r"\s*[%％]\s*$")
_FEMALE = re.compile(r"female|女|\bwom[ae]n\b")
_MALE = re.compile(r"(?<!fe)male|男(?!女)|\bm[ae]n\b")
_PER_CENT = re.compile(r"%|％|per ?cent|\bpct\b")


def direction(column: Column, words: Words, columns: Sequence[Column], *, ours: bool) -> Column:
    """Return a column of probabilities with what 1 stands for and whether it is in per cent; asked where unsaid.

    All but predictions of a binary target come back as they are. ``ours`` is this program's own file, whose
    probabilities are of female.
    """
    if column.part != "predicted" or column.role not in TARGETS or not TARGETS[column.role].binary:
        return column
    values = numbers(words)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return replace(
            column,
            unit="",
            reason=say("{reason} The cells are words: each counts as certain.", reason=say(column.reason)),
        )
    column = _scaled(column, finite, signed=any(map(_SIGN.search, map(str, words[:2000]))))
    if column.needs_confirmation or column.role != "sex":
        return column
    return _of_whom(column, finite, columns, ours=ours) if column.role == "sex" else column


def _scaled(column: Column, finite: Floats, *, signed: bool) -> Column:
    marked = signed or bool(_PER_CENT.search(spread(column.heading)))
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and high <= 1 and not marked:
        return replace(column, unit="")
    if low >= 0 and high <= 100 and marked and high > 1:
        return replace(column, unit="%", reason=say("{reason} It is in per cent.", reason=say(column.reason)))
    if set(finite.tolist()) <= {1.0, 2.0}:
        return replace(column, unit="", confidence=0.5)
    reason = say(
        "A probability lies between 0 and 1, these numbers between {low:.4g} and {high:.4g}: are they per cent? "
        "Choose % or another column.",
        low=low,
        high=high,
    )
    return replace(column, unit="", confidence=0.3, reason=reason, needs_confirmation=True)


def _of_whom(column: Column, finite: Floats, columns: Sequence[Column], *, ours: bool) -> Column:
    heading = spread(column.heading)
    female, male = bool(_FEMALE.search(heading)) or ours, bool(_MALE.search(heading))
    codes = {f"{value:g}" for value in finite.tolist()} if set(finite.tolist()) <= {0.0, 1.0, 2.0} else set()
    if female != male and "2" not in codes:
        whom = "female" if female else "male"
        reason = say("{reason} 1 is {whom}.", reason=say(column.reason), whom=say(whom))
        return replace(column, coding={"1": whom}, reason=reason)
    measured = next((c for c in columns if c.role == "sex" and not c.part and not c.needs_confirmation), None)
    if codes and measured is not None and codes <= set(measured.coding):
        reason = say(
            "{reason} It has the codes of '{heading}': {codes}.",
            reason=say(column.reason),
            heading=measured.heading,
            codes=measured.coded,
        )
        return replace(column, coding=dict(measured.coding), reason=reason)
    reason = say("It does not say whose probability it is. Say which sex 1 stands for: 1 = female, or 1 = male.")
    return replace(column, confidence=0.3, reason=reason, needs_confirmation=True)


def numbers(words: Words) -> Floats:
    """Return cells as numbers, signs of per cent taken off; NaN where a cell is none."""
    plain = np.array([_SIGN.sub("", str(word)) for word in words], dtype=object)
    return parse.floats(plain, parse.decimal_mark([str(word) for word in plain[:5000]]))


def read(column: Column, words: Words, record: Record) -> Floats:
    """Return n probabilities of the target's yes (of female, for sex); NaN where a cell holds none."""
    values = numbers(words)
    if len(column.coding) > 1 or not np.isfinite(values).any():
        return parse_measured.READERS[column.role](column, words, record)
    values = values * (0.01 if column.unit == "%" else 1.0)
    missing = np.array(parse.each(words, parse.is_missing), dtype=bool)
    what = "'{value}' is no probability; it counts as missing. Write a number from 0 to 1, or leave the cell empty."
    bad = ~missing & ~((values >= 0) & (values <= 1))
    record.at(np.flatnonzero(bad), column.heading, words, "not_a_number", what)
    values[bad] = np.nan
    return 1 - values if column.coding.get("1") == "male" else values


SPREAD = 1.6448536269514722
"""Standard deviations from the middle of a normal distribution to each end of its central 90 %."""


@dataclass(slots=True)
class Forecast:
    """One target's predictions as a table has them, n rows."""

    value: Floats
    """In the target's unit; a probability for a binary one."""
    low: Floats
    """Lower end of the 90 % interval; NaN without one."""
    high: Floats
    """Upper end."""


def forecasts(columns: Sequence[tuple[Column, Words]], record: Record) -> dict[tuple[str, Eye], Forecast]:
    """Return the predictions of every target, by target and the eye of a wide column."""
    found: dict[tuple[str, Eye], Forecast] = {}
    for column, words in columns:
        if column.part == "predicted" and column.role in TARGETS:
            value = _values(column, words, record)
            nothing = np.full(len(value), np.nan)
            found[column.role, column.eye] = Forecast(value, nothing, nothing.copy())
            _beyond(column, value, record)
    for column, words in columns:
        of = found.get((column.role, column.eye))
        if of is not None and column.part in ("low", "high", "sd"):
            _end(column, words, of, record)
    return found


def _values(column: Column, words: Words, record: Record) -> Floats:
    if TARGETS[column.role].binary:
        return read(column, words, record)
    return parse_measured.measure(column, words, record)


def _end(column: Column, words: Words, of: Forecast, record: Record) -> None:
    aside = Record(record.rows)  # what is said of the prediction's unit need not be said again of its interval
    if column.part == "sd":
        own = units.unit(column.role, column.unit)
        plain = replace(column, unit=units.UNITS[column.role][0].name, confidence=1.0)
        spread = SPREAD * (own.factor if own else 1.0) * parse_measured.measure(plain, words, aside)
        of.low, of.high = of.value - spread, of.value + spread
        note = "'{heading}': the 90 % interval is the prediction ± 1.645 standard deviations."
        record.notes.append(say(note, heading=column.heading))
    else:
        values = _values(column, words, aside)
        turned = TARGETS[column.role].binary and column.coding.get("1") == "male"
        if (column.part == "low") != turned:
            of.low = values
        else:
            of.high = values
    record.faults.extend(fault for fault in aside.faults if fault.fault == "not_a_number")


def _beyond(column: Column, values: Floats, record: Record) -> None:
    """Say where predictions are no plausible values; they count all the same, since a model made them."""
    low, high = units.RANGES[column.role]
    beyond = int(((values < low) | (values > high)).sum())
    if beyond and not TARGETS[column.role].binary:
        own = TARGETS[column.role].unit
        what = say(
            (
                "{n:,} {n:prediction lies|predictions lie} outside {low:g} to {high:g} {unit}; {n:it is|they "
                "are} counted as the model made {n:it|them}."
            ),
            n=beyond,
            low=low,
            high=high,
            unit=own,
        )
        record.about(column.heading, "implausible_prediction", what)
