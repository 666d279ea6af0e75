"""Files, folders, archives and lists: everything comes out once, in a fixed order, or says why not."""

from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundus_core.errors import PhotographError, UsageError
from fundus_core.images import decode, source_at, sources
from fundus_core.images.faults import MAX_RATIO, Code
from fundus_core.records import Eye, Source
from tests.images.making import jpeg, png

PHOTO = jpeg()
CODES = {str(code) for code in Code}


def put(root: Path, *names: str, data: bytes = PHOTO) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def names(*paths: Path) -> list[str]:
    return [source.name for source in sources(paths)]


def code_of(source: Source) -> str:
    with pytest.raises(PhotographError) as caught:
        decode(source.read(), source.name)
    assert str(caught.value).endswith(".")
    return str(caught.value.code)


def zipped(path: Path, members: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


# folders


def test_a_folder_is_searched_at_every_depth_in_the_order_of_names(tmp_path: Path) -> None:
    put(tmp_path, "b/2.jpg", "b/1.jpg", "a.jpg", "c.jpg", "b/deep/er/3.jpg")
    assert names(tmp_path) == ["a.jpg", "b/1.jpg", "b/2.jpg", "b/deep/er/3.jpg", "c.jpg"]


def test_litter_is_passed_over_and_everything_else_comes_out(tmp_path: Path) -> None:
    put(tmp_path, ".DS_Store", "._a.jpg", "__MACOSX/a.jpg", "Thumbs.db", ".hidden/a.jpg", "desktop.ini", "DICOMDIR")
    put(tmp_path, "truth.csv", "notes.txt", "run.json", "table.xlsx", data=b"text")
    put(tmp_path, "report.pdf", data=b"%PDF-1.7")
    put(tmp_path, "README", "renamed.jpg", data=b"text")
    put(tmp_path, "empty.jpg", data=b"")
    put(tmp_path, "photo.txt", "no_suffix")
    found = {source.name: source for source in sources([tmp_path])}
    assert set(found) == {"report.pdf", "README", "renamed.jpg", "empty.jpg", "photo.txt", "no_suffix"}
    assert decode(found["photo.txt"].read(), "x").width == 128, "content decides, not the suffix"
    assert code_of(found["empty.jpg"]) == "empty_file"
    assert code_of(found["renamed.jpg"]) == "not_a_photograph"


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    put(tmp_path / "data", "a.jpg")
    put(tmp_path / "elsewhere", "b.jpg")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert names(tmp_path / "data") == ["a.jpg", "link/b.jpg"]


def test_a_link_to_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert code_of(next(sources([tmp_path]))) == "missing_file"


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="the superuser may open everything")
def test_a_locked_folder_says_so(tmp_path: Path) -> None:
    put(tmp_path, "locked/a.jpg")
    (tmp_path / "locked").chmod(0)
    found = list(sources([tmp_path]))
    (tmp_path / "locked").chmod(0o700)
    assert [source.name for source in found] == ["locked"]
    assert code_of(found[0]) == "unreadable"


def test_a_folder_is_listed_in_little_memory(tmp_path: Path) -> None:
    for place in range(30):
        put(tmp_path, *(f"{place:02}/{number:04}.jpg" for number in range(50)), data=b"")
    for _ in sources([tmp_path]):
        break
    peaks = []
    for _ in range(3):  # what a thread that another test left behind takes meanwhile is counted, too
        tracemalloc.start()
        assert sum(1 for _ in sources([tmp_path])) == 1500
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert min(peaks) < 200_000


# several paths


