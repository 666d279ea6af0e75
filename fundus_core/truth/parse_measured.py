"""From a mapped column of words to values in the target's unit, every cell that could not be used listed."""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.identity import BOTH_EYES, EYES
from fundus_core.records import Eye, Floats, Labels
from fundus_core.tables import dates, parse, units
from fundus_core.tables.headings import understand
from fundus_core.tables.table import Fault, Words
from fundus_core.targets import TARGETS, Derived, Unit
from fundus_core.truth import missing_codes
from fundus_core.truth.mapping import GONE, Column


@dataclass(slots=True)
class Record:
    """What is written down while a table is worked through."""

    rows: NDArray[np.int64]
    """n row numbers of the table."""
    faults: list[Fault] = field(default_factory=list)
    """In the order in which they were found."""
    notes: list[str] = field(default_factory=list)
    """Sentences to be shown."""
    converted: dict[str, dict[str, int]] = field(default_factory=dict)
    """By heading, how many cells were in which unit other than the target's own."""

    def at(
        self, positions: NDArray[np.int64], column: str, values: Words | None, fault: str, what: str, /, **more: object
    ) -> None:
        """List one fault per position; the sentence may hold ``{value}``."""
        for position in positions:
            value = "" if values is None else str(values[position])
            sentence = say(what, value=value, **more) if "{value}" in what else say(what)
            self.faults.append(Fault(int(self.rows[position]), column, value, fault, sentence))

    def about(self, column: str, fault: str, what: str) -> None:
        """List one fault of a whole column."""
        self.faults.append(Fault(0, column, "", fault, what))


@dataclass(slots=True)
class Quantity:
    """One numeric column, or one that was worked out from others."""

    role: str
    """A target, ``height`` or ``weight``."""
    eye: Eye
    """The eye of a wide column."""
    heading: str
    """As in the file; the headings joined by ``+`` where it was worked out."""
    unit: str
    """As mapped; the own unit where empty."""
    values: Floats
    """n values in the own unit."""
    words: Words | None = None
    """The cells as written; ``None`` where the value was worked out."""


_PROBLEMS = {
    "not_a_number": "'{value}' is not a number; it counts as missing. Write the number alone, or leave the cell empty.",
    "censored": "'{value}' is a limit, not a measured value; it counts as missing. Give the value if there is one.",
    "unknown_unit": "'{value}' has a unit that this column cannot have; it counts as missing. Write the number alone.",
}


def measure(column: Column, words: Words, record: Record) -> Floats:
    """Return the n values of a numeric column in the quantity's own unit; NaN where there is none.

    A unit in the cell outranks the column's. Every conversion is noted.
    """
    found, codes = parse.distinct(words)
    raw, others = parse.numbers(found, column.decimal)
    given = column.unit or units.UNITS[column.role][0].name
    names = [others[at].unit or given if at in others else given for at in range(len(found))]
    known = {name: unit for name in {given, *names} if (unit := units.unit(column.role, name))}
    own = [known[name].to_own(raw[at]) if name in known else np.nan for at, name in enumerate(names)]
    gone = [not math.isnan(one) and column.coding.get(f"{one:g}") == GONE for one in raw.tolist()]
    values = np.where(gone, np.nan, np.array(own, dtype=np.float64))[codes]
    _note_gone(column, np.array(gone or [False])[codes], record)
    problems = {at: read.problem or ("unknown_unit" if names[at] not in known else "") for at, read in others.items()}
    _list_problems(column.heading, problems, codes, words, record)
    _note_conversions(column, np.array(names, dtype=np.str_)[codes][np.isfinite(values)], known, record)
    if any(at not in others or not others[at].unit for at in np.flatnonzero(np.isfinite(raw)).tolist()):
        _doubt(column, values, record)
    return values


def _note_gone(column: Column, gone: NDArray[np.bool_], record: Record) -> None:
    if n := int(gone.sum()):
        what = "'{heading}': {n:,} {n:cell counts|cells count} as missing ({coded})."
        record.notes.append(say(what, heading=column.heading, n=n, coded=say(column.coded)))


