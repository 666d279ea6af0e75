from __future__ import annotations

import datetime as dt
import io
import pathlib
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fundus_core.errors import TruthError
from fundus_core.truth import apply, load, propose, read_table, sheet_names

Row = Sequence[Any]


def workbook(rows: Sequence[Row], change: Callable[[Any], None] | None = None, title: str = "Sheet") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


ROWS: list[Row] = [("患者ID", "収縮期血圧", "BMI", "性別"), ("0001", 120, 23.4, "男"), ("0002", 130.5, None, "女")]


def test_numbers_words_and_empty_cells() -> None:
    truth = load(workbook(ROWS), "x.xlsx")
    np.testing.assert_array_equal(truth.values["sbp"], [120, 130.5])
    np.testing.assert_array_equal(truth.values["bmi"], [23.4, np.nan])
    np.testing.assert_array_equal(truth.values["sex"], [0, 1])
    assert truth.rows.tolist() == [2, 3]


def test_a_workbook_and_its_csv_say_the_same() -> None:
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in ROWS)
    one, other = read_table(workbook(ROWS), "x"), read_table(text.encode(), "x")
    assert one.headings == other.headings
    assert [list(column) for column in one.columns] == [list(column) for column in other.columns]


def test_title_rows_and_merged_headings() -> None:
    rows: list[Row] = [
        ("2024年度 健診データ",),
        (),
        ("患者ID", "血圧", None, "腹囲"),
        (None, "収縮期", "拡張期", "(cm)"),
        ("1", 120, 80, 85),
        ("2", 999, 80, 85),
    ]

    def merge(book: Any) -> None:
        for area in ("A1:D1", "A3:A4", "B3:C3"):
            book.active.merge_cells(area)

    truth = load(workbook(rows, merge), "x.xlsx")
    np.testing.assert_array_equal(truth.values["sbp"], [120, np.nan])
    np.testing.assert_array_equal(truth.values["dbp"], [80, 80])
    np.testing.assert_array_equal(truth.values["waist"], [85, 85])
    assert [(fault.row, fault.fault) for fault in truth.faults] == [(6, "implausible")]


def test_a_patient_merged_over_two_eyes() -> None:
    rows: list[Row] = [
        ("患者ID", "左右", "SBP"),
        ("1", "右", 120),
        (None, "左", 121),
        ("2", "右", 130),
        (None, "左", 131),
    ]

    def merge(book: Any) -> None:
        book.active.merge_cells("A2:A3")
        book.active.merge_cells("A4:A5")

    assert load(workbook(rows, merge), "x.xlsx").patient_id.tolist() == ["1", "1", "2", "2"]


def test_dates_as_dates() -> None:
    rows: list[Row] = [("id", "DOB", "exam date", "SBP"), ("1", dt.datetime(1960, 4, 1), dt.date(2020, 4, 1), 120)]
    np.testing.assert_allclose(load(workbook(rows), "x.xlsx").values["age"], [60.0], atol=0.01)


def test_formulas_without_a_stored_result_are_listed() -> None:
    rows: list[Row] = [("id", "SBP", "BMI"), ("1", 120, "=70/1.7^2"), ("2", 130, 22)]
    truth = load(workbook(rows), "x.xlsx")
    np.testing.assert_array_equal(truth.values["bmi"], [np.nan, 22])
    assert [(fault.row, fault.column, fault.fault) for fault in truth.faults] == [(2, "C", "formula_without_value")]


def test_the_first_sheet_with_a_table_is_read_and_the_others_are_named() -> None:
    def cover(book: Any) -> None:
        sheet = book.create_sheet("説明", 0)
        sheet.append(["この表について"])
        sheet.append(["作成", "眼科"])
        book.create_sheet("empty", 0)

    data = workbook(ROWS, cover, "data")
    table = read_table(data, "x.xlsx")
    assert table.how == "sheet 'data'"
    assert "説明" in table.notes[0]
    assert sheet_names(data, "x.xlsx") == ("empty", "説明", "data")
    assert read_table(data, "x.xlsx", sheet="data").headings == table.headings
    with pytest.raises(TruthError, match=r"no sheet 'nowhere'; there are empty, 説明, data"):
        read_table(data, "x.xlsx", sheet="nowhere")


def test_a_hidden_sheet_is_not_taken_for_the_table() -> None:
    def hide(book: Any) -> None:
        sheet = book.create_sheet("lists", 0)
        sheet.append(["id", "SBP"])
        sheet.append(["9", 99])
        sheet.sheet_state = "hidden"

    np.testing.assert_array_equal(load(workbook(ROWS, hide), "x").values["sbp"], [120, 130.5])


def test_errors_of_a_spreadsheet_are_missing_or_listed() -> None:
    truth = load(workbook([("id", "SBP"), ("1", 120), ("2", "#N/A"), ("3", "#DIV/0!"), ("4", 130)]), "x")
    np.testing.assert_array_equal(truth.values["sbp"], [120, np.nan, np.nan, 130])
    assert [(fault.row, fault.fault) for fault in truth.faults] == [(4, "not_a_number")]


def with_part(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(old, new) if name == part else content)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_an_area_merged_over_the_whole_sheet_takes_no_time() -> None:
    def merge(book: Any) -> None:
        book.active.merge_cells("F9:G9")

    data = with_part(workbook(ROWS, merge), SHEET, b'ref="F9:G9"', b'ref="F9:XFD1048576"')
    np.testing.assert_array_equal(load(data, "x").values["sbp"], [120, 130.5])


