"""Which eye: names of many conventions, the disc where it is clear, and disagreements told."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core import eye, retina
from fundus_core.identity import eye_in_name, eyes_in_names
from fundus_core.records import Eye, Pixels

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
REAL = ROOT.parent / "shared" / "real_fundus"

RIGHT = [
    "img00208509_00_1R.jpg",
    "P0001_R.jpg",
    "IMG_0012_right_macula.png",
    "20190101-OD-2.tif",
    "patient 7 RE.jpg",
    "maculaOD.jpg",
    "1234_od.dcm",
    "RightEye_05.bmp",
    "site a/OD/0007.jpg",
    "photographs\\right\\0007.jpg",
    "0007_右眼.jpg",
    "0007_右.jpg",
    "0007_Ｒ.jpg",
    "R_0007.jpeg",
]
LEFT = [
    "img00208509_00_1L.jpg",
    "CHASEDB1_08L.png",
    "1_left.jpeg",
    "x-os.png",
    "10003_left.rev2.jpg",
    "LE 5.jpg",
    "left/0007.jpg",
    "左目0007.jpg",
    "OS1.jpg",
]
UNKNOWN = [
    "",
    "colour_original.png",
    "IDRiD_01.jpg",
    "retina.jpg",
    "leftover.jpg",
    "bright.jpg",
    "model_oscar.jpg",
    "0007.jpg",
    "left_right_montage.jpg",
    "R_and_L.jpg",
    "右京太郎_0007.jpg",
    "HRF_04_g.jpg",
    "20051020_43808_0100_PP.tif",
    "re/0007.jpg",
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_by_name(name: str) -> None:
    assert eye.from_name(name) is Eye.RIGHT


@pytest.mark.parametrize("name", LEFT)
def test_left_by_name(name: str) -> None:
    assert eye.from_name(name) is Eye.LEFT


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_by_name(name: str) -> None:
    assert eye.from_name(name) is Eye.UNKNOWN


def test_the_file_counts_before_its_folders_and_words_before_letters() -> None:
    assert eye.from_name("left/0007_OD.jpg") is Eye.RIGHT
    assert eye.from_name("0007_left_R2.jpg") is Eye.LEFT


@given(st.text(max_size=60))
def test_any_name_gets_an_answer(name: str) -> None:
    assert eye.from_name(name) in set(Eye)


def opened(path: Path) -> Pixels:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def side(pixels: Pixels) -> Eye:
    return eye.from_picture(pixels, retina.find(pixels))


def rendered() -> list[tuple[Pixels, Eye]]:
    with (SAMPLE / "truth.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if not row["defect"]][::14]
    return [(opened(SAMPLE / "photographs" / row["photograph"]), Eye(row["eye"])) for row in rows]


def test_the_disc_of_rendered_eyes_is_never_wrong_and_mostly_certain() -> None:
    answers = [(side(pixels), truth) for pixels, truth in rendered()]
    assert all(answer in {truth, Eye.UNKNOWN} for answer, truth in answers)
    assert sum(answer is truth for answer, truth in answers) >= 0.8 * len(answers)


@pytest.mark.parametrize("times", [0.6, 1.3, 3.0])
def test_the_disc_says_the_same_in_any_size(times: float) -> None:
    for pixels, _ in rendered()[:6]:
        width, height = (round(times * side) for side in pixels.shape[1::-1])
        resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if times < 1 else cv2.INTER_CUBIC)
        assert side(resized) is side(pixels)


def test_a_mirrored_eye_is_the_other_eye() -> None:
    pixels, truth = rendered()[0]
    mirrored = side(np.ascontiguousarray(pixels[:, ::-1]))
    assert {side(pixels), mirrored} == {Eye.LEFT, Eye.RIGHT}
    assert side(pixels) is truth


@pytest.mark.parametrize("level", [0, 90, 255])
def test_nothing_to_see_is_unknown(level: int) -> None:
    assert side(np.full((200, 300, 3), level, np.uint8)) is Eye.UNKNOWN


def test_real_eyes() -> None:
    if not REAL.exists():
        pytest.skip("The real photographs lie beside the project, not in it, and are absent here.")
    with (REAL / "manifest.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["class"] == "cfp"]
    sides = {"R": Eye.RIGHT, "L": Eye.LEFT}
    truths = [sides.get(row["eye_by_disc_position"], eye.from_name(row["file"])) for row in rows]
    pixels = [opened(REAL / row["file"]) for row in rows]
    answers = [(side(each), truth) for each, truth in zip(pixels, truths, strict=True)]
    known = [(answer, truth) for answer, truth in answers if truth is not Eye.UNKNOWN]
    assert all(answer in {truth, Eye.UNKNOWN} for answer, truth in known)
    assert sum(answer is truth for answer, truth in known) >= 0.75 * len(known)
    mirrored = [side(np.ascontiguousarray(each[:, ::-1])) for each in pixels]
    assert not any(one is other is not Eye.UNKNOWN for one, (other, _) in zip(mirrored, answers, strict=True))


def test_no_eye_is_told_where_nothing_looks_like_a_disc() -> None:
    pixels, _ = rendered()[0]
    bounds = retina.find(pixels)
    blurred = cv2.GaussianBlur(pixels, (0, 0), bounds.radius / 3)
    noisy = np.random.default_rng(5).integers(0, 12, pixels.shape) + blurred
    assert eye.from_picture(noisy.clip(0, 255).astype(np.uint8), bounds) is Eye.UNKNOWN


def test_nobody_knows() -> None:
    assert eye.decide() == eye.EyeDecision(Eye.UNKNOWN, "", "")


@pytest.mark.parametrize("source", ["table", "dicom", "name", "disc"])
def test_one_voice_is_believed(source: str) -> None:
    assert eye.decide(**{source: Eye.LEFT}) == eye.EyeDecision(Eye.LEFT, source, "")


def test_every_combination_follows_the_order_and_tells_each_disagreement() -> None:
    for table, dicom, name, disc in product(Eye, repeat=4):
        said = {"table": table, "dicom": dicom, "name": name, "disc": disc}
        known = [(source, value) for source, value in said.items() if value]
        decision = eye.decide(**said)
        assert (decision.source, decision.eye) == (known[0] if known else ("", Eye.UNKNOWN))
        assert bool(decision.note) == (len({value for _, value in known}) == 2)


def test_the_note_names_who_disagrees() -> None:
    note = eye.decide(dicom=Eye.RIGHT, name=Eye.LEFT, disc=Eye.LEFT).note
    assert note.startswith("Taken as the right eye, as the DICOM file says")
    assert "the file name and the optic disc and the vessels say left" in note


@given(st.text(st.one_of(st.sampled_from("0123456789RrLlODOSos右左眼_-. /"), st.characters(exclude_categories=["Cs"]))))
def test_names_of_one_shape_are_of_one_eye(name: str) -> None:
    assert eyes_in_names([name]) == [eye_in_name(name)]
