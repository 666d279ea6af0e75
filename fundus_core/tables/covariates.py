"""Further columns of a table of measured values that no model predicts and criteria look at: lipids, HbA1c, drugs.

They travel with the cohort as words (its covariates); here their headings are known and their cells become numbers. A
column that cannot be read whole is not used at all, and a sentence says why: used in part it would select people.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fundus_core.errors import say
from fundus_core.records import Floats, Labels
from fundus_core.tables import parse
from fundus_core.tables.headings import spread
from fundus_core.tables.units import unit_of
from fundus_core.targets import Unit


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity or a yes or no that a criterion may need."""

    name: str
    """English name."""
    heading: re.Pattern[str]
    """The whole heading of its column, or of a drug what it contains beside a word for drugs, in one width and case."""
    units: tuple[Unit, ...] = ()
    """Its own first; empty for a yes or no."""
    low: float = 0.0
    """Smallest plausible value in its own unit."""
    high: float = 1.0
    """Largest plausible value."""


_BEFORE = r"(?:serum|plasma|blood|fasting|血清|血漿|早朝|空腹時)?\s?(?:fasting|空腹時)?\s?"
_AFTER = r"\s?(?:level|value|concentration|result|baseline|測定値|検査値|結果値|結果|濃度|値)?(?:\s?\d)?"
_A_DRUG = re.compile(
    r"med(?:s|ications?|icines?|icated)?\b|drug|agents?\b|treat|tablet|pill|therap|lowering|\brx\b|"
    r"anti[ \-]?(?:hypertens|diabet|hyperglyc)|on insulin|insulin use|薬|剤|内服|服用|治療|療法|注射"
)


def _measure(name: str, whole: str = "", contains: str = "", units: Sequence[Any] = (), **ends: float) -> Measure:
    heading = re.compile(rf"{_BEFORE}(?:{whole}){_AFTER}" if whole else contains)
    return Measure(name, heading, tuple(Unit(**unit) for unit in units), **ends)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        name: _measure(**row)
        for name, row in tomllib.loads(Path(__file__).with_name("measures.toml").read_text(encoding="utf-8")).items()
    }
)
"""By the id that criteria know."""

LIPIDS = ("hdl", "triglycerides")
"""Without a column of these their items are unknown."""
DRUGS = ("pressure_drug", "lipid_drug", "glucose_drug")
"""Without a column of these people are taken to be untreated."""

_NO_ANSWER = re.compile(
    r"name|class|type|dose|number|count|date|year|start|adher|histor|diagnos|median|method|predict|untreat|ocular|\biop\b|"
    r"眼圧|種類|薬剤名|薬品名|薬名|剤数|年数|年齢|開始|診断|用量|予測"
)
_BRACKETS = re.compile(r"[(\[{<【「〔](.*?)[)\]}>】」〕]")
_TAIL = re.compile(r"[\s.\-/,、:]+(mg ?/? ?dl|mmol ?/? ?mol|mmol ?/? ?l|ngsp|ifcc|%)$|[\s.\-/,、:]*(%)$")
_CODE = re.compile(r"(?<!\d)(\d)\s?[:=.]?\s?([^\W\d]+)")
_ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        **parse.YES_NO,
        **dict.fromkeys(
            "on taking treated current 内服 内服中 服用 服用中 使用 使用中 治療中 内服あり 服用あり".split(), "yes"
        ),
        **dict.fromkeys("off none never untreated 未治療 内服なし 服用なし 使用なし 治療なし".split(), "no"),
    }
)


@dataclass(frozen=True, slots=True)
class Further:
    """One such column."""

    measure: str
    """One of :data:`MEASURES`."""
    heading: str
    """As in the file."""
    values: Floats
    """n, in the measure's own unit, or 1 and 0; NaN where a cell says nothing."""
    note: str
    """What was taken for what, or why the column is not used."""
    used: bool = True
    """Whether it was."""


def further(covariates: Mapping[str, Labels]) -> tuple[Further, ...]:
    """Find and read the columns that criteria look at, one for each measure.

    Two columns that say whether somebody takes a drug are taken together: either makes a person treated.

    Args:
        covariates: A cohort's other columns as words, n each.

    >>> found, = further({"HDL-C (mmol/L)": np.array(["1.5", ""])})
    >>> found.measure, found.values.round(1).tolist()
    ('hdl', [58.0, nan])
    """
    read: dict[str, list[Further]] = {}
    for heading, words in covariates.items():
        name = measure_of(heading)
        if name:
            read.setdefault(name, []).append(_read(name, heading, words))
    return tuple(one for name in MEASURES if name in read for one in _together(name, read[name]))


def measure_of(heading: str) -> str:
    """Return which measure a heading names; empty for none.

    >>> [measure_of(heading) for heading in ("HDL_mg_dl", "降圧薬の内服", "LDL/HDL ratio", "HbA1c (JDS)", "収縮期血圧")]
    ['hdl', 'pressure_drug', '', '', '']
    """
    text = spread(heading)[:200]
    bare = " ".join(_BRACKETS.sub(" ", text).split())
    if any(part not in ("ngsp", "ifcc", "国際標準値") and not unit_of(part) for part in _BRACKETS.findall(text)):
        bare = text
    while (tail := _TAIL.search(bare)) and tail.start():
        bare = bare[: tail.start()]
    found = (name for name, one in MEASURES.items() if one.units and one.heading.fullmatch(bare.strip()))
    return next(found, "") or _drug_of(text)


