"""Files of cohorts made to do harm: each one sentence within the time, and nothing of it stays."""

from __future__ import annotations

import errno
import os
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fundus_core.errors import UsageError
from fundus_core.store import (
    Store,
)
from tests.store.test_archive import digest_of, exported, in_its_own, in_this_process, packed, rewrite

__all__ = ["exported", "in_its_own", "in_this_process"]


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # no word of it comes to a database
@pytest.mark.parametrize("value", ["1e400", "9" * 400, "NaN", "-5", "2600", "Infinity", "true", '"120"'])
def test_a_measured_value_that_cannot_be_is_refused(store: Store, exported: Path, value: str) -> None:
    with zipfile.ZipFile(exported) as archive:
        lines = archive.read("photographs.jsonl").replace(b"120.5", value.encode())
    rewrite(exported, "photographs.jsonl", lines)
    with pytest.raises(UsageError):
        store.import_(exported, name="copy")
    assert [one.name for one in store.cohorts()] == ["clinic"]


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


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # refused before a database is asked
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
@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # the process knows no database
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


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)  # the disk is the files' own
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
