from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from fundus_core.errors import UsageError
from fundus_core.store.files import Shelf


def test_bytes_are_kept_once_under_their_own_name(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = shelf.keep(b"photograph")
    assert kept.sha256 == hashlib.sha256(b"photograph").hexdigest()
    assert (tmp_path / kept.locator).read_bytes() == b"photograph"
    assert shelf.keep(b"photograph") == kept
    assert list((tmp_path / "scrap").iterdir()) == []


@pytest.mark.parametrize("again", [False, True])
def test_an_upload_is_moved(tmp_path: Path, again: bool) -> None:
    shelf = Shelf(tmp_path / "shelf")
    if again:
        shelf.keep(b"upload")
    upload = tmp_path / "upload"
    upload.write_bytes(b"upload")
    kept = shelf.keep_file(upload)
    assert not upload.exists()
    assert (shelf.folder / kept.locator).read_bytes() == b"upload"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n"])
def test_nothing_but_a_sha256_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        Shelf(tmp_path).path("crops", name)


def test_removing_takes_all_that_belongs_to_a_photograph(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = shelf.keep(b"x")
    shelf.write("thumbnails", kept.sha256, b"t")
    shelf.write("crops", kept.sha256, b"c")
    shelf.remove(kept.sha256)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    shelf.remove(kept.sha256)


def test_only_old_strays_are_tidied_away(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    used, old, new = (shelf.keep(data).sha256 for data in (b"used", b"old", b"new"))
    long_ago = time.time() - 2 * 86_400
    for sha256 in (used, old):
        os.utime(shelf.path("photographs", sha256), (long_ago, long_ago))
    assert shelf.tidy({used}) == 1
    assert shelf.all("photographs") == {used, new}


def test_what_a_power_cut_left_empty_is_not_there_and_is_written_anew(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = shelf.keep(b"photograph")
    thumbnail = shelf.write("thumbnails", kept.sha256, b"picture")
    for path in (tmp_path / kept.locator, thumbnail):
        path.write_bytes(b"")
    assert shelf.find("photographs", kept.sha256) is None
    assert shelf.find("thumbnails", kept.sha256) is None
    assert shelf.write("thumbnails", kept.sha256, b"picture").read_bytes() == b"picture"
    assert shelf.keep(b"photograph") == kept
    assert (tmp_path / kept.locator).read_bytes() == b"photograph"


def test_an_empty_file_that_was_handed_in_is_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = shelf.keep(b"")
    assert shelf.find("photographs", kept.sha256) == tmp_path / kept.locator


@pytest.mark.parametrize("uploaded", [False, True])
def test_handing_in_again_mends_a_damaged_copy(tmp_path: Path, uploaded: bool) -> None:
    shelf = Shelf(tmp_path / "shelf")
    kept = shelf.keep(b"photograph")
    (shelf.folder / kept.locator).write_bytes(b"photogrXph")
    upload = tmp_path / "upload"
    upload.write_bytes(b"photograph")
    assert (shelf.keep_file(upload) if uploaded else shelf.keep(b"photograph")) == kept
    assert (shelf.folder / kept.locator).read_bytes() == b"photograph"


def test_settling_takes_what_is_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.settle([])
    shelf.settle([shelf.keep(b"%d" % number).locator for number in range(40)] + ["photographs/no/such"])
