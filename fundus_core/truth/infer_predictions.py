"""What each column of a table of predictions made elsewhere probably is: measured, predicted, an interval, a model."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fundus_core.errors import say
from fundus_core.identity import is_nobody
from fundus_core.records import Eye
from fundus_core.tables import parse
from fundus_core.tables.heading_roles import HIGH, LOW, MEASURED, PREDICTED, SD, Announced, announced, names_models
from fundus_core.tables.headings import Meaning, spoken
from fundus_core.tables.table import Table, Words
from fundus_core.targets import TARGETS
from fundus_core.targets import target as known_target
from fundus_core.truth import parse_predicted
from fundus_core.truth.infer_column import column_of
from fundus_core.truth.infer_columns import bare, measured_meaning, settled
from fundus_core.truth.mapping import MODEL, Column, Proposal

OURS = frozenset(
    "sha256|status|reason_code|reason|quality|out_of_distribution|weights_sha256|code_version|notice|note".split("|")
)
"""Columns of this program's own predictions that say nothing of people."""
_TRUTH_WORDS = frozenset(("target", "outcome", "y"))
_ENDS = (LOW, HIGH, SD)
_UNMARKED_AGES = 5


def propose(table: Table, *, beside: bool = False, target: str = "") -> Proposal:
    """Propose a meaning for every column of a table of predictions.

    ``beside`` says that measured values come in a table of their own, so that plain headings are predictions;
    ``target`` is of columns that only say ``y_true`` and ``y_pred``. A column of predictions that cannot be told from
    another, whose unit contradicts its numbers, or whose probabilities could be of either sex is marked
    ``needs_confirmation``.

    Raises:
        UsageError: No such target.
    """
    if target:
        known_target(target)
    told = [_told(heading, words, target) for heading, words in zip(table.headings, table.columns, strict=True)]
    parts = _parts(table, told, beside=beside)
    columns = [
        _column(heading, words, each, part)
        for heading, words, each, part in zip(table.headings, table.columns, told, parts, strict=True)
    ]
    columns = _asked_which(columns, told, beside=beside)
    columns = settled(columns, table)
    columns = [
        parse_predicted.direction(column, words, columns, ours=OURS <= {*table.headings, "notice", "note"})
        for column, words in zip(columns, table.columns, strict=True)
    ]
    columns = _intervals(columns, told)
    columns = _rivals(columns, table)
    return Proposal(tuple(columns))


def models_of(table: Table, proposal: Proposal) -> tuple[str, ...]:
    """Return the names of all models in a table: as its headings have them, else as its column of models has."""
    wide = proposal.models
    if len(wide) > 1 or any(wide):
        return wide
    column = next(iter(proposal.having(MODEL)), None)
    if column is None or column.heading not in table.headings:
        return wide
    cells = table.columns[table.headings.index(column.heading)]
    return tuple(dict.fromkeys("" if is_nobody(str(word)) else str(word) for word in cells))


def of_model(table: Table, proposal: Proposal, name: str) -> tuple[Table, Proposal]:
    """Return table and mapping as they are of one model alone: its rows, its columns."""
    column = next(iter(proposal.having(MODEL)), None)
    if column is not None and column.heading in table.headings:
        cells = table.columns[table.headings.index(column.heading)]
        keep = np.array([("" if is_nobody(str(word)) else str(word)) == name for word in cells])
        if keep.any():
            rows = tuple(words[keep] for words in table.columns)
            return replace(table, columns=rows, rows=table.rows[keep]), proposal
    return table, proposal.of_model(name)


def _told(heading: str, words: Words, target: str) -> Announced:
    plain = bare(heading)
    if plain in OURS or names_models(plain):
        return Announced(Meaning("", 0.0, ""))
    found = announced(plain)
    if re.sub(r"[\W_]+", "", plain.casefold()) in _TRUTH_WORDS and np.isfinite(parse.floats(words)).any():
        found = Announced(Meaning("", 0.0, ""), MEASURED, bare=True)
    if found.bare and target:
        meaning = Meaning(target, 1.0, say("You said that it is about {role}.", role=say(spoken(target))))
        return replace(found, meaning=meaning, bare=False)
    return found


def _parts(table: Table, told: Sequence[Announced], *, beside: bool) -> list[str]:
    """Decide of each column of a target whether it is measured (empty) or what of a prediction."""
    whole = [each for each in told if not each.end]
    predicted = {each.meaning.role for each in whole if each.mark == PREDICTED}
    measured = {each.meaning.role for each in whole if each.mark == MEASURED}
    parts = []
    for heading, words, each in zip(table.headings, table.columns, told, strict=True):
        role = each.meaning.role
        if role not in TARGETS and not each.bare:
            parts.append("")
        elif each.end:
            parts.append(each.end)
        elif each.mark:
            parts.append(PREDICTED if each.mark == PREDICTED else "")
        elif role in measured or (beside and not predicted and not _of_people(heading, role, words, told)):
            parts.append(PREDICTED)
        else:
            parts.append(PREDICTED if each.model and role not in predicted else "")
    return parts


