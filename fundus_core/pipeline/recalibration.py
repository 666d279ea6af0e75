"""Recalibrate a model on one cohort, keep it as a model of its own, and predict with it from predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fundus_core import __version__
from fundus_core.errors import NotEstimableError, UsageError, say
from fundus_core.evaluation import fit_line, person_ids, select_rows
from fundus_core.models import ownership, recalibrated, registry
from fundus_core.models.card import Card, Recalibrated
from fundus_core.pipeline.compare_files import read_side
from fundus_core.pipeline.inspection import Counts
from fundus_core.pipeline.linkage import AS_IT_STANDS, Linkage
from fundus_core.pipeline.prediction import counted
from fundus_core.pipeline.predictions_reader import read_predictions
from fundus_core.pipeline.result_files import notice
from fundus_core.pipeline.tables import write_predictions
from fundus_core.records import CohortTable, Labels, Reading, Status
from fundus_core.store import Store
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Kept:
    """A model that a recalibration made."""

    card: Card
    """As it lies among the user's own."""
    left: tuple[str, ...]
    """Why targets of the model were not recalibrated, a sentence each."""


def recalibrate_files(
    model: str, folder: Path, new_id: str, targets: Sequence[str] = (), *, linkage: Linkage = AS_IT_STANDS
) -> Kept:
    """Fit a recalibration to the cohort of a folder and keep it as a model.

    Args:
        model: Id of the model that made the folder's predictions.
        folder: What ``predict`` or ``evaluate`` wrote, with measured values.
        new_id: Of the model to make.
        targets: Which to recalibrate; all that can be without one.
        linkage: How measured values are read and joined.

    Raises:
        UsageError: Predictions of another model, a taken id, or nobody who could be recognised again.
        NotEstimableError: A target that was asked for, or every target, cannot be recalibrated here.
    """
    card, side = registry.find(model), read_side(folder.resolve().name, folder, linkage, lambda _remark: None)
    _require_made_by(card, side.model, side.weights_sha256, folder.name)
    _require_same_card(card, folder)
    return _kept(card, side.name, side.table, side.sha256, new_id, targets)


def recalibrate_cohort(store: Store, cohort: str | int, model: str, new_id: str, targets: Sequence[str] = ()) -> Kept:
    """Fit a recalibration to a cohort of the store; see :func:`recalibrate_files`."""
    card = registry.find(model)
    store.owned(cohort, "recalibrated")
    if store.person:
        ownership.require(card, store.person.names)
    found = next((one for one in store.models(cohort) if one.model == model), None)
    if found is None:
        raise UsageError("'{model}' has not read this cohort; run it first.", model=model)
    _require_made_by(card, found.model, found.weights_sha256, store.cohort(cohort).name)
    if found.card_sha256 not in ("", card.sha256):
        raise _another_card(card)
    table = store.table(cohort, [model])
    made = _kept(card, store.cohort(cohort).name, table, store.hashes(cohort), new_id, targets)
    if store.person:
        ownership.write(made.card, ownership.Ownership(store.person.id))
    return made


def _kept(card: Card, name: str, table: CohortTable, sha256: Labels, new_id: str, targets: Sequence[str]) -> Kept:
    asked = _asked(card, targets)
    lines, left, used = [], [], np.zeros(len(table), dtype=bool)
    for target in asked:
        try:
            lines.append(recalibrated.line_of(fit_line(table, target)))
        except NotEstimableError as error:
            if targets:
                raise
            left.append(str(error))
            continue
        used |= np.isfinite(table.truth[target]) & np.isfinite(table.predicted[target])
    if not lines:
        raise NotEstimableError(left[0])
    who = person_ids(table)
    rows = np.isin(who, np.unique(who[used & (table.status == Status.PREDICTED.value)]))
    today = datetime.now(UTC).date().isoformat()
    fit = recalibrated.Fit(name, today, tuple(lines), select_rows(table, rows), sha256[rows])
    return Kept(recalibrated.keep(card, fit, new_id), tuple(left))