def test_a_single_photograph_keeps_its_name(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    assert names(tmp_path / "a.jpg") == ["a.jpg"]


def test_names_differ_however_alike_the_paths(tmp_path: Path) -> None:
    put(tmp_path, "x/eyes/1.jpg", "y/eyes/1.jpg", "z/1.jpg")
    assert names(tmp_path / "x" / "eyes", tmp_path / "y" / "eyes") == ["x/eyes/1.jpg", "y/eyes/1.jpg"]
    assert names(tmp_path / "x/eyes/1.jpg", tmp_path / "z/1.jpg") == ["eyes/1.jpg", "z/1.jpg"]
    assert names(tmp_path / "x", tmp_path / "z") == ["x/eyes/1.jpg", "z/1.jpg"]


def test_a_path_given_twice_counts_once(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    assert names(tmp_path / "a.jpg", tmp_path / "." / "a.jpg") == ["a.jpg"]


def test_a_path_that_does_not_exist_is_the_callers_fault_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        sources([tmp_path / "nowhere"])


# archives


def test_an_archive_gives_the_same_bytes_as_the_folder_it_was_made_of(tmp_path: Path) -> None:
    members = {"deep/er/b.png": png(), "a.jpg": PHOTO, "deep/c.jpg": jpeg(quality=50)}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = zipped(tmp_path / f"{method}.zip", members, compression=method)
        found = {source.name: source.read() for source in sources([path])}
        assert found == members
        assert list(found) == sorted(members)


def test_an_archive_is_known_by_its_content(tmp_path: Path) -> None:
    assert names(zipped(tmp_path / "photographs.bin", {"a.jpg": PHOTO})) == ["a.jpg"]
    put(tmp_path, "photograph.zip")
    assert names(tmp_path / "photograph.zip") == ["photograph.zip"]


def test_an_archive_in_a_folder_is_opened(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "sub/c.jpg")
    zipped(tmp_path / "sub" / "b.zip", {"in/1.jpg": PHOTO})
    assert names(tmp_path) == ["a.jpg", "sub/b.zip/in/1.jpg", "sub/c.jpg"]


def test_litter_in_an_archive_is_passed_over(tmp_path: Path) -> None:
    members = {
        "__MACOSX/._a.jpg": b"x",
        "a.jpg": PHOTO,
        ".DS_Store": b"x",
        "truth.csv": b"path",
        "n.txt": PHOTO,
        "d/": b"",
    }
    assert names(zipped(tmp_path / "a.zip", members)) == ["a.jpg", "n.txt"]


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp932", "眼底/右眼.jpg"), ("utf-8", "眼底/右眼.jpg"), ("cp437", "Müller/über.jpg")]
)
def test_names_in_any_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    raw = name.encode(encoding)
    path = zipped(tmp_path / "a.zip", {"x" * len(raw): PHOTO})
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    (found,) = sources([path])
    assert found.name == name
    assert found.read() == PHOTO


def test_hostile_members_come_out_with_a_reason(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.jpg": PHOTO}).read_bytes()
    members = {
        "../../etc/passwd.jpg": PHOTO,
        "/absolute.jpg": PHOTO,
        "C:\\windows.jpg": PHOTO,
        "inner.zip": inner,
        "inner.jpg": inner,
        "good.jpg": PHOTO,
    }
    found = {source.name: source for source in sources([zipped(tmp_path / "a.zip", members)])}
    assert len(found) == len(members)
    assert not any(".." in name or name.startswith("/") for name in found)
    codes = sorted(code_of(source) for name, source in found.items() if name != "good.jpg")
    assert codes == ["nested_archive"] * 2 + ["unsafe_path"] * 3
    assert found["good.jpg"].read() == PHOTO


def test_a_bomb_in_an_archive_is_refused_unopened(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.bmp": bytes(60_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size * MAX_RATIO < 60_000_000
    (found,) = sources([path])
    tracemalloc.start()
    assert code_of(found) == "too_large"
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_member_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.bmp": bytes(5_000_000)}, compression=zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 5_000_000), struct.pack("<I", 1000)))
    (found,) = sources([path])
    tracemalloc.start()
    assert code_of(found) == "damaged"
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_locked_damaged_and_uncommon_members_say_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PHOTO})
    whole = path.read_bytes()
    at = whole.rfind(b"PK\x01\x02")
    for change, place, code in (
        (b"\1", at + 8, "encrypted"),
        (b"\x0e", at + 10, "unsupported"),
        (b"\0", 60, "damaged"),
    ):
        path.write_bytes(whole[:place] + change + whole[place + 1 :])
        os.utime(path, ns=(place, place))
        (found,) = sources([path])
        assert code_of(found) == code


def test_an_archive_that_cannot_be_opened_is_one_source_that_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PHOTO, "b.jpg": PHOTO})
    path.write_bytes(path.read_bytes()[:-40])
    (found,) = sources([path])
    assert code_of(found) == "damaged"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_two_photographs(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", PHOTO)
        archive.writestr("a.jpg", png())
    found = list(sources([path]))
    assert [source.name for source in found] == ["a.jpg", "a.jpg (2)"]
    assert {source.read() for source in found} == {PHOTO, png()}
    assert {source_at(source.locator).read() for source in found} == {PHOTO, png()}


# lists


def manifest(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("heading", "cells", "visits"),
    [
        ("exam_date", ("2021-04-01", ""), ["2021-04-01", ""]),
        ("検査日", ("令和3年4月1日", "2022/5/2"), ["2021-04-01", "2022-05-02"]),
        ("visit", ("baseline", "2"), ["baseline", "2"]),
        ("date", ("01.04.2021", "NA"), ["2021-04-01", ""]),
    ],
)
def test_a_list_gives_visits(tmp_path: Path, heading: str, cells: tuple[str, str], visits: list[str]) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    found = list(sources([manifest(tmp_path, f"path,{heading}\na.jpg,{cells[0]}\nb.jpg,{cells[1]}\n")]))
    assert [source.visit for source in found] == visits


def test_a_list_gives_paths_patients_and_eyes(tmp_path: Path) -> None:
    put(tmp_path, "in/a.jpg", "b.jpg")
    found = list(sources([manifest(tmp_path, "eye,path,patient_id,site\nL,in/a.jpg,7,x\n右,b.jpg,8,y\n,b.jpg,,\n")]))
    assert [(s.name, s.patient_id, s.eye) for s in found] == [
        ("in/a.jpg", "7", Eye.LEFT),
        ("b.jpg", "8", Eye.RIGHT),
        ("b.jpg", "", Eye.UNKNOWN),
    ]
    assert all(source.read() == PHOTO for source in found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_in_any_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    put(tmp_path, "眼底写真/右眼.jpg")
    text = delimiter.join(["Path", "patient_id"]) + "\r\n" + delimiter.join(["眼底写真/右眼.jpg", "田中"]) + "\r\n"
    (found,) = sources([manifest(tmp_path, text, encoding)])
    assert (found.name, found.patient_id, found.read()) == ("眼底写真/右眼.jpg", "田中", PHOTO)


def test_a_list_takes_absolute_and_windows_paths(tmp_path: Path) -> None:
    put(tmp_path / "far", "a.jpg")
    put(tmp_path / "near", "sub/b.jpg")
    found = list(sources([manifest(tmp_path / "near", f"path\n{tmp_path / 'far' / 'a.jpg'}\nsub\\b.jpg\n")]))
    assert [source.read() for source in found] == [PHOTO, PHOTO]
    assert found[1].name == "sub/b.jpg"


def test_a_photograph_that_a_list_names_and_is_not_there_says_so(tmp_path: Path) -> None:
    (found,) = sources([manifest(tmp_path, "path\ngone.jpg\n")])
    assert code_of(found) == "missing_file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("photograph,sbp\na.jpg,120\n", "'path'"),
        ("", "is empty"),
        ("path,eye\na.jpg,L\nb.jpg,R,c.jpg\nd.jpg,R\n", "Row 3"),
        ("path,eye\na.jpg,L\nb.jpg,middle\n", "Line 3"),
    ],
)
def test_a_list_that_is_none_is_the_callers_fault_at_once(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sources([manifest(tmp_path, text)])


def test_a_list_is_read_in_little_memory(tmp_path: Path) -> None:
    rows = 2_000
    path = manifest(tmp_path, "path,patient_id\n" + "".join(f"photographs/{n:06}.jpg,{n}\n" for n in range(rows)))
    for _ in range(2):  # threads that an earlier test left may take some too
        tracemalloc.start()
        assert sum(1 for _ in sources([path])) == rows
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if peak < 1_000 * rows:
            return
    pytest.fail(f"more than a kilobyte a row: {peak:,} bytes, twice")


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["患者ガ1_右.jpg", "Müller/é_L.jpg", "sub/パ.jpg"])
def test_a_name_in_another_unicode_form_is_found(tmp_path: Path, name: str, written: str) -> None:
    other = "NFD" if written == "NFC" else "NFC"
    put(tmp_path, unicodedata.normalize(other, name))
    (found,) = sources([manifest(tmp_path, f"path\n{unicodedata.normalize(written, name)}\n")])
    assert found.read() == PHOTO


