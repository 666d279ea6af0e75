"""What Pillow reads before any pixel: size, orientation, and which kinds of metadata there are."""

from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import ExifTags
from PIL.ImageFile import ImageFile

from fundus_core.images.faults import DAMAGE, unsupported
from fundus_core.records import Eye, Pixels

_Kind = TypeVar("_Kind", bound=ImageFile)

_UNUSUAL = "pixels of an unusual layout"
_AS_RGB = "Export it in RGB with 8 or 16 bits a channel."
_DROPPED = {
    "exif": "EXIF",
    "icc_profile": "colour profile",
    "xmp": "XMP",
    "XML:com.adobe.xmp": "XMP",
    "photoshop": "IPTC",
    "comment": "comment",
    "mp": "further pictures",
}


def open_header(kind: type[_Kind], data: bytes) -> _Kind:
    """Open a file as the format that its content says, reading nothing but the header.

    ``PIL.Image.open`` would warn about size before we can refuse it, and try formats that we do not allow.

    Raises:
        PhotographError: ``unsupported``.
        DAMAGE: What Pillow raises on a broken header.
    """
    try:
        return kind(BytesIO(data))
    except SyntaxError as error:
        if "unknown pixel mode" not in str(error):
            raise
        raise unsupported(kind.format or "", _UNUSUAL, _AS_RGB) from None


def orientation_of(header: ImageFile) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        found = header.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGE:
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror pixels (height x width x channels) as the EXIF orientation 1 to 8 says (CIPA DC-008, tag 274).

    >>> upright(np.arange(6).reshape(2, 3, 1), 6)[:, :, 0].tolist()
    [[3, 0], [4, 1], [5, 2]]
    """
    if orientation > 4:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def dropped_from(header: ImageFile) -> tuple[str, ...]:
    """Name the kinds of metadata in a file, never their values nor the keys that its writer chose."""
    kinds = {_DROPPED[key] for key in header.info if key in _DROPPED}
    worded = any(isinstance(value, str) for key, value in header.info.items() if key not in _DROPPED)
    if worded and header.format != "TIFF":
        kinds.add("text")
    if header.format == "TIFF":
        kinds.add("TIFF tags")
    return tuple(sorted(kinds))


_JPEG = b"\xff\xd8"
_RIFF = b"RIFF"
_JPEG_2000 = b"\xff\x4f\xff\x51"
_NOT_A_FRAME = frozenset({0xC4, 0xC8, 0xCC})  # Huffman tables, reserved, arithmetic conditioning
_FRAMES = frozenset(range(0xC0, 0xD0)) - _NOT_A_FRAME | {0xF7}  # 0xF7: JPEG-LS
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the header of a JPEG (ITU-T T.81, T.87), JPEG 2000 (T.800) or WebP (RFC 9649).

    ``None`` where the bytes are none of these, or end before they say.
    """
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data[:4] == _RIFF:
        return _webp(data[:30])
    # Some writers wrap the codestream in the boxes of a JP2 file.
    at = data.find(_JPEG_2000)
    return _jpeg_2000(data[at : at + 24]) if at >= 0 else None


@dataclass(frozen=True, slots=True)
class Samples:
    """How a compressed picture says that its samples are stored."""

    bits: int
    """A channel."""
    channels: int
    """1 or more."""


def claimed_samples(data: bytes) -> Samples | None:
    """Return bits and channels from the header of a JPEG or JPEG 2000; ``None`` as in ``claimed_size``."""
    if data.startswith(_JPEG):
        at = _frame_at(data)
        return None if at is None else Samples(data[at + 4], data[at + 9])
    at = data.find(_JPEG_2000)
    head = data[at : at + 43] if at >= 0 else b""
    return Samples((head[42] & 0x7F) + 1, int.from_bytes(head[40:42], "big")) if len(head) == 43 else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = _frame_at(data)
    if at is None:
        return None
    height, width = _numbers(data[at + 5 : at + 9], 2)
    return width, height


def _frame_at(data: bytes) -> int | None:
    """Where the header of a JPEG's frame begins, marker included."""
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            return at
        if marker == 0xFF:
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _jpeg_2000(data: bytes) -> tuple[int, int] | None:
    """Extent less offset of the image on its reference grid (T.800, A.5.1)."""
    if len(data) < 24:
        return None
    right, bottom, left, top = _numbers(data[8:24], 4)
    return right - left, bottom - top


def _webp(head: bytes) -> tuple[int, int] | None:
    """Of the canvas where there is one, else of the lossy or lossless frame."""
    chunk, body = head[12:16], head[20:]
    if len(body) < 10:
        return None
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return (width, height) if chunk == b"VP8 " else None


def _numbers(data: bytes, size: int) -> list[int]:
    return [int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size)]


@dataclass(frozen=True, slots=True)
class Found:
    """The content of one file, before it gets its name."""

    pixels: Pixels
    """Height x width x 3, RGB, 0..255, upright."""
    width: int
    """Of the upright photograph in the file."""
    height: int
    """Of the upright photograph in the file."""
    single_channel: bool = False
    """Whether the file held one channel of grey."""
    notes: tuple[str, ...] = ()
    """What the reader had to do, as sentences."""
    dropped: tuple[str, ...] = ()
    """Kinds of metadata that went no further."""
    eye: Eye = Eye.UNKNOWN
    """As the file says."""
    patient_id: str = ""
    """Pseudonym of the id in the file."""
    age: float = float("nan")
    """Whole years, as the file says."""
    visit: str = ""
    """Day of the examination as year-month-day, as the file says."""
