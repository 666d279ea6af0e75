"""Exported tables as a reader wants them: intervals beside values, names in words, long remarks below the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from fundus_core.evaluation import Characteristic
from fundus_core.report.rows import p_value
from fundus_core.report.words import WORDS, minus
from fundus_core.targets import TARGETS

_REMARKS = ("test", "method", "correction", "note", "remark", "read")
"""Columns of sentences, which would take a table's width; also every column that ends in ``_note``."""
_HEADS = {
    "smd": "standardised difference",
    "sd_ratio": "ratio of SDs",
    "ks": "KS",
    "psi": "PSI",
    "wasserstein_sd": "Wasserstein (SD)",
    "p_adjusted": "p, corrected",
    "n_patients": "people",
    "n_photographs": "photographs",
    "mae_before": "MAE as it is",
    "mae_after": "MAE recalibrated",
    "mae_change": "change of the MAE",
    "bias_before": "bias as it is",
    "bias_after": "bias recalibrated",
    "sd": "SD",
    "n": "n",
}
_LEFT_OUT = ("unit", "p", "wasserstein", "left_out", "baseline")
"""Columns that only the exported table has."""


@dataclass(frozen=True, slots=True)
class Readable:
    """A table for people."""

    head: tuple[str, ...]
    """Of the columns."""
    body: tuple[tuple[str, ...], ...]
    """Rows of cells."""
    notes: tuple[str, ...]
    """Sentences below the table; the last column names them by letters where they differ between rows."""


def readable(rows: Sequence[Mapping[str, object]]) -> Readable:
    """Return an exported table for people; the exported one keeps every number and remark.

    Args:
        rows: Of one table, all with the same columns.

    >>> made = readable([{"target": "sbp", "mae": 10.601, "mae_low": 9.45, "mae_high": 11.8, "mae_note": "", "n": 3}])
    >>> made.head, made.body
    (('target', 'MAE', 'n'), (('SBP', '10.6 (9.45 to 11.8)', '3'),))
    """
    if not rows:
        return Readable((), (), ())
    columns = [name for name in rows[0] if not _aside(name, rows[0])]
    columns = [name for name in columns if any(row[name] not in (None, "") for row in rows)]
    remarks = [tuple(_remarks(row)) for row in rows]
    body = [tuple(_cell(row, name) for name in columns) for row in rows]
    head = tuple(_head(name) for name in columns)
    distinct = list(dict.fromkeys(sentence for each in remarks for sentence in each))
    if all(each == remarks[0] for each in remarks):
        return Readable(head, tuple(body), tuple(distinct))
    letters = {sentence: _letter(at) for at, sentence in enumerate(distinct)}
    marked = tuple((*cells, " ".join(letters[one] for one in each)) for cells, each in zip(body, remarks, strict=True))
    return Readable((*head, "notes"), marked, tuple(f"{letter}: {sentence}" for sentence, letter in letters.items()))


def table_one(found: Sequence[Characteristic]) -> Readable:
    """Return who the people are, a column per cohort: mean (SD) of a number, count (share) of a category."""
    cohorts = list(dict.fromkeys(each.cohort for each in found))
    places = list(dict.fromkeys((each.variable, each.category) for each in found))
    cells = {(each.cohort, each.variable, each.category): _characteristic(each) for each in found}
    units = {each.variable: each.unit for each in found}
    body = tuple(
        (_variable(*place, units[place[0]]), *(cells.get((cohort, *place), "–") for cohort in cohorts))
        for place in places
    )
    return Readable(
        ("", *cohorts), body, ("Numbers are mean (SD), of which n known where some are missing; categories n (share).",)
    )


def _variable(name: str, category: str, unit: str) -> str:
    words = TARGETS[name].short if name in TARGETS else name.replace("_", " ")
    return f"{words}: {category.replace('_', ' ')}" if category else f"{words}, {unit}" if unit else words


def _characteristic(each: Characteristic) -> str:
    missing = f", n = {each.n:,}" if each.missing and each.mean is not None else ""
    if each.share is not None:
        return f"{each.n:,} ({100 * each.share:.0f} %)"
    if each.variable == "sex" and each.mean is not None:
        return f"{100 * each.mean:.0f} %{missing}"
    if each.mean is None:
        return f"{each.n:,}"
    spread = "" if each.sd is None else f" ({_number(each.sd)})"
    return f"{_number(each.mean)}{spread}{missing}"


def _aside(name: str, row: Mapping[str, object]) -> bool:
    """Whether a column is no column here: an interval's end, a remark, or of the exported table only."""
    stem, _, ending = name.rpartition("_")
    end = ending in ("low", "high") and stem in row
    return end or name in ("low", "high") or name.endswith("_note") or name in _REMARKS or name in _LEFT_OUT


def _remarks(row: Mapping[str, object]) -> list[str]:
    found = [str(text) for name, text in row.items() if (name in _REMARKS or name.endswith("_note")) and text]
    return [text[0].upper() + text[1:] for text in found]


def _cell(row: Mapping[str, object], name: str) -> str:
    value = row[name]
    low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    if name == "p_adjusted":
        return p_value(value if isinstance(value, float) else None)
    shown = _plain(value)
    if value is not None and isinstance(row.get(low), float) and isinstance(row.get(high), float):
        return f"{shown} ({_plain(row[low])} to {_plain(row[high])})"
    return shown


def _plain(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    return TARGETS[text].short if text in TARGETS else WORDS.get(text, text.replace("_", " "))


def _number(value: float) -> str:
    """Return three digits that count, and no power of ten.

    >>> _number(134.86), _number(-0.0921), _number(0.00000031)
    ('135', '−0.0921', '0')
    """
    if abs(value) >= 100:
        return minus(f"{value:,.0f}")
    text = f"{value:.3g}"
    return "0" if "e" in text else minus(text)


def _head(name: str) -> str:
    return _HEADS.get(name, WORDS.get(name, name.replace("_", " ")))


def _letter(at: int) -> str:
    return ascii_lowercase[at] if at < len(ascii_lowercase) else str(at + 1)
