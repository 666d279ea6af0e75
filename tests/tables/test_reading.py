from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fundus_core.errors import TruthError, UsageError
from fundus_core.truth import apply, load, propose, read_table

TEXT = "患者ID,収縮期血圧,拡張期血圧,血糖値,腹囲,備考\nA01,120,80,95,85.5,特記なし\nA02,１３０,85,101,90,\n"
ENCODINGS = ["utf-8", "utf-8-sig", "cp932", "euc_jp", "utf-16", "utf-16-le", "utf-16-be", "iso2022_jp", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_way_to_write_a_table_gives_the_same_table(encoding: str, separator: str, end: str) -> None:
    written = TEXT.replace(",", separator).replace("\n", end).encode(encoding)
    expected, found = read_table(TEXT.encode(), "x"), read_table(written, "x")
    assert found.headings == expected.headings
    assert [list(column) for column in found.columns] == [list(column) for column in expected.columns]
    assert found.rows.tolist() == [2, 3]


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
@pytest.mark.parametrize(
    "words",
    [
        "左右",
        "氏名",
        "撮影日",
        "血圧",
        "収縮期血圧",
        "ファイル名",
        "腹囲",
        "年齢",
        "性別",
        "空腹時血糖",
        "右",
        "東京都渋谷区",
        "髙橋﨑",
    ],
)
def test_one_japanese_word_is_enough(encoding: str, words: str) -> None:
    try:
        data = f"id,{words},SBP\n1,x,120\n".encode(encoding)
    except UnicodeEncodeError:
        pytest.skip(f"{encoding} has no way to write {words}")
    assert read_table(data, "x").headings == ("id", words, "SBP")


@pytest.mark.parametrize(
    "word",
    [
        "Größe",
        "Gewicht (kg) ±",
        "âge",
        "Système",
        "naïve",
        "façade",
        "température °C",
        "año",
        "Ångström",
        "Straße über",
    ],
)
def test_western_words_are_not_taken_for_japanese(word: str) -> None:
    data = f"id;{word};SBP\n1;x;120\n".encode("cp1252")
    assert read_table(data, "x").headings == ("id", word, "SBP")


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_one_broken_byte_spoils_one_cell(encoding: str) -> None:
    text = "患者ID,収縮期血圧,部署\n1,120,眼科\n2,130,内科\n3,131,外科\n"
    data = text.encode(encoding).replace("内科".encode(encoding), b"\xff\xff")
    truth = load(data, "x")
    np.testing.assert_array_equal(truth.values["sbp"], [120, 130, 131])
    assert truth.covariates["部署"].tolist()[::2] == ["眼科", "外科"]
    assert [(fault.row, fault.fault) for fault in truth.faults] == [(3, "unreadable")]


def test_a_file_cut_in_the_middle_of_a_letter() -> None:
    data = "患者ID,収縮期血圧,部署\n1,120,眼科\n2,130,内科\n".encode()[:-3]
    assert read_table(data, "x").headings == ("患者ID", "収縮期血圧", "部署")


def test_rows_in_quotation_marks_as_a_whole() -> None:
    truth = load(b'"photo,sbp"\n"a.jpg,120"\n"b.jpg,130"\n', "x")
    np.testing.assert_array_equal(truth.values["sbp"], [120, 130])
    assert [fault.fault for fault in truth.faults] == ["quoting"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"photo,sbp\n", "no rows"),
        (b"%PDF-1.4 ...", "a PDF document"),
        (b"<html><table><tr><td>SBP</td></tr></table></html>", "HTML or XML page"),
        (b"\xff\xd8\xff\xe0 jfif", "a JPEG photograph"),
        (b"\x89PNG\r\n\x1a\n....", "a PNG picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old"),
        (b"PK\x03\x04 nothing", "damaged ZIP"),
        (bytes(range(256)) * 20, "not text"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(TruthError, match=sentence):
        load(data, "file.csv")


def test_a_file_with_a_million_columns_is_refused_at_once() -> None:
    with pytest.raises(TruthError, match="2,000 are read"):
        load(b"1," * 100_000 + b"\n", "x")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        load("nowhere/at/all.csv")


def test_no_key_at_all() -> None:
    with pytest.raises(TruthError, match=r"no column names the photograph or the patient; the columns are SBP, DBP"):
        load(b"SBP,DBP\n120,80\n", "x.csv")


def test_predictions_are_not_taken_for_measured_values() -> None:
    heading = "photograph,sha256,patient_id,eye,status,sbp,sbp_low,sbp_high,model,weights_sha256,code_version"
    with pytest.raises(TruthError, match="predictions of a model"):
        load(f"{heading}\na.jpg,0,1,right,predicted,120,100,140,m,w,1\n".encode(), "predictions.csv")


def test_rows_keep_their_spreadsheet_numbers_past_blank_lines_and_line_breaks_in_cells() -> None:
    table = read_table(b'photo,sbp,note\n\na.jpg,120,"two\nlines"\n\nb.jpg,130,\n', "x")
    assert table.rows.tolist() == [3, 5]


def test_an_open_quote_does_not_swallow_the_rows_behind_it() -> None:
    rows = [f"p{i}.jpg,{100 + i},x" for i in range(50)]
    rows[10] = 'p10.jpg,110,"x'
    truth = load("\n".join(["photo,sbp,note", *rows]).encode(), "x")
    np.testing.assert_array_equal(truth.values["sbp"], [100 + i for i in range(50)])
    assert [(fault.row, fault.fault) for fault in truth.faults] == [(12, "quoting")]


def test_one_measurement_per_row_is_spread_out() -> None:
    rows = ["患者ID,項目,値,単位", "1,収縮期血圧,120,mmHg", "1,血糖値,5.5,mmol/L"]
    rows += ["2,収縮期血圧,130,mmHg", "2,血糖値,6.0,mmol/L", "2,腹囲,85,cm"]
    truth = load("\n".join(rows).encode(), "x")
    np.testing.assert_array_equal(truth.values["sbp"], [120, 130])
    np.testing.assert_allclose(truth.values["glucose"], [99.088, 108.096])
    np.testing.assert_array_equal(truth.values["waist"], [np.nan, 85])
    assert truth.patient_id.tolist() == ["1", "2"]
    assert truth.rows.tolist() == [2, 4]


def test_an_item_that_stands_twice_is_listed() -> None:
    text = "id,test,value\n1,SBP,120\n1,SBP,140\n1,DBP,80\n2,SBP,130\n2,DBP,85\n"
    truth = load(text.encode(), "x")
    np.testing.assert_array_equal(truth.values["sbp"], [np.nan, 130])
    assert [(fault.row, fault.fault) for fault in truth.faults] == [(3, "conflict")]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
@example(b"\x00")
@example(b'"')
@example(b"sep=")
@example(b"sep=,\n")
@example(b"\xff\xfe\x00")
@example(b"photo,SBP\na.jpg,\xe3\x81")
@example(b",,,\n,,,\n1,,,\n")
@example(b"id,age\n1,1e999\n2,1_0\n3,nan\n4,inf\n5,--5\n6,\xef\xbc\x8d5\n")
def test_any_bytes_are_a_table_or_a_truth_error(data: bytes) -> None:
    refusal = ""
    try:
        table = read_table(data, "x")
        proposal = propose(table)
        json.loads(proposal.to_json())
        apply(table, proposal.confirm())
    except TruthError as error:
        refusal = str(error)
    assert not refusal or len(refusal) > 20


CELLS = st.one_of(
    st.sampled_from(
        '120|80|5.5|-||NA|120 mmHg|1e5|右|M|1960/1/1|S35.1.1|a.jpg|"|1,5|99999999999|１２|120/80|+|0|2|元'.split("|")
    ),
    st.text(max_size=8),
)
HEADINGS = st.sampled_from(
    "photo|photo_R|photo_L|patient_id|eye|SBP|DBP|SBP_R|血糖値|waist (in)|身長|体重|BMI|age|生年月日"
    "|撮影日|性別|BP|MRN|氏名|site||SBP|item|value".split("|")
)
RANGES = {"sbp": (60, 260), "dbp": (30, 160), "glucose": (30, 600), "bmi": (10, 70), "age": (0, 120), "sex": (0, 1)}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_table_is_read_or_refused_and_never_gives_an_impossible_value(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 8))
    rows = [data.draw(st.lists(HEADINGS, min_size=width, max_size=width))]
    rows += data.draw(st.lists(st.lists(CELLS, min_size=0, max_size=width + 1), min_size=1, max_size=8))
    separator = data.draw(st.sampled_from(",;\t"))
    text = "\n".join(separator.join(row) for row in rows)
    try:
        table = read_table(text.encode("utf-8", "replace"), "x")
        truth = apply(table, propose(table).confirm())
    except TruthError:
        return
    for name, (low, high) in RANGES.items():
        if name in truth.values:
            finite = truth.values[name][np.isfinite(truth.values[name])]
            assert ((finite >= low) & (finite <= high)).all()
    assert len({len(truth), len(truth.photograph), len(truth.eye), *(len(v) for v in truth.values.values())}) == 1
