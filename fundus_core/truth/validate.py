"""Values that cannot be: out of range, in another unit than their column, against each other, twice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.identity import as_paths, eyes_in_names
from fundus_core.records import Eye, Floats, Labels
from fundus_core.tables import parse, units
from fundus_core.tables.table import Fault
from fundus_core.targets import TARGETS
from fundus_core.truth import parse_measured, value_ranges
from fundus_core.truth.parse_measured import Quantity, Record
from fundus_core.truth.table import TruthTable

_AT_ONCE = 50_000
"""Names that are looked at together: a word of Python's for each takes as much as the whole table."""


def check(quantities: list[Quantity], age: Quantity | None, record: Record) -> None:
    """List what cannot be and make it missing; add body mass index and age where they can be worked out.

    Args:
        quantities: Changed in place: impossible values become NaN, worked-out quantities are added.
        age: From the dates; ``None`` where there are none.
        record: Where faults and notes go.
    """
    _ranges(quantities, record)
    for quantity in quantities:
        _variety(quantity, record)
    bmi = _body_mass_index(quantities)
    worked_out = [quantity for quantity in (bmi, age) if quantity]
    _ranges(worked_out, record)
    for quantity in worked_out:
        _add(quantities, quantity, record)
    _contradictions(quantities, worked_out, record)


def _ranges(quantities: Sequence[Quantity], record: Record) -> None:
    columns = {str(i): (q.role, q.values) for i, q in enumerate(quantities)}
    for label, positions in value_ranges.broken(columns).items():
        _implausible(quantities[int(label)], positions.astype(np.int64), record)


def _implausible(quantity: Quantity, positions: NDArray[np.int64], record: Record) -> None:
    own = units.UNITS[quantity.role][0].name
    low, high = units.RANGES[quantity.role]
    unit = quantity.unit or own
    taken = units.unit(quantity.role, unit) or units.UNITS[quantity.role][0]
    for position in positions:
        value = float(quantity.values[position])
        written = (
            say("{value:.4g} {unit}", value=value, unit=say(own))
            if quantity.words is None
            else str(quantity.words[position])
        )
        other = (
            parse_measured.other_unit(quantity.role, unit, (value - taken.offset) / taken.factor)
            if quantity.words is not None
            else ""
        )
        if other:
            what = say(
                "'{written}' would be usual in '{other}', the column is in '{unit}'; it counts as missing. "
                "Write the whole column in one unit.",
                written=written,
                other=other,
                unit=unit,
            )
        else:
            what = say(
                "{written} is outside {low:g} to {high:g} {own}, so it counts as missing. Correct the cell "
                "or leave it empty.",
                written=written,
                low=low,
                high=high,
                own=say(own),
            )
        fault = "mixed_units" if other else "implausible"
        record.faults.append(Fault(int(record.rows[position]), quantity.heading, written, fault, what))
    quantity.values[positions] = np.nan


def _variety(quantity: Quantity, record: Record) -> None:
    finite = quantity.values[np.isfinite(quantity.values)]
    if not len(finite):
        what = "The column has no usable value. Check that the right column was chosen."
        record.about(quantity.heading, "empty_column", what)
    elif len(finite) > 2 and float(np.ptp(finite)) == 0:
        what = say(
            "Every value is {finite:g}: no model can be judged by it. Check that it was filled in.", finite=finite[0]
        )
        record.about(quantity.heading, "constant", what)


def _body_mass_index(quantities: Sequence[Quantity]) -> Quantity | None:
    found = {q.role: q for q in quantities if q.role in ("height", "weight") and q.eye is Eye.UNKNOWN}
    if len(found) < 2:
        return None
    values = found["weight"].values / (found["height"].values / 100) ** 2
    return Quantity("bmi", Eye.UNKNOWN, f"{found['height'].heading}+{found['weight'].heading}", "", values)


def _add(quantities: list[Quantity], worked_out: Quantity, record: Record) -> None:
    """Use a worked-out quantity only where the table does not state it."""
    if any(quantity.role == worked_out.role for quantity in quantities):
        return
    quantities.append(worked_out)
    count = int(np.isfinite(worked_out.values).sum())
    name = TARGETS[worked_out.role].name
    record.notes.append(
        say(
            "For {count:,} {count:row|rows} {name} was worked out from {heading}.",
            name=say(name),
            count=count,
            heading=worked_out.heading,
        )
    )


