"""Nothing of a person leaves the house: not by name, tag, id, table or surround."""

from __future__ import annotations

import csv
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from fundus_core.__main__ import main
from fundus_core.deidentify import Pseudonyms
from fundus_core.pipeline import deidentify_files
from fundus_core.synthetic import synthesise

PERSON = "YAMADA"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made")
    synthesise(2, 5, made, size=320)
    out = tmp_path_factory.mktemp("named")
    for number, path in enumerate(sorted((made / "photographs").iterdir())):
        picture = Image.open(path)
        wide = Image.new("RGB", (picture.width + 200, picture.height))
        wide.paste(picture, (0, 0))
        wide.paste((255, 255, 255), (picture.width + 40, 20, picture.width + 160, 60))  # where a name would stand
        tags = PngInfo()
        tags.add_text("Patient", PERSON)
        wide.save(out / f"{PERSON}_{number}_{path.stem[-1]}.png", pnginfo=tags)
    (out / f"{PERSON}_letter.jpg").write_bytes(b"Dear " + PERSON.encode())
    return out


def test_no_name_survives_and_the_surround_is_black(photographs: Path, tmp_path: Path) -> None:
    rows = [(path.name, f"{PERSON} {path.name[7]}", "120") for path in sorted(photographs.glob("*.png"))]
    with (tmp_path / "truth.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("photograph", "patient_id", "sbp"), *rows])
    out = tmp_path / "registry.zip"
    counts = deidentify_files([photographs], out, Pseudonyms(b"k" * 32), measured=tmp_path / "truth.csv")
    assert (counts.done, counts.failed) == (4, 1)
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert PERSON.encode() not in data
            assert PERSON not in name
            if name.endswith(".png"):
                pixels = np.asarray(Image.open(BytesIO(data)))
                assert not pixels[20:60, -160:-40].any()
        table = archive.read("table.csv").decode("utf-8-sig")
    assert table.count("\n") == 5
    assert "120" in table
    left = (tmp_path / "registry_left_behind.csv").read_text(encoding="utf-8")
    assert "failed" in left
    assert PERSON not in left


def test_one_person_keeps_one_pseudonym(photographs: Path, tmp_path: Path) -> None:
    rows = [
        (path.name, "one" if number < 2 else "two") for number, path in enumerate(sorted(photographs.glob("*.png")))
    ]
    with (tmp_path / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("path", "patient_id"), *((str(photographs / name), who) for name, who in rows)])
    deidentify_files([tmp_path / "manifest.csv"], tmp_path / "out", Pseudonyms(b"k" * 32))
    with (tmp_path / "out" / "table.csv").open(encoding="utf-8-sig") as stream:
        patients = [row["patient"] for row in csv.DictReader(stream)]
    assert len(set(patients)) == 2
    assert "one" not in patients


def test_without_a_key_nothing_is_written(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deidentify", str(photographs), "--out", str(tmp_path / "out")]) == 2
    assert "needs a key" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def written_on(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """One eye with a name over the retina, and one without."""
    made, out = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("written")
    synthesise(1, 5, made, size=512)
    first, second = sorted((made / "photographs").iterdir())
    picture = Image.open(first)
    stencil = Image.new("L", picture.size)
    ImageDraw.Draw(stencil).text((150, 310), f"{PERSON} TARO", fill=255, font=ImageFont.load_default(26))
    picture.paste((255, 255, 255), mask=stencil)
    picture.save(out / "first.png")
    Image.open(second).save(out / "second.png")
    return out, np.asarray(stencil) > 128


@pytest.mark.parametrize(
    ("writing", "done", "status", "outcome"),
    [("refuse", 1, 1, "left_behind"), ("blackout", 2, 0, "blacked_out"), ("keep", 2, 0, "kept")],
)
def test_writing_over_the_retina_stays_behind_is_black_or_kept_as_was_chosen(
    written_on: tuple[Path, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    writing: str,
    done: int,
    status: int,
    outcome: str,
) -> None:
    """By the command line: the place is listed; every stroke is black, or nothing of the photograph leaves."""
    folder, strokes = written_on
    out = tmp_path / "out"
    call = ["deidentify", str(folder), "--out", str(out), "--pseudonym-key", str(tmp_path / "key")]
    assert main([*call, *([] if writing == "refuse" else ["--writing", writing])]) == status
    assert "Writing over the retina was found" in "".join(capsys.readouterr())
    with (tmp_path / "out_writing.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    y, x = np.nonzero(strokes)
    assert row["outcome"] == outcome
    assert int(row["x_px"]) <= x.min() <= x.max() <= int(row["x_px"]) + int(row["width_px"])
    assert int(row["y_px"]) <= y.min() <= y.max() <= int(row["y_px"]) + int(row["height_px"])
    files = sorted((out / "photographs").iterdir())
    marked = [path for path in files if path.stem == row["photograph"]]
    assert (len(files), len(marked)) == (done, done - 1)
    for path in marked:
        assert np.asarray(Image.open(path))[strokes].any() == (writing == "keep")
    listed = tmp_path / "out_left_behind.csv"
    assert (listed.is_file() and "burned_in_writing" in listed.read_text(encoding="utf-8")) == (writing == "refuse")
    assert ("writing over the retina" in (out / "audit.csv").read_text(encoding="utf-8-sig")) == (writing == "blackout")