def test_a_stray_cell_in_the_last_row_and_column_takes_no_time() -> None:
    far = b'<row r="9999"><c r="XFD9999" t="n"><v>1</v></c></row></sheetData>'
    with pytest.raises(TruthError, match="16,384 columns"):
        load(with_part(workbook(ROWS), SHEET, b"</sheetData>", far), "x")
    empty = with_part(workbook(ROWS), SHEET, b"</sheetData>", far.replace(b"<v>1</v>", b""))
    np.testing.assert_array_equal(load(empty, "x").values["sbp"], [120, 130.5])


def test_a_sheet_that_states_its_size_wrongly_is_read_whole() -> None:
    data = with_part(workbook(ROWS), SHEET, b'<dimension ref="A1:D3"', b'<dimension ref="A1"')
    np.testing.assert_array_equal(load(data, "x").values["sbp"], [120, 130.5])


def test_an_archive_that_is_no_workbook() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("photograph.jpg", b"x")
    with pytest.raises(TruthError, match="an archive, not an Excel workbook"):
        load(out.getvalue(), "x.xlsx")


GOOD = workbook(ROWS)


def refusal(data: bytes) -> str:
    try:
        table = read_table(data, "x.xlsx")
        apply(table, propose(table))
    except TruthError as error:
        return str(error)
    return ""


@settings(max_examples=60, deadline=None)
@example([(3504, 0)], 0)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=8), st.integers(0, len(GOOD)))
def test_a_damaged_workbook_is_a_table_or_a_truth_error(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(GOOD)
    for position, value in changes:
        data[position] = value
    data = data[: end if end % 3 else len(data)]
    assert not (said := refusal(bytes(data))) or len(said) > 20


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(zipfile.ZipFile(io.BytesIO(GOOD)).namelist()), st.integers(0, 3000), st.binary(max_size=20))
def test_damage_inside_the_archive_is_a_table_or_a_truth_error(part: str, at: int, junk: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            place = at % (len(content) + 1)
            target.writestr(
                name, content if name != part else content[:place] + junk + content[place + len(junk) * 2 :]
            )
    assert not (said := refusal(out.getvalue())) or len(said) > 20


def strict(data: bytes) -> bytes:
    """The same workbook under the names of Strict Open XML, as Excel's 'Strict Open XML Spreadsheet' writes it."""
    main, rels = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w") as written:
        for entry in given.infolist():
            words = given.read(entry).replace(main + b"spreadsheetml/2006/main", rels + b"spreadsheetml/main")
            written.writestr(entry, words.replace(main + b"officeDocument/2006/", rels + b"officeDocument/"))
    return out.getvalue()


@pytest.mark.parametrize("rows", [ROWS, [("id", "SBP"), (1, 120)], [("title",), (), ("患者ID", "BMI"), ("1", 22.5)]])
def test_strict_open_xml_is_named(rows: list[Row]) -> None:
    for read in (read_table, sheet_names):
        with pytest.raises(TruthError, match=r"is saved as Strict Open XML.*'Excel Workbook \(\*\.xlsx\)'"):
            read(strict(workbook(rows)), "theirs.xlsx")


@pytest.mark.parametrize("above", [["健診結果一覧"], ["Export of 2024-03-01", "(confidential)"], ["表1", "", "外来"]])
def test_lines_of_one_cell_above_the_heading_belong_to_nothing(above: list[str]) -> None:
    rows: list[Row] = [*((line,) for line in above), *ROWS]
    for data in (workbook(rows), "\n".join(",".join(str(c or "") for c in row) for row in rows).encode()):
        read = read_table(data, "x")
        assert read.headings == ROWS[0]
        assert any(f"row {len(above) + 1};" in note for note in read.notes)


@pytest.mark.parametrize("hidden", [(2,), (3, 4), (2, 3, 5)])
def test_hidden_rows_are_counted_and_read_only_on_request(hidden: tuple[int, ...]) -> None:
    def hide(book: Any) -> None:
        for row in hidden:
            book.active.row_dimensions[row].hidden = True

    rows: list[Row] = [("id", "SBP"), *((f"P{n}", 100 + n) for n in range(2, 7))]
    data = workbook(rows, hide)
    seen, every = read_table(data, "x"), read_table(data, "x", hidden_rows=True)
    assert (seen.hidden, every.hidden) == (len(hidden), len(hidden))
    assert set(seen.rows.tolist()) == set(range(2, 7)) - set(hidden)
    assert every.rows.tolist() == [*range(2, 7)]
    assert any(f"{len(hidden)} row" in note for note in seen.notes)


@pytest.mark.parametrize(
    ("style", "held", "shown"), [('"P"0000', 1, "P0001"), ("0000", 12, "0012"), ('"ID-"00"/A"', 7, "ID-07/A")]
)
def test_ids_are_those_that_are_shown(style: str, held: int, shown: str) -> None:
    def show(book: Any) -> None:
        book.active["A2"].number_format = style

    assert load(workbook([("id", "SBP"), (held, 120), (held + 1, 121)], show), "x").patient_id[0] == shown


CASES = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cases" / "tables"


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases handed over are not here")
def test_the_cases_that_were_handed_over() -> None:
    def read(name: str) -> Any:
        return load(CASES / name)

    assert read("a_number_format_prefix.xlsx").patient_id[:2].tolist() == ["P0001", "P0002"]
    assert len(read("b_hidden_rows.xlsx")) == 40
    assert np.isfinite(read("clinic_table.xlsx").values["sbp"]).sum() == 74
    assert read_table((CASES / "subtitle_above_heading.xlsx").read_bytes(), "x").rows[0] == 5
    assert np.isfinite(read("i_ddmonyy.csv").values["age"]).all()
