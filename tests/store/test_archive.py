from __future__ import annotations

import dataclasses
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundus_core import pipeline
from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction
from fundus_core.runs import ledger, watching
from fundus_core.store import Finding, ModelVersion, NewPhotograph, Store, TruthRow, TurnedAway, findings, versions

MODEL = ModelVersion("model", "w", "c")
JPEG = b"\xff\xd8\xff picture"


def fill(store: Store, folder: Path) -> None:
    """Three photographs: kept and predicted, lying elsewhere and refused, gone."""
    store.create_cohort("clinic", note="Nöte", rendered=True)
    kept = store.keep(b"kept")
    elsewhere = folder / "elsewhere.jpg"
    elsewhere.write_bytes(b"elsewhere")
    digest = store.shelf.sha256(b"elsewhere")
    store.add_photographs(
        "clinic",
        [
            NewPhotograph.of_kept("left/患者.jpg", kept, eye=Eye.LEFT, eye_source="name"),
            NewPhotograph("elsewhere.jpg", str(elsewhere), digest, patient_id="Q"),
            NewPhotograph("gone.jpg", str(folder / "gone.jpg")),
        ],
    )
    store.set_truth("clinic", [TruthRow("left/患者.jpg", {"sbp": 120.5}, {"site": "x"}, "P")])
    for kind in ("thumbnails", "crops"):
        store.shelf.write(kind, kept.sha256, JPEG)  # type: ignore[arg-type]
    with store.writing() as connection:
        version = versions.version_id(connection, MODEL)
        predicted = {"sbp": Prediction(118.25, 100.0, math.nan)}
        findings.write(connection, version, [Finding(kept.sha256, "predicted", quality=0.5, predictions=predicted)])
        findings.write(connection, version, [Finding(digest, "refused", "focus", "Blurred.")])
    ledger.submit(store, "clinic", [MODEL])
    with store.writing() as connection:
        gone = store.photograph("clinic", "gone.jpg").id
        findings.fail(connection, version, gone, "missing_file", "Gone.")


def without_keys(store: Store, cohort: str) -> list[object]:
    items = store.photographs(cohort, model="model").items
    plain = [dataclasses.asdict(item) | {"id": 0} for item in items]
    return json.loads(json.dumps(plain).replace("NaN", "null"))  # type: ignore[no-any-return]


@pytest.fixture
def exported(store: Store, tmp_path: Path) -> Path:
    fill(store, tmp_path)
    file = tmp_path / "clinic.zip"
    store.export("clinic", file)
    return file


def test_there_and_back_is_the_same_cohort(store: Store, exported: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "other") as other:
        copy = other.import_(exported)
        original = store.cohort("clinic")
        assert (copy.name, copy.note, copy.rendered, copy.photographs) == (
            original.name,
            original.note,
            original.rendered,
            3,
        )
        assert without_keys(other, "clinic") == without_keys(store, "clinic")
        for name, column in dataclasses.asdict(store.table("clinic")).items():
            np.testing.assert_equal(dataclasses.asdict(other.table("clinic"))[name], column)
        assert Path(other.locator("clinic", "elsewhere.jpg")).read_bytes() == b"elsewhere"
        picture = other.crop(store.shelf.sha256(b"kept"))
        assert picture is not None
        assert picture.read_bytes() == JPEG


