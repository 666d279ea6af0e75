"""Photographs and truth into the store: intake, de-identification at the door, the sample cohort."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from fundus_core import images
from fundus_core.deidentify import Pseudonyms, own_key, own_key_file
from fundus_core.errors import PhotographError
from fundus_core.home import home
from fundus_core.pipeline.deidentified_ingest import Intake, Writing, take_in
from fundus_core.pipeline.visit_names import with_visits
from fundus_core.records import MOST_DAYS, CohortTable, Eye, Source
from fundus_core.store import CohortRef, Item, Store, TruthRow
from fundus_core.truth import Match, TruthTable, match
from fundus_core.truth.receipt import Entry

_PAGE = 500
_TURNED_AWAY = "turned_away"
STORE_VARIABLE = "FUNDUS_LAB_STORE"
"""Names a database that several machines share (``postgresql+psycopg://…``); the home folder then holds the files."""


def home_address() -> tuple[str, Path | None]:
    """Return where the user's store is: in the home folder, or behind the URL that is set, with its files there."""
    address = os.environ.get(STORE_VARIABLE)
    return (address, home()) if address else (str(home()), None)


def open_home() -> Store:
    """Open the user's store, making it where there is none."""
    address, files = home_address()
    return Store.open(address, files=files)


def members(store: Store, cohort: CohortRef) -> Iterator[Item]:
    """Yield what a store holds of a cohort, a page at a time."""
    offset = 0
    while items := store.photographs(cohort, offset=offset, limit=_PAGE).items:
        yield from items
        offset += len(items)


def source_of(store: Store, cohort: CohortRef, item: Item) -> Source:
    """Return a photograph of the store under its name there; one that was turned away has no bytes to read."""

    def read() -> bytes:
        locator = store.locator(cohort, item.name)
        if not locator:
            raise PhotographError(
                _TURNED_AWAY, "The photograph was turned away when it came in; nothing of it was kept."
            )
        return images.source_at(locator).read()

    return Source(item.name, read, item.patient_id, item.eye)


def intake(
    store: Store,
    cohort: str | int,
    paths: Sequence[Path],
    *,
    pseudonyms: Pseudonyms | None = None,
    writing: Writing = "refuse",
    visits_in_names: bool = True,
) -> Intake:
    """Bring photographs into a cohort.

    Args:
        store: Where.
        cohort: Its name or id.
        paths: Photographs, folders, ZIP archives or CSV manifests; without pseudonyms they stay where they are.
        pseudonyms: De-identify at the door: names and ids become pseudonyms, everything outside the retina is
            blacked out, and only that copy is kept. What cannot be read or shows no retina is not kept at all; every
            run ends it with the reason found here.
        writing: What becomes of a photograph in whose field writing is found, where there are pseudonyms.
        visits_in_names: Whether visits are read from the names of photographs and folders; never under pseudonyms.

    Raises:
        UsageError: A path does not exist.
    """
    found: Iterable[Source] = images.sources(paths)
    if visits_in_names and pseudonyms is None:
        found = with_visits(list(found))
    return take_in(store, cohort, found, pseudonyms=pseudonyms, writing=writing)


def match_truth(
    store: Store,
    cohort: str | int,
    truth: TruthTable,
    *,
    fold: bool = False,
    most_days: int = MOST_DAYS,
) -> Match:
    """Match a truth table to a cohort's photographs; nothing is changed.

    Raises:
        TruthError: There is nothing to match by.
    """
    # patient ids that came out of DICOM files are pseudonyms already
    pseudonyms = Pseudonyms(own_key()) if own_key_file().is_file() else None
    table = store.table(cohort)
    own = table.patient_id == table.photograph
    return match(
        truth,
        [str(name) for name in table.photograph],
        patient_ids=["" if alone else str(who) for who, alone in zip(table.patient_id, own, strict=True)],
        eyes=[str(eye) for eye in table.eye],
        visits=[str(visit) for visit in table.visit],
        most_days=most_days,
        pseudonyms=pseudonyms,
        fold=fold,
    )


def set_truth(store: Store, cohort: str | int, found: Match, *, keep: bool = False) -> int:
    """Write matched truth into the store; returns how many photographs have truth.

    Of a de-identified cohort give the match as ``under_pseudonyms`` returns it.

    Args:
        store: Where.
        cohort: Its name or id.
        found: The match to its photographs.
        keep: Leave what was there and the table does not say; else the table takes its place as a whole.
    """
    rows = {row.photograph: row for row in _rows(found)}
    if keep:
        before = {row.photograph: row for row in _known(store.table(cohort))}
        rows = {name: _over(before.get(name), rows.get(name)) for name in (before | rows)}
    keep_receipt(store, cohort, found.truth)
    return store.set_truth(cohort, rows.values())


def keep_receipt(store: Store, cohort: str | int, table: TruthTable) -> None:
    """Keep what became of a table's columns beside the cohort that took its values."""
    if table.receipt:
        entries = [{**asdict(entry), "samples": ()} for entry in table.receipt]
        store.keep_document(cohort, "receipt", table.name, {"entries": entries})


def receipts(store: Store, cohort: str | int) -> dict[str, tuple[Entry, ...]]:
    """Return what became of the columns of the tables that a cohort took, by the table's name, the oldest first."""
    kept = store.documents(cohort, "receipt")
    return {one.name: tuple(Entry(**entry) for entry in one.content["entries"]) for one in kept}


def _rows(found: Match) -> Iterator[TruthRow]:
    values, covariates = found.values(), found.covariates()
    patients, sides, visits = found.patient_id(), found.eye(), found.visit()
    for row in np.flatnonzero(found.line >= 0):
        yield TruthRow(
            photograph=str(found.photographs[row]),
            truth={target: float(column[row]) for target, column in values.items()},
            covariates={name: str(words[row]) for name, words in covariates.items() if words[row]},
            patient_id=str(patients[row]),
            eye=Eye(str(sides[row])),
            visit=str(visits[row]),
        )


def _known(table: CohortTable) -> Iterator[TruthRow]:
    for row, name in enumerate(table.photograph):
        truth = {target: float(column[row]) for target, column in table.truth.items()}
        words = {heading: str(column[row]) for heading, column in table.covariates.items() if column[row]}
        yield TruthRow(str(name), truth, words)


def _over(before: TruthRow | None, now: TruthRow | None) -> TruthRow:
    """What is known once a table's row has been put over what was known before."""
    old, new = before or TruthRow(""), now or before or TruthRow("")
    said = {name: value for name, value in new.truth.items() if not math.isnan(value)}
    return replace(new, truth={**old.truth, **said}, covariates={**old.covariates, **new.covariates})
