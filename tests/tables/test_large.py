"""Large tables are read by columns: the same words, notes and faults as cell by cell, or not by columns at all."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundus_core.errors import TruthError
from fundus_core.tables import large, parse, read_table
from fundus_core.tables.table import Table, Told

HEADS = [
    ["photograph", "patient_id", "SBP (mmHg)", "site"],
    ["ファイル名", "患者ID", "収縮期血圧", "施設"],
    ["photograph", "SBP", "SBP", ""],
    ["a", "b", "c", "d"],
]
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "120", "121.5", "P1_R.jpg", "total", "平均", "NA", "'=1+1", "=1+1", "'0012", '="0012"', "1,5", "北"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
TABLES = st.tuples(
    st.sampled_from(HEADS),
    st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=9),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp932", "utf-16"]),
    st.sampled_from(["", "Study of 2020\n", "sep=;\n", "\n"]),
    st.sampled_from(["", "\n", "x\n", "total,,,\n"]),
)


def both_ways(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, bool]:
    """What is read by columns where it can be, cell by cell, and whether it was by columns."""
    seen = []
    found = large.read

    def watched(*given: Any) -> Any:
        seen.append(found(*given))
        return seen[-1]

    with monkeypatch.context() as patch:
        patch.setattr(large, "read", watched)
        patch.setattr(large, "LEAST", 0)
        by_columns = content(data)
        patch.setattr(large, "LEAST", len(data) * 9)
        by_cells = content(data)
    return by_columns, by_cells, bool(seen) and seen[0] is not None


def content(data: bytes) -> Any:
    """Everything that a table says, or why it is none."""
    try:
        table: Table = read_table(data, "t.csv")
    except TruthError as error:
        return str(error)
    faults = [astuple(fault) for fault in table.faults]
    columns = [words.tolist() for words in table.columns]
    return table.headings, columns, table.rows.tolist(), table.how, table.notes, faults


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLES)
def test_both_ways_say_the_same(monkeypatch: pytest.MonkeyPatch, given_: Any) -> None:
    head, rows, separator, end, encoding, above, below = given_
    text = above + "\n".join(separator.join(row) for row in [head, *rows]) + "\n" + below
    by_columns, by_cells, _ = both_ways(text.replace("\n", end).encode(encoding, "ignore"), monkeypatch)
    assert by_columns == by_cells


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("above", ["", "表1\n", "Study\nof 2020\n"])
def test_a_plain_table_is_read_by_columns(
    monkeypatch: pytest.MonkeyPatch, separator: str, encoding: str, above: str
) -> None:
    rows = [f"P{at}.jpg,{at // 2:04},{100 + at},北" for at in range(200)]
    rows[3:3] = [",,,", "photograph,patient_id,sbp,site", "合計,,20,", ",total,9,", "'=1,'0012, 99 ,"]
    text = above + "\n".join(["photograph,patient_id,sbp,site", *rows]).replace(",", separator) + "\n"
    by_columns, by_cells, told = both_ways(text.encode(encoding), monkeypatch)
    assert told
    assert by_columns == by_cells
    assert len(by_columns[2]) == 201
    assert [fault[3] for fault in by_columns[5]] == ["repeated_heading", *["summary_row"] * 2, "not_undone"]


@pytest.mark.parametrize("spoilt", ['P1.jpg,"a, b",120,x', "P1.jpg,7,120", "P1.jpg,7,120,x,y", "", "P1.jpg,7,\x00,x"])
def test_what_is_not_plain_is_read_cell_by_cell(monkeypatch: pytest.MonkeyPatch, spoilt: str) -> None:
    rows = [f"P{at}.jpg,{at},{100 + at},x" for at in range(200)]
    text = "\n".join(["photograph,patient_id,sbp,site", *rows[:150], spoilt, *rows[150:]])
    by_columns, by_cells, told = both_ways(text.encode(), monkeypatch)
    assert not told
    assert by_columns == by_cells


def test_what_the_reader_tells_of_a_column_is_what_anybody_would_find_in_it() -> None:
    """Attacked by cells that are one word only once they are stripped, by empty ones and by parts of the rows."""
    words = Told.of(["b", "a", "b", ""], np.array([0, 1, 2, 3, 1]))
    assert words.tolist() == ["b", "a", "b", "", "a"]
    for part in (words, words[::2], words[np.array([3, 1])], words.copy(), np.asarray(words, dtype=object)):
        found, codes = parse.distinct(part)
        assert found == list(dict.fromkeys(part.tolist()))
        assert [found[code] for code in codes] == part.tolist()


def test_a_large_table_is_told_of_as_any_reader_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LEAST", 0)
    rows = "".join(f"{name},{value},{site}\n" for name, value, site in zip("abcab", "12321", "xyxzz", strict=True))
    table = read_table(f"photograph,SBP,site\n{rows}".encode(), "t.csv")
    for words in table.columns:
        assert isinstance(words, Told)
        assert words.different is not None
        found, codes = parse.distinct(np.array(words.tolist(), dtype=object))
        assert (words.different[0], words.different[1].tolist()) == (found, codes.tolist())
