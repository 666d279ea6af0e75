"""Names become keyed pseudonyms, nothing that identifies a person leaves, and an audit says what was done."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fundus_core import __version__
from fundus_core.deidentify import (
    Deidentified,
    Pseudonyms,
    deidentify,
    encode,
    fresh_key,
    key_from_file,
    key_from_passphrase,
    write_cohort,
    write_key,
)
from fundus_core.errors import UsageError
from fundus_core.records import Eye, Photograph

KEY = bytes(range(32))
NAME = "TANAKA_TARO_19600615_R.jpg"
WORDS = st.text(min_size=1).filter(str.strip)


def photograph(name: str = NAME, **facts: object) -> Photograph:
    pixels = np.full((40, 60, 3), 90, np.uint8)
    pixels[:8, :30] = 255  # writing burned in above the retina
    return Photograph(name=name, sha256="ab" * 32, pixels=pixels, width=60, height=40, **facts)  # type: ignore[arg-type]


def blacked_out(given: Photograph) -> np.ndarray:
    pixels = given.pixels.copy()
    pixels[:10] = 0
    return pixels


def item(name: str = NAME, **facts: object) -> Deidentified:
    given = photograph(name, **facts)
    return deidentify(given, blacked_out(given), Pseudonyms(KEY), patient_id="12345 Tanaka")


def contents(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


# pseudonyms


@given(WORDS)
def test_the_same_key_and_word_give_the_same_pseudonym(word: str) -> None:
    assert Pseudonyms(KEY).patient(word) == Pseudonyms(KEY).patient(word)
    assert Pseudonyms(KEY).patient(word) != Pseudonyms(KEY[::-1]).patient(word)


@given(WORDS)
def test_a_pseudonym_is_short_and_readable(word: str) -> None:
    for found, letter in ((Pseudonyms(KEY).patient(word), "P"), (Pseudonyms(KEY).photograph(word), "F")):
        assert found[:2] == f"{letter}-"
        assert len(found) == 14
        assert set(found[2:]) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_pseudonyms_differ() -> None:
    made = Pseudonyms(KEY)
    assert len({made.patient(str(n)) for n in range(20_000)}) == 20_000
    assert made.patient("a")[2:] != made.photograph("a")[2:]


def test_every_character_of_a_pseudonym_carries_its_share() -> None:
    """32 letters at 12 places, each as frequent as the others: within five standard errors of 1/32."""
    made = [Pseudonyms(KEY).patient(str(n))[2:] for n in range(4000)]
    error = math.sqrt(1 / 32 * 31 / 32 / len(made))
    for place in range(12):
        shares = [sum(word[place] == letter for word in made) / len(made) for letter in set("".join(made))]
        assert len(shares) == 32
        assert max(abs(share - 1 / 32) for share in shares) < 5 * error


def test_blanks_around_an_id_do_not_count_and_any_other_difference_does() -> None:
    made = Pseudonyms(KEY)
    assert made.patient(" 77 ") == made.patient("77") != made.patient("７７")
    assert made.patient("ｶﾞ") != made.patient("ガ")


def test_nobody_is_not_a_person() -> None:
    assert Pseudonyms(KEY).patient("") == Pseudonyms(KEY).patient("  ") == ""


def test_the_key_is_never_shown() -> None:
    assert repr(Pseudonyms(KEY)) == "Pseudonyms()"


# keys


def test_a_key_is_written_once_for_its_owner_only_and_read_again(tmp_path: Path) -> None:
    key = write_key(tmp_path / "key")
    assert key_from_file(tmp_path / "key") == key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="never overwritten"):
        write_key(tmp_path / "key")
    with pytest.raises(UsageError, match="could not be written"):
        write_key(tmp_path / "nowhere" / "key")


def test_fresh_keys_differ() -> None:
    assert len({fresh_key() for _ in range(100)}) == 100


def test_a_passphrase_gives_one_key_however_it_is_typed() -> None:
    assert key_from_passphrase("correct horse battery ガ") == key_from_passphrase(" correct horse battery ｶﾞ ")
    assert key_from_passphrase("correct horse battery 1") != key_from_passphrase("correct horse battery 2")


@pytest.mark.parametrize("size", [0, 15, 5000])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "key").write_bytes(b"k" * size)
    with pytest.raises(UsageError, match="16 to 4,096"):
        key_from_file(tmp_path / "key")


def test_weak_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 16"):
        Pseudonyms(b"short")
    with pytest.raises(UsageError, match="at least 12"):
        key_from_passphrase("tanaka")
    with pytest.raises(UsageError, match="could not be opened"):
        key_from_file(tmp_path / "nowhere")


# one photograph


def test_a_photograph_loses_its_name_and_keeps_its_retina() -> None:
    found = item(dropped=("EXIF",), eye=Eye.RIGHT, age=61.0)
    assert found.photograph == Pseudonyms(KEY).photograph(NAME)
    assert found.patient == Pseudonyms(KEY).patient("12345 Tanaka")
    assert (found.eye, found.age) == (Eye.RIGHT, 61.0)
    assert not found.pixels[:10].any()
    assert np.array_equal(found.pixels[10:], photograph().pixels[10:])


def test_the_audit_line_says_what_was_done_and_holds_no_name() -> None:
    line = item(dropped=("DICOM tags (40, 3 of them private)",)).audit
    assert line.removed == ("file name", "DICOM tags (40, 3 of them private)", "pixels outside the retina (25.0%)")
    assert line.sha256_original == "ab" * 32
    assert line.code_version == __version__
    assert line.at.endswith("+00:00")
    said = json.dumps(dataclasses.asdict(line))
    assert "TANAKA" not in said.upper()
    assert "12345" not in said


def test_what_the_caller_decided_wins_over_the_file() -> None:
    given = photograph(eye=Eye.LEFT, patient_id="P-BROUGHT")
    kept = deidentify(given, given.pixels, Pseudonyms(KEY))
    assert (kept.eye, kept.patient) == (Eye.LEFT, "P-BROUGHT")
    told = deidentify(given, given.pixels, Pseudonyms(KEY), eye=Eye.RIGHT, patient_id="7")
    assert (told.eye, told.patient) == (Eye.RIGHT, Pseudonyms(KEY).patient("7"))


@pytest.mark.parametrize(("age", "said"), [(89.0, 89.0), (90.0, 90.0), (97.0, 90.0), (math.nan, math.nan)])
def test_great_ages_are_given_as_90(age: float, said: float) -> None:
    assert item(age=age).age == pytest.approx(said, nan_ok=True)


def test_only_the_photographs_own_pixels_will_do() -> None:
    given = photograph()
    with pytest.raises(UsageError, match="60 x 40"):
        deidentify(given, given.pixels[:20], Pseudonyms(KEY))
    with pytest.raises(UsageError, match="other than black"):
        deidentify(given, given.pixels // 2, Pseudonyms(KEY))


def test_an_encoded_photograph_holds_pixels_and_nothing_else() -> None:
    pixels = np.add.outer(np.arange(30) * 3, np.arange(40) * 2)[:, :, None].repeat(3, 2).astype(np.uint8)
    png = Image.open(io.BytesIO(encode(pixels)))
    assert np.array_equal(np.asarray(png), pixels)
    assert png.info == {}


# the export


@pytest.mark.parametrize("out", ["cohort", "cohort.zip"])
def test_an_export_holds_photographs_table_and_audit(tmp_path: Path, out: str) -> None:
    cohort = [(item(f"{n}.jpg"), {"sbp": 120.0 + n, "bmi": math.nan, "name": "TANAKA", "site": "A"}) for n in range(5)]
    done = write_cohort(iter(cohort), tmp_path / out, covariates=["site"])
    files = contents(tmp_path / out)
    table, audit = rows(files["table.csv"]), rows(files["audit.csv"])
    assert (done.photographs, done.left_out) == (5, ("name",))
    assert list(table[0]) == ["photograph", "patient", "eye", "age", "sbp", "bmi", "site"] == list(done.columns)
    assert [row["photograph"] for row in table] == sorted(row["photograph"] for row in table)
    assert {row["photograph"] for row in table} == {name for name in files if name.startswith("photographs/")}
    values = {given.photograph: words["sbp"] for given, words in cohort}
    assert all(float(row["sbp"]) == values[Path(row["photograph"]).stem] for row in table)
    assert all(row["bmi"] == "" for row in table)
    assert {line["photograph"] for line in audit} == set(values)


def test_an_export_does_not_depend_on_the_order_it_was_given_in(tmp_path: Path) -> None:
    cohort = [(item(f"{n}.jpg"), {"sbp": 120.0 + n}) for n in range(6)]
    write_cohort(cohort, tmp_path / "a")
    write_cohort(reversed(cohort), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_no_name_and_no_burned_in_writing_survives(tmp_path: Path) -> None:
    made = item(dropped=("EXIF", "text"))
    write_cohort([(made, {"age": 97.0})], tmp_path / "cohort")
    files = contents(tmp_path / "cohort")
    for name, data in files.items():
        for word in (b"TANAKA", b"TARO", b"12345", b"19600615"):
            assert word not in data.upper()
            assert word not in name.upper().encode()
    (picture,) = (data for name, data in files.items() if name.startswith("photographs/"))
    assert np.asarray(Image.open(io.BytesIO(picture)))[:8].max() <= 8
    assert rows(files["table.csv"])[0]["age"] == "90"


def test_the_measured_age_wins_over_the_one_in_the_file(tmp_path: Path) -> None:
    write_cohort([(item(age=50.0), {"age": 61.5}), (item("b", age=50.0), {"age": math.nan})], tmp_path / "c")
    assert sorted(row["age"] for row in rows(contents(tmp_path / "c")["table.csv"])) == ["50", "61.5"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "a.zip").touch()
    (tmp_path / "empty").mkdir()
    for taken in ("full", "a.zip"):
        with pytest.raises(UsageError, match="nothing is overwritten"):
            write_cohort([], tmp_path / taken)
    assert write_cohort([], tmp_path / "empty").photographs == 0


@pytest.mark.parametrize("out", ["cohort", "cohort.zip"])
def test_an_export_that_fails_leaves_nothing_behind(tmp_path: Path, out: str) -> None:
    with pytest.raises(UsageError, match="the same name"):
        write_cohort([(item(), {}), (item(), {})], tmp_path / out)
    assert list(tmp_path.iterdir()) == []
