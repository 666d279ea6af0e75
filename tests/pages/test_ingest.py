"""From an upload, or a folder of the server, to a cohort in the store."""

import zipfile

import pytest

from fundus_core import runs, truth
from fundus_core.deidentify import Pseudonyms
from fundus_core.errors import UsageError
from fundus_core.store import Store
from fundus_core.synthetic import synthesise
from pages.parts.new_cohort import ingest
from pages.parts.new_cohort.ingest import Plan
from pages.parts.new_cohort.start_run import IngestJob
from pages.parts.shell.upload_store import Inbox


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eyes") / "cohort"
    synthesise(2, 3, folder, size=280)
    return folder


@pytest.fixture
def batch(tmp_path):
    inbox = Inbox(tmp_path / "inbox")
    return inbox.batch(inbox.new())


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "lab") as opened:
        yield opened


def silent(done, total):
    assert 0 <= done <= total


def test_an_upload_is_kept_by_the_store_with_its_truth(eyes, batch, store):
    for path in sorted((eyes / "photographs").iterdir()):
        batch.put(f"site/{path.name}", path.read_bytes())
    found = ingest.of_batch(batch)
    assert found.names == [f"site/P0001_{e}.jpg" for e in "LR"] + [f"site/P0002_{e}.jpg" for e in "LR"]
    matched = truth.match(truth.load(eyes / "truth.csv"), found.names)
    cohort = ingest.make(store, Plan("Two people", found, matched), silent).cohort
    batch.discard()
    item = store.photograph(cohort.id, "site/P0001_L.jpg")
    assert item.patient_id == "P0001"
    assert set(item.truth) >= {"sbp", "bmi", "age"}
    assert store.shelf.find("photographs", item.sha256) is not None, "the bytes outlive the upload"


def test_photographs_inside_a_zip_are_found(eyes, batch):
    with zipfile.ZipFile(batch.folder / "eyes.zip", "w") as archive:
        for path in (eyes / "photographs").iterdir():
            archive.write(path, f"inner/{path.name}")
    batch.put("eyes.zip", (batch.folder / "eyes.zip").read_bytes())
    assert sorted(ingest.of_batch(batch).names)[0] == "inner/P0001_L.jpg"
    assert len(ingest.of_batch(batch).sources) == 4


def test_a_table_in_the_upload_is_no_photograph(eyes, batch):
    batch.put("truth.csv", (eyes / "truth.csv").read_bytes())
    batch.put("P0001_L.jpg", (eyes / "photographs" / "P0001_L.jpg").read_bytes())
    assert ingest.of_batch(batch).names == ["P0001_L.jpg"]


def test_a_folder_of_the_server_stays_where_it_is(eyes, store):
    found = ingest.of_path(eyes / "photographs", ())
    cohort = ingest.make(store, Plan("Here", found, None), silent).cohort
    assert cohort.photographs == 4
    assert store.locator(cohort.id, "P0001_L.jpg") == str((eyes / "photographs" / "P0001_L.jpg").resolve())


def test_a_path_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(UsageError):
        ingest.of_path(tmp_path / "nowhere", ())


def test_de_identified_at_the_door_no_name_is_left_and_truth_still_matches(eyes, store):
    found = ingest.of_path(eyes / "photographs", ())
    matched = truth.match(truth.load(eyes / "truth.csv"), found.names)
    pseudonyms = Pseudonyms(bytes(range(32)))
    made = ingest.make(store, Plan("Nameless", found, matched, pseudonyms=pseudonyms), silent)
    assert len(made.audit) == 4
    items = store.photographs(made.cohort.id, limit=9).items
    assert len(items) == 4
    for item in items:
        assert item.name.startswith("F-")
        assert item.patient_id in {pseudonyms.patient("P0001"), pseudonyms.patient("P0002")}
        assert item.truth


@pytest.mark.parametrize(("taken", "expected"), [([], "A"), (["A"], "A 2"), (["A", "A 2", "A 4"], "A 3")])
def test_a_free_name_is_found(taken, expected):
    assert ingest.free_name(taken, "A") == expected


def test_an_empty_file_becomes_a_photograph_that_will_fail_politely(batch, store):
    batch.put("empty.jpg", b"")
    cohort = ingest.make(store, Plan("One", ingest.of_batch(batch), None), silent).cohort
    assert cohort.photographs == 1


def test_a_cohort_that_cannot_be_filled_is_not_left_behind(eyes, store, monkeypatch):
    def full(*_anything):
        message = "The disk is full."
        raise UsageError(message)

    monkeypatch.setattr(Store, "add_photographs", full)
    with pytest.raises(UsageError, match="full"):
        ingest.make(store, Plan("Half", ingest.of_path(eyes / "photographs", ()), None), silent)
    assert not store.cohorts()


def test_a_handover_goes_on_when_nobody_watches(eyes, store, monkeypatch):
    monkeypatch.setattr("fundus_core.runs.ensure_worker", lambda store: None)
    left = []
    plan = Plan("Two people", ingest.of_path(eyes / "photographs", ()), None)
    job = IngestJob(store, plan, ["sample-rendered"], 0, lambda: left.append("cleared"))
    job.start()
    job.join(60)
    assert job.fault == ""
    assert left == ["cleared"]
    assert runs.progress(store, job.run_id).total == 4


def test_a_handover_that_fails_says_why(eyes, store):
    store.create_cohort("Taken")
    job = IngestJob(store, Plan("Taken", ingest.of_path(eyes / "photographs", ()), None), ["x"], 0, lambda: None)
    job.start()
    job.join(60)
    assert job.run_id is None
    assert "Taken" in job.fault
