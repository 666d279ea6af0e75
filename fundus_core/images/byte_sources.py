"""How the bytes of a source are fetched: small values that another process can be given."""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fundus_core.errors import PhotographError, say
from fundus_core.images.allowed_folders import Roots, opened
from fundus_core.images.faults import MAX_BYTES, Code, damaged, too_many_bytes, truncated
from fundus_core.images.formats import is_archive

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
