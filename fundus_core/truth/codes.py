"""Which code means female, which right: said by the heading, usual, or told by stature; never taken in silence."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fundus_core.errors import say
from fundus_core.identity import BOTH_EYES, EYES
from fundus_core.records import Eye
from fundus_core.tables import parse
from fundus_core.tables.table import Table, Words
from fundus_core.truth.mapping import GONE, Column

_OPPOSITE = {"female": "male", "male": "female", "right": "left", "left": "right"}
_GONE = frozenset(("9", "66", "77", "88", "99", "666", "777", "888", "999"))
"""No word for a sex or an eye, and a code for missing everywhere."""
_YES, _NO = ("1", "true", "yes", "y"), ("0", "false", "no", "n")


def coded(column: Column, columns: Sequence[Column], table: Table) -> Column:
    """Return a column of sex or eye with its coding; as words for grouping where the coding is not known."""
    if column.role not in ("sex", "eye"):
        return column
    found = _codes(table.columns[columns.index(column)])
    gone = {code: GONE for code in found if code in _GONE} if len(set(found) - _GONE) > 1 else {}
    coded = _by_words(column, [code for code in found if code not in gone], columns, table)
    return replace(coded, coding={**coded.coding, **gone}) if coded.role == column.role and gone else coded


def _by_words(column: Column, found: list[str], columns: Sequence[Column], table: Table) -> Column:
    if column.coding:
        return _said(column, found)
    known = set(parse.SEXES) if column.role == "sex" else set(EYES) | BOTH_EYES
    if all(parse.plain_word(word, known) for word in found):
        return replace(column, reason=say("{reason} The cells say it in words.", reason=say(column.reason)))
    if column.role == "eye":
        return _numbered_eye(column, found)
    coding = _numeric_coding(column.heading, found)
    return _unknown(column, found) if coding is None else _sex(column, coding, columns, table)


def _codes(words: Words) -> list[str]:
    found = {parse.fold(word) for word in set(words) if not parse.is_missing(word)}
    return sorted({word[:-2] if re.fullmatch(r"\d\.0", word) else word for word in found})


def _said(column: Column, found: list[str]) -> Column:
    """The heading states the coding; one other code left over is the opposite (``F = 1`` beside 0)."""
    coding = dict(column.coding)
    others = [code for code in found if code not in coding]
    if len(coding) == 1 and len(others) == 1:
        coding[others[0]] = _OPPOSITE[next(iter(coding.values()))]
    column = replace(column, coding=coding)
    return replace(column, reason=say("The heading says {coded}.", coded=say(column.coded)))


def _unknown(column: Column, found: list[str]) -> Column:
    shown = ", ".join(found[:6])
    reason = say(
        "The heading means sex, but the cells ({shown}) are no known words for it: kept for grouping.", shown=shown
    )
    return replace(
        column, role="covariate", confidence=0.4, reason=say("{reason} Give the coding.", reason=say(reason))
    )


def _numbered_eye(column: Column, found: list[str]) -> Column:
    if not set(found) <= {"1", "2"} and not set(found) <= {"0", "1"}:
        return column
    coding = {"1": Eye.RIGHT.value, ("0" if "0" in found else "2"): Eye.LEFT.value}
    column = replace(column, coding=coding, confidence=0.4, needs_confirmation=True)
    reason = say(
        "The eye is coded in numbers; {coded} is a guess, the table does not say it. Confirm it.",
        coded=say(column.coded),
    )
    return replace(column, reason=reason)


def _numeric_coding(heading: str, found: list[str]) -> dict[str, str] | None:
    name = parse.fold(heading)
    if any(set(found) <= {yes, no} for yes, no in zip(_YES, _NO, strict=True)) or set(found) <= {"y", "n"}:
        one = "male" if re.search(r"(?<!fe)\bmale|男性", name) and "女" not in name else "female"
        yes = {code: one for code in _YES if code in found}
        return yes | {code: _OPPOSITE[one] for code in _NO if code in found}
    return {"1": "male", "2": "female"} if {"2"} <= set(found) <= {"0", "1", "2", "9"} else None


def _sex(column: Column, coding: dict[str, str], columns: Sequence[Column], table: Table) -> Column:
    at = columns.index(column)
    column = replace(column, coding=coding)
    if re.search(r"male|女性|男性", parse.fold(column.heading)) and "2" not in coding:
        return replace(
            column, confidence=0.9, reason=say("The heading says what 1 means: {coded}.", coded=say(column.coded))
        )
    evidence, agrees = _by_stature(table.columns[at], coding, columns, table)
    stated = say("Sex is coded in numbers; {coded}", coded=say(column.coded))
    if "2" in coding:
        reason = say(
            "{stated} is usual (ISO/IEC 5218), but the table does not say so. {evidence}Confirm it.",
            stated=say(stated),
            evidence=say(evidence),
        )
        return replace(column, confidence=0.5, reason=reason, needs_confirmation=True)
    if len(coding) == 1:
        reason = say(
            "{stated} is the rule here, but there is only this one code, which means male in other tables.",
            stated=say(stated),
        )
        return replace(
            column, confidence=0.3, reason=say("{reason} Confirm it.", reason=say(reason)), needs_confirmation=True
        )
    reason = say(
        "{stated} is the rule here, but the table does not say so. {evidence}Check it.",
        stated=say(stated),
        evidence=say(evidence),
    )
    return replace(column, confidence=0.6 if agrees else 0.3, reason=reason, needs_confirmation=not agrees)


def _by_stature(words: Words, coding: dict[str, str], columns: Sequence[Column], table: Table) -> tuple[str, bool]:
    """Men are taller and heavier: height (or weight) tells whether a coding is turned round."""
    sexes = np.array(parse.each(words, lambda word: coding.get(parse.fold(word), "")))
    for other, sizes in zip(columns, table.columns, strict=True):
        if other.role not in ("height", "weight"):
            continue
        size = parse.floats(sizes, other.decimal)
        men, women = (size[(sexes == sex) & np.isfinite(size)] for sex in ("male", "female"))
        if min(len(men), len(women)) < 5:
            continue
        error = float(np.hypot(men.std() / np.sqrt(len(men)), women.std() / np.sqrt(len(women))))
        difference = float(men.mean() - women.mean())
        if abs(difference) > 3 * error:
            means = say("(mean {mean:.4g} against {mean_2:.4g})", mean=men.mean(), mean_2=women.mean())
            if difference > 0:
                return say("{heading} fits this {means}. ", heading=other.heading, means=means), True
            return say("{heading} contradicts this {means}. ", heading=other.heading, means=means), False
    return "", True
