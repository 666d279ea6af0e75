"""From mapped columns of predictions to numbers in the targets' units: a value and the ends of its interval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fundus_core.errors import say
from fundus_core.records import Eye, Floats
from fundus_core.tables import units
from fundus_core.tables.table import Words
from fundus_core.targets import TARGETS
from fundus_core.truth import parse_measured, probabilities
from fundus_core.truth.mapping import Column
from fundus_core.truth.parse_measured import Record

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
        return probabilities.read(column, words, record)
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
