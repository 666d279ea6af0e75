"""The sample cohort that ships with the project, put into a fresh store."""

from __future__ import annotations

from pathlib import Path

from fundus_core import pipeline, runs, truth
from fundus_core.store import Store
from pages.parts import cards

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sample"
NAME = "Sample (rendered eyes)"
MODEL = "sample-rendered"


def ensure(store: Store) -> None:
    """Put the sample cohort into the store and have it read, unless it is there or was never shipped."""
    table = FOLDER / "truth.csv"
    if not table.is_file() or any(cohort.name == NAME for cohort in store.cohorts()):
        return
    cohort = store.create_cohort(NAME, rendered=True)
    pipeline.intake(store, cohort.id, [FOLDER / "photographs"])
    pipeline.set_truth(store, cohort.id, pipeline.match_truth(store, cohort.id, truth.load(table)))
    if MODEL in cards.ready():
        runs.submit(store, cohort.id, [MODEL])
