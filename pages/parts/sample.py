"""The sample cohort that ships with the project, put into a fresh store."""

from __future__ import annotations

from pathlib import Path

from fundus_core import pipeline, runs, truth
from fundus_core.store import Store
from pages.parts import cards

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sample"
NAME = "Sample (rendered eyes)"
MODEL = "sample-rendered"


def ensure(store: Store, home: Path) -> None:
    """Put the sample cohort into a store and have it read; once only, so that who deletes it is rid of it.

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
        pipeline.intake(store, there.id, [FOLDER / "photographs"])
        pipeline.set_truth(store, there.id, pipeline.match_truth(store, there.id, truth.load(table)))
        mark.touch()
    if MODEL in cards.ready() and not store.models(there.id):
        runs.submit(store, there.id, [MODEL])
