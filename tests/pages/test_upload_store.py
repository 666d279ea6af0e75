"""Uploads land on disk, complete, inside their own folder, whatever a browser calls them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.parts.shell import upload_store, upload_stream
from pages.parts.shell.upload_store import Inbox, clean
from pages.parts.shell.upload_stream import Taken, UploadError


async def body(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def take(inbox: Inbox, token: str, index: int, name: str, *chunks: bytes, size: int | None = None) -> Taken:
    announced = sum(map(len, chunks)) if size is None else size
    return asyncio.run(inbox.take(token, index, name, announced, body(*chunks)))


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "inbox")


@given(st.text())
def test_no_name_leaves_the_folder(name):
    path = clean(name)
    assert not path.is_absolute()
    assert path.parts
    assert not set(path.parts) & {"..", ".", ""}
    assert all(len(part.encode()) <= 255 for part in path.parts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "a.jpg"),
        ("site/P1/a.jpg", "site/P1/a.jpg"),
        ("../../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\\\eyes\\\\a.jpg", "C_/eyes/a.jpg"),
        ("a\x00b.jpg", "a_b.jpg"),
        (".htaccess", "htaccess"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("右眼.jpg", "右眼.jpg"),
    ],
)
def test_names_stay_recognisable(name, expected):
    assert clean(name).as_posix() == expected


def test_a_long_name_keeps_its_ending():
    assert clean("x" * 400 + ".jpeg").suffix == ".jpeg"


def test_a_file_arrives_as_it_was_sent(inbox):
    token = inbox.new()
    assert take(inbox, token, 0, "eyes/a.jpg", b"left", b"right").written == 9
    (path,) = inbox.batch(token).photographs()
    assert path.read_bytes() == b"leftright"
    assert path.relative_to(inbox.batch(token).files).as_posix() == "eyes/a.jpg"


def test_a_file_that_was_cut_off_is_not_among_the_files(inbox):
    token = inbox.new()
    with pytest.raises(UploadError, match="4 of 9 bytes"):
        take(inbox, token, 0, "a.jpg", b"left", size=9)
    assert inbox.batch(token).arrived() == []


def test_sending_a_file_again_replaces_it(inbox):
    token = inbox.new()
    take(inbox, token, 0, "a.jpg", b"first")
    take(inbox, token, 0, "a.jpg", b"second")
    (path,) = inbox.batch(token).arrived()
    assert path.read_bytes() == b"second"


def test_two_files_of_one_name_are_both_kept(inbox):
    token = inbox.new()
    take(inbox, token, 0, "a.jpg", b"one")
    take(inbox, token, 1, "a.jpg", b"two")
    assert sorted(path.read_bytes() for path in inbox.batch(token).arrived()) == [b"one", b"two"]


@pytest.mark.parametrize("token", ["", "unknown", "../inbox", "a/b", "%2e%2e"])
def test_a_token_that_was_not_given_out_opens_nothing(inbox, token):
    inbox.new()
    with pytest.raises(UploadError, match="closed"):
        take(inbox, token, 0, "a.jpg", b"x")


def test_a_full_disk_is_said_before_anything_is_written(inbox, monkeypatch):
    token = inbox.new()
    usage = shutil.disk_usage(inbox.folder)
    monkeypatch.setattr(upload_stream.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(UploadError, match="nearly full") as refused:
        take(inbox, token, 0, "a.jpg", b"x")
    assert refused.value.status == 507


def test_a_file_that_is_too_large_is_refused_before_it_is_read(inbox):
    token = inbox.new()
    with pytest.raises(UploadError, match="GB") as refused:
        take(inbox, token, 0, "a.zip", b"x", size=upload_stream.MAX_FILE_BYTES + 1)
    assert refused.value.status == 413


def test_tables_are_told_from_photographs(inbox):
    batch = inbox.batch(inbox.new())
    for name in ("a.jpg", "values.CSV", "values.xlsx", "b.dcm", "c.zip"):
        batch.put(name, b"x")
    assert [path.name for path in batch.tables()] == ["values.CSV", "values.xlsx"]
    assert [path.name for path in batch.photographs()] == ["a.jpg", "b.dcm", "c.zip"]


def test_a_discarded_batch_leaves_nothing(inbox):
    token = inbox.new()
    batch = inbox.batch(token)
    take(inbox, token, 0, "a.jpg", b"x")
    batch.discard()
    assert not Path(batch.folder).exists()
    with pytest.raises(UploadError):
        inbox.batch(token)


def test_what_a_closed_tab_left_behind_is_removed_after_a_day(inbox):
    left, fresh = inbox.new(), inbox.new()
    for token in (left, fresh):
        take(inbox, token, 0, "YAMADA.jpg", b"eye")
    for path in (inbox.folder / left, *(inbox.folder / left).rglob("*")):
        os.utime(path, (0, 0))
    assert inbox.tidy() == 1
    assert not (inbox.folder / left).exists()
    assert len(inbox.batch(fresh).arrived()) == 1
    assert inbox.tidy() == 0


def test_a_list_is_made_once_until_something_comes_or_goes(inbox, monkeypatch):
    batch = inbox.batch(inbox.new())
    listed = []
    real = upload_store._below
    monkeypatch.setattr(upload_store, "_below", lambda folder: listed.append(folder) or real(folder))
    assert batch.arrived() == []
    take(inbox, batch.folder.name, 0, "site/a.jpg", b"a")
    assert [path.name for path in batch.arrived()] == ["a.jpg"]
    batch.put("b.csv", b"b")
    before = len(listed)
    for _ in range(5):
        assert [path.name for path in batch.arrived()] == ["b.csv", "a.jpg"]
        assert [path.name for path in batch.tables()] == ["b.csv"]
    assert len(listed) == before + 2, "files and archives, once"
    batch.arrived().clear()
    assert len(batch.arrived()) == 2, "nobody can change the list of others"
    (batch.files / "b.csv").unlink()
    assert [path.name for path in batch.arrived()] == ["a.jpg"]
    take(inbox, batch.folder.name, 0, "site/a.jpg", b"sent again")
    assert batch.arrived()[0].read_bytes() == b"sent again"


def test_all_batches_of_one_person_hold_no_more_than_their_share(tmp_path):
    inbox = Inbox(tmp_path / "inbox", 25)
    tokens = [inbox.new() for _ in range(5)]
    for token in tokens[:2]:
        take(inbox, token, 0, "a.jpg", b"ten bytes.")
    for token in tokens[2:]:
        with pytest.raises(UploadError, match="ask a steward"):
            take(inbox, token, 0, "a.jpg", b"ten bytes.")
    inbox.batch(tokens[0]).discard()
    assert take(inbox, tokens[4], 0, "a.jpg", b"ten bytes.").written == 10