def _note_conversions(column: Column, used: Labels, known: Mapping[str, Unit], record: Record) -> None:
    """Write down every conversion; ``used`` holds the unit of each usable cell."""
    own = units.UNITS[column.role][0].name
    for name, unit in known.items():
        count = int((used == name).sum())
        if count and name != own:
            record.converted.setdefault(column.heading, {})[name] = count
            plus = f" {'+' if unit.offset > 0 else '−'} {abs(unit.offset):.6g}" if unit.offset else ""
            how = say(
                "converted from {name} to {own} (× {times:.6g}{plus})",
                name=name, own=say(own), times=unit.factor, plus=plus,
            )  # fmt: skip
            record.notes.append(
                say(
                    "'{heading}': {how}, {count:,} of {used:,} {used:value|values}.",
                    heading=column.heading,
                    how=say(how),
                    count=count,
                    used=len(used),
                )
            )


def _list_problems(
    heading: str, problems: Mapping[int, str], codes: NDArray[np.int64], words: Words, record: Record
) -> None:
    for problem, what in _PROBLEMS.items():
        bad = [at for at, found in problems.items() if found == problem]
        record.at(np.flatnonzero(np.isin(codes, bad)), heading, words, problem, what)


def _doubt(column: Column, values: Floats, record: Record) -> None:
    """Say it where the unit was only inferred, or where the result looks as if the unit were another."""
    own = units.UNITS[column.role][0]
    unit = column.unit or own.name
    if unit != own.name and column.confidence < 1 and not understand(column.heading).unit:
        what = say(
            "No unit is written; the numbers look like {unit} and were converted to {name}. Confirm it "
            "or write the unit in the heading.",
            unit=say(unit),
            name=own.name,
        )
        record.about(column.heading, "unit_assumed", what)
    taken = units.unit(column.role, unit) or own
    fitting = units.fitting(column.role, taken.from_own(values))
    if fitting and all(other.name != unit for other in fitting) and unit != "cmHg":
        what = say(
            "The numbers look like {name}, the mapping says {unit}. Check the unit of the column.",
            name=fitting[0].name,
            unit=say(unit),
        )
        record.about(column.heading, "unit_doubtful", what)
    far = missing_codes.outlying_code(values)
    if far is not None and GONE not in column.coding.values():
        code, count = far
        what = say(
            "{count:,} {count:cell says|cells say} {code:g}, far from every other value, as a code for missing would. "
            "It counts as measured; say that it is missing, or correct it.",
            count=count, code=code,
        )  # fmt: skip
        record.about(column.heading, "code_doubtful", what)


def pressures(column: Column, words: Words, record: Record) -> tuple[Floats, Floats]:
    """Return systolic and diastolic pressure (mmHg) of cells such as ``120/80``."""
    found, codes = parse.distinct(words)
    pairs = [parse.PAIR.fullmatch(word) for word in found]
    bad = np.array([p is None and not parse.is_missing(w) for p, w in zip(pairs, found, strict=True)] or [False])
    what = "'{value}' is not systolic/diastolic pressure; it counts as missing. Write it as 120/80."
    record.at(np.flatnonzero(bad[codes]), column.heading, words, "not_a_number", what)
    unit = units.unit("blood_pressure", column.unit)
    times = unit.factor if unit else 1.0
    both = [[float(p[i].replace(",", ".")) * times if p else np.nan for i in (1, 2)] for p in pairs] or [[np.nan] * 2]
    if times != 1:
        record.converted[column.heading] = {column.unit: sum(pair is not None for pair in pairs)}
        record.notes.append(
            say(
                "'{heading}': pressures were converted from {unit} to mmHg (× {times:.6g}).",
                heading=column.heading,
                unit=say(column.unit),
                times=times,
            )
        )
    values = np.array(both)[codes]
    return values[:, 0], values[:, 1]


def sexes(column: Column, words: Words, record: Record) -> Floats:
    """Return 1 for female, 0 for male, NaN for missing."""
    known = column.coding if set(column.coding.values()) - {GONE} else {**parse.SEXES, **column.coding}
    meant = _coded(column, words, record, known, frozenset())
    return np.select([meant == "female", meant == "male"], [1.0, 0.0], np.nan)


