"""Tables of predictions: predictions.csv of this program exactly, any other as a researcher's table is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fundus_core import truth
from fundus_core.errors import UsageError
from fundus_core.records import OVERRULED, WITHDRAWN, CohortTable, Eye, Floats, Labels, Prediction, Reading, Status
from fundus_core.tables import Table, parse
from fundus_core.tables.headings import compact
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class PredictionsFile:
    """predictions.csv as columns."""

    table: CohortTable
    """Readings without truth."""
    sha256: Labels
    """Of each photograph's bytes."""
    reason_code: Labels
    """Stable word for a refusal or failure."""
    model: str
    """Id of the model, several joined by a plus sign."""
    weights_sha256: str
    """Of the weights, several joined by a plus sign."""
    notes: tuple[str, ...] = ()
    """What the reader had to do or to leave out, as sentences; to be shown."""
    lines: truth.TruthTable | None = None
    """The rows as they were understood, in the order of ``table``; ``None`` for a file just as it was written here."""

    def readings(self) -> list[Reading]:
        """Return the rows as readings."""
        return [self._reading(row) for row in range(len(self.table))]

    def _reading(self, row: int) -> Reading:
        table = self.table
        status = Status(str(table.status[row]))
        return Reading(
            photograph=str(table.photograph[row]),
            sha256=str(self.sha256[row]),
            patient_id=str(table.patient_id[row]),
            eye=Eye(str(table.eye[row])),
            status=status,
            reason_code=str(self.reason_code[row]),
            reason=str(table.reason[row]),
            quality=float(table.quality[row]),
            out_of_distribution=float(table.out_of_distribution[row]),
            model=self.model,
            weights_sha256=self.weights_sha256,
            code_version="",
            visit=str(table.visit[row]),
            predictions={
                target: Prediction(float(values[row]), float(table.low[target][row]), float(table.high[target][row]))
                for target, values in table.predicted.items()
                if status is Status.PREDICTED
            },
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says of a table of predictions, where the table cannot."""

    beside: bool = True
    """Whether measured values come in a table of their own, so that plain headings are predictions."""
    model: str = ""
    """Which of several models."""
    target: str = ""
    """Of columns that only say ``y_true`` and ``y_pred``."""
    columns: Sequence[str] = ()
    """Each ``HEADING=MEANING``, as ``truth.told`` reads it."""
    mapping: truth.Proposal | None = None
    """A saved mapping of its columns."""
    sheet: str | None = None
    """Of a workbook."""
    rows_are_people: bool = False
    """Whether, in a table that names nobody, each row is another person."""


def proposed(table: Table, asked: Asked) -> truth.Proposal:
    """Return what the columns are taken for, a saved mapping and what was said of single ones put in."""
    proposal = truth.propose_predictions(table, beside=asked.beside, target=asked.target)
    if asked.mapping is not None:
        proposal = proposal.reuse(asked.mapping)
    return truth.apply_options(proposal, *asked.columns)


_UNREAD = ("not_a_number", "unknown_unit", "censored")


def apply_mapping(table: Table, proposal: truth.Proposal, asked: Asked) -> PredictionsFile:
    """Return a table of predictions as its mapping says, of one model.

    Raises:
        UsageError: Something must be said first; the message names it.
        TruthError: The table cannot be used.
    """
    _refuse_undecided(table, proposal)
    models = truth.models_of(table, proposal)
    model = _chosen(table.name, models, asked.model)
    of_one, mapping = truth.of_model(table, proposal, model)
    _refuse_nothing(table, mapping, rows_are_people=asked.rows_are_people)
    lines = truth.apply(of_one, mapping, rows_are_people=asked.rows_are_people)
    bad = next((fault for fault in lines.faults if fault.fault in _UNREAD and _is_predicted(fault, mapping)), None)
    if bad is not None:
        raise UsageError(
            "'{name}' row {row}, column '{column}': found '{value}', a number is needed.",
            name=table.name,
            row=bad.row,
            column=bad.column,
            value=bad.value,
        )
    return _file(of_one, truth.once(lines), model)


def _is_predicted(fault: truth.Fault, mapping: truth.Proposal) -> bool:
    return any(column.part and column.heading == fault.column for column in mapping.columns)


def _refuse_undecided(table: Table, proposal: truth.Proposal) -> None:
    asked = [column for column in proposal.unconfirmed if column.part]
    if asked:
        first = asked[0]
        role = first.role if first.role in TARGETS else "sbp"
        raise UsageError(
            "'{name}', column '{heading}': {reason} Say it with --column '{heading}={role} predicted' "
            "(then a unit, % or female or male), measured, or ignored.",
            name=table.name,
            heading=first.heading,
            reason=first.reason,
            role=role,
        )


def _chosen(name: str, models: Sequence[str], wanted: str) -> str:
    """Return the model that is asked for, the only one where nobody asks."""
    known = {compact(model): model for model in models}
    for word in (compact(wanted), compact(wanted).removeprefix("model")):
        if wanted and word in known:
            return known[word]
    if len(models) > 1:
        shown = ", ".join(f"'{model}'" if model else "one without a name" for model in models[:12])
        asked = f"There is no '{wanted}'; name one" if wanted else "Say which"
        raise UsageError(
            "'{name}' holds predictions of {models} models: {shown}. {asked} with --model.",
            name=name,
            models=len(models),
            shown=shown,
            asked=asked,
        )
    return models[0] if models else ""


def _refuse_nothing(table: Table, mapping: truth.Proposal, *, rows_are_people: bool) -> None:
    """Raise where nothing is predicted, or nobody is named."""
    have = f"'{table.name}' has the columns {', '.join(table.headings)}"
    predicted = any(column.part == "predicted" and column.role in TARGETS for column in mapping.columns)
    if predicted and (rows_are_people or mapping.having("photograph") or mapping.having("patient_id")):
        return
    if predicted:
        raise UsageError(
            "{have}; needed are 'photograph' or the patient's id. Say it with --column "
            "'HEADING=patient_id', or with --each-row-a-person where each row is another person.",
            have=have,
        )
    raise UsageError(
        "{have}, and none is said to be predicted; needed are 'photograph' or the patient's id, and "
        "one or more of {targets}. Give the measured values with --truth where these are "
        "predictions, or say which is one with --column 'HEADING=sbp predicted'.",
        have=have,
        targets=TARGETS,
    )


def _file(table: Table, lines: truth.TruthTable, model: str) -> PredictionsFile:
    """Put the lines into columns; this program's own columns, where a table has them, go along."""
    at = np.searchsorted(table.rows, lines.rows)
    ours = {parse.fold(heading): words for heading, words in zip(table.headings, table.columns, strict=True)}
    n = len(lines)

    def words(name: str) -> Labels:
        return labels(ours[name][at].tolist()) if name in ours else np.full(n, "", dtype=np.str_)

    def numbers(name: str) -> Floats:
        values = parse.floats(ours[name][at]) if name in ours else np.full(n, np.nan)
        return np.where((values >= 0) & np.isfinite(values), values, np.nan)

    made = CohortTable(
        photograph=truth.names_of(lines),
        patient_id=lines.patient_id,
        eye=lines.eye,
        visit=lines.visit,
        status=_status(table.name, words("status")),
        reason=words("reason"),
        quality=numbers("quality"),
        out_of_distribution=numbers("out_of_distribution"),
        truth=dict(lines.values),
        predicted=dict(lines.predicted),
        low=dict(lines.low),
        high=dict(lines.high),
        covariates=dict(lines.covariates),
        decision=decisions_in(words("reason_code")),
    )
    faults = (f"Row {fault.row}: {fault.what_to_do}" if fault.row else _about(fault) for fault in lines.faults)
    return PredictionsFile(
        table=made,
        sha256=words("sha256"),
        reason_code=words("reason_code"),
        model=model,
        weights_sha256="+".join(sorted(set(words("weights_sha256").tolist()) - {""})),
        notes=tuple(dict.fromkeys((*lines.notes, *faults))),
        lines=lines,
    )


def decisions_in(codes: Labels) -> Labels:
    """Return what a person decided about photographs, by the stable words of their reasons."""
    return np.where(np.isin(codes, (OVERRULED, WITHDRAWN)), codes, "")


def _about(fault: truth.Fault) -> str:
    return f"{fault.column}: {fault.what_to_do}" if fault.column else fault.what_to_do


def _status(name: str, words: Labels) -> Labels:
    """Our own statuses; a stranger's column of that name, of which no word is ours, says nothing of it."""
    stated = np.array([parse.fold(str(word)) for word in words], dtype=np.str_)
    known = np.isin(stated, [status.value for status in Status])
    strange = sorted(set(stated[~known & (stated != "")].tolist()))
    if strange and known.any():
        raise UsageError(
            "'{name}', column 'status': found '{strange}'; allowed are {status}.",
            name=name,
            strange=strange[0],
            status=Status,
        )
    return np.where(known, stated, Status.PREDICTED.value)


def labels(words: Sequence[str]) -> Labels:
    """Words as a column."""
    return np.array(words, dtype=np.str_)
