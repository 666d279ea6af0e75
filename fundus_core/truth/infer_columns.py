"""What each column probably is: by its heading first, by its cells where the heading does not say, never in silence."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fundus_core.errors import TruthError, say
from fundus_core.identity import BOTH_EYES, EYES, eye_in_name
from fundus_core.records import Eye
from fundus_core.tables import parse
from fundus_core.tables.heading_roles import PREDICTED, announced
from fundus_core.tables.headings import Meaning, is_hospital_number, spoken, understand
from fundus_core.tables.table import Table, Words
from fundus_core.targets import TARGETS
from fundus_core.truth import missing_codes
from fundus_core.truth.infer_column import cells_of, column_of
from fundus_core.truth.mapping import GONE, Column, Proposal

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


_NAMED_EYES = 0.8


def propose(table: Table) -> Proposal:
    """Propose a meaning for every column of a table, with confidence and reason.

    A column that the file leaves ambiguous in a way that would turn results round (sex coded 1 and 2, swapped
    pressures, a unit that contradicts its heading) is marked ``needs_confirmation`` and not used until confirmed.
    """
    _refuse_predictions(table)
    columns = [
        column_of(heading, words, measured_meaning(heading))
        for heading, words in zip(table.headings, table.columns, strict=True)
    ]
    columns = settled(columns, table)
    return Proposal(tuple(columns))


def settled(columns: list[Column], table: Table) -> list[Column]:
    """Return the columns once each has been looked at beside the others: one for each role, codes, order."""
    columns = _fall_back(_one_each(_sided(columns, table), table))
    columns = [column if column.part else coded(column, columns, table) for column in columns]
    return missing_codes.asked(_in_order(columns, table), table)


def bare(heading: str) -> str:
    """Return a heading without what the reader of tables put behind it to tell it from its like."""
    return re.sub(r"(?: \(\d+\)|'+)$", "", heading)


def measured_meaning(heading: str) -> Meaning:
    """Return what a heading means in a table of measured values, where a prediction is none."""
    found = announced(bare(heading))
    if found.meaning.role in TARGETS and (found.end or found.mark == PREDICTED):
        return Meaning("covariate", 0.9, "Not a measured value: kept for grouping only.")
    return understand(bare(heading))


def _refuse_predictions(table: Table) -> None:
    """Raise where someone gives this program's own predictions as measured values: every error would be nought."""
    if {"weights_sha256", "code_version", "status"} <= set(table.headings):
        raise TruthError(
            "'{name}' holds predictions of a model, not measured values; give the table of measurements.",
            name=table.name,
        )


def _sided(columns: list[Column], table: Table) -> list[Column]:
    """Two columns of photographs are right and left where the file names say so."""
    places = [i for i, column in enumerate(columns) if column.role == "photograph" and not column.eye]
    if len(places) != 2:
        return columns
    eyes = [_named_eye(cells_of(table.columns[i])) for i in places]
    if set(eyes) != {Eye.RIGHT, Eye.LEFT}:
        return columns
    for place, eye in zip(places, eyes, strict=True):
        reason = say(
            "{reason} The file names are of {value} eyes.", reason=say(columns[place].reason), value=say(eye.value)
        )
        columns[place] = replace(columns[place], eye=eye, reason=reason)
    return columns


def _named_eye(sample: list[str]) -> Eye:
    """Return the eye that nearly all file names state."""
    named = [eye_in_name(name) for name in sample]
    return next((eye for eye in (Eye.RIGHT, Eye.LEFT) if named.count(eye) > _NAMED_EYES * len(named)), Eye.UNKNOWN)


def _one_each(columns: list[Column], table: Table) -> list[Column]:
    """Keep the surest column for each role and eye; say what happens to the others."""
    result = list(columns)
    for role in dict.fromkeys(column.role for column in columns):
        if role in ("covariate", "personal", "ignored"):
            continue
        for eye in Eye:
            rivals = [i for i, c in enumerate(columns) if c.role == role and c.eye == eye and not c.part]
            best = max(rivals, key=lambda i: columns[i].confidence, default=None)
            for other in rivals:
                if best is not None and other != best:
                    result[other] = _second(columns[other], columns[best])
                    result[best] = _doubted(result[best], columns[other], table, best, other)
    return result


def _second(column: Column, best: Column) -> Column:
    role = "personal" if column.role in ("patient_id", "birth_date", "exam_date") else "covariate"
    kept = "not kept" if role == "personal" else "kept for grouping"
    reason = say(
        "A second column for {role}; '{heading}' is used, this one is {kept}.",
        role=spoken(column.role),
        heading=best.heading,
        kept=say(kept),
    )
    return replace(column, role=role, confidence=0.5, reason=reason, unit="", eye=Eye.UNKNOWN, coding={})


def _doubted(best: Column, other: Column, table: Table, first: int, second: int) -> Column:
    """Two columns under one heading that differ: the file cannot tell which is right."""
    plain = re.sub(r" \(\d+\)$", "", other.heading)
    if plain != re.sub(r" \(\d+\)$", "", best.heading) or best.role not in TARGETS:
        return best
    if bool((table.columns[first] == table.columns[second]).all()):
        return replace(
            best,
            reason=say("{reason} '{heading}' holds the same values.", reason=say(best.reason), heading=other.heading),
        )
    reason = say(
        "{reason} '{heading}' has the same heading and other values: which is it?",
        reason=say(best.reason),
        heading=other.heading,
    )
    return replace(best, confidence=0.4, reason=reason, needs_confirmation=True)


def _fall_back(columns: list[Column]) -> list[Column]:
    """A hospital's number identifies the patient; beside a study id it is personal data and not needed."""
    ids = [column for column in columns if column.role == "patient_id"]
    for index, column in enumerate(columns):
        if column.role == "patient_id" and is_hospital_number(column.heading):
            reason = say(
                "{reason} It is a hospital's number: give the cohort pseudonyms before it leaves the house.",
                reason=say(column.reason),
            )
            columns[index] = replace(column, reason=reason)
        elif column.role == "covariate" and is_hospital_number(column.heading) and ids:
            columns[index] = replace(column, role="personal", reason="A hospital's number: personal, not kept.")
    return columns


def _in_order(columns: list[Column], table: Table) -> list[Column]:
    """Mark systolic and diastolic pressure where most rows have them the wrong way round."""
    for eye in Eye:
        pair = [
            next((i for i, c in enumerate(columns) if (c.role, c.eye, c.part) == (role, eye, "")), None)
            for role in ("sbp", "dbp")
        ]
        if pair[0] is None or pair[1] is None:
            continue
        upper, lower = (parse.floats(table.columns[i], columns[i].decimal) for i in pair if i is not None)
        both = np.isfinite(upper) & np.isfinite(lower)
        if both.any() and float((upper < lower)[both].mean()) > 0.5 and columns[pair[0]].unit == columns[pair[1]].unit:
            for i in (pair[0], pair[1]):
                reason = say(
                    "{reason} In most rows the systolic pressure is below the diastolic: the headings look swapped.",
                    reason=say(columns[i].reason),
                )
                columns[i] = replace(columns[i], confidence=0.3, reason=reason, needs_confirmation=True)
    return columns
