from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core.tables import dates, parse

FULL_WIDTH = str.maketrans("0123456789.-", "０１２３４５６７８９．－")


@given(st.floats(-1e6, 1e6, allow_nan=False))
def test_a_number_is_read_however_it_is_written(value: float) -> None:
    plain = f"{value:.4f}"
    expected = float(plain)
    for written in (plain, plain.translate(FULL_WIDTH), f" {plain} ", f"{plain} mmHg", f"{plain}*"):
        assert parse.number(written).value == expected
    assert parse.number(plain.replace(".", ","), ",").value == expected


@given(st.floats(0, 1e9, allow_nan=False), st.sampled_from([".", ","]))
def test_thousands_are_no_decimals(value: float, decimal: str) -> None:
    written = f"{value:,.2f}"
    if decimal == ",":
        written = written.translate(str.maketrans(",.", ".,"))
    assert parse.number(written, decimal).value == pytest.approx(float(f"{value:.2f}"))


@given(st.text(max_size=12))
def test_any_word_is_a_finite_number_missing_or_a_problem(word: str) -> None:
    read = parse.number(word)
    assert math.isfinite(read.value) != bool(read.problem or parse.is_missing(word))


@settings(deadline=None)
@given(st.lists(st.text(max_size=6) | st.sampled_from(["1", "2.5", "1e3", "x", "", "inf", "１"]), max_size=20))
def test_a_column_is_read_as_its_cells_are(words: list[str]) -> None:
    values, others = parse.numbers(words)
    expected = [parse.number(word).value for word in words]
    np.testing.assert_array_equal(values, np.array(expected, dtype=np.float64))
    assert all(parse.number(words[at]) == read for at, read in others.items())


@pytest.mark.parametrize(
    "word", ["inf", "nan", "1_000", "0x10", "1e999", "--5", "1.2.3", "12O", "1,2,3", "一二", "five"]
)
def test_what_only_looks_like_a_number_is_none(word: str) -> None:
    assert not math.isfinite(parse.number(word).value)


@pytest.mark.parametrize(
    ("words", "mark"),
    [
        (["5,4", "6"], ","),
        (["1,234", "12.5"], "."),
        (["1,234.5"], "."),
        (["1.234,5"], ","),
        (["23,451", "19,200"], ","),
        (["120", "130"], "."),
        (["0,5"], ","),
        ([], "."),
    ],
)
def test_the_decimal_mark_of_a_column(words: list[str], mark: str) -> None:
    assert parse.decimal_mark(words) == mark


@pytest.mark.parametrize(
    "word",
    [
        *("1960-04-01", "1960/4/1", "1960.04.01", "1960年4月1日", "19600401", "昭和35年4月1日", "S35.4.1", "s35/04/01"),
        *("1.4.1960", "01/04/1960", "1960-04-01 00:00:00", "1960-04-01T12:30", "22007", "１９６０年４月１日"),
    ],
)
def test_one_day_in_many_ways(word: str) -> None:
    assert dates.date(word) == dt.date(1960, 4, 1)


@given(st.dates(dt.date(1900, 3, 1), dt.date(2100, 1, 1)))
def test_dates_come_back(day: dt.date) -> None:
    assert dates.date(day.isoformat()) == day
    assert dates.date(f"{day:%Y/%m/%d}") == day
    assert dates.date(f"{day.day}.{day.month}.{day.year}") == day
    assert dates.date(f"{day:%m/%d/%Y}", month_first=True) == day


@pytest.mark.parametrize(
    "word", ["", "1960", "1960-13-01", "31.2.2000", "S35", "yesterday", "99999999", "令和0年1月1日"]
)
def test_what_is_no_date(word: str) -> None:
    assert dates.date(word) is None


def test_first_years_of_eras() -> None:
    assert dates.date("令和元年5月1日") == dt.date(2019, 5, 1)
    assert dates.date("H1.1.8") == dt.date(1989, 1, 8)
    assert dates.date("昭和64年1月7日") == dt.date(1989, 1, 7)
    assert dates.date("大正15年12月1日") == dt.date(1926, 12, 1)
    assert dates.date("明治45年7月1日") == dt.date(1912, 7, 1)


@pytest.mark.parametrize("word", ["1-Apr-60", "01 Apr 1960", "April 1, 1960", "1/APR/60", "1.Apr.1960"])
def test_a_months_name_is_read(word: str) -> None:
    assert dates.date(word) == dt.date(1960, 4, 1)


@pytest.mark.parametrize("word", ["1-Apr-20", "1-Avr-60", "31-Feb-60", "1-Apr-960"])
def test_what_could_be_another_day_is_not(word: str) -> None:
    assert dates.date(word) is None
