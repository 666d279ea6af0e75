from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import io
import json
import math
import os
import stat
import struct
import time
import zipfile
from collections.abc import Callable
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
    TurnedAway,
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
        crop = other.crop(store.shelf.sha256(b"kept"))
        assert crop is not None
        assert crop.read_bytes() == JPEG


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    door = TurnedAway(
        "failed", "truncated", say("The {kind} file was cut off: {missing}.", kind="JPEG", missing=say("1 row"))
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


@pytest.mark.parametrize("value", ["1e400", "9" * 400, "NaN", "-5", "2600", "Infinity", "true", '"120"'])
def test_a_measured_value_that_cannot_be_is_refused(store: Store, exported: Path, value: str) -> None:
    with zipfile.ZipFile(exported) as archive:
        lines = archive.read("photographs.jsonl").replace(b"120.5", value.encode())
    rewrite(exported, "photographs.jsonl", lines)
    with pytest.raises(UsageError):
        store.import_(exported, name="copy")
    assert [one.name for one in store.cohorts()] == ["clinic"]


# Files made to do harm: each one sentence within the time, and nothing of it stays -----------------------------


def packed(file: Path, members: dict[str, bytes], *extra: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for info, content in extra:
            archive.writestr(info, content)
    return file


def swollen_lines(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {"readings.jsonl": b" " * 5_000_000})


def swollen_photograph(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {f"photographs/{'0' * 64}": bytes(5_000_000)})


def archive_in_archive(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {"more.zip": packed(file, members).read_bytes()})


def lying_size(file: Path, members: dict[str, bytes]) -> Path:
    """The list at the end calls a member a byte long that unpacks to 5 MB."""
    packed(file, members | {"readings.jsonl": b" " * 5_000_000})
    return file_with(file, struct.pack("<L", 5_000_000), struct.pack("<L", 1))


def file_with(file: Path, old: bytes, new: bytes) -> Path:
    file.write_bytes(file.read_bytes().replace(old, new))
    return file


def overlapping(file: Path, members: dict[str, bytes]) -> Path:
    """Every entry of the list leads to the same bytes."""
    packed(file, members | {f"photographs/{number:064x}": os.urandom(100_000) for number in range(9)})
    content = bytearray(file.read_bytes())
    start = content.index(b"PK\x01\x02")
    entries = [at for at in range(start, len(content)) if content[at : at + 4] == b"PK\x01\x02"]
    for at in entries[-8:]:
        content[at + 42 : at + 46] = content[entries[-9] + 42 : entries[-9] + 46]
    file.write_bytes(content)
    return file


def too_many(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {f"junk/{number}": b"" for number in range(5_000)})


def leaving(name: str) -> Callable[[Path, dict[str, bytes]], Path]:
    return lambda file, members: packed(file, members | {name: b"x"})


def twice(file: Path, members: dict[str, bytes]) -> Path:
    with pytest.warns(UserWarning, match="Duplicate"):
        return packed(file, members, (zipfile.ZipInfo("cohort.json"), b"{}"))


def linking(file: Path, members: dict[str, bytes]) -> Path:
    link = zipfile.ZipInfo(f"thumbnails/{'0' * 64}.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return packed(file, members, (link, b"/etc/passwd"))


def name_of_no_letters(file: Path, members: dict[str, bytes]) -> Path:
    packed(file, members | {"photographs/ä": b"x"})
    return file_with(file, "ä".encode(), b"\xff\xfe")


def the_same_row(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {"photographs.jsonl": members["photographs.jsonl"].splitlines(True)[0] * 100_000})


def deep(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {"models.json": b"[" * 200_000 + b"]" * 200_000})


def half_letters(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {"photographs.jsonl": members["photographs.jsonl"].replace(b"gone", rb"\ud800")})


def unnamed_bytes(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, members | {f"photographs/{digest_of(b'x')}": b"x"})


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def without_bytes(file: Path, members: dict[str, bytes]) -> Path:
    return packed(file, {name: data for name, data in members.items() if not name.startswith("photographs/")})


HARM = [
    (swollen_lines, "unpacks to far more"),
    (swollen_photograph, "unpacks to far more"),
    (archive_in_archive, "no export writes"),
    (lying_size, "unpacks to far more|damaged"),
    (overlapping, "unpacks to far more|damaged|none of its lines names"),
    (too_many, "no export writes"),
    (leaving("../../escaped"), "no export writes"),
    (leaving("/escaped"), "no export writes"),
    (leaving("photographs/../../../escaped"), "no export writes"),
    (leaving("C:\\escaped"), "no export writes"),
    (leaving("photographs/" + "0" * 60_000), "no export writes"),
    (twice, "twice"),
    (linking, "no export writes"),
    (name_of_no_letters, "damaged"),
    (the_same_row, "unpacks to far more"),
    (deep, "damaged"),
    (half_letters, "name is not as an export"),
    (unnamed_bytes, "none of its lines names"),
    (without_bytes, "lacks the bytes"),
]


@pytest.mark.parametrize(("make", "sentence"), HARM, ids=lambda value: getattr(value, "__name__", ""))
def test_a_file_made_to_do_harm_ends_in_a_sentence_and_leaves_nothing(
    store: Store, exported: Path, tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path], sentence: str
) -> None:
    with zipfile.ZipFile(exported) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    file = make(tmp_path / "harm.zip", members)
    before, started = everything(tmp_path), time.monotonic()
    with pytest.raises(UsageError, match=sentence) as caught:
        store.import_(file, name="harm")
    assert time.monotonic() - started < 30
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    assert everything(tmp_path) == before
    assert [one.name for one in store.cohorts()] == ["clinic"]


def everything(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("in_its_own")
def test_it_is_read_in_a_process_of_its_own(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that goes through, two that do not; the process that serves pages may not open a ZIP at all."""
    with zipfile.ZipFile(exported) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    harm = [swollen_lines(tmp_path / "1.zip", members), name_of_no_letters(tmp_path / "2.zip", members)]

    def never(*_: object, **__: object) -> None:
        pytest.fail("a stranger's file is read here")

    monkeypatch.setattr(zipfile, "ZipFile", never)
    with Store.open(tmp_path / "other") as other:
        for file, sentence in zip(harm, ["unpacks to far more", "damaged"], strict=True):
            with pytest.raises(UsageError, match=sentence):
                other.import_(file)
        assert other.import_(exported).photographs == 3
        assert not list((other.shelf.folder / "scrap").iterdir())


def test_who_packed_it_again_may_bring_it_in(store: Store, exported: Path, tmp_path: Path) -> None:
    """Photographs deflated, folders and a system's litter among them: still the same cohort."""
    with zipfile.ZipFile(exported) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    again = packed(tmp_path / "again.zip", members | {"photographs/": b"", "__MACOSX/._cohort.json": b"x"})
    with Store.open(tmp_path / "other") as other:
        other.import_(again)
        assert without_keys(other, "clinic") == without_keys(store, "clinic")
        assert other.shelf.all("photographs") == other.shelf.all("crops") | {digest_of(b"elsewhere")}


def test_a_picture_that_is_none_is_left_to_be_made_anew(store: Store, exported: Path, tmp_path: Path) -> None:
    rewrite(exported, f"crops/{digest_of(b'kept')}.jpg", JPEG[:20] + b"no picture")
    with Store.open(tmp_path / "other") as other:
        other.import_(exported)
        assert other.crop(digest_of(b"kept")) is None
        assert other.thumbnail(digest_of(b"kept")) is not None


def test_room_is_asked_for_before_and_while(
    store: Store, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the start; full after the first photograph; full at the write itself."""
    with Store.open(tmp_path / "other") as other:
        free = iter([1000])
        monkeypatch.setattr(type(other.shelf), "free_bytes", lambda _shelf: next(free, 0))
        with pytest.raises(UsageError, match="make room"):
            other.import_(exported)
        plenty = iter([1 << 40] * 4)
        monkeypatch.setattr(type(other.shelf), "free_bytes", lambda _shelf: next(plenty, 1000))
        with pytest.raises(UsageError, match="make room"):
            other.import_(exported)
        assert not other.shelf.all("photographs")
        monkeypatch.setattr(type(other.shelf), "free_bytes", lambda _shelf: 1 << 40)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(type(other.shelf), "keep", full)
        with pytest.raises(UsageError, match="disk became full"):
            other.import_(exported)
        assert other.cohorts() == ()


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
