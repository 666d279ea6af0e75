"""Takes what a browser sends, from the connection to a file on disk, never into memory."""

import asyncio
import errno
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_BYTES = 4 * 1024**3
"""One file; a ZIP of a large cohort is the largest that makes sense."""
KEEP_FREE_BYTES = 1 * 1024**3
"""Space that an upload must leave free on the disk."""
CHECK_BYTES = 32 * 1024**2
"""The room is looked at anew whenever so much has arrived: many files may be on their way."""
SILENT_S = 120.0
"""A connection on which nothing arrives for so long is given up, and its part removed."""
FULL = "The disk is nearly full; free some space, then choose the files again."
CLOSED = "This upload is closed; reload the page and choose the files again."


class UploadError(Exception):
    """An upload that is not taken, with the HTTP status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Taken:
    """What arrived."""

    written: int
    """Bytes."""
    sha256: str
    """Of them."""


def check_room(folder: Path, size: int) -> None:
    """See to it that the disk has room for more bytes; an ``UploadError`` where it has not."""
    if shutil.disk_usage(folder).free - size < KEEP_FREE_BYTES:
        raise UploadError(507, FULL)


def too_large() -> UploadError:
    """Return the refusal of a file that is larger than any."""
    message = f"A file may have {MAX_FILE_BYTES // 1024**3} GB; split the ZIP or give a folder on this machine."
    return UploadError(413, message)


def not_written(error: OSError) -> UploadError:
    """Return the refusal that a fault of the disk comes to."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UploadError(507, FULL)
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return UploadError(404, CLOSED)
    return UploadError(500, "The file could not be written here; ask whoever runs the server to look at its disk.")


async def write(path: Path, size: int, stream: AsyncIterator[bytes]) -> Taken:
    """Write what arrives to a file.

    Args:
        path: Of the file.
        size: Bytes that the browser announced.
        stream: The body.

    Raises:
        UploadError: Other than that arrived, nothing arrives any more, or the disk is full.
        OSError: It cannot be written.
    """
    written, checked, digest = 0, 0, hashlib.sha256()
    with path.open("wb") as out:
        async for chunk in _awake(stream):
            written += len(chunk)
            if written > size:
                break
            if written - checked > CHECK_BYTES:
                check_room(path.parent, size - written)
                checked = written
            digest.update(chunk)
            out.write(chunk)
    if written != size:
        message = f"{written} of {size} bytes arrived."
        raise UploadError(400, message)
    return Taken(written, digest.hexdigest())


async def _awake(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give up a connection on which nothing comes any more."""
    chunks = aiter(stream)
    while True:
        try:
            yield await asyncio.wait_for(anext(chunks), SILENT_S)
        except StopAsyncIteration:
            return
        except TimeoutError as silent:
            message = f"Nothing has arrived for {SILENT_S:.0f} seconds; send the file again."
            raise UploadError(408, message) from silent
