"""predictions.csv: the columns others script against, and every float read back as it was."""

from __future__ import annotations

import csv
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core.errors import FundusError, TruthError
from fundus_core.pipeline import predictions_reader
from fundus_core.pipeline.predictions_reader import read_predictions
from fundus_core.pipeline.tables import number, prediction_columns, write_predictions
from fundus_core.records import Eye, Prediction, Reading, Status

HEAD = "photograph,sha256,patient_id,eye,status,reason_code,reason,quality,out_of_distribution"


def reading(name: str, status: Status = Status.PREDICTED, **predictions: Prediction) -> Reading:
    refused = status is not Status.PREDICTED
    return Reading(
        photograph=name,
        sha256="ab" * 32,
        patient_id="P1",
        eye=Eye.RIGHT,
        status=status,
        reason_code="focus" if refused else "",
        reason='Found "blur", commas, and 日本語' if refused else "",
        quality=0.5,
        out_of_distribution=math.nan,
        model="m",
        weights_sha256="cd" * 32,
        code_version="1",
        predictions=predictions,
    )


def test_columns_stand_in_the_order_that_was_promised(tmp_path: Path) -> None:
    write_predictions(tmp_path / "p.csv", [], ["sbp", "sex"])
    line = (tmp_path / "p.csv").read_text(encoding="utf-8").strip()
    assert line == HEAD + ",sbp,sbp_low,sbp_high,sex,sex_low,sex_high,model,weights_sha256,code_version"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    made = [
        reading("a/b.jpg", sbp=Prediction(1 / 3, 0.1, math.nan)),
        reading("c.jpg", Status.REFUSED),
    ]
    write_predictions(tmp_path / "p.csv", made, ["sbp"])
    back = read_predictions(tmp_path / "p.csv")
    assert (back.model, back.weights_sha256) == ("m", "cd" * 32)
    assert back.table.predicted["sbp"][0] == 1 / 3
    assert math.isnan(back.table.predicted["sbp"][1])
    assert back.table.status.tolist() == ["predicted", "refused"]
    assert back.table.reason[1] == made[1].reason
    assert back.reason_code.tolist() == ["", "focus"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_digit(value: float) -> None:
    assert float(number(value)) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,sbp\nx,1\n", "needed are 'photograph'"),
        ("photograph,height\nx,1\n", "needed are 'photograph'"),
        ("photograph,sbp\nx,high\n", "row 2, column 'sbp': found 'high'"),
        ("", "is empty"),
        ("photograph,sbp,status\nx,121,guessed\ny,122,refused\n", "found 'guessed'; allowed are accepted"),
        ("photograph,glucose\nx,5.4 mmHg\n", "found '5.4 mmHg', a number is needed"),
    ],
)
def test_what_is_no_predictions_file_is_told_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FundusError, match=told):
        read_predictions(tmp_path / "p.csv")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00photograph")
    with pytest.raises(TruthError, match="says that it is utf-16"):
        read_predictions(tmp_path / "p.csv")


