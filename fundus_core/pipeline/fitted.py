"""A recalibrated model is never tested on the people it was fitted to, unless somebody says that they are others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, say
from fundus_core.evaluation import select_rows
from fundus_core.models.fitted_people import FittedPeople, fitted_people
from fundus_core.pipeline.predicted import PredictionsFile
from fundus_core.pipeline.result_files import known_cards
from fundus_core.records import CohortTable, Labels

if TYPE_CHECKING:
    from fundus_core.store import Store

LEAVE_OUT, DIFFERENT = "leave-out", "different"
ANSWERS = ("", LEAVE_OUT, DIFFERENT)
"""Refuse; evaluate the others; equal ids are different people, which holds only without a photograph in common."""


def people_fitted(model: str, table: CohortTable, sha256: Labels) -> FittedPeople | None:
    """Return who of a cohort was used to fit a recalibration of its models; ``None`` where nobody was.

    Args:
        model: Id of a model, or several joined by a plus sign.
        table: A row per photograph.
        sha256: Of each photograph's bytes; empty where unknown.

    Raises:
        CardError: Whom a model was fitted to cannot be told any more.
    """
    found = [fitted_people(card, table, sha256) for card in known_cards(model) if card.recalibrated]
    return max((each for each in found if each.people), key=lambda each: each.people, default=None)


def rows_to_test(model: str, table: CohortTable, sha256: Labels, answer: str = "") -> tuple[NDArray[np.bool_], str]:
    """Return which photographs a model may be tested on, and what a reader has to know of the others.

    Raises:
        UsageError: Some of the people were used to fit its recalibration, and nobody said what becomes of them, or
            nobody else is there.
    """
    found = people_fitted(model, table, sha256)
    if found is None or (answer == DIFFERENT and not found.photographs):
        return np.ones(len(table), dtype=bool), ""
    sentence = found.sentence(model)
    if answer != LEAVE_OUT and found.photographs:
        raise UsageError(
            "{sentence} A test on them would flatter it ({n:,} {n:photograph is|photographs are} the same): "
            "--fitted-people leave-out tests it on the others.",
            sentence=sentence,
            n=found.photographs,
        )
    if answer != LEAVE_OUT:
        raise UsageError(
            "{sentence} A test on them would flatter it: --fitted-people leave-out tests it on the others, "
            "--fitted-people different says that equal ids are different people.",
            sentence=sentence,
        )
    if found.rows.all():
        raise UsageError("{sentence} Nobody else is there to test it on; give another cohort.", sentence=sentence)
    return ~found.rows, say("{sentence} They are left out.", sentence=sentence)


def without_fitted(made: PredictionsFile, table: CohortTable, answer: str) -> tuple[PredictionsFile, CohortTable]:
    """Leave out of predictions, and of the same with truth beside them, whom the model must not be tested on."""
    kept, remark = rows_to_test(made.model, table, made.sha256, answer)
    if kept.all():
        return made, table
    others = replace(
        made,
        table=select_rows(made.table, kept),
        sha256=made.sha256[kept],
        reason_code=made.reason_code[kept],
        notes=(*made.notes, remark),
    )
    return others, select_rows(table, kept)


def keep_answer(store: Store, cohort: str | int, model: str, answer: str) -> None:
    """Keep beside a cohort what becomes of the people that a model was fitted to, of :data:`ANSWERS`."""
    store.keep_document(cohort, "fitted_people", model, {"answer": answer}, counts=True)


def answer_of(store: Store, cohort: str | int, model: str) -> str:
    """Return what somebody has said of them; empty where nobody has."""
    kept = {one.name: str(one.content["answer"]) for one in store.documents(cohort, "fitted_people")}
    return kept.get(model, "")


def table_to_test(store: Store, cohort: str | int, model: str, seen: Callable[[int], object] = int) -> CohortTable:
    """Return a stored cohort under a model, without people that it must not be tested on.

    ``seen`` is told of rows as they are read; see ``Store.table``.

    Raises:
        UsageError: As :func:`rows_to_test`.
    """
    table = store.table(cohort, [model] if model else None, seen)
    if not any(card.recalibrated for card in known_cards(model)):
        return table
    kept, _remark = rows_to_test(model, table, store.hashes(cohort), answer_of(store, cohort, model))
    return table if kept.all() else select_rows(table, kept)
