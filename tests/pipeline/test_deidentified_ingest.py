"""What is de-identified at the door leaves no name in the store, and is counted whatever becomes of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fundus_core import pipeline, runs, truth
from fundus_core.deidentify import Pseudonyms, audit_csv
from fundus_core.images import sources
from fundus_core.records import Eye, Source
from fundus_core.store import Finding, ModelVersion, Store, run_table
from fundus_core.synthetic import synthesise

PERSON = "YAMADA"
KEY = Pseudonyms(b"k" * 32)
MODEL = ModelVersion("model", "w", "c")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both eyes of one person with the name in file name, tag and beside the retina; a letter and a chart."""
    made = tmp_path_factory.mktemp("made")
    synthesise(1, 5, made, size=320)
    out = tmp_path_factory.mktemp("originals")
    for path in sorted((made / "photographs").iterdir()):
        picture = Image.open(path)
        wide = Image.new("RGB", (picture.width + 200, picture.height))
        wide.paste(picture, (0, 0))
        wide.paste((255, 255, 255), (picture.width + 40, 20, picture.width + 160, 60))
        tags = PngInfo()
        tags.add_text("Patient", PERSON)
        wide.save(out / f"{PERSON}_{path.stem[-1]}.png", pnginfo=tags)
    (out / f"{PERSON}_letter.jpg").write_bytes(b"Dear " + PERSON.encode())
    Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (256, 1))).convert("RGB").save(out / f"{PERSON}_chart.png")
    return out


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store.open(tmp_path / "store")
    opened.create_cohort("clinic")
    yield opened
    opened.close()


def test_nothing_in_the_store_names_the_person_and_every_photograph_ends(originals: Path, store: Store) -> None:
    taken = pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    assert taken.added.added == 4
    run = run_table.submit(store, "clinic", [MODEL])
    now = runs.progress(store, run)
    assert (now.refused, now.failed, now.queued) == (1, 1, 2)
    letter = store.photograph("clinic", KEY.photograph(f"{PERSON}_letter.jpg"))
    assert letter.status == "failed"
    assert letter.reason
    assert store.locator("clinic", letter.name) == ""
    for path in store.shelf.folder.rglob("*"):
        assert PERSON not in path.name
        assert not path.is_file() or PERSON.encode() not in path.read_bytes()


def test_what_is_kept_is_black_beside_the_retina(originals: Path, store: Store) -> None:
    pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    locator = store.locator("clinic", KEY.photograph(f"{PERSON}_R.png"))
    kept = np.asarray(Image.open(locator))
    assert kept.any()
    assert not kept[20:60, -160:-40].any()


def test_there_is_an_audit_line_for_every_photograph(originals: Path, store: Store) -> None:
    taken = pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    text = audit_csv(taken.audit).decode("utf-8-sig")
    assert PERSON not in text
    rows = {row["photograph"]: row["removed"] for row in csv.DictReader(io.StringIO(text))}
    assert len(rows) == 4
    assert "pixels outside" in rows[KEY.photograph(f"{PERSON}_L.png")]
    assert "the whole photograph" in rows[KEY.photograph(f"{PERSON}_chart.png")]


def test_coming_in_twice_changes_nothing(originals: Path, store: Store) -> None:
    pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    again = pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    assert (again.added.present, again.added.added, again.added.renamed) == (4, 0, 0)


def test_eye_and_truth_are_decided_by_the_original_names(originals: Path, store: Store) -> None:
    pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    table = truth.load(f"file,id,sbp\n{PERSON}_L,{PERSON} Taro,120\n{PERSON}_R,{PERSON} Taro,130\n".encode(), "t.csv")
    found = truth.match(table, [source.name for source in sources([originals])])
    pipeline.set_truth(store, "clinic", pipeline.under_pseudonyms(found, KEY))
    right = store.photograph("clinic", KEY.photograph(f"{PERSON}_R.png"))
    assert (right.eye, right.eye_source) == (Eye.RIGHT, "name")
    assert right.truth["sbp"] == 130
    assert right.patient_id == KEY.patient(f"{PERSON} Taro")


def test_a_file_that_is_gone_fails_at_the_door() -> None:
    def gone() -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    seen = pipeline.deidentify_source(Source("a.jpg", gone), KEY)
    assert isinstance(seen.turned_away, Finding)
    assert (seen.turned_away.status, seen.turned_away.reason_code, seen.sha256) == ("failed", "unreadable", "")


def test_an_export_of_a_cohort_counts_those_that_were_turned_away(
    originals: Path, store: Store, tmp_path: Path
) -> None:
    pipeline.intake(store, "clinic", [originals], pseudonyms=KEY)
    seen: list[int] = []
    counts = pipeline.export_cohort(store, "clinic", tmp_path / "out", Pseudonyms(b"o" * 32), progress=seen.append)
    assert (counts.done, counts.refused, counts.failed) == (2, 0, 2)
    assert seen == [1, 2, 3, 4]
