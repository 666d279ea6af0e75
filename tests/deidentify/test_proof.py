"""The proof must be able to fail: names are planted where they hide, found there, and found again when one leaks."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from fundus_core.deidentify import Names, planted, search
from fundus_core.pipeline import prove_deidentification

NAMES = Names("Qzbrxvtkwm", "鷹匠蘭丸")
PIXELS = np.full((64, 64, 3), 90, np.uint8)
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda name: name.encode(),
    "upper": lambda name: name.upper().encode(),
    "lower": lambda name: name.lower().encode(),
    "utf-16-le": lambda name: name.encode("utf-16-le"),
    "utf-16-be": lambda name: name.encode("utf-16-be"),
    "cp932": lambda name: name.encode("cp932"),
    "percent": lambda name: quote(name).encode(),
    "json": lambda name: json.dumps(name).encode(),
    **{f"base64, {n}": lambda name, n=n: base64.b64encode(b"x" * n + name.encode() + b"yy") for n in range(3)},
    "base64 of utf-16": lambda name: base64.b64encode(name.encode("utf-16-le")),
    "zlib": lambda name: b"head" + zlib.compress(b"." * 40 + name.encode()) + b"tail",
    "gzip": lambda name: gzip.compress(name.encode()),
    "zlib within base64": lambda name: base64.b64encode(zlib.compress(name.encode() + bytes(range(256)))),
}


@pytest.mark.parametrize("name", NAMES.all)
@pytest.mark.parametrize("way", WRITTEN)
def test_a_name_is_found_however_it_is_written(way: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before " + WRITTEN[way](name) + b" after")
    assert {trace.name for trace in search(tmp_path, NAMES.all)[1]} == {name}


def test_a_name_is_found_in_archives_and_in_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "deck.pptx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ppt/slide1.xml", f"<a descr='{NAMES.kanji}'/>")
    (tmp_path / NAMES.latin).mkdir()
    found = search(tmp_path, NAMES.all)[1]
    assert {trace.where for trace in found} == {"deck.pptx!ppt/slide1.xml", f"{NAMES.latin} (its name)"}


def test_what_names_nobody_is_clean_and_what_is_skipped_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(np.random.default_rng(1).bytes(200_000))
    (tmp_path / "skipped").mkdir()
    (tmp_path / "skipped" / "original").write_text(NAMES.latin)
    assert search(tmp_path, NAMES.all, skip=[tmp_path / "skipped"]) == (1, [])


@pytest.mark.parametrize("number", range(4))
def test_every_format_carries_the_names(number: int, tmp_path: Path) -> None:
    path = planted(PIXELS, NAMES, tmp_path, number).path
    shutil.move(path, tmp_path / "plain")
    inside = [trace for trace in search(tmp_path, NAMES.all)[1] if trace.where.startswith("plain")]
    assert {trace.name for trace in inside} == set(NAMES.all)


@pytest.mark.parametrize("number", range(3))
def test_a_name_in_pixels_is_seen_until_it_is_black(number: int, tmp_path: Path) -> None:
    """The planted picture itself trips the search, within an archive too; the same without the name does not."""
    big = np.full((300, 320, 3), (180, 90, 40), np.uint8)
    one = planted(big, NAMES, tmp_path / "originals", number)
    pixels = np.asarray(Image.open(one.path).convert("RGB"))
    clean = pixels.copy()
    clean[one.glyphs] = 0
    for name, picture in (("leak", pixels), ("clean", clean)):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / "F-1.png")
        with zipfile.ZipFile(tmp_path / name / "export.zip", "w") as archive:
            archive.write(tmp_path / "F-1.png", "photographs/F-1.png")
    found = search(tmp_path / "leak", NAMES.all, burned=[one])[1]
    assert [(trace.where, trace.written) for trace in found] == [("export.zip!photographs/F-1.png", "pixels")]
    assert not search(tmp_path / "clean", NAMES.all, burned=[one])[1]


def test_a_leak_fails_the_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is broken on purpose: a verb that writes an original beside the results, and one that stops."""

    def leak(verb: list[str], folder: Path) -> int:
        (folder / "written").mkdir(exist_ok=True)
        original = next((folder / "originals").rglob("*.jpg"))
        shutil.copy(original, folder / "written" / "F-1.jpg")
        return 2 if verb[0] == "evaluate" else 0

    monkeypatch.setattr(prove_deidentification, "_run", leak)
    monkeypatch.setattr(prove_deidentification, "_pixels", lambda *_: [PIXELS, PIXELS])
    proof = prove_deidentification.prove([], tmp_path)
    assert not proof.passed
    assert proof.found
    assert proof.failed == ("evaluate",)
    assert json.loads((tmp_path / "proof.json").read_text(encoding="utf-8"))["passed"] is False
    assert "NOT PASSED" in (tmp_path / "proof.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_whole_path_lets_no_name_through(tmp_path: Path) -> None:
    proof = prove_deidentification.prove([], tmp_path)
    assert proof.passed, proof.as_text()