def test_numbers_alone_carry_no_photograph(store: Store, exported: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.zip"
    store.export("clinic", file, photographs=False)
    with zipfile.ZipFile(file) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {
            "cohort.json",
            "models.json",
            "photographs.jsonl",
            "readings.jsonl",
        }
    store.import_(file, name="copy")
    assert without_keys(store, "copy") == without_keys(store, "clinic")


def test_readings_that_came_in_are_not_taken_for_our_own(store: Store, exported: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "other") as other:
        other.import_(exported)
        run = ledger.submit(other, "clinic", [MODEL])
        assert watching.progress(other, run).queued == 3


def test_importing_beside_the_original_needs_a_name(store: Store, exported: Path) -> None:
    before = store.shelf.all("photographs")
    with pytest.raises(UsageError, match="'clinic' already"):
        store.import_(exported)
    assert store.shelf.all("photographs") >= before
    assert store.import_(exported, name="second").photographs == 3


def test_an_export_appears_complete_or_not_at_all(store: Store, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="could not be written"):
        store.export("clinic", tmp_path / "no" / "folder.zip")
    with pytest.raises(UsageError, match="no cohort 'x'"):
        store.export("x", tmp_path / "x.zip")
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["clinic.zip"]
    assert list(tmp_path.glob(".*")) == []


def rewrite(file: Path, member: str, data: bytes) -> None:
    """Replace one member of an archive."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (members | {member: data}).items():
            archive.writestr(name, content)


FAULTS = [
    ("cohort.json", b"[]", "not as an export writes it"),
    ("cohort.json", b"{}", "format"),
    ("cohort.json", b'{"format": "fundus-lab-cohort", "version": 2}', "update the program"),
    ("cohort.json", b"{", "damaged"),
    ("models.json", b"{}", "models"),
    ("models.json", b'[{"model": 3}]', "model"),
    ("photographs.jsonl", b"3\n", "an entry"),
    ("photographs.jsonl", b'{"name": "x"}\n', "sha256"),
    ("photographs.jsonl", b'{"name": "x", "sha256": "../../x", "bytes": true}\n', "sha256"),
    ("readings.jsonl", b'{"photograph": "nobody", "model": 0}\n', "readings"),
    ("readings.jsonl", b'{"photograph": "gone.jpg", "model": 7}\n', "readings"),
]


@pytest.mark.parametrize(("member", "data", "message"), FAULTS)
def test_a_file_that_is_wrong_leaves_nothing(
    store: Store, exported: Path, tmp_path: Path, member: str, data: bytes, message: str
) -> None:
    rewrite(exported, member, data)
    with Store.open(tmp_path / "other") as other:
        with pytest.raises(UsageError, match=message):
            other.import_(exported)
        assert other.cohorts() == ()
        assert not [path for path in (tmp_path / "other").rglob("*") if len(path.name) >= 64]


def test_a_photograph_with_other_bytes_is_noticed(store: Store, exported: Path, tmp_path: Path) -> None:
    rewrite(exported, f"photographs/{store.shelf.sha256(b'kept')}", b"swapped")
    with Store.open(tmp_path / "other") as other, pytest.raises(UsageError, match="bytes it was exported with"):
        other.import_(exported)


def test_a_member_that_leaves_the_folder_is_passed_over(store: Store, exported: Path, tmp_path: Path) -> None:
    rewrite(exported, "photographs/../../../escaped", b"x")
    store.import_(exported, name="copy")
    assert not list(tmp_path.rglob("escaped"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_one_sentence(store: Store, exported: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(exported.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    said = outcome(store, damaged)
    assert said == "" or said.endswith(".")
    assert [one.name for one in store.cohorts()] == ["clinic"]


def outcome(store: Store, file: Path) -> str:
    """What an import says; empty where it went through (and was deleted again)."""
    try:
        store.delete(store.import_(file, name="damaged").id)
    except UsageError as error:
        return str(error)
    return ""


def test_how_it_ended_at_the_door_and_under_which_limits_travels_along(store: Store, tmp_path: Path) -> None:
    store.create_cohort("door")
    door = TurnedAway("failed", "truncated", "The file is cut off; copy it again.")
    store.add_photographs("door", [NewPhotograph("F-000000000000", "", door=door)])
    strict = dataclasses.replace(MODEL, limits='{"focus": 0.05}')
    ledger.submit(store, "door", [strict])
    store.export("door", tmp_path / "door.zip")
    with Store.open(tmp_path / "other") as other:
        other.import_(tmp_path / "door.zip")
        assert other.models("door")[0].limits == strict.limits
        key = ledger.submit(other, "door", [dataclasses.replace(MODEL, model="another")])
        assert watching.progress(other, key).failed == 1
        assert other.photograph("door", "F-000000000000", model="another").reason == door.reason


def test_a_file_made_to_fill_memory_or_disk_is_refused_before_it_is_read(
    store: Store, exported: Path, tmp_path: Path
) -> None:
    """Lines of nothing that unpack a thousandfold, a member that lies of its size, and too many members."""
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(exported) as whole, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            data = whole.read(name)
            archive.writestr(name, data + b" " * 5_000_000 if name == "readings.jsonl" else data)
    with pytest.raises(UsageError, match="unpacks to far more"):
        store.import_(bomb, name="bomb")
    assert [one.name for one in store.cohorts()] == ["clinic"]


@pytest.mark.parametrize("value", ["1e400", "9" * 400, "NaN", "-5", "2600", "Infinity"])
def test_a_measured_value_that_cannot_be_is_refused(store: Store, exported: Path, value: str) -> None:
    with zipfile.ZipFile(exported) as archive:
        lines = archive.read("photographs.jsonl").replace(b"120.5", value.encode())
    rewrite(exported, "photographs.jsonl", lines)
    with pytest.raises(UsageError):
        store.import_(exported, name="copy")
    assert [one.name for one in store.cohorts()] == ["clinic"]


def test_it_is_read_in_a_process_of_its_own_first(store: Store, exported: Path, tmp_path: Path) -> None:
    assert pipeline.bring_in(store, exported, name="copy").photographs == 3
    (tmp_path / "no.zip").write_bytes(exported.read_bytes()[:-30])
    with pytest.raises(UsageError, match="damaged"):
        pipeline.bring_in(store, tmp_path / "no.zip", name="no")


def test_bytes_that_were_never_read_as_a_photograph_do_not_leave(store: Store, tmp_path: Path) -> None:
    """Somebody names a file of the server as a photograph, or a manifest does, and takes the cohort away."""
    (tmp_path / "passwd").write_bytes(b"root:x:0:0")
    kept = store.keep(b"user:y:1:1")
    store.create_cohort("taken")
    there = NewPhotograph("passwd", str(tmp_path / "passwd"))
    store.add_photographs("taken", [there, NewPhotograph.of_kept("letter.jpg", kept)])
    store.export("taken", tmp_path / "taken.zip")
    with zipfile.ZipFile(tmp_path / "taken.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name in members if name.startswith("photographs/")]
    assert not [name for name, data in members.items() if b"root:x" in data or b"user:y" in data]
