"""Cells of large files by Arrow, a column at a time: what the csv module reads, without an object for each cell."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core.records import Floats, Labels

Column = Any
"""A ``pyarrow.ChunkedArray``."""
_BLOCK = 1 << 22
_LONGEST = 131_072
"""Longer cells are no cells: the csv module's own limit."""


def read(
    source: Path | bytes, names: Sequence[str], *, separator: str = ",", quote: str = "", skip: int = 0,
    numbers: Collection[str] = (), different: Collection[str] = (),
) -> dict[str, Column] | None:  # fmt: skip
    """Return the columns of rows that all have as many cells as there are names; ``None`` where any row has not.

    Args:
        source: A file, or what one holds; UTF-8.
        names: One a column.
        separator: Of cells.
        quote: Around cells that hold the separator; none where empty.
        skip: Rows above the first one.
        numbers: Columns of plain numbers or nothing; ``None`` comes back where one of them holds anything else.
        different: Columns of words that hardly come twice.
    """
    import pyarrow as pa
    from pyarrow import csv

    few = pa.dictionary(pa.int32(), pa.string())
    kinds = {name: pa.float64() if name in numbers else pa.string() if name in different else few for name in names}
    try:
        table = csv.read_csv(
            pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source)),
            read_options=csv.ReadOptions(
                column_names=list(names), skip_rows=skip, use_threads=False, block_size=_BLOCK
            ),
            parse_options=csv.ParseOptions(
                delimiter=separator, quote_char=quote or False, newlines_in_values=bool(quote)
            ),
            convert_options=csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=False),
            memory_pool=pa.system_memory_pool(),
        )  # fmt: skip
    except pa.ArrowInvalid:
        return None
    columns = {name: table.column(name) for name in names}
    return None if any(map(_beyond, columns.values())) else columns


def give_back() -> None:
    """Hand memory back to the system that columns took and no longer need: glibc keeps what lies below what is used."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def column(cells: Sequence[str] | Floats) -> Column:
    """Return cells that were read otherwise as a column."""
    import pyarrow as pa

    return pa.chunked_array([cells])


def _beyond(column: Column) -> bool:
    """Whether a column holds what Arrow takes and the csv module, or Python, does not: a huge cell, ``nan(x)``."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_floating(column.type):
        return not compute.all(compute.is_finite(column), min_count=0).as_py()
    chunks = [one.dictionary if pa.types.is_dictionary(column.type) else one for one in column.chunks]
    return any((compute.max(compute.binary_length(one)).as_py() or 0) > _LONGEST for one in chunks)


def floats(column: Column) -> Floats:
    """Return a column of numbers, n; NaN where there is none."""
    return np.asarray(column.to_numpy(), dtype=np.float64)


def distinct(column: Column, changed: Callable[[str], str]) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Return the different words of a column as they are once ``changed``, and for each row the index of its word."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return list(map(changed, column.to_pylist())), np.arange(len(column))
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no rows
        return [], np.zeros(0, dtype=np.int32)
    return list(map(changed, whole.dictionary.to_pylist())), whole.indices.to_numpy()


def words(column: Column, changed: Callable[[str], str]) -> Labels:
    """Return a column of words, n, each as it is once ``changed``."""
    found, codes = distinct(column, changed)
    return np.array(found, dtype=np.str_)[codes] if len(codes) else np.array([], dtype=np.str_)


def sentences(column: Column, changed: Callable[[str], str]) -> Labels:
    """Return a column of few long words, n, each kept once."""
    found, codes = distinct(column, changed)
    return np.array(found, dtype=object)[codes] if len(codes) else np.array([], dtype=object)