def _of_people(heading: str, role: str, words: Words, told: Sequence[Announced]) -> bool:
    """Return whether an unmarked column beside predictions describes the people: sex in words, age in whole years."""
    if sum(each.meaning.role in TARGETS for each in told) < 2:
        return False
    if role == "sex":
        return not np.isfinite(parse.floats(words)).any()
    values = parse.floats(words)
    values = values[np.isfinite(values)]
    return role == "age" and len(values) >= _UNMARKED_AGES and bool((values == np.round(values)).all())


def _column(heading: str, words: Words, told: Announced, part: str) -> Column:
    plain = bare(heading)
    if plain in OURS:
        return Column(heading, "ignored", reason="A column of this program's own; nothing of it is needed here.")
    if names_models(plain):
        return Column(heading, MODEL, 0.9, "It says which model predicted.")
    if told.bare:
        reason = say("It does not say of which target its values are. Choose the target.")
        return Column(heading, "ignored", 0.3, reason, part=part or PREDICTED, needs_confirmation=True)
    if not part:
        meaning = told.meaning if told.meaning.role in TARGETS else measured_meaning(heading)
        return column_of(heading, words, meaning)
    if part in _ENDS:
        found = Column(heading, told.meaning.role, 0.8, _END[part], told.meaning.unit, told.meaning.eye)
        return replace(found, part=part, model=told.model, decimal=_decimal(words))
    column = column_of(heading, words, told.meaning)
    if column.role != told.meaning.role:  # hardly a number in it: what stands there is named when it is read
        column = Column(heading, told.meaning.role, told.meaning.confidence, told.meaning.reason, told.meaning.unit)
    column = replace(column, part=part, model=told.model, eye=told.meaning.eye)
    unusual = column.confidence <= 0.5 and not column.needs_confirmation and len(words) > 1
    if unusual:
        reason = say(
            "{reason} Is it standardised, or another quantity? State the unit if it is none of these.",
            reason=say(column.reason),
        )
        return replace(column, reason=reason, needs_confirmation=True)
    return column


_END = {
    LOW: "The lower end of the prediction's 90 % interval.",
    HIGH: "The upper end of the prediction's 90 % interval.",
    SD: "The standard deviation of the prediction: its 90 % interval is 1.645 of them to each side.",
}


def _decimal(words: Words) -> str:
    return parse.decimal_mark([str(word) for word in words[:5000]])


def _asked_which(columns: list[Column], told: Sequence[Announced], *, beside: bool) -> list[Column]:
    """Ask which of several columns of one target is the prediction, where no heading says it."""
    said = {each.meaning.role for each in told if each.mark and not each.end}
    result = list(columns)
    for role in TARGETS:
        here = [i for i, c in enumerate(columns) if c.role == role and c.part in ("", PREDICTED) and not c.eye]
        if role in said or len(here) < 2 or (beside and all(told[i].model for i in here)):
            continue
        if any(not told[i].mark and told[i].model for i in here) or len({told[i].model for i in here}) == 1:
            reason = say(
                "{names:and} hold {role}, and no heading says which is predicted and which measured.",
                names=[columns[i].heading for i in here],
                role=say(spoken(role)),
            )
            for i in here:
                result[i] = replace(columns[i], part=PREDICTED, confidence=0.3, reason=reason, needs_confirmation=True)
    return result


def _intervals(columns: list[Column], told: Sequence[Announced]) -> list[Column]:
    """Give the ends of intervals the unit of their prediction; those of no prediction, or of 95 %, are set aside."""
    result = list(columns)
    for i, column in enumerate(columns):
        if column.part not in _ENDS or column.role == "ignored":
            continue
        of = next((c for c in columns if (c.role, c.eye, c.model, c.part) == (*_key(column), PREDICTED)), None)
        if of is None:
            reason = "The end of an interval, but of no prediction in this table: kept for grouping."
            result[i] = replace(column, role="covariate", part="", confidence=0.5, reason=reason, unit="", model="")
        elif told[i].level not in (0, 90):
            reason = say("An interval of {level} %, and coverage is counted of 90 %: not used.", level=told[i].level)
            result[i] = replace(column, role="ignored", part="", confidence=0.9, reason=reason, unit="", model="")
        else:
            same = replace(column, coding=dict(of.coding), needs_confirmation=of.needs_confirmation)
            result[i] = replace(same, unit=column.unit or of.unit)
    return result


def _key(column: Column) -> tuple[str, Eye, str]:
    return column.role, column.eye, column.model


def _rivals(columns: list[Column], table: Table) -> list[Column]:
    """Two columns for the same prediction: one where they are equal, else asked about."""
    result = list(columns)
    for i, column in enumerate(columns):
        if not column.part or column.role not in TARGETS or result[i].role == "ignored":
            continue
        same = [j for j, c in enumerate(columns) if (*_key(c), c.part) == (*_key(column), column.part)]
        for j in same:
            if j > i and bool((table.columns[i] == table.columns[j]).all()):
                reason = say("It holds the same as '{heading}'.", heading=column.heading)
                result[j] = replace(columns[j], role="ignored", part="", reason=reason, unit="", model="")
            elif j != i and not result[j].needs_confirmation and result[j].role != "ignored":
                reason = say(
                    "'{heading}' is taken for the same prediction and holds other values: which is it?",
                    heading=column.heading,
                )
                result[j] = replace(columns[j], confidence=0.3, reason=reason, needs_confirmation=True)
    return result