def _asked(card: Card, targets: Sequence[str]) -> Sequence[str]:
    for target in targets:
        if target not in card.targets:
            raise UsageError(
                "'{id}' does not read '{target}'; its targets are {targets}.",
                id=card.id,
                target=target,
                targets=card.targets,
            )
    return list(dict.fromkeys(targets)) or [name for name in TARGETS if name in card.targets]


def _require_made_by(card: Card, model: str, weights_sha256: str, name: str) -> None:
    if model != card.id:
        raise UsageError(
            "The predictions in '{name}' are of {model}, not of '{id}'; name the model that made them.",
            name=name,
            model=f"'{model}'" if model else say("a model that they do not name"),
            id=card.id,
        )
    if weights_sha256 and card.weights.sha256 and weights_sha256 != card.weights.sha256:
        raise UsageError(
            "The predictions in '{name}' were made with other weights of '{id}' ({found}… instead of {sha256}…); "
            "predict again.",
            name=name,
            id=card.id,
            found=weights_sha256[:12],
            sha256=card.weights.sha256[:12],
        )


def _require_same_card(card: Card, folder: Path) -> None:
    """Raise where predict noted beside the predictions that the card was another one then."""
    try:
        models = json.loads((folder / "run.json").read_text(encoding="utf-8"))["models"]
        then = {str(one["id"]): str(one["card_sha256"]) for one in models}
    except (OSError, ValueError, KeyError, TypeError):
        return
    if then.get(card.id, card.sha256) != card.sha256:
        raise _another_card(card)


def _another_card(card: Card) -> UsageError:
    return UsageError(
        "The card of '{id}' has changed since these predictions were made, so that a recalibration of them is none of "
        "the model as it is; predict again.",
        id=card.id,
    )


# Predictions of a recalibrated model without asking the network ---------------------------------------------------


def derive(predictions: Path, model: str, out: Path, *, made_by: str = "") -> Counts:
    """Write the predictions of a recalibrated model from those of the model that it was made of.

    Exact to rounding: the card says the same of a network's output as the line says of a prediction. Writes
    ``predictions.csv`` and ``run.json``.

    Args:
        predictions: A table of predictions, of this program or made elsewhere.
        model: Id of the recalibrated model.
        out: Folder to write to.
        made_by: Which model made them, where the table does not say.

    Raises:
        UsageError: The table's model is none that the recalibrated one was made of; nothing was written.
    """
    card = registry.find(model)
    made = read_predictions(predictions)
    by = made.model or made_by
    steps = recalibrated.steps_from(card, by)
    if not steps:
        raise UsageError(
            "'{name}' holds predictions of {found}; '{id}' was made of {known}. Give predictions of one of these, or "
            "say with --made-by which model made them.",
            name=predictions.name,
            found=f"'{by}'" if by else say("a model that they do not name"),
            id=card.id,
            known=[step.model for step in card.recalibrated] or say("no other model"),
        )
    _require_made_by(replace(card, id=by), by, made.weights_sha256, predictions.name)
    readings = [_derived(one, card, steps) for one in made.readings()]
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(out / "predictions.csv", readings, [name for name in TARGETS if name in made.table.predicted])
    record = {
        "code_version": __version__,
        "derived_from": {"model": by, "predictions_sha256": hashlib.sha256(predictions.read_bytes()).hexdigest()},
        "models": [{"id": card.id, "weights_sha256": card.weights.sha256, "card_sha256": card.sha256}],
        "recalibrated": recalibrated.in_words(card),
        "note": notice([card]),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (out / "run.json").write_text(text + "\n", encoding="utf-8")
    return counted(readings)


def _derived(reading: Reading, card: Card, steps: Sequence[Recalibrated]) -> Reading:
    return replace(
        reading,
        model=card.id,
        weights_sha256=reading.weights_sha256 or card.weights.sha256,
        code_version=__version__,
        predictions=recalibrated.derived(steps, reading.predictions),
    )
