"""How the bytes of a source are fetched, object storage's too: small values that another process can be given."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

from fundus_core.errors import PhotographError, UsageError, say
from fundus_core.images.allowed_folders import Roots, opened
from fundus_core.images.faults import MAX_BYTES, Code, damaged, too_many_bytes, truncated
from fundus_core.images.formats import is_archive, is_litter, may_be_companion
from fundus_core.records import Source

_ZIP = "ZIP"
_LOCAL_HEADER = b"PK\x03\x04"
_LOCAL_HEADER_BYTES = 30
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Reads one file."""

    path: Path
    """Where it lies."""
    roots: Roots = ()
    """Folders that it must lie below, wherever links lead."""

    def __call__(self) -> bytes:
        """Return its bytes.

        Raises:
            PhotographError: ``missing_file``, ``unreadable``, ``unsafe_path`` or ``too_large``.
        """
        try:
            with opened(self.path, self.roots) as file:
                size = os.fstat(file.fileno()).st_size
                if size > MAX_BYTES:
                    raise too_many_bytes(size)
                return file.read()
        except OSError as error:
            raise not_opened(error) from None
        except ValueError:  # a path from a list may hold a zero byte
            raise not_opened(FileNotFoundError()) from None


@dataclass(frozen=True, slots=True)
class ReadMember:
    """Reads one member of a ZIP archive straight from where it lies, however many others there are.

    ``zipfile`` would read the whole directory of the archive again for each of its members.
    """

    path: Path
    """Of the archive."""
    offset: int
    """Where the member's own header begins."""
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes once unpacked."""
    method: int
    """0 stored, 8 deflated (APPNOTE.TXT 4.4.5)."""
    crc: int
    """CRC-32 of the unpacked bytes."""
    roots: Roots = ()
    """Folders that the archive must lie below, wherever links lead."""

    def __call__(self) -> bytes:
        """Return the unpacked bytes.

        Raises:
            PhotographError: ``missing_file``, ``unreadable``, ``unsafe_path``, ``damaged``, ``truncated``,
                ``nested_archive``.
        """
        try:
            with opened(self.path, self.roots) as file:
                packed = self._packed(file)
        except OSError as error:
            raise not_opened(error) from None
        data = packed if self.method == _STORED else _inflate(packed, self.size)
        if len(data) != self.size or zlib.crc32(data) != self.crc:
            raise damaged(_ZIP)
        if is_archive(data):
            raise PhotographError(
                Code.NESTED_ARCHIVE, "The archive holds another archive; unpack the inner one and add it by itself."
            )
        return data

    def _packed(self, file: BinaryIO) -> bytes:
        file.seek(self.offset)
        header = file.read(_LOCAL_HEADER_BYTES)
        if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(_LOCAL_HEADER):
            raise damaged(_ZIP)
        name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        file.seek(name + extra, 1)
        packed = file.read(self.packed)
        if len(packed) < self.packed:
            raise truncated(_ZIP, "it ends within this photograph")
        return packed


@dataclass(frozen=True, slots=True)
class Refuse:
    """Stands for a file that is not read, and says why."""

    code: Code
    """The reason."""
    message: str
    """The reason as a sentence."""

    def __call__(self) -> bytes:
        """Raise the reason.

        Raises:
            PhotographError: Always.
        """
        raise PhotographError(self.code, self.message)


def not_opened(error: OSError) -> PhotographError:
    """Return the error for a file that the system does not let us open."""
    if isinstance(error, FileNotFoundError):
        return PhotographError(
            Code.MISSING_FILE, "There is no file at this path; correct the path, or put the file there."
        )
    why = error.strerror or type(error).__name__
    return PhotographError(
        Code.UNREADABLE, "The file could not be opened ({why}); check that it may be read.", why=say(why)
    )


def _inflate(packed: bytes, size: int) -> bytes:
    """Unpack at most one byte more than was promised: a bomb stops here."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error as error:
        raise damaged(_ZIP, error) from None


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
