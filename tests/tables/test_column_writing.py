"""Columns are written byte for byte as rows are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core.tables import cells, write_columns, write_csv

WORDS = st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), max_size=6)
NUMBERS = st.lists(st.floats() | st.integers(-10, 10).map(float) | st.floats(-200, 200), max_size=30)
SIGNS = ["=1+1", " @x", "-5.2", "a,b", 'say "x"', "two\nlines", "\r", "", "'", "2020-01-01", "ﾞ＝1", "plain"]


@given(NUMBERS, WORDS, st.sampled_from(SIGNS))
def test_columns_are_written_as_rows_are(tmp_path_factory, numbers, words, same):
    folder = tmp_path_factory.mktemp("written")
    values = [one for one in numbers if not np.isinf(one)]
    texts = [([*SIGNS, *words] * (1 + len(values)))[at] for at in range(len(values))]
    write_csv(
        folder / "rows.csv", ["a,b", "n", "s"], ([text, value, same] for text, value in zip(texts, values, strict=True))
    )
    column = np.array(texts, dtype=object)
    for at, one in enumerate((column, cells(column))):
        write_columns(folder / f"{at}.csv", ["a,b", "n", "s"], [[one, np.array(values), cells(same)]] if values else [])
        assert (folder / f"{at}.csv").read_bytes() == (folder / "rows.csv").read_bytes()


@pytest.mark.parametrize("value", [0.0, -0.0, 64.0, 1e15, 1.5e15, 1e16, 1e-3, 1e-4, 9.9e-5, 5e-324, 0.1 + 0.2])
def test_a_number_is_written_as_python_writes_it(value):
    assert cells(np.array([value, 0.5, np.nan])).to_pylist() == [repr(value), "0.5", ""]