def _drug_of(text: str) -> str:
    """Return which drug a heading asks about; empty where it asks about none, about two, or more than yes or no."""
    found = [name for name in DRUGS if MEASURES[name].heading.search(text)]
    return found[0] if len(found) == 1 and _A_DRUG.search(text) and not _NO_ANSWER.search(text) else ""


def _read(name: str, heading: str, words: Labels) -> Further:
    return _numbers(name, heading, words) if MEASURES[name].units else _answers(name, heading, words)


def _refused(name: str, heading: str, words: Labels, why: str) -> Further:
    note = say("'{heading}' was not used as {name}: {why}", heading=heading, name=say(MEASURES[name].name), why=why)
    return Further(name, heading, np.full(len(words), np.nan), note, used=False)


def _answers(name: str, heading: str, words: Labels) -> Further:
    """Yes and no; a word that is neither makes the column useless, since its people would be left out by it."""
    known = {**_ANSWERS, **{code: _ANSWERS[word] for code, word in _CODE.findall(spread(heading)) if word in _ANSWERS}}
    said = [_answer(str(word), known) for word in words.tolist()]
    strange = sorted({str(word) for word, one in zip(words.tolist(), said, strict=True) if one is None})
    if strange:
        why = say("'{word}' is neither yes nor no; write yes and no, or 1 and 0.", word=strange[0])
        return _refused(name, heading, words, why)
    values = np.array([{"yes": 1.0, "no": 0.0}.get(one or "", np.nan) for one in said], dtype=np.float64)
    if not np.isfinite(values).any():
        return _refused(name, heading, words, say("no cell says anything."))
    return Further(name, heading, values, say("'{heading}' says who takes {name}.", heading=heading, name=_said(name)))


def _answer(word: str, known: Mapping[str, str]) -> str | None:
    """Return yes, no, an empty word for a missing one, ``None`` for what is not known."""
    folded = parse.fold(word).removesuffix(".0")
    plain = parse.plain_word(folded, known)
    return known[plain] if plain else ("" if folded in parse.MISSING else None)


def _said(name: str) -> str:
    return say(MEASURES[name].name)


def _numbers(name: str, heading: str, words: Labels) -> Further:
    of, mark = MEASURES[name], parse.decimal_mark([str(word) for word in np.unique(words)])
    cells = parse.each(words.astype(object), lambda word: parse.number(word, mark))
    raw = np.array([cell.value for cell in cells], dtype=np.float64)
    column = _unit(of, heading, raw[np.array([not cell.unit for cell in cells], dtype=bool)])
    if isinstance(column, str):
        return _refused(name, heading, words, column)
    known = {one.name: one for one in of.units} | {"": column}
    if any(cell.unit not in known for cell in cells):
        return _refused(name, heading, words, say("a cell has a unit that it cannot have."))
    times, plus = ([getattr(known[cell.unit], what) for cell in cells] for what in ("factor", "offset"))
    values = raw * np.array(times) + np.array(plus)
    outside = (values < of.low) | (values > of.high)
    lost = int(outside.sum()) + sum(bool(cell.problem) for cell in cells)
    used = np.where(outside, np.nan, values)
    if not np.isfinite(used).any():
        return _refused(name, heading, words, say("no cell holds a plausible number."))
    note = say("'{heading}' was read as {name} in {unit}.", heading=heading, name=_said(name), unit=column.name)
    lost_note = say(
        "{lost} {lost:cell is|cells are} no plausible number and {lost:counts|count} as missing.", lost=lost
    )
    return Further(name, heading, used, say("{notes:.}", notes=[note, lost_note]) if lost else note)


def _unit(of: Measure, heading: str, raw: Floats) -> Unit | str:
    """Return the unit of cells that name none: the heading's where the numbers bear it out, else theirs."""
    text = spread(heading)
    written = {unit_of(part) for part in _BRACKETS.findall(text)} | _tails(text)
    named = [one for one in of.units if one.name in written]
    middle = float(np.median(raw[np.isfinite(raw)])) if np.isfinite(raw).any() else float("nan")
    fitting = [one for one in of.units if one.low <= middle <= one.high]
    if np.isnan(middle):
        return named[0] if named else of.units[0]
    if not fitting or (named and named[0] not in fitting):
        units = [one.name for one in (named or of.units)]
        return say("its numbers (median {middle:.4g}) are not in {units}; check the unit.", middle=middle, units=units)
    return named[0] if named else fitting[0]


def _tails(text: str) -> set[str]:
    found: set[str] = set()
    bare = _BRACKETS.sub(" ", text).strip()
    while (tail := _TAIL.search(bare)) and tail.start():
        found.add(unit_of(re.sub(r"\s", "", (tail[1] or tail[2]).replace("/", "").replace("mgdl", "mg/dl"))))
        bare = bare[: tail.start()]
    return found


def _together(name: str, read: list[Further]) -> list[Further]:
    """One column for a measure: drugs by either column, of numbers none where two claim to be it."""
    usable = [one for one in read if one.used]
    if len(usable) < 2:
        return read
    headings = [one.heading for one in usable]
    if MEASURES[name].units:
        why = say("{headings} all look like it; rename all but one.", headings=headings)
        return [_refused(name, one.heading, np.array(one.values, dtype=np.str_), why) for one in usable]
    values = np.array([one.values for one in usable])
    known = np.isfinite(values).all(axis=0)
    either = np.where((values == 1).any(axis=0), 1.0, np.where(known, 0.0, np.nan))
    note = say("{headings} say who takes {name}: either is enough.", headings=headings, name=_said(name))
    return [Further(name, ", ".join(headings), either, note), *(one for one in read if not one.used)]