def yes_no(column: Column, words: Words, record: Record) -> Floats:
    """Return 1 for yes, 0 for no, NaN for missing."""
    meant = _coded(column, words, record, {**parse.YES_NO, **column.coding}, frozenset())
    return np.select([meant == "yes", meant == "no"], [1.0, 0.0], np.nan)


def eyes(column: Column, words: Words, record: Record) -> Labels:
    """Return ``left``, ``right`` or an empty word."""
    meant = _coded(column, words, record, {**EYES, **column.coding}, BOTH_EYES)
    return np.where(np.isin(meant, (Eye.LEFT.value, Eye.RIGHT.value)), meant, "")


def _coded(column: Column, words: Words, record: Record, known: Mapping[str, str], neither: frozenset[str]) -> Labels:
    """Return what each cell stands for; a word that is not known is listed and counts as missing."""
    found, codes = parse.distinct(words)
    folded = [word.removesuffix(".0") for word in map(parse.fold, found)]
    plain = [parse.plain_word(word, known) for word in folded]
    meant = np.array([str(known[word]) if word else "" for word in plain] or [""])[codes]
    strange = [
        not p and f not in parse.MISSING and not parse.plain_word(f, neither)
        for f, p in zip(folded, plain, strict=True)
    ]
    what = (
        "'{value}' is no known word here; it counts as missing. "
        "Write one of {known}, or give its meaning in the mapping."
    )
    at = np.flatnonzero(np.array(strange or [False])[codes])
    record.at(at, column.heading, words, "unknown_word", what, known=list(known)[:6])
    return meant


def days(column: Column, words: Words, record: Record) -> list[dt.date | None]:
    """Return the n dates of a column; a date that cannot be read is listed without its words, which are personal."""
    found, _ = parse.distinct(words)
    month_first = _month_first(column, found, record)
    century = dates.born_in if column.role == "birth_date" else dates.examined_in
    read = parse.each(words, lambda word: dates.date(word, month_first=month_first, century=century))
    missing = parse.each(words, parse.is_missing)
    bad = np.array([day is None and not gone for day, gone in zip(read, missing, strict=True)])
    what = "The cell is not a date, or its century is not clear; it counts as missing. Write dates as 1960-04-01."
    record.at(np.flatnonzero(bad), column.heading, None, "not_a_date", what)
    return read


def _month_first(column: Column, found: list[str], record: Record) -> bool:
    numbered = [word for word in map(parse.fold, found) if dates.YEAR_LAST.fullmatch(word)]
    firsts = [dates.YEAR_LAST.fullmatch(word) for word in numbered]
    pairs = [(int(f[1]), int(f[2])) for f in firsts if f]
    if any(second > 12 for _, second in pairs):
        return True
    if pairs and all(first <= 12 for first, _ in pairs):
        what = "Day and month cannot be told apart; the day was taken as first. Write dates as 1960-04-01."
        record.about(column.heading, "ambiguous_date", what)
    return False


def years_between(births: list[dt.date | None], exams: list[dt.date | None]) -> Floats:
    """Return ages in years (days / 365.2425); NaN where a date is missing."""
    ages = [
        (exam - birth).days / 365.2425 if birth and exam else np.nan for birth, exam in zip(births, exams, strict=True)
    ]
    return np.array(ages, dtype=np.float64)


def other_unit(quantity: str, unit: str, value: float) -> str:
    """Return the unit in which an implausible value, as written, would be ordinary, or an empty string.

    The quantity is a target, ``height`` or ``weight``, of which another unit was taken.
    """
    for other in units.UNITS.get(quantity, ()):
        low, high = units.RANGES.get(quantity, (-np.inf, np.inf))
        usual = 0.8 * other.low <= value <= 1.2 * other.high
        if other.name != unit and usual and low <= other.factor * value + other.offset <= high:
            return other.name
    return ""


Reader = Callable[[Column, Words, Record], Floats]
READERS: Mapping[str, Reader] = Derived(
    lambda: {
        **{name: yes_no if target.binary else measure for name, target in TARGETS.items()},
        "height": measure,
        "weight": measure,
        "sex": sexes,
    }
)
"""How a column of each numeric role is read."""
