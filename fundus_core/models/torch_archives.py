"""Torch's files, of today (ZIP) and of before 1.6, and plain pickles: their content as inert values, tensors on demand.

Sources: ``torch/serialization.py`` (``_legacy_save``, ``_save``) and ``torch/_utils.py`` (the makers of tensors).
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np

from fundus_core.errors import CardError
from fundus_core.models import pickles
from fundus_core.models.exported_programs import counts
from fundus_core.models.pickles import Made, Name

if TYPE_CHECKING:
    from torch import Tensor

_MAGIC = 0x1950A86A20F9469CFC6C
_PLAIN = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_AROUND = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
_SUBCLASS = "torch._tensor._rebuild_from_type_v2"
_ARRAY = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
_OTHERS = ("_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_meta_tensor_no_storage", "_rebuild_nested_tensor")
_STORAGES: Mapping[str, tuple[str, int]] = {
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "DoubleStorage": ("float64", 8),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}
"""By torch's name of a storage: its type, and bytes of a number."""
_WIDTHS = dict(_STORAGES.values())


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that was read, its tensors not yet."""

    path: Path
    """Of the file."""
    content: object
    """What it holds, inert."""
    places: Mapping[str, tuple[int, int]]
    """By key of a storage: where its bytes begin, and how many; of a file of today from its directory."""

    def tensor(self, made: Made) -> Tensor:
        """Return one tensor.

        Raises:
            CardError: It is no plain array, or claims more than the file holds.
        """
        import torch  # seconds, which a look through the file does not need

        inner, said = _inner(made)
        if inner.kind in _ARRAY:
            return _from_numpy(inner, self.path)
        arguments = inner.arguments
        if inner.kind not in _PLAIN or len(arguments) < 4 or not isinstance(arguments[0], Made):
            self._refuse()
        storage, offset, size, stride = arguments[0].arguments, *arguments[1:4]
        dtype = getattr(torch, said or _dtype(storage), None)
        if (
            not isinstance(dtype, torch.dtype)
            or not all(map(counts, ((offset,), size, stride)))
            or len(size) != len(stride)
        ):
            self._refuse()
        flat = torch.frombuffer(bytearray(self._bytes(str(storage[2]))), dtype=dtype)
        reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
        if 0 in size:
            return torch.empty(size, dtype=dtype)
        if reach > flat.numel() or int(np.prod(size, dtype=object)) > flat.numel():
            self._refuse()
        return flat.as_strided(size, stride, offset).clone()

    def _bytes(self, key: str) -> bytes:
        if key not in self.places:
            self._refuse()
        start, count = self.places[key]
        with self.path.open("rb") as file:
            file.seek(start)
            content = file.read(count)
        if len(content) < count or not count:
            self._refuse()
        return content

    def _refuse(self) -> NoReturn:
        raise CardError(
            "A tensor in '{name}' is no plain array of numbers that the file holds (sparse, quantised or "
            "cut off); save the state dict of the trained network as plain tensors.",
            name=self.path.name,
        )


def is_tensor(value: object) -> bool:
    """Whether a value stands for a tensor or an array."""
    if not isinstance(value, Made):
        return False
    kind = _inner(value)[0].kind
    return kind in (*_PLAIN, *_ARRAY) or kind.rsplit(".", 1)[-1] in _OTHERS


def shape(value: Made) -> tuple[int, ...]:
    """Return the shape that a tensor claims."""
    inner = _inner(value)[0]
    state = inner.state
    said = state[1] if inner.kind in _ARRAY and isinstance(state, tuple) and len(state) == 5 else ()
    size = inner.arguments[2] if inner.kind in _PLAIN and len(inner.arguments) > 2 else said
    return tuple(size) if counts(size) else ()


def read(path: Path) -> Archive:
    """Read what a torch file or a pickle holds.

    Raises:
        CardError: It is damaged, holds more than a network needs, or was made to do harm.
    """
    try:
        return _zipped(path) if zipfile.is_zipfile(path) else _in_a_row(path)
    except (
        zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, StopIteration, ValueError, KeyError
    ) as why:  # fmt: skip
        raise pickles.damaged(path.name, why) from why


def check(path: Path) -> None:
    """Refuse a torch file that cannot be read, as ``read`` does; torch itself is not started for it."""
    read(path)


def _zipped(path: Path) -> Archive:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > 2 * path.stat().st_size:  # torch packs nothing
            raise CardError(
                "The weights '{name}' unpack to {unpacked} MiB, and were not loaded; save them again.",
                name=path.name,
                unpacked=unpacked >> 20,
            )
        name = next(member.filename for member in members if member.filename.endswith("data.pkl"))
        root = name.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder").strip() == b"big":
            raise CardError(
                "The weights '{name}' were written by a big-endian machine; save them as safetensors.", name=path.name
            )
        stored = [m for m in members if m.filename.startswith(f"{root}data/") and m.compress_type == zipfile.ZIP_STORED]
        with path.open("rb") as file:
            places = {m.filename.removeprefix(f"{root}data/"): (_begins(file, m), m.file_size) for m in stored}
        return Archive(path, pickles.read_bytes(archive.read(name), path.name), places)


def _begins(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind its local header, whose last four bytes count its name and extra."""
    file.seek(member.header_offset + 26)
    header = file.read(4)
    return member.header_offset + 30 + int.from_bytes(header[:2], "little") + int.from_bytes(header[2:], "little")