def _contradictions(quantities: Sequence[Quantity], worked_out: Sequence[Quantity], record: Record) -> None:
    pairs = [pair for eye in Eye if (pair := _pair(quantities, eye))]
    columns: dict[str, tuple[str, Floats]] = {}
    for i, (upper, lower) in enumerate(pairs):
        columns[f"{value_ranges.PULSE}{i}"] = (value_ranges.PULSE, upper.values - lower.values)
    stated = {q.role: q for q in quantities if q.eye is Eye.UNKNOWN and q.words is not None}
    gaps = {q.role: (stated[q.role], q) for q in worked_out if q.role in stated}
    if "age" in gaps:
        columns[value_ranges.AGE_GAP] = (value_ranges.AGE_GAP, gaps["age"][0].values - gaps["age"][1].values)
    if "bmi" in gaps:
        columns[value_ranges.BMI_GAP] = (value_ranges.BMI_GAP, gaps["bmi"][0].values / gaps["bmi"][1].values - 1)
    for label, places in value_ranges.broken(columns).items():
        positions = places.astype(np.int64)
        if label.startswith(value_ranges.PULSE):
            _swapped(*pairs[int(label.removeprefix(value_ranges.PULSE))], positions, record)
        else:
            _contradicts(*gaps[label.removesuffix("_gap")], positions, record)


def _pair(quantities: Sequence[Quantity], eye: Eye) -> tuple[Quantity, Quantity] | None:
    found = {q.role: q for q in quantities if q.eye is eye and q.role in ("sbp", "dbp")}
    return (found["sbp"], found["dbp"]) if len(found) == 2 else None


def _swapped(upper: Quantity, lower: Quantity, positions: NDArray[np.int64], record: Record) -> None:
    both = int((np.isfinite(upper.values) & np.isfinite(lower.values)).sum())
    heading = upper.heading if upper.heading == lower.heading else f"{upper.heading}+{lower.heading}"
    if len(positions) > max(2, both / 2):
        what = say(
            (
                "In {positions:,} of {both:,} {both:row|rows} systolic pressure is not above diastolic; the "
                "two columns look swapped."
            ),
            positions=len(positions),
            both=both,
        )
        record.about(
            heading,
            "swapped_columns",
            say("{what} Exchange their meanings; until then these rows count as missing.", what=say(what)),
        )
    for position in positions:
        value = f"{upper.values[position]:g}/{lower.values[position]:g}"
        what = say(
            "Systolic pressure must be above diastolic; {value} was found, so both count as missing. Correct the row.",
            value=value,
        )
        record.faults.append(Fault(int(record.rows[position]), heading, value, "swapped_pressures", what))
    upper.values[positions] = np.nan
    lower.values[positions] = np.nan


def _contradicts(stated: Quantity, worked_out: Quantity, positions: NDArray[np.int64], record: Record) -> None:
    for position in positions:
        value = f"{stated.values[position]:g}"
        what = say(
            "{value} is stated, {values:.1f} follows from {heading}; it counts as missing. Correct one.",
            value=value,
            values=worked_out.values[position],
            heading=worked_out.heading,
        )
        record.faults.append(Fault(int(record.rows[position]), stated.heading, value, "contradiction", what))
    stated.values[positions] = np.nan


def repeated(truth: TruthTable, record: Record) -> None:
    """List lines that name one photograph (or eye, or person) twice, that name none, or give a person two sexes."""
    names = line_keys(truth)
    for line in np.flatnonzero(names == ""):
        what = (
            "The row names neither photograph nor patient, so it cannot be matched. Fill in the name or remove the row."
        )
        record.faults.append(Fault(int(truth.rows[line]), "", "", "no_key", what))
    for lines in repeats(names):
        same = same_values(truth, lines)
        rows = ", ".join(str(row) for row in dict.fromkeys(truth.rows[lines].tolist()))[:60]
        for line in lines[1:] if same else lines:
            record.faults.append(_repeat(int(truth.rows[line]), str(names[line]), rows, same=same))
    _two_sexes(truth, record)
    _eyes_in_names(truth, record)


