"""Photographs in object storage (``s3://bucket/folder``, ``gs://``), read by pyarrow, which comes with the dashboard.

Credentials, region and another endpoint are said as Amazon's own tools are told: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL``. Objects are taken not to change: unlike a file,
one that was replaced under its name counts as read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlencode, urlsplit

from fundus_core.errors import UsageError
from fundus_core.images.byte_sources import not_opened
from fundus_core.images.faults import MAX_BYTES, too_many_bytes
from fundus_core.images.formats import is_litter, may_be_companion
from fundus_core.records import Source

_ADDRESS = re.compile(r"(s3|gs):/+(.+)")
_FILE = re.compile(r"file:/+(.+)")


@dataclass(frozen=True, slots=True)
class ReadObject:
    """Reads one object."""

    address: str
    """As ``address_of`` returns it."""

    def __call__(self) -> bytes:
        """Return its bytes.

        Raises:
            PhotographError: ``missing_file``, ``unreadable`` or ``too_large``.
        """
        try:
            with _files(self.address).open_input_file(_key(self.address)) as file:
                if file.size() > MAX_BYTES:
                    raise too_many_bytes(file.size())
                return bytes(file.read())
        except OSError as error:
            raise not_opened(error if isinstance(error, FileNotFoundError) else OSError(0, _why(error))) from None


def address_of(path: Path | str) -> str:
    """Return the address of an object or a folder of objects, also where a path has swallowed a slash; else empty.

    >>> address_of(Path("s3://bucket/eyes")), address_of("/data/eyes")
    ('s3://bucket/eyes', '')
    """
    found = _ADDRESS.fullmatch(str(path))
    return f"{found[1]}://{found[2]}" if found else ""


def of_this_machine(path: Path) -> Path:
    """Return a path without the scheme ``file://``.

    >>> of_this_machine(Path("file:///data/eyes")) == Path("/data/eyes")
    True
    """
    found = _FILE.fullmatch(path.as_posix())
    return Path(f"/{found[1]}") if found else path


def objects(address: str) -> Iterator[Source]:
    """List the photographs below an address in the order of their names, or the one that it names.

    Raises:
        UsageError: There is nothing, or the storage does not answer.
    """
    from pyarrow.fs import FileSelector, FileType

    root = _key(address).rstrip("/")
    try:
        files = _files(address)
        there = files.get_file_info(root)
        found = [there] if there.type == FileType.File else files.get_file_info(FileSelector(root, recursive=True))
    except OSError as error:
        raise UsageError(
            "'{address}' could not be listed ({why}); check the address and the credentials.",
            address=address,
            why=_why(error),
        ) from error
    above = root.rpartition("/")[0] if there.type == FileType.File else root
    paths = sorted(one.path for one in found if one.type == FileType.File)
    scheme = address.partition("://")[0]
    names = ((path, path.removeprefix(f"{above}/")) for path in paths)
    return (object_at(f"{scheme}://{path}", name) for path, name in names if _is_wanted(name))


def object_at(address: str, name: str = "") -> Source:
    """Return one object as a source; under the last part of its address where it has no other name."""
    return Source(name or PurePosixPath(address).name, ReadObject(address), locator=address)


def _is_wanted(name: str) -> bool:
    return not any(map(is_litter, name.split("/"))) and not may_be_companion(name)


def _key(address: str) -> str:
    return address.partition("://")[2]


def _files(address: str) -> Any:
    return _of_bucket("/".join(address.split("/")[:3]))


@cache
def _of_bucket(bucket: str) -> Any:
    from pyarrow.fs import FileSystem

    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))  # pyarrow asks for it in the address
    asked = {"scheme": endpoint.scheme, "endpoint_override": endpoint.netloc}
    elsewhere = endpoint.netloc and bucket.startswith("s3:")
    return FileSystem.from_uri(f"{bucket}?{urlencode(asked)}" if elsewhere else bucket)[0]


def _why(error: OSError) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
