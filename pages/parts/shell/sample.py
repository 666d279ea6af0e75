"""The sample cohort that ships with the project, put into a fresh store."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from fundus_core import images, pipeline, runs, truth
from fundus_core.records import Reading
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store
from pages.parts.shared import cards

FOLDER = Path(__file__).resolve().parents[3] / "data" / "sample"
NAME = "Sample (rendered eyes)"
MODEL = "sample-rendered"


def ensure(store: Store, home: Path) -> None:
    """Put the sample cohort into a store with its readings; once only, so that who deletes it is rid of it.

    Args:
        store: Where to.
        home: The working folder; a mark in it says that the sample was offered.
    """
    mark, table = home / "sample-offered", FOLDER / "truth.csv"
    there = next((cohort for cohort in store.cohorts() if cohort.name == NAME), None)
    if not table.is_file() or (there is None and mark.exists()):
        return
    if there is None:
        there = store.create_cohort(NAME, rendered=True)
    if there.photographs == 0:
        hashes = {reading.photograph: reading.sha256 for reading in _shipped()}
        found = map(NewPhotograph.of_source, images.sources([FOLDER / "photographs"]))
        store.add_photographs(there.id, (replace(one, sha256=hashes.get(one.name, "")) for one in found))
        pipeline.set_truth(store, there.id, pipeline.match_truth(store, there.id, truth.load(table)))
        mark.touch()
    if MODEL in cards.ready() and not store.models(there.id):
        _read(store, there.id)


def _read(store: Store, cohort: int) -> None:
    """Take the readings that were made beforehand, so that the first page shows them; ask the worker for the rest."""
    card = cards.known()[MODEL]
    readings = [one for one in _shipped() if one.weights_sha256 == card.weights.sha256]
    if readings:
        version = ModelVersion(card.id, card.weights.sha256, card.sha256)
        store.record(cohort, version, (_finding(one) for one in readings))
    else:
        runs.submit(store, cohort, [MODEL])


def _finding(one: Reading) -> Finding:
    return Finding(
        sha256=one.sha256,
        status=one.status.value,
        reason_code=one.reason_code,
        reason=one.reason,
        quality=one.quality,
        out_of_distribution=one.out_of_distribution,
        precision="float32",
        predictions=one.predictions,
    )


@cache
def _shipped() -> tuple[Reading, ...]:
    file = FOLDER / "predictions.csv"
    return tuple(pipeline.read_predictions(file).readings()) if file.is_file() else ()


def original(sha256: str) -> Path | None:
    """Return a photograph of the sample by its hash: rendered, so that nobody is shown who should not be."""
    name = next((one.photograph for one in _shipped() if one.sha256 == sha256), "")
    return FOLDER / "photographs" / name if name else None
