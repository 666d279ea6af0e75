"""predictions.csv: the columns others script against, and every float read back as it was."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core.errors import UsageError
from fundus_core.pipeline.tables import number, prediction_columns, read_predictions, write_predictions
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
        ("", "needed are 'photograph'"),
    ],
)
def test_what_is_no_predictions_file_is_told_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        read_predictions(tmp_path / "p.csv")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00photograph")
    with pytest.raises(UsageError, match="could not be read as a CSV file"):
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
