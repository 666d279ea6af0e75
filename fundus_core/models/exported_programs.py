"""Exported programs of torch: their weights as plain tensors; the program itself is not read, since that runs code."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fundus_core.errors import CardError

if TYPE_CHECKING:
    from torch import Tensor


_TYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 12: "bool",
    13: "bfloat16",
}  # fmt: skip
"""``torch._export.serde.schema.ScalarType``."""

_CONFIG, _LARGEST_CONFIG = "data/weights/model_weights_config.json", 32 * 2**20


def is_exported(path: Path) -> bool:
    """Whether a file is an exported program, whatever it is called."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(_CONFIG) for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False  # damaged: whoever reads it says so


def check_exported(path: Path) -> None:
    """Refuse an exported program whose table of weights is damaged."""
    _table(path)


def _table(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(one for one in archive.namelist() if one.endswith(_CONFIG))
            if archive.getinfo(name).file_size > _LARGEST_CONFIG:
                raise ValueError(name)
            table = json.loads(archive.read(name))["config"]
            if not isinstance(table, dict):
                raise ValueError(name)
            return name.removesuffix(_CONFIG), table
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, StopIteration, RecursionError) as why:
        raise CardError(
            "The exported program '{name}' is damaged ({why}); export it again.", name=path.name, why=why
        ) from why


def exported(path: Path) -> dict[str, Tensor]:
    """Return the tensors of an exported program by name; the program itself is not read, since that runs code.

    Raises:
        CardError: It is damaged, or holds other than plain tensors.
    """
    import torch

    root, table = _table(path)
    found: dict[str, Tensor] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, one in table.items():
                meta = one["tensor_meta"]
                size, stride = ([side["as_int"] for side in meta[key]] for key in ("sizes", "strides"))
                content = archive.read(f"{root}data/weights/{one['path_name']}")
                if one["use_pickle"] or not counts(size) or not counts(stride):
                    raise ValueError(name)
                flat = torch.frombuffer(bytearray(content), dtype=getattr(torch, _TYPES[meta["dtype"]]))
                if math.prod(size) > flat.numel():
                    raise ValueError(name)
                found[str(name)] = flat.as_strided(size, stride, meta["storage_offset"]["as_int"]).clone()
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, TypeError, RuntimeError) as why:
        raise CardError(
            "The weights in the exported program '{name}' are no plain tensors ({why}); export it again.",
            name=path.name,
            why=why,
        ) from why
    return found


def counts(values: object) -> bool:
    """Whether numbers can be a shape, a stride or an offset."""
    return isinstance(values, tuple | list) and all(type(one) is int and 0 <= one < 2**48 for one in values)
