"""What each column probably is: by its heading first, by its cells where the heading does not say, never in silence."""

import re
from dataclasses import replace

import numpy as np

from fundus_core.errors import TruthError, say
from fundus_core.identity import eye_in_name
from fundus_core.records import Eye
from fundus_core.tables import parse
from fundus_core.tables.heading_roles import PREDICTED, announced
from fundus_core.tables.headings import Meaning, is_hospital_number, spoken, understand
from fundus_core.tables.table import Table
from fundus_core.targets import TARGETS
from fundus_core.truth import codes, missing_codes
from fundus_core.truth.infer_column import cells_of, column_of
from fundus_core.truth.mapping import Column, Proposal

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
    columns = [column if column.part else codes.coded(column, columns, table) for column in columns]
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