def test_two_forms_of_one_name_are_two_photographs(tmp_path: Path) -> None:
    """Both rows, or both files, may be meant by the other's form: nobody gets another's photograph."""
    nfc, nfd = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    put(tmp_path, nfd)
    one, other = sources([manifest(tmp_path, f"path\n{nfc}\n{nfd}\n")])
    assert (code_of(one), other.read()) == ("missing_file", PHOTO)


@pytest.mark.parametrize("root", ["D:\\study", "C:\\Users\\x\\My study", "\\\\server\\share"])
@pytest.mark.parametrize("names", [["a.jpg"], ["a.jpg", "b.jpg"], ["P1\\R.jpg", "P2\\R.jpg"], ["P1\\R.jpg", "R.jpg"]])
def test_a_list_from_windows_finds_its_folder_again(tmp_path: Path, root: str, names: list[str]) -> None:
    put(tmp_path, *(name.replace("\\", "/") for name in names))
    found = list(sources([manifest(tmp_path, "path\n" + "".join(f"{root}\\{name}\n" for name in names))]))
    ends = [name.replace("\\", "/") for name in names]
    assert [source.locator for source in found] == [str(tmp_path / end) for end in ends]


@pytest.mark.parametrize(
    "rows", [["D:\\P1\\R.jpg", "D:\\P2\\R.jpg"], ["D:\\x\\R.jpg", "E:\\y\\R.jpg"], ["D:\\..\\R.jpg"]]
)
def test_a_list_from_windows_takes_nobody_elses_photograph(tmp_path: Path, rows: list[str]) -> None:
    put(tmp_path, "R.jpg", "P3/R.jpg")
    found = list(sources([manifest(tmp_path, "path\n" + "".join(f"{row}\n" for row in rows))]))
    assert {code_of(source) for source in found} == {"missing_file"}


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"path,eye\n", b"\xff\xfe", b"\xfe\xff", "path\n".encode("utf-16")])
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_as_a_list_are_a_list_or_the_callers_fault(tmp_path: Path, data: bytes, head: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(head + data)
    found = listed_or_none(path)
    assert all(code_of(source) in CODES for source in found)


def listed_or_none(path: Path) -> list[Source]:
    try:
        return list(sources([path]))
    except UsageError as error:
        assert_sentence(str(error))
        return []


def assert_sentence(said: str) -> None:
    assert said.endswith(".")
    assert len(said) < 600


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_gives_photographs_or_reasons(tmp_path: Path, data: st.DataObject) -> None:
    path = zipped(tmp_path / "a.zip", {"a.jpg": PHOTO[:600], "眼/b.jpg": PHOTO[:90]}, compression=zipfile.ZIP_DEFLATED)
    hurt = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(4, len(hurt) - 1), min_size=1, max_size=8)):
        hurt[place] = data.draw(st.integers(0, 255))
    path.write_bytes(hurt[: data.draw(st.integers(4, len(hurt)))])
    found = list(sources([path]))
    assert all(code_of(source) in CODES for source in found), "both photographs are too short to be read"


