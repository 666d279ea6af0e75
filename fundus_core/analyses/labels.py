"""What every estimate and column is called, how its numbers are written, and how to read it, as ``words.toml`` says."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from fundus_core.evaluation import Estimate
from fundus_core.targets import Target

Say = Callable[[str], str]
"""Puts an English sentence or word into the reader's language."""


class Kind(StrEnum):
    """How a number is written."""

    UNIT = "unit"
    """In the target's unit, two decimals, as errors are published."""
    PLAIN = "plain"
    """Without a unit, two decimals."""
    SHARE = "share"
    """From 0 to 1, written as a percentage with one decimal."""
    FINE = "fine"
    """Without a unit, three decimals."""
    P = "p"
    """A p value."""
    COUNT = "count"
    """A whole number."""
    TEXT = "text"
    """A word of the program."""
    NAME = "name"
    """What somebody called a cohort, a group or a model."""
    ESTIMATE = "estimate"
    """The id of an estimate."""


@dataclass(frozen=True, slots=True)
class Word:
    """An estimate or a column."""

    name: str
    """In English; the same on pages, figures, slides and in reports."""
    kind: Kind = Kind.TEXT
    """How its numbers are written."""
    says: str = ""
    """One sentence on how to read it; empty where the name says it."""
    signed: bool = False
    """Whether a plus sign stands before what is above zero."""
    drawn: bool = False
    """Whether cohorts are drawn by it, one below another."""
    short: str = ""
    """The name where there is little room, as beside a slide's figure; empty where it is short already."""


_FILE = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def _words(of: str) -> Mapping[str, Word]:
    rows = _FILE[of].items()
    return MappingProxyType({name: Word(**{**row, "kind": Kind(row.get("kind", "text"))}) for name, row in rows})


ESTIMATES = _words("estimates")
"""Every estimate by its id, as ``metrics.json`` and tables name it; ``within_N`` are made by :func:`word`."""
COLUMNS = _words("columns")
"""Every column that a reader sees, by its name in the exported table."""

_SENTENCES = ("Notes", "How to read it", "{low} to {high}", "share within ±{n} {unit}")


def sentences() -> set[str]:
    """Return all that this room says, for catalogues of other languages."""
    words = [*ESTIMATES.values(), *COLUMNS.values()]
    return {text for word in words for text in (word.name, word.says, word.short) if text} | set(_SENTENCES)


def word(estimate: str, own: Mapping[str, Word] = MappingProxyType({})) -> Word:
    """Return an estimate's word, of a table's own first; one of no known kind keeps its id as its name."""
    if estimate.startswith("within_"):
        return Word(estimate, Kind.SHARE)
    return own.get(estimate) or ESTIMATES.get(estimate) or Word(estimate.replace("_", " "), Kind.PLAIN)


def name(
    estimate: str, target: Target | None = None, say: Say = str, own: Mapping[str, Word] = MappingProxyType({})
) -> str:
    """Return what an estimate is called, with its unit where it has one.

    >>> from fundus_core.targets import TARGETS
    >>> name("mae", TARGETS["sbp"]), name("r2", TARGETS["sbp"]), name("within_5", TARGETS["sbp"])
    ('MAE (mmHg)', 'R² (1 − SSE/SST)', 'share within ±5 mmHg')
    """
    unit = say(target.unit) if target and target.unit else ""
    if estimate.startswith("within_"):
        return say("share within ±{n} {unit}").format(n=estimate.removeprefix("within_"), unit=unit)
    found = word(estimate, own)
    return f"{say(found.name)} ({unit})" if unit and found.kind is Kind.UNIT else say(found.name)


def written(value: float | None, kind: Kind, *, signed: bool = False) -> str:
    """Return a number as it is written everywhere.

    >>> written(10.3391, Kind.UNIT), written(-0.001, Kind.PLAIN, signed=True), written(0.9771, Kind.SHARE)
    ('10.34', '0.00', '97.7 %')
    >>> written(0.0000123, Kind.P), written(0.0312, Kind.P), written(None, Kind.P), written(12345.6, Kind.COUNT)
    ('< 0.001', '0.031', '–', '12,346')
    """
    if value is None:
        return "–"
    if kind is Kind.P:
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    if kind is Kind.COUNT:
        return f"{value:,.0f}"
    decimals = {Kind.SHARE: 1, Kind.FINE: 3}.get(kind, 2)
    rounded = round(100 * value if kind is Kind.SHARE else value, decimals) or 0.0  # a zero has no sign
    text = f"{rounded:+.{decimals}f}" if signed and rounded else f"{rounded:.{decimals}f}"
    return text.replace("-", "−") + (" %" if kind is Kind.SHARE else "")


def interval(low: float | None, high: float | None, of: Word, say: Say = str) -> str:
    """Return an interval; empty where there is none.

    >>> interval(9.1, 11.25, ESTIMATES["mae"]), interval(None, None, ESTIMATES["mae"])
    ('9.10 to 11.25', '')
    """
    if low is None or high is None:
        return ""
    ends = (written(end, of.kind, signed=of.signed) for end in (low, high))
    return say("{low} to {high}").format(**dict(zip(("low", "high"), ends, strict=True)))


def with_interval(estimate: Estimate, of: Word, say: Say = str) -> str:
    """Return an estimate with its interval as one cell.

    >>> with_interval(Estimate(0.5, -1.0, 2.0), ESTIMATES["bias"])
    '+0.50 (−1.00 to +2.00)'
    """
    around = interval(estimate.low, estimate.high, of, say)
    shown = written(estimate.value, of.kind, signed=of.signed)
    return f"{shown} ({around})" if around else shown


def remarked(text: str, note: str, say: Say = str) -> str:
    """Return a number as it is written, with the remark that belongs to it: no reader sees the one without the other.

    >>> remarked("MAE 12.83", "rests on 139 of 163"), remarked("MAE 12.83", "")
    ('MAE 12.83 (rests on 139 of 163)', 'MAE 12.83')
    """
    return f"{text} ({say(note)})" if note else text
