"""Why a file is not read: stable codes, and sentences that say found, allowed and what to do."""

import struct
import zlib
from enum import StrEnum

import cv2
from PIL.Image import DecompressionBombError

from fundus_core.errors import PhotographError, say

MAX_BYTES = 300_000_000
"""Of one file: more than an uncompressed 16-bit photograph of 48 megapixels, less than a laptop's memory."""

MAX_PIXELS = 80_000_000
"""Of one photograph: nearly twice what the largest fundus cameras write (about 45 megapixels)."""

MAX_RATIO = 200
"""Unpacked bytes per packed byte of an archive's member; photographs compress far less."""

RATIO_FREE_BYTES = 40_000_000
"""Members that unpack to less than this are harmless at any ratio (an empty bitmap of a camera's size)."""

MAX_MISSING_ROWS = 0.15
"""Share of rows that a cut-off JPEG may lack and still be read, with a note."""


class Code(StrEnum):
    """The reason in one word, as it stands in every export."""

    EMPTY_FILE = "empty_file"
    NOT_A_PHOTOGRAPH = "not_a_photograph"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    """The system did not let us open it."""
    MISSING_FILE = "missing_file"
    """A manifest names it, and it is not there."""
    ENCRYPTED = "encrypted"
    NESTED_ARCHIVE = "nested_archive"
    UNSAFE_PATH = "unsafe_path"
    """Its name in an archive points outside the archive, or it lies outside the folders that may be read."""


DAMAGE = (
    OSError,  # Pillow, on a decoder that gives up
    SyntaxError,  # Pillow, on a broken header
    ValueError,  # numpy, simplejpeg, pydicom, the limits inside Pillow
    LookupError,  # a table in the file points outside itself
    TypeError,  # a tag holds another type than the format says
    AttributeError,  # pydicom, where an element that must exist does not
    OverflowError,  # a size in the header fits no integer
    ZeroDivisionError,  # a resolution of 1/0
    RuntimeError,  # the codecs behind pydicom, WebP, recursion without end
    EOFError,
    struct.error,
    DecompressionBombError,  # Pillow, on a size that it finds within the content
    cv2.error,
    zlib.error,
)
"""What the libraries raise on a damaged file, found by damaging files; anything else is a fault of ours.

pydicom's own errors are in ``dicom_facts``: to import it takes longer than to read a photograph of another kind.
"""

_CUT_WORDS = ("truncated", "less than expected")  # Pillow, pydicom
_AGAIN = "Copy or export it again from where it came."


def too_many_pixels(width: int, height: int) -> PhotographError:
    """Return the error for a header that claims more pixels than are read."""
    return PhotographError(
        Code.TOO_LARGE,
        "The header claims {width:,} x {height:,} pixels; at most {max_pixels:,.0f} million are "
        "read. Reduce the photograph, or check whether the file is damaged.",
        width=width,
        height=height,
        max_pixels=MAX_PIXELS / 1e6,
    )


def too_many_bytes(count: int) -> PhotographError:
    """Return the error for a file of more bytes than are read."""
    return PhotographError(
        Code.TOO_LARGE,
        "The file holds {count:,.0f} MB; at most {max_bytes:,.0f} MB are read as a photograph. "
        "Export it in a smaller format.",
        count=count / 1e6,
        max_bytes=MAX_BYTES / 1e6,
    )


def damaged(kind: str, error: BaseException | None = None) -> PhotographError:
    """Return the error for a file of that kind that cannot be decoded: ``truncated``, ``too_large`` or ``damaged``."""
    if isinstance(error, EOFError) or any(word in str(error).lower() for word in _CUT_WORDS):
        return truncated(kind, "its end is missing")
    if isinstance(error, DecompressionBombError):
        return PhotographError(
            Code.TOO_LARGE,
            "The {kind} file holds more than the {max_pixels:,.0f} million pixels that are read. Reduce it.",
            kind=say(kind),
            max_pixels=MAX_PIXELS / 1e6,
        )
    return PhotographError(
        Code.DAMAGED,
        "The {kind} file is damaged: its content cannot be decoded. {again}",
        kind=say(kind),
        again=say(_AGAIN),
    )


def out_of_memory(kind: str) -> PhotographError:
    """Return the error for a file that is within the limits, on a machine that has no room for it now."""
    return PhotographError(
        Code.TOO_LARGE,
        "There was not enough memory to read the {kind} file. Close other programs, or reduce the photograph.",
        kind=say(kind),
    )


def truncated(kind: str, missing: str) -> PhotographError:
    """Return the error for a file that stops too early."""
    return PhotographError(
        Code.TRUNCATED,
        "The {kind} file was cut off: {missing}. {again}",
        kind=say(kind),
        missing=say(missing),
        again=say(_AGAIN),
    )


def unsupported(kind: str, what: str, todo: str) -> PhotographError:
    """Return the error for a sound file in a variant that is not read."""
    return PhotographError(
        Code.UNSUPPORTED,
        "The {kind} file holds {what}, which is not read. {todo}",
        kind=say(kind),
        what=say(what),
        todo=say(todo),
    )


def check_size(width: int, height: int, kind: str) -> None:
    """Refuse a photograph by the size that its header claims, before anything is unpacked.

    Raises:
        PhotographError: ``too_large`` or ``damaged``.
    """
    if width <= 0 or height <= 0:
        raise damaged(kind)
    if width * height > MAX_PIXELS:
        raise too_many_pixels(width, height)
