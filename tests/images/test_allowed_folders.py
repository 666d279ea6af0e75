"""On behalf of a page photographs are read below the listed folders only, wherever links, ``..`` and lists lead.

Attacked with: links to files and folders, a link that is put in the place of a photograph after it was listed, hidden
folders, lists and archives that point outside, pipes and devices.
"""

import os
import zipfile

import pytest

from fundus_core import images
from fundus_core.errors import PhotographError, UsageError
from fundus_core.images import allowed_folders

SECRET = b"root:x:0:0"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A listed folder with a photograph, and a secret outside of it."""
    inside, outside = tmp_path / "listed", tmp_path / "outside"
    for folder in (inside / "sub", inside / ".ssh", outside):
        folder.mkdir(parents=True)
    (outside / "secret.jpg").write_bytes(SECRET)
    (inside / ".ssh" / "key.jpg").write_bytes(SECRET)
    (inside / "sub" / "a.jpg").write_bytes(b"\xff\xd8 a photograph")
    monkeypatch.setenv(allowed_folders.VARIABLE, str(inside))
    return inside


def listed(path, place):
    return {source.name: source for source in images.sources([path], [place])}


def read(source):
    try:
        return source.read()
    except PhotographError as refused:
        return str(refused)


@pytest.mark.parametrize(
    "path",
    ["/etc", "{out}", "{in}/../outside", "{in}/link", "{in}/.ssh", "{in}/.ssh/key.jpg", "{in}/loop", "{in}/no/../.."],
)
def test_nothing_outside_is_listed_and_nothing_is_told_of_it(place, path):
    (place / "link").symlink_to(place.parent / "outside")
    (place / "loop").symlink_to(place / "loop")
    asked = place.__class__(path.replace("{in}", str(place)).replace("{out}", str(place.parent / "outside")))
    with pytest.raises(UsageError, match="may lie below") as refused:
        images.sources([asked], [place])
    missing = place.parent / "outside" / "nothing-here"
    with pytest.raises(UsageError, match="may lie below"):
        images.sources([missing], [place])
    assert "secret" not in str(refused.value), "whether it exists is nobody's business"


def test_links_within_a_folder_lead_nowhere_outside(place):
    (place / "one.jpg").symlink_to(place.parent / "outside" / "secret.jpg")
    (place / "many").symlink_to(place.parent / "outside")
    (place / "again.jpg").symlink_to(place / "sub" / "a.jpg")
    found = listed(place, place)
    assert set(found) == {"one.jpg", "many", "again.jpg", "sub/a.jpg"}, "nothing is dropped, and no name from outside"
    assert allowed_folders.OUTSIDE == read(found["one.jpg"]) == read(found["many"])
    assert read(found["again.jpg"]) == read(found["sub/a.jpg"]) == b"\xff\xd8 a photograph"


@pytest.mark.parametrize("swap", ["file", "folder"])
def test_a_link_put_in_the_place_of_a_photograph_meanwhile_is_not_followed(place, swap):
    """Here, and in another process, which knows no more than the locator."""
    source = listed(place, place)["sub/a.jpg"]
    (place / "sub" / "a.jpg").unlink()
    if swap == "file":
        (place / "sub" / "a.jpg").symlink_to(place.parent / "outside" / "secret.jpg")
    else:
        (place.parent / "outside" / "secret.jpg").rename(place.parent / "outside" / "a.jpg")
        (place / "sub").rmdir()
        (place / "sub").symlink_to(place.parent / "outside")
    assert read(source) == allowed_folders.OUTSIDE
    assert read(images.source_at(source.locator)) == allowed_folders.OUTSIDE


def test_a_list_and_an_archive_lead_nowhere_outside(place):
    rows = ["../outside/secret.jpg", "/etc/passwd", "sub/a.jpg", ".ssh/key.jpg", "/dev/zero"]
    (place / "list.csv").write_text("\n".join(["path", *rows]))
    answers = {name: read(source) for name, source in listed(place / "list.csv", place).items()}
    assert [answers[row] for row in rows if row != "sub/a.jpg"] == [allowed_folders.OUTSIDE] * 4
    assert answers["sub/a.jpg"] == b"\xff\xd8 a photograph"
    with zipfile.ZipFile(place.parent / "outside" / "eyes.zip", "w") as archive:
        archive.writestr("b.jpg", b"\xff\xd8 another")
    (place / "eyes.zip").symlink_to(place.parent / "outside" / "eyes.zip")
    assert read(listed(place, place)["eyes.zip"]) == allowed_folders.OUTSIDE


def test_a_pipe_hangs_nobody(place):
    os.mkfifo(place / "pipe.jpg")
    assert "no file" in read(listed(place, place)["pipe.jpg"])
    assert "no file" in read(images.source_at(str(place / "pipe.jpg")))


def test_the_command_line_reads_what_it_is_given(place):
    (place / "one.jpg").symlink_to(place.parent / "outside" / "secret.jpg")
    (source,) = (each for each in images.sources([place]) if each.name == "one.jpg")
    assert read(source) == read(images.source_at(source.locator)) == SECRET


def test_the_home_is_listed_where_there_is_no_setting(monkeypatch, tmp_path):
    monkeypatch.delenv(allowed_folders.VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert allowed_folders.listed() == (tmp_path,)
    monkeypatch.setenv(allowed_folders.VARIABLE, os.pathsep.join(["/a", "", "/b"]))
    assert [path.as_posix() for path in allowed_folders.listed()] == ["/a", "/b"]