# another process


def test_every_source_can_be_found_again_and_sent_to_another_process(tmp_path: Path) -> None:
    put(tmp_path, "data/a.jpg", "data/odd::name.jpg")
    zipped(tmp_path / "data" / "b.zip", {"in/1::2.jpg": PHOTO, "眼.jpg": PHOTO})
    for source in sources([tmp_path / "data"]):
        assert Path(source.locator.split("::")[0]).is_absolute()
        assert source_at(source.locator).read() == source.read() == pickle.loads(pickle.dumps(source)).read()  # noqa: S301


def test_what_is_gone_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    path = zipped(tmp_path / "a.zip", {"a.jpg": PHOTO})
    found = [*sources([tmp_path / "a.jpg"]), *sources([path])]
    (tmp_path / "a.jpg").unlink()
    path.unlink()
    assert [code_of(source_at(source.locator)) for source in found] == ["missing_file"] * 2
    zipped(path, {"other.jpg": PHOTO})
    assert code_of(source_at(found[1].locator)) == "missing_file"


def test_the_order_of_a_folder_does_not_depend_on_how_it_was_filled(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(50)
    put(tmp_path / "a", *(f"{n}.jpg" for n in order), data=b"")
    put(tmp_path / "b", *(f"{n}.jpg" for n in order[::-1]), data=b"")
    assert names(tmp_path / "a") == names(tmp_path / "b")
