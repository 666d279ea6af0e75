"""What a torch file would call as it is loaded, told from its bytes alone, without torch: a look before the reading.

torch's own reader (``weights_only``) judges again; this one is quicker, and names what it found.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from fundus_core.errors import CardError

_TENSORS = re.compile(
    r"collections\.(OrderedDict|Counter)|torch\.\w+|torch\.(cuda|sparse|storage)\.\w+|torch\._utils\._rebuild_\w+|"
    r"torch\._tensor\._rebuild_from_type_v2|torch\.nn\.parameter\.Parameter|torch\.serialization\._get_layout|"
    r"_codecs\.encode|builtins\.(set|complex)|__builtin__\.(set|complex)"
)
"""What may be called by name: makers of tensors and of plain values, none of which takes a size that it believes."""
_OTHER_WAYS = ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX")
_LARGEST = 64 * 2**20


def check(path: Path) -> None:
    """Refuse a torch file that names anything but what tensors are made of, or unpacks to more than it is.

    Raises:
        CardError: As said, or it is damaged.
    """
    if not zipfile.is_zipfile(path):
        raise CardError(
            "The weights '{name}' are no file that torch writes today; a plain pickle would execute code "
            "to load and is not opened. Export the state dict, best as safetensors.",
            name=path.name,
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, archive)
            for member in archive.infolist():
                if member.filename.lower().endswith(".pkl"):
                    for name in _called(path, archive, member):
                        if not _TENSORS.fullmatch(name):
                            _refuse(path, name)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, ValueError) as why:
        raise CardError(
            "The weights '{name}' are damaged ({why}); obtain them again.", name=path.name, why=why
        ) from why


def _check_size(path: Path, archive: zipfile.ZipFile) -> None:
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > 2 * path.stat().st_size:  # torch packs nothing
        raise CardError(
            "The weights '{name}' unpack to {unpacked} MiB, and were not loaded; save them again.",
            name=path.name,
            unpacked=unpacked >> 20,
        )


def _called(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[str]:
    if member.file_size > _LARGEST:
        _refuse(path, f"{member.filename}, {member.file_size >> 20} MiB")
    for operation, argument, _ in pickletools.genops(archive.read(member)):
        if operation.name == "GLOBAL":
            yield str(argument).replace(" ", ".", 1)
        elif operation.name in _OTHER_WAYS:
            yield operation.name


def _refuse(path: Path, what: str) -> NoReturn:
    raise CardError(
        "The weights '{name}' hold Python objects that would execute code to load ({what}), and were "
        "not loaded; export the state dict, best as safetensors.",
        name=path.name,
        what=what[:80],
    )
