"""Units in which truth is written, the factor to the target's own, and what a column of numbers looks like."""

import re
import unicodedata
from collections.abc import Mapping

import numpy as np

from fundus_core.records import Floats
from fundus_core.targets import TARGETS, Derived, Unit, own

UNITS: Mapping[str, tuple[Unit, ...]] = Derived(
    lambda: {
        **{name: target.units for name, target in TARGETS.items()},
        "blood_pressure": TARGETS["sbp"].units,
        "height": (
            Unit("cm", 1, 110, 205),
            Unit("m", 100, 1.1, 2.05),
            Unit("in", 2.54, 45, 80),
            Unit("mm", 0.1, 1100, 2050),
        ),
        "weight": (Unit("kg", 1, 30, 130), Unit("lb", 0.45359237, 130, 290), Unit("g", 0.001, 30000, 130000)),
    }
)
"""By target or source, its own unit first. Factors: glucose 180.16 g/mol, kPa by NIST SP 811, inch and pound exact."""

RANGES: Mapping[str, tuple[float, float]] = Derived(
    lambda: {**{t.id: (t.low, t.high) for t in TARGETS.values()}, "height": (100.0, 230.0), "weight": (20.0, 300.0)}
)
"""Plausible values in the quantity's own unit (height in cm, weight in kg)."""

_SPELLINGS = {
    "mmHg": "mmhg|torr|mm hg|水銀柱ミリメートル|ミリ水銀",
    "kPa": "kpa|キロパスカル",
    "cmHg": "cmhg|cm hg",
    "mg/dL": "mg/dl|mg / dl|mgdl|mg%|mg/100ml|mg dl|mg_dl|mg.dl|mg per dl|mg/デシリットル",
    "mmol/L": "mmol/l|mmol|mmoll|mmol l|mmol_l|mmol.l|mmol per l|mm/l|ミリモル",
    "g/L": "g/l",
    "%": "%|％|percent|ngsp",
    "mmol/mol": "mmol/mol|mmolmol|mmol mol|ifcc",
    "cm": "cm|centimeter|centimetre|centimeters|centimetres|センチ|センチメートル",
    "in": "in|inch|inches|\"|″|''|インチ|zoll",
    "mm": "mm|millimeter|millimetre|ミリ",
    "m": "m|meter|metre|メートル",
    "kg/m²": "kg/m2|kg/m^2|kgm2|kg m2|kg_m2|kg/m**2|kg/㎡|kg·m-2|kg m-2",
    "years": "years|year|yrs|yr|y|yo|y/o|y.o.|years old|歳|才|jahre|ans",
    "months": "months|month|mo|ヶ月|か月|カ月|月齢",
    "days": "days|日齢",
    "kg": "kg|kilogram|kilograms|キロ|キログラム",
    "lb": "lb|lbs|pound|pounds|ポンド",
    "g": "g|gram|grams",
}
_APART = re.compile(r"[\s_/.\-^]")


def _letters(word: str) -> str:
    return _APART.sub("", unicodedata.normalize("NFKC", word).casefold())


def _spelt(word: str) -> str:
    return "".join(unicodedata.normalize("NFKC", word).casefold().split()).strip(".[]()")


BY_SPELLING: Mapping[str, str] = Derived(
    lambda: {
        **{_spelt(word): u.name for of in TARGETS.values() for u in of.units for word in (u.name, *u.spellings)},
        **{_spelt(word): name for name, words in _SPELLINGS.items() for word in words.split("|")},
    }
)
"""Unit by its spelling in one width and case, without blanks."""
_BY_LETTERS: Mapping[str, str] = Derived(
    lambda: {_letters(word): u.name for of in own().values() for u in of.units for word in (u.name, *u.spellings)}
)
"""Units of the user's own targets, without what a heading may leave out."""

_IN_BARE_HEADING = re.compile(
    r"(?:^|[\s_.\-/]|(?<=[^\x00-\x7f]))(mmhg|kpa|cmhg|mg\W?_?/?d\W?l|mgdl|mmol\W?_?/?l?|g/l|inches|inch|in|cm|kg\W?_?/?m\W?_?(?:\^|\*\*)?2|kg|lbs?|years|yrs|months|mm|m)$"
)


def unit_of(spelling: str) -> str:
    """Return the unit's name for a spelling, or an empty string.

    >>> unit_of("mg/dl"), unit_of("kg/m^2"), unit_of("beats")
    ('mg/dL', 'kg/m²', '')
    """
    return BY_SPELLING.get(_spelt(spelling), "")


def bare_unit(folded: str) -> tuple[str, str]:
    """Split a unit without brackets from the end of a heading: ``glucose_mmol_l`` -> ``glucose``, ``mmol/L``."""
    found = _IN_BARE_HEADING.search(folded)
    if found is None or found.start() == 0:
        return _own_bare_unit(folded)
    letters = re.sub(r"[\W_]", "", found[1])
    name = {"mgdl": "mg/dL", "mmoll": "mmol/L", "mmol": "mmol/L", "gl": "g/L", "kgm2": "kg/m²"}.get(
        letters, unit_of(letters)
    )
    return folded[: found.start()], name


def _own_bare_unit(folded: str) -> tuple[str, str]:
    for gap in _APART.finditer(folded):
        if gap.start() and (name := _BY_LETTERS.get(_letters(folded[gap.end() :]), "")):
            return folded[: gap.start()], name
    return folded, ""


def unit(quantity: str, name: str) -> Unit | None:
    """Return a quantity's unit of that name (its own for none given), or ``None`` where it does not fit."""
    of = UNITS.get(quantity, ())
    return next((one for one in of if one.name == name or not name), None)


def fitting(quantity: str, values: Floats) -> list[Unit]:
    """Return the units in which these numbers would be ordinary, judged by their median."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return []
    middle = float(np.median(finite))
    return [unit for unit in UNITS.get(quantity, ()) if unit.low <= middle <= unit.high]
