"""Results of evaluation as bytes and back: JSON for their shape, plain arrays beside it.

Only the classes that evaluation offers can come out of a file; an array of objects holds words, and goes in as such.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from fundus_core import evaluation
from fundus_core.errors import Sentence, as_json, from_json
from fundus_core.records import CohortTable, Rule
from fundus_core.targets import TARGETS, Target

_OFFERED = {name: kind for name, kind in vars(evaluation).items() if isinstance(kind, type) and is_dataclass(kind)}
KINDS: Mapping[str, type[Any]] = MappingProxyType({"CohortTable": CohortTable, "Rule": Rule, **_OFFERED})
"""Frozen dataclasses that may be packed: records, and those that evaluation offers."""

_BY_ID: Mapping[str, Callable[[str], Any]] = {"criterion": evaluation.criterion, "target": TARGETS.__getitem__}
"""What is the same wherever it is: kept by its id."""

_FEW = 255
"""A column of words that has no more different ones is kept as numbers of its words: a tenth of the size."""


_SOME = 5_000
"""The first of a column show that it has many words, before all of it is sorted."""


def pack(value: Any) -> bytes:
    """Return a result as bytes.

    It may hold numbers, words, sentences, arrays, tuples, lists, mappings, and :data:`KINDS`.

    Raises:
        TypeError: Anything else is inside.

    >>> unpack(pack({"mae": (1.5, None)}))
    {'mae': (1.5, None)}
    """
    out = io.BytesIO()
    write(out, value)
    return out.getvalue()


def write(out: IO[bytes], value: Any) -> None:
    """As :func:`pack`, into a file: one array after another, never all of them in memory again."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = _shape(value, arrays)
    np.savez(out, allow_pickle=False, tree=np.frombuffer(json.dumps(tree).encode(), dtype=np.uint8), **arrays)


def unpack(data: bytes | Path) -> Any:
    """Return what was packed, from bytes or from a file.

    Raises:
        ValueError: The bytes are none of :func:`pack`; also ``KeyError``, ``TypeError`` and ``BadZipFile``.
    """
    with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as raw, np.load(raw) as file:
        arrays = {name: file[name] for name in file.files}
    return _value(json.loads(arrays["tree"].tobytes()), arrays)


def _shape(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, Sentence):
        return {"sentence": as_json(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return {"array": _put(value, arrays), "sentences": value.dtype.kind == "O"}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [_shape(each, arrays) for each in value]}
    if isinstance(value, Mapping):
        return {**_mapped(value, arrays), "fixed": isinstance(value, MappingProxyType)}
    if isinstance(value, evaluation.Criterion | Target):
        return {type(value).__name__.lower(): value.id}
    kind = type(value).__name__
    if KINDS.get(kind) is not type(value):
        message = f"A {kind} cannot be packed; list it among the kinds."
        raise TypeError(message)
    return {"kind": kind, "fields": [_shape(getattr(value, field.name), arrays) for field in fields(value)]}


def _mapped(value: Mapping[Any, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    if all(isinstance(key, str) for key in value):
        return {"mapping": {key: _shape(each, arrays) for key, each in value.items()}}
    return {"pairs": _shape(tuple(value.items()), arrays)}


def _put(column: np.ndarray[Any, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> list[str]:
    """Keep an array; return its name, or the names of its words and of their numbers."""
    name = f"a{len(arrays)}"
    if column.dtype.kind in "UO" and len(column) > _FEW and len(evaluation.distinct(column[:_SOME], _FEW)) <= _FEW:
        words, numbers = np.unique(column, return_inverse=True)
        if len(words) <= _FEW:
            arrays[name], arrays[f"{name}n"] = words.astype(np.str_), numbers.astype(np.uint8)
            return [name, f"{name}n"]
    arrays[name] = column.astype(np.str_) if column.dtype.kind == "O" else column
    return [name]


def _value(tree: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        words, *numbers = (arrays[name] for name in tree["array"])
        words = words.astype(object) if tree.get("sentences") else words
        return words[numbers[0]] if numbers else words
    if "mapping" in tree:
        found = {key: _value(each, arrays) for key, each in tree["mapping"].items()}
        return MappingProxyType(found) if tree["fixed"] else found
    if "pairs" in tree:
        pairs = dict(_value(tree["pairs"], arrays))
        return MappingProxyType(pairs) if tree["fixed"] else pairs
    if "sentence" in tree:
        return from_json(tree["sentence"])
    if "kind" in tree:
        return KINDS[tree["kind"]](*(_value(each, arrays) for each in tree["fields"]))
    (name, items), *_ = tree.items()
    if name in _BY_ID:
        return _BY_ID[name](items)
    return {"tuple": tuple, "list": list}[name](_value(each, arrays) for each in items)