def test_a_handwritten_file_needs_little(tmp_path: Path) -> None:
    with (tmp_path / "p.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["photograph", "bmi"], ["a.jpg", "22.5"], ["b.jpg", ""]])
    table = read_predictions(tmp_path / "p.csv").table
    assert table.status.tolist() == ["predicted", "predicted"]
    assert table.predicted["bmi"][0] == 22.5
    assert "sbp" not in table.predicted


def test_every_target_brings_three_columns() -> None:
    assert len(prediction_columns(["sbp", "dbp"])) == 9 + 6 + 3


def again(readings: list[Reading], tmp_path: Path) -> list[list[str]]:
    """Rows of a file of ours, to be saved again by another program."""
    write_predictions(tmp_path / "ours.csv", readings, ["sbp"])
    with (tmp_path / "ours.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize("encoding", ["cp932", "utf-16", "utf-8-sig", "euc_jp"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_saved_again_by_excel_is_the_same_file(tmp_path: Path, encoding: str, separator: str) -> None:
    made = [reading(f"山田{i}_R.jpg", sbp=Prediction(100.5 + i, 90.0, 120.25)) for i in range(3)]
    with (tmp_path / "p.csv").open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=separator).writerows(again(made, tmp_path))
    ours, back = (read_predictions(tmp_path / name) for name in ("ours.csv", "p.csv"))
    assert [one.photograph for one in back.readings()] == [one.photograph for one in made]
    assert repr(back.readings()) == repr(ours.readings())


def test_a_workbook_of_predictions(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in again([reading("a.jpg", sbp=Prediction(120.5, 100.0, 140.0))], tmp_path):
        book.active.append(row)
    book.save(tmp_path / "p.xlsx")
    back, ours = (read_predictions(tmp_path / name).readings() for name in ("p.xlsx", "ours.csv"))
    assert repr(back) == repr(ours)


@pytest.mark.parametrize(
    ("word", "eye"), [("R", "right"), ("OS", "left"), ("右", "right"), ("左眼", "left"), ("OU", "")]
)
def test_the_eye_is_read_as_everywhere(tmp_path: Path, word: str, eye: str) -> None:
    (tmp_path / "p.csv").write_text(f"photograph,eye,sbp\na.jpg,{word},120\n", encoding="utf-8")
    assert read_predictions(tmp_path / "p.csv").table.eye.tolist() == [eye]


def test_a_word_that_is_no_eye_is_said(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("photograph,eye,sbp\na.jpg,middle,120\n", encoding="utf-8")
    (note,) = read_predictions(tmp_path / "p.csv").notes
    assert "'middle'" in note


@pytest.mark.parametrize("word", ["NA", "nan", "NULL", "none"])
def test_an_id_like_na_is_an_id_until_it_stands_for_many(tmp_path: Path, word: str) -> None:
    def people(*ids: str) -> tuple[list[str], tuple[str, ...]]:
        rows = "".join(f"{at}.jpg,{who},120\n" for at, who in enumerate(ids))
        (tmp_path / "p.csv").write_text(f"photograph,patient_id,sbp\n{rows}", encoding="utf-8")
        found = read_predictions(tmp_path / "p.csv")
        return found.table.patient_id.tolist(), found.notes

    assert people(word, word, "A", "A") == ([word, word, "A", "A"], ())
    ids, notes = people(*[word] * 5, "A", "A")
    assert ids == [*[""] * 5, "A", "A"]
    assert notes[0].startswith(f"'{word}' stands in 5 rows as the patient")


def test_rows_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("photograph,sbp\na.jpg,120\nb.jpg,1,2\nc.jpg,130\n", encoding="utf-8")
    found = read_predictions(tmp_path / "p.csv")
    assert found.table.photograph.tolist() == ["a.jpg", "c.jpg"]
    assert any(note.startswith("Row 3:") for note in found.notes)


def test_a_decimal_comma_is_no_thousand(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("Photograph;SBP\na.jpg;120,5\nb.jpg;N/A\n", encoding="utf-8")
    np.testing.assert_array_equal(read_predictions(tmp_path / "p.csv").table.predicted["sbp"], [120.5, np.nan])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=8), max_size=5))
def test_ids_and_names_of_ours_come_back_letter_by_letter(words: list[str]) -> None:
    """An id behind an apostrophe, with blanks, quotes or signs is somebody's; none may become another's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.csv"
        made = [replace(reading(word), patient_id=f"P{word}") for word in words]
        write_predictions(path, made, ["sbp"])
        back = read_predictions(path).table
    assert back.photograph.tolist() == words
    assert back.patient_id.tolist() == [f"P{word}" for word in words]


WORDS = [
    "",
    "120",
    "1.",
    ".5",
    "+1",
    "-3",
    "1e5",
    "1E-5",
    "nan",
    "NaN",
    "inf",
    "-inf",
    " 7 ",
    "1_0",
    "nan(1)",
    "0x1",
    "x",
]


@given(st.lists(st.tuples(st.text("a'\"=,\n é", max_size=4), st.sampled_from(WORDS)), min_size=1, max_size=6))
def test_ours_by_columns_is_ours_cell_by_cell(rows: list[tuple[str, str]]) -> None:
    head = prediction_columns(["sbp"])

    def told(path: Path) -> str:
        found = predictions_reader._ours(path)
        return "" if found is None else repr((found.readings(), found.model, found.sha256.tolist()))

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "p.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([head])
            csv.writer(stream).writerows(
                [word, "", word, "left", "predicted", "", word, "", cell, cell, "", "", word, "", ""]
                for word, cell in rows
            )
        by_columns = told(path)
        patch.setattr(predictions_reader, "_columns", lambda *_: None)
        assert told(path) == by_columns
