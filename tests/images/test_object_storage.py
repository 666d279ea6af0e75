"""Object storage: a server that speaks S3, and a folder in its place, of which pyarrow is asked the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from fundus_core import images
from fundus_core.errors import PhotographError, UsageError
from fundus_core.images import byte_sources
from tests import s3


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(byte_sources, "_files", lambda _: SubTreeFileSystem(str(tmp_path), LocalFileSystem()))
    eyes = tmp_path / "bucket" / "eyes" / "é #1"
    eyes.mkdir(parents=True)
    for name in ("b.jpg", "a.jpg", ".hidden.jpg", "truth.csv"):
        (eyes / name).write_bytes(name.encode())
    return eyes


def test_photographs_are_listed_by_name_and_read_where_they_are(bucket: Path) -> None:
    found = list(images.sources([Path("s3://bucket/eyes")]))
    assert [one.name for one in found] == ["é #1/a.jpg", "é #1/b.jpg"]
    assert found[0].locator == "s3://bucket/eyes/é #1/a.jpg"
    again = images.source_at(found[0].locator)
    assert (again.name, again.read()) == ("a.jpg", b"a.jpg")
    assert images.stamp_at(found[0].locator) == ""
    (single,) = images.sources([Path("s3://bucket/eyes/é #1/b.jpg")])
    assert (single.name, single.read()) == ("b.jpg", b"b.jpg")
    (bucket / "a.jpg").unlink()
    with pytest.raises(PhotographError, match="no file") as fault:
        found[0].read()
    assert fault.value.code == "missing_file"


def test_a_file_address_is_a_path_of_this_machine(bucket: Path) -> None:
    assert [one.read() for one in images.sources([Path(f"file://{bucket}/a.jpg")])] == [b"a.jpg"]
    assert images.exists(Path(f"file://{bucket}/a.jpg"))


@pytest.mark.usefixtures("bucket")
def test_what_is_not_there_is_said_and_a_page_leads_to_no_storage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="could not be listed"):
        list(images.sources([Path("s3://bucket/none")]))
    with pytest.raises(UsageError, match="may lie below"):
        list(images.sources([Path("s3://bucket/eyes")], roots=[tmp_path]))


def test_a_server_of_objects_is_read_and_what_it_lacks_or_refuses_is_said(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jpg", "b.jpg", "truth.csv")]
    for path in paths:
        path.write_bytes(path.name.encode() * 100_000)  # more than a read takes at once
    with s3.served() as told:
        s3.bring(told, "eyes", paths)
        found = list(images.sources([Path("s3://eyes")]))
        assert [(one.name, one.read()) for one in found] == [(path.name, path.read_bytes()) for path in paths[:2]]
        for away in ("s3://eyes/c.jpg", "s3://nobody-s/a.jpg"):
            with pytest.raises(PhotographError, match="no file") as fault:
                images.source_at(away).read()
            assert fault.value.code == "missing_file"
        with pytest.raises(UsageError, match="could not be listed"):
            list(images.sources([Path("s3://nobody-s")]))
