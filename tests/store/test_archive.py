from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fundus_core import confined
from fundus_core.errors import Sentence, UsageError, say
from fundus_core.records import Eye, Prediction
from fundus_core.store import (
    Finding,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    prediction_table,
    run_progress,
    run_table,
    versions,
)
from fundus_core.store.archive import layout, unpacking

MODEL = ModelVersion("model", "w", "c")


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (120, 60, 30)).save(file, "JPEG")
    return file.getvalue()


JPEG = picture()


RUN = confined.run


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads the file here, where what breaks is seen as it breaks, and a start costs nothing."""

    def run(_function: str, arguments: dict[str, str], *, folder: Path, **_more: object) -> confined.Answer:
        with contextlib.chdir(folder):
            return confined.Answer(unpacking.unpack(**arguments), ())

    monkeypatch.setattr(confined, "run", run)


@pytest.fixture
def in_its_own(monkeypatch: pytest.MonkeyPatch, in_this_process: None) -> None:
    """As a user has it."""
    monkeypatch.setattr(confined, "run", RUN)


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
        prediction_table.write(
            connection, version, [Finding(kept.sha256, "predicted", quality=0.5, predictions=predicted)]
        )
        prediction_table.write(connection, version, [Finding(digest, "refused", "focus", "Blurred.")])
    run_table.submit(store, "clinic", [MODEL])
    with store.writing() as connection:
        gone = store.photograph("clinic", "gone.jpg").id
        prediction_table.fail(connection, version, gone, "missing_file", "Gone.")


def without_keys(store: Store, cohort: str) -> list[object]:
    items = store.photographs(cohort, model="model").items
    plain = [dataclasses.asdict(item) | {"id": 0} for item in items]
    return json.loads(json.dumps(plain).replace("NaN", "null"))  # type: ignore[no-any-return]


def packed(file: Path, members: dict[str, bytes], *extra: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for info, content in extra:
            archive.writestr(info, content)
    return file


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
        assert other.crop(store.shelf.sha256(b"kept")) is None  # made from the bytes when it is to be shown


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
        run = run_table.submit(other, "clinic", [MODEL])
        assert run_progress.progress(other, run).queued == 3


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


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # no word of it comes to a database
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


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_one_sentence(store: Store, exported: Path, tmp_path: Path, data: st.DataObject) -> None:
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(damage(exported.read_bytes(), data))
    said = outcome(store, damaged)
    assert said == "" or said.endswith(".")
    assert [one.name for one in store.cohorts()] == ["clinic"]


def damage(whole: bytes, data: st.DataObject) -> bytes:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    return bytes(content[: data.draw(st.integers(0, len(content)))])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_process_that_reads_the_file_is_not_believed(
    store: Store, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    """It may have fallen to the file: what it leaves ends in a sentence or a cohort, and no link is followed."""
    name = data.draw(st.sampled_from([*layout.ROWS, layout.BYTES, layout.INFLATED]))
    deed = data.draw(st.sampled_from(["damaged", "gone", "linked"]))
    secret = tmp_path / "secret"
    secret.write_text("{}")

    def run(_function: str, arguments: dict[str, str], *, folder: Path, **_more: object) -> confined.Answer:
        with contextlib.chdir(folder):
            size = unpacking.unpack(**arguments)
        file = folder / name
        if deed == "damaged" and file.stat().st_size:
            file.write_bytes(damage(file.read_bytes(), data))
        elif deed != "damaged":
            file.unlink()
        if deed == "linked":
            file.symlink_to(secret)
        return confined.Answer(size, ())

    with monkeypatch.context() as patch:
        patch.setattr(confined, "run", run)
        said = outcome(store, exported)
    assert said.endswith(".") if deed != "damaged" else said == "" or said.endswith(".")
    assert [one.name for one in store.cohorts()] == ["clinic"]
    assert not list((store.shelf.folder / "scrap").iterdir())


def outcome(store: Store, file: Path) -> str:
    """What an import says; empty where it went through (and was deleted again)."""
    try:
        store.delete(store.import_(file, name="damaged").id)
    except UsageError as error:
        return str(error)
    return ""


def test_how_it_ended_at_the_door_and_under_which_limits_travels_along(store: Store, tmp_path: Path) -> None:
    store.create_cohort("door")
    """With its values, so that another language can be spoken there; a merged cohort's note likewise."""
    door = Finding(
        "", "failed", "truncated", say("The {kind} file was cut off: {missing}.", kind="JPEG", missing=say("1 row"))
    )
    store.add_photographs("door", [NewPhotograph("F-000000000000", "", door=door)])
    store.create_cohort("else")
    merged = store.merge(["door", "else"], "merged", same_people=False)
    assert isinstance(merged.note, Sentence)
    store.export("merged", tmp_path / "merged.zip")
    strict = dataclasses.replace(MODEL, limits='{"focus": 0.05}')
    run_table.submit(store, "door", [strict])
    store.export("door", tmp_path / "door.zip")
    with Store.open(tmp_path / "other") as other:
        other.import_(tmp_path / "door.zip")
        assert other.models("door")[0].limits == strict.limits
        key = run_table.submit(other, "door", [dataclasses.replace(MODEL, model="another")])
        assert run_progress.progress(other, key).failed == 1
        reason = other.photograph("door", "F-000000000000", model="another").reason
        assert isinstance(reason, Sentence)
        assert (reason, reason.values["missing"].code) == (door.reason, "1 row")
        assert isinstance(other.import_(tmp_path / "merged.zip").note, Sentence)


def test_who_packed_it_again_may_bring_it_in(store: Store, exported: Path, tmp_path: Path) -> None:
    """Photographs deflated, folders and a system's litter among them: still the same cohort."""
    with zipfile.ZipFile(exported) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    again = packed(tmp_path / "again.zip", members | {"photographs/": b"", "__MACOSX/._cohort.json": b"x"})
    with Store.open(tmp_path / "other") as other:
        other.import_(again)
        assert without_keys(other, "clinic") == without_keys(store, "clinic")
        assert other.shelf.all("photographs") == {digest_of(b"kept"), digest_of(b"elsewhere")}


def test_a_picture_that_a_file_brings_is_shown_to_nobody(store: Store, exported: Path, tmp_path: Path) -> None:
    """Whoever has a photograph first could have everybody who brings it later shown another."""
    brought = [f"{kind}/{digest_of(b'kept')}.jpg" for kind in ("crops", "thumbnails")]
    with zipfile.ZipFile(exported, "a") as archive:
        assert not set(brought) & set(archive.namelist())
        for name in brought:
            archive.writestr(name, JPEG)
    with Store.open(tmp_path / "other") as other:
        other.import_(exported)
        assert other.photograph_file(digest_of(b"kept")) is not None
        assert other.crop(digest_of(b"kept")) is None
        assert other.thumbnail(digest_of(b"kept")) is None
        other.create_cohort("later")
        other.add_photographs("later", [NewPhotograph.of_kept("a.jpg", other.keep(b"kept"))])
        assert other.thumbnail(digest_of(b"kept")) is None


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
