"""The sample cohort that ships with the project, put into a fresh store."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from fundus_core import errors, images, pipeline, runs
from fundus_core.records import Eye, Reading
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store, TruthRow
from fundus_core.tables import records_from_csv
from fundus_core.targets import TARGETS
from pages.parts.shell import asking, cards, people
from pages.parts.shell.language import _, literal

FOLDER = Path(__file__).resolve().parents[3] / "data" / "sample"
NAME = "Sample (rendered eyes)"
SINGLES = "Single photographs"
"""The cohort of what was dropped on the page of one photograph; it can be looked at and deleted like any other."""
MODEL = "sample-rendered"


def ensure(store: Store, home: Path) -> None:
    """Put the sample cohort into a store with its readings; once only, so that who deletes it is rid of it.

    A mark in the working folder says that the sample was offered.
    """
    mark, table = home / "sample-offered", FOLDER / "truth.csv"
    there = next((cohort for cohort in store.cohorts() if cohort.name == NAME), None)
    if not table.is_file() or (there is None and mark.exists()):
        return
    if there is None:
        there = store.create_cohort(NAME, rendered=True)
    if people.shared():
        store.as_machine().share(there.id, "*", "read")
    if there.photographs == 0:
        hashes = {reading.photograph: reading.sha256 for reading in _shipped()}
        found = map(NewPhotograph.of_source, images.sources([FOLDER / "photographs"]))
        store.add_photographs(there.id, (replace(one, sha256=hashes.get(one.name, "")) for one in found))
        store.set_truth(there.id, _truth(table))
        mark.touch()
    if MODEL in cards.ready() and not store.models(there.id):
        _read(store, there.id)


def singles() -> str:
    """Return the name of the cohort of dropped photographs; on a shared server each person has one."""
    return f"{SINGLES} · {asking.asker().id}" if people.shared() else SINGLES


def _truth(table: Path) -> Iterator[TruthRow]:
    """Read the sample's own table, whose headings are ours; a reader for anybody's tables takes a second to import."""
    known = ("photograph", "patient_id", "eye", *TARGETS)
    with table.open(encoding="utf-8", newline="") as stream:
        for row in records_from_csv(stream)[1]:
            yield TruthRow(
                photograph=row["photograph"],
                truth={name: float(row[name]) for name in TARGETS if row[name]},
                covariates={name: word for name, word in row.items() if name not in known and word},
                patient_id=row["patient_id"],
                eye=Eye(row["eye"]),
            )


def again(store: Store, home: Path) -> None:
    """Put the sample cohort back for somebody who has deleted it."""
    (home / "sample-offered").unlink(missing_ok=True)
    ensure(store, home)


def is_loading(store: Store, home: Path) -> bool:
    """Return whether the sample cohort is on its way into a fresh store."""
    there = next((cohort for cohort in store.cohorts() if cohort.name == NAME), None)
    if there is None:
        return not (home / "sample-offered").exists() and (FOLDER / "truth.csv").is_file()
    return MODEL in cards.ready() and not store.models(there.id)


def _read(store: Store, cohort: int) -> None:
    """Take the readings that were made beforehand, so that the first page shows them; ask the worker for the rest."""
    card = cards.known()[MODEL]
    readings = [one for one in _shipped() if one.weights_sha256 == card.weights.sha256]
    if readings:
        version = ModelVersion(card.id, card.weights.sha256, card.sha256)
        store.record(cohort, version, (Finding.of(one, precision="float32") for one in readings))
    else:
        runs.submit(store, cohort, [MODEL])


@cache
def _shipped() -> tuple[Reading, ...]:
    file = FOLDER / "predictions.csv"
    return tuple(map(_with_values, pipeline.read_predictions(file).readings())) if file.is_file() else ()


def _with_values(one: Reading) -> Reading:
    """Return a reading whose reason other languages can say: a table has the English words alone."""
    return replace(one, reason=errors.unpacked(one.reason, _values().get(one.photograph, "")))


@cache
def _values() -> dict[str, str]:
    file = FOLDER / "reasons.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: json.dumps(of) for name, of in told.items()}


def original(sha256: str) -> Path | None:
    """Return a photograph of the sample by its hash: rendered, so that nobody is shown who should not be."""
    name = next((one.photograph for one in _shipped() if one.sha256 == sha256), "")
    return FOLDER / "photographs" / name if name else None


def called(name: str) -> str:
    """Return a cohort's name for the reader, of those that the program makes itself in the reader's language.

    Links, files and the store keep the name that it has.
    """
    return {NAME: _("Sample (rendered eyes)"), SINGLES: _("Single photographs")}.get(name, name)


def typed(name: str) -> str:
    """Return what a cohort is called within Markdown: every letter as it was typed."""
    return literal(called(name))
