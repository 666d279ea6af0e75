"""Tables of very many rows written by columns with Arrow: byte for byte what ``write_csv`` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats
from fundus_core.tables.writing import as_csv, csv_lines, number

Cells = Any
"""A ``pyarrow.Array`` of text as it stands in the file; a ``pyarrow.Scalar`` where every row has the same."""

_NOT_PLAIN = '[=+\\-@＝＋－＠\t\r\n,"]'
"""Signs for which a spreadsheet may run a word, or which the file keeps between quotes."""


def cells(column: NDArray[Any] | str) -> Cells:
    """Return an array of n words or numbers, or one word of every row, as it stands in a file.

    >>> cells(np.array([1.0, np.nan, 1e-05])).to_pylist(), cells(np.array(["=1+1", "a,b"])).to_pylist()
    (['1.0', '', '1e-05'], ["'=1+1", '"a,b"'])
    """
    import pyarrow as pa

    if isinstance(column, str):
        return pa.scalar(_word(column), pa.large_string())
    return _numbers(column) if column.dtype.kind == "f" else _words(column)


def write_columns(path: Path, head: Sequence[str], parts: Iterable[Sequence[NDArray[Any] | Cells]]) -> None:
    """Write a table as ``write_csv`` does, some rows at a time: an array for each heading, or its cells already."""
    import pyarrow as pa
    from pyarrow import compute

    comma, end, nothing = (pa.scalar(sign, pa.large_string()) for sign in (",", "\r\n", ""))
    with path.open("wb") as stream:
        stream.write(as_csv(head, []).encode())
        for columns in parts:
            *others, last = (cells(one) if isinstance(one, np.ndarray) else one for one in columns)
            lines = compute.binary_join_element_wise(
                *others, compute.binary_join_element_wise(last, end, nothing), comma
            )
            stream.write(lines.buffers()[2] or b"")  # one line after another


def _word(cell: object) -> str:
    return csv_lines([[cell, ""]])[:-3]  # without the second, an empty one stands between quotes


def _words(column: NDArray[Any]) -> Cells:
    import pyarrow as pa
    from pyarrow import compute

    text = pa.array(column.tolist(), pa.large_string())
    return _but_for(text, compute.match_substring_regex(text, _NOT_PLAIN), text, _word)


def _numbers(column: Floats) -> Cells:
    """The shortest text that reads back; Arrow writes whole, small and large numbers otherwise than Python."""
    import pyarrow as pa
    from pyarrow import compute

    size = np.abs(column)
    other = (column == np.floor(column)) | (size < 1e-3) | (size >= 1e15) | np.isnan(column)
    values = pa.array(column)
    return _but_for(compute.cast(values, pa.large_string()), pa.array(other), values, number)


def _but_for(text: Cells, odd: Cells, values: Cells, write: Callable[[Any], str]) -> Cells:
    """Return cells, the odd ones as they are written by Python, each different one once."""
    import pyarrow as pa
    from pyarrow import compute

    some = compute.filter(values, odd)
    if not len(some):
        return text
    if pa.types.is_floating(some.type):  # 0.0 and -0.0 are no two words to Arrow
        some = pa.array(some.to_numpy(zero_copy_only=False).view(np.int64))
        write = _of_bits(write)
    different = some.dictionary_encode()
    written = pa.array([write(one) for one in different.dictionary.to_pylist()], pa.large_string())
    return compute.replace_with_mask(text, odd, written.take(different.indices))


def _of_bits(write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda bits: write(float(np.int64(bits).view(np.float64)))