def _in_a_row(path: Path) -> Archive:
    """Before 1.6: magic number, version, system, content, keys, then each storage: its count, then its bytes."""
    with path.open("rb") as file:
        first = pickles.read(file, path.name)
        if first != _MAGIC:
            return Archive(path, first, {})
        pickles.read(file, path.name)
        pickles.read(file, path.name)
        content = pickles.read(file, path.name)
        keys = pickles.read(file, path.name)
        widths = _widths(content)
        places: dict[str, tuple[int, int]] = {}
        for key in keys if isinstance(keys, list) else []:
            count = int.from_bytes(file.read(8), "little")
            size = count * widths.get(str(key), 4)
            places[str(key)] = (file.tell(), size)
            file.seek(size, 1)
    return Archive(path, content, places)


def _widths(content: object) -> dict[str, int]:
    """Bytes of a number, by key of the storage."""
    found, waiting, seen = {}, [content], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        if isinstance(one, dict | list | tuple | Made):
            seen.add(id(one))
        if isinstance(one, Made) and one.kind == "storage" and (dtype := _dtype(one.arguments)):
            found[str(one.arguments[2])] = _WIDTHS[dtype]
        elif isinstance(one, Made):
            waiting += [*one.arguments, one.state, *one.items, *one.table.values()]
        elif isinstance(one, dict):
            waiting += list(one.values())
        elif isinstance(one, list | tuple):
            waiting += list(one)
    return found


def _inner(made: Made) -> tuple[Made, str]:
    """The maker of the plain tensor within parameters and subclasses, and the name of a type that was said apart."""
    for _ in range(8):
        arguments = made.arguments
        if made.kind in _AROUND and arguments and isinstance(arguments[0], Made):
            made = arguments[0]
        elif made.kind == _SUBCLASS and len(arguments) > 2 and isinstance(arguments[0], Name):
            made = Made(arguments[0].full, arguments[2] if isinstance(arguments[2], tuple) else ())
        else:
            break
    said = made.arguments[6] if made.kind.endswith("_v3") and len(made.arguments) > 6 else None
    return made, said.full.removeprefix("torch.") if isinstance(said, Name) else ""


def _dtype(storage: tuple[Any, ...]) -> str:
    kind = storage[1].full.rsplit(".", 1)[-1] if len(storage) > 4 and isinstance(storage[1], Name) else ""
    return _STORAGES.get(kind, ("", 0))[0]


def _from_numpy(made: Made, path: Path) -> Tensor:
    """An array as numpy pickles it: version, shape, type, order, bytes."""
    import torch

    state: Any = made.state
    try:
        size, kind, fortran, content = state[1:5]
        swapped = isinstance(kind.state, tuple) and kind.state[1] == ">"
        dtype = np.dtype(str(kind.arguments[0]))
        if dtype.hasobject:
            raise TypeError
        flat = np.frombuffer(content, dtype.newbyteorder(">") if swapped else dtype)
        array = flat.reshape(size, order="F" if fortran else "C")
        return torch.from_numpy(np.ascontiguousarray(array.astype(dtype)))
    except (TypeError, ValueError, AttributeError, IndexError) as why:
        raise CardError(
            "An array in '{name}' is no plain array of numbers; save the weights as safetensors.", name=path.name
        ) from why