def _repeat(row: int, name: str, rows: str, *, same: bool) -> Fault:
    if same:
        return Fault(
            row,
            "",
            name,
            "duplicate",
            say("Rows {rows} say the same of '{name}'; one is used. Remove the others.", rows=rows, name=name),
        )
    what = say("Rows {rows} say different things of '{name}'; none is used. Keep the right one.", rows=rows, name=name)
    return Fault(row, "", name, "conflict", what)


def _two_sexes(truth: TruthTable, record: Record) -> None:
    sex = truth.values.get("sex")
    if sex is None:
        return
    named = np.flatnonzero(np.isfinite(sex) & (truth.patient_id != ""))
    who = parse.distinct(truth.patient_id[named])[1]
    first = np.unique(who, return_index=True)[1]
    other = np.bincount(who, weights=sex[named] != sex[named][first[who]], minlength=len(first)) > 0
    torn = named[other[who]]
    for line in torn[np.argsort(truth.patient_id[torn], kind="stable")]:
        what = (
            "Rows of one patient give different sexes; they are used as they stand. Correct them or the patient's id."
        )
        fault = Fault(int(truth.rows[line]), "", str(truth.patient_id[line]), "contradiction", what)
        record.faults.append(fault)


def _eyes_in_names(truth: TruthTable, record: Record) -> None:
    """List photographs whose name says another eye than their row; where most do, the names mean something else."""
    lines = np.flatnonzero((truth.photograph != "") & (truth.eye != ""))
    parts = np.array_split(lines, len(lines) // _AT_ONCE + 1)
    named = np.concatenate([np.array(eyes_in_names(truth.photograph[part]), dtype=np.str_) for part in parts])
    against = lines[(named != "") & (named != truth.eye[lines])]
    if len(against) > max(2, (named != "").sum() / 2):
        what = say(
            (
                "In {against:,} {against:row|rows} the file name says another eye than the row. Check the "
                "coding of the eye."
            ),
            against=len(against),
        )
        record.about("", "eye_disagrees", what)
        return
    for line in against:
        what = say(
            "The row says {eye}, the file name the other eye; the row is kept to. Correct one of them.",
            eye=say(truth.eye[line]),
        )
        fault = Fault(int(truth.rows[line]), "", str(truth.photograph[line]), "eye_disagrees", what)
        record.faults.append(fault)


def line_keys(truth: TruthTable) -> NDArray[np.str_]:
    """Return what each line is about in one word, with its visit where it has one."""
    names = _without_visit(truth)
    if not (truth.visit != "").any():
        return names
    return np.where((names == "") | (truth.visit == ""), names, np.char.add(np.char.add(names, " "), truth.visit))


def _without_visit(truth: TruthTable) -> NDArray[np.str_]:
    """Return the photograph, else patient and eye, else the patient."""
    if (truth.photograph != "").any():
        return as_paths(truth.photograph)
    if (truth.eye != "").any():
        joined = np.char.add(np.char.add(truth.patient_id, " "), truth.eye)
        return np.where(truth.patient_id == "", "", joined)
    return truth.patient_id


def repeats(names: Labels) -> list[NDArray[np.int64]]:
    """Return the positions of every name that stands more than once, empty names aside, in the order of the names.

    >>> [lines.tolist() for lines in repeats(np.array(["b", "a", "", "b", "", "c", "a"]))]
    [[1, 6], [0, 3]]
    """
    codes = parse.distinct(names)[1]
    again = np.flatnonzero((np.bincount(codes)[codes] > 1) & (names != ""))
    order = again[np.argsort(names[again], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(order) else []


def same_values(truth: TruthTable, lines: NDArray[np.int64]) -> bool:
    """Return whether these lines hold the same measured values."""
    for values in truth.values.values():
        first = values[lines[0]]
        if not np.array_equal(values[lines], np.full(len(lines), first), equal_nan=True):
            return False
    return True
