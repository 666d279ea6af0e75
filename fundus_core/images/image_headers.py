"""The size that a compressed picture claims inside itself: JPEG, JPEG-LS, JPEG 2000, WebP."""

from dataclasses import dataclass

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
