"""Which number means female: said by the heading, usual, or told by stature; never taken in silence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from fundus_core.truth import cells
from fundus_core.truth.mapping import Column
from fundus_core.truth.table import Table


def sexed(column: Column, columns: list[Column], table: Table) -> Column:
    """Return the column of sex with its coding, or as words for grouping where the coding is not known."""
    words = table.columns[columns.index(column)]
    found = sorted({cells.fold(word) for word in set(words) if not cells.is_missing(word)})
    found = [word[:-2] if re.fullmatch(r"\d\.0", word) else word for word in found]
    if column.coding:
        stated = ", ".join(f"{code} = {sex}" for code, sex in column.coding.items())
        return replace(column, reason=f"The heading says {stated}.")
    if set(found) <= set(cells.SEXES):
        return replace(column, reason=f"{column.reason} The cells say female or male in words.")
    coding = _numeric_coding(column.heading, found)
    if coding is None:
        shown = ", ".join(found[:6])
        reason = (
            f"The heading means sex, but the cells ({shown}) are no known words for it: kept for "
            "grouping. Give the coding."
        )
        return replace(column, role="covariate", confidence=0.4, reason=reason)
    return _coded_sex(column, coding, columns, table)


def _numeric_coding(heading: str, found: list[str]) -> dict[str, str] | None:
    name = cells.fold(heading)
    if set(found) <= {"0", "1"} or set(found) <= {"true", "false"} or set(found) <= {"yes", "no", "y", "n"}:
        one = "male" if re.search(r"(?<!fe)\bmale|男性", name) and "女" not in name else "female"
        zero = "female" if one == "male" else "male"
        yes, no = ("1", "true", "yes", "y"), ("0", "false", "no", "n")
        return {
            **dict.fromkeys((w for w in yes if w in found), one),
            **dict.fromkeys((w for w in no if w in found), zero),
        }
    return {"1": "male", "2": "female"} if set(found) <= {"1", "2"} else None


def _coded_sex(column: Column, coding: dict[str, str], columns: list[Column], table: Table) -> Column:
    stated = ", ".join(f"{code} = {sex}" for code, sex in coding.items())
    name = cells.fold(column.heading)
    if re.search(r"male|女性|男性", name) and set(coding) - {"2"}:
        return replace(column, coding=coding, confidence=0.9, reason=f"The heading says what 1 means: {stated}.")
    evidence, agrees = _by_stature(column, coding, columns, table)
    if "2" in coding:
        reason = (
            f"Sex is coded in numbers; {stated} is usual (ISO 5218) but the table does not say so. "
            f"{evidence}Confirm it."
        )
        return replace(column, coding=coding, confidence=0.5, reason=reason, needs_confirmation=True)
    reason = f"Sex is coded in numbers; {stated} is the rule here but the table does not say so. {evidence}Check it."
    return replace(
        column, coding=coding, confidence=0.6 if agrees else 0.3, reason=reason, needs_confirmation=not agrees
    )


def _by_stature(column: Column, coding: dict[str, str], columns: list[Column], table: Table) -> tuple[str, bool]:
    """Men are taller and heavier: height (or weight) tells whether a coding is turned round."""
    at = columns.index(column)
    for index, other in enumerate(columns):
        if other.role not in ("height", "weight"):
            continue
        size = cells.floats(table.columns[index], other.decimal)
        sexes = np.array(cells.each(table.columns[at], lambda word: coding.get(cells.fold(word), "")))
        men, women = (
            size[(sexes == "male") & np.isfinite(size)],
            size[(sexes == "female") & np.isfinite(size)],
        )
        if min(len(men), len(women)) < 5:
            continue
        error = float(np.hypot(men.std() / np.sqrt(len(men)), women.std() / np.sqrt(len(women))))
        difference = float(men.mean() - women.mean())
        if abs(difference) > 3 * error:
            fits = "fits" if difference > 0 else "contradicts this"
            return (
                f"{other.heading} {fits} (mean {men.mean():.4g} against {women.mean():.4g}). ",
                difference > 0,
            )
    return "", True
