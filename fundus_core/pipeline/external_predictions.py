"""Predictions made elsewhere as a cohort of the store: rows with values, and photographs only where they come later."""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from fundus_core import truth
from fundus_core.analyses import AnalysisPlan
from fundus_core.errors import UsageError, joined, say
from fundus_core.pipeline.cohorts import keep_receipt
from fundus_core.pipeline.linkage import join_truth, without_copies
from fundus_core.pipeline.plans import state_plan
from fundus_core.pipeline.predicted import Asked, PredictionsFile, apply_mapping
from fundus_core.records import CohortTable, Eye, Prediction
from fundus_core.store import Cohort, Finding, ModelVersion, NewPhotograph, Store, TruthRow
from fundus_core.tables import Table

ELSEWHERE = "elsewhere"
"""Origin of what no model here predicted."""


def of_every_model(table: Table, proposal: truth.Proposal, asked: Asked) -> dict[str, PredictionsFile]:
    """Return a table's predictions by the name of the model as the table has it; one empty name where it has none.

    Raises:
        UsageError: Something must be said first.
        TruthError: The table cannot be used.
    """
    names = truth.models_of(table, proposal) or ("",)
    return {name: apply_mapping(table, proposal, replace(asked, model=name)) for name in names}


def keep(
    store: Store,
    name: str,
    made: Mapping[str, PredictionsFile],
    found: truth.Match | None = None,
    *,
    note: str = "",
    plan: tuple[AnalysisPlan, str] | None = None,
) -> Cohort:
    """Make a cohort of predictions made elsewhere, by the model's name; rows of one name are one photograph.

    ``found`` are the measured values matched to the rows of ``rows_of``; ``None`` where they stand beside the
    predictions. The note says what else is known of the models. A plan comes with the time when it was stated, before
    either table was brought.

    Raises:
        UsageError: The name is empty or taken; no cohort is left then.
    """
    rows = rows_of(made)
    models = say("Predictions made elsewhere by {models}.", models=list(made))
    cohort = store.create_cohort(name, note=joined((models, note)))
    try:
        stands = _stand_ins(rows, uuid.uuid4().hex)
        if plan is not None:
            state_plan(store, cohort.id, plan[0], stated_at=plan[1])
        store.add_photographs(cohort.id, _photographs(rows, stands))
        store.set_truth(cohort.id, _truth(join_truth(rows, found)))
        for lines in (next(iter(made.values())).lines, found.truth if found else None):
            if lines is not None:
                keep_receipt(store, cohort.id, lines)
        for model, file in made.items():
            version = ModelVersion(model, file.weights_sha256, "", ELSEWHERE)
            table, _ = without_copies(replace(file.table, truth=_like(join_truth(rows, found), file.table)))
            store.record(cohort.id, version, _findings(replace(file, table=table), stands))
    except UsageError:
        store.delete(cohort.id)
        raise
    return store.cohort(cohort.id)


def rows_of(made: Mapping[str, PredictionsFile]) -> CohortTable:
    """Return the rows of all models together, each once, with the measured values that stand beside them."""
    tables = [file.table for file in made.values()]
    first = tables[0]
    for other in tables[1:]:
        new = np.flatnonzero(~np.isin(other.photograph, first.photograph))
        first = _joined(first, other, new)
    return replace(first, predicted={}, low={}, high={})


def _joined(first: CohortTable, other: CohortTable, new: np.ndarray[tuple[int], np.dtype[np.int64]]) -> CohortTable:
    told = ("photograph", "patient_id", "eye", "visit", "status", "reason", "kind", "decision")
    words = (*told, "quality", "out_of_distribution")
    changed = {name: np.concatenate([getattr(first, name), getattr(other, name)[new]]) for name in words}
    truths = dict.fromkeys((*first.truth, *other.truth))
    nothing = np.full(len(first), np.nan)
    values = {
        name: np.concatenate([first.truth.get(name, nothing), other.truth.get(name, np.full(len(other), np.nan))[new]])
        for name in truths
    }
    covariates = {
        name: np.concatenate([column, other.covariates.get(name, np.full(len(other), ""))[new]])
        for name, column in first.covariates.items()
    }
    return replace(first, **changed, truth=values, covariates=covariates, predicted={}, low={}, high={}, withdrawn={})


def _like(rows: CohortTable, table: CohortTable) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the measured values of rows in the order of another table of the same names."""
    at = {str(name): place for place, name in enumerate(rows.photograph)}
    places = np.array([at[str(name)] for name in table.photograph], dtype=np.int64)
    return {name: column[places] for name, column in rows.truth.items()}


def _stand_ins(rows: CohortTable, token: str) -> dict[str, str]:
    """What stands for the hash of a photograph that is not here: different for every row of every cohort."""
    return {str(name): hashlib.sha256(f"{token}\0{name}".encode()).hexdigest() for name in rows.photograph}


def _photographs(rows: CohortTable, stands: Mapping[str, str]) -> Iterator[NewPhotograph]:
    for name, patient, eye, visit in zip(rows.photograph, rows.patient_id, rows.eye, rows.visit, strict=True):
        yield NewPhotograph(
            name=str(name),
            locator="",
            sha256=stands[str(name)],
            patient_id=str(patient),
            eye=Eye(str(eye)),
            eye_source="table" if eye else "",
            visit=str(visit),
        )


def _truth(rows: CohortTable) -> Iterator[TruthRow]:
    for at, name in enumerate(rows.photograph):
        yield TruthRow(
            photograph=str(name),
            truth={target: float(column[at]) for target, column in rows.truth.items()},
            covariates={word: str(column[at]) for word, column in rows.covariates.items() if column[at]},
            patient_id=str(rows.patient_id[at]),
            eye=Eye(str(rows.eye[at])),
            visit=str(rows.visit[at]),
        )


def _findings(file: PredictionsFile, stands: Mapping[str, str]) -> Iterator[Finding]:
    for reading in file.readings():
        numbers = {name: one for name, one in reading.predictions.items() if not np.isnan(one.value)}
        said = {name: Prediction(one.value, one.low, one.high) for name, one in numbers.items()}
        yield Finding.of(reading, sha256=stands[reading.photograph], predictions=said)
