"""Search everything below a folder for names, however they are written and whatever they are wrapped in."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from fundus_core.deidentify.planted_names import Planted

_LEAST = 5
"""Bytes; a shorter pattern stands in any photograph by chance."""
_DEEPEST = 4
"""Wrappings within each other that are opened."""
_MOST = 1 << 28
"""Bytes that one wrapping may unpack to."""
_STREAM = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64,}={0,2}")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"RIFF", b"GIF8")
"""How the files of pictures begin."""
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp932", "euc_jp", "latin-1")


@dataclass(frozen=True, slots=True)
class Trace:
    """A name that was found."""

    where: str
    """Path below the folder, with what it was wrapped in behind ``!``."""
    written: str
    """How: ``utf-8``, ``base64``, ..., ``pixels``."""
    name: str
    """Which."""


def patterns(name: str) -> Mapping[bytes, str]:
    """Return the ways in which a name may be written, each with its word.

    >>> sorted(set(patterns("Quuxley").values()))
    ['base64', 'utf-16-be', 'utf-16-le', 'utf-8']
    """
    found: dict[bytes, str] = {}
    for text in dict.fromkeys((name, name.lower(), name.upper(), name.title())):
        for encoding in _ENCODINGS:
            try:
                data = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            found.setdefault(data, encoding)
            for cut in range(3):
                found.setdefault(_wrapped(data, cut), "base64")
        if not text.isascii():
            found.setdefault(quote(text).encode(), "percent")
            found.setdefault(quote(text).lower().encode(), "percent")
            found.setdefault(ascii(text)[1:-1].encode(), "escaped")
            found.setdefault("".join(f"&#{ord(sign)};" for sign in text).encode(), "escaped")
            found.setdefault("".join(f"&#x{ord(sign):x};" for sign in text).encode(), "escaped")
    return {data: word for data, word in found.items() if len(data) >= _LEAST}


def _wrapped(data: bytes, cut: int) -> bytes:
    """The part of a text in base64 that does not depend on its neighbours, where it begins ``cut`` bytes into three."""
    whole = base64.b64encode(b"\0" * cut + data)
    return whole[(cut * 8 + 5) // 6 : (cut + len(data)) * 8 // 6]


def search(
    folder: Path, names: Iterable[str], *, skip: Iterable[Path] = (), burned: Sequence[Planted] = ()
) -> tuple[int, list[Trace]]:
    """Search the names and bytes of all files below a folder; return how many were looked at, and what was found.

    ``skip`` is not looked at: the originals, the key. ``burned`` into pixels is searched in pictures of the same size.
    """
    wanted = [(pattern, word, name) for name in names for pattern, word in patterns(name).items()]
    left_out = tuple(skip)
    looked, found = 0, []
    for path in sorted(folder.rglob("*")):
        if any(path == one or one in path.parents for one in left_out):
            continue
        where = path.relative_to(folder).as_posix()
        found += _hits(f"{where} (its name)", path.name.encode("utf-8", "surrogateescape"), wanted)
        if path.is_file():
            looked += 1
            for inner, data in _layers(where, path.read_bytes(), 0):
                found += _hits(inner, data, wanted)
                found += _seen(inner, data, burned)
    return looked, found


def _hits(where: str, data: bytes, wanted: list[tuple[bytes, str, str]]) -> list[Trace]:
    return [Trace(where, word, name) for pattern, word, name in wanted if pattern in data]


def _seen(where: str, data: bytes, burned: Sequence[Planted]) -> list[Trace]:
    """The names that can still be seen in a picture."""
    if not burned or not data.startswith(_PICTURES):
        return []
    try:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return []
    return [Trace(where, "pixels", f"burned in, {one.where}") for one in burned if one.shown_in(pixels)]


def _layers(where: str, data: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    """The bytes, and those of everything that they wrap."""
    yield where, data
    if depth < _DEEPEST:
        for inner, inside in _unwrapped(data):
            yield from _layers(f"{where}!{inner}", inside, depth + 1)


def _unwrapped(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.startswith(b"PK") and zipfile.is_zipfile(io.BytesIO(data)):
        yield from _members(data)
        return
    yield from _inflated(data)
    for run in _BASE64.finditer(data):
        yield f"base64 at {run.start()}", binascii.a2b_base64(run[0][: len(run[0]) // 4 * 4])


def _inflated(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What zlib or gzip makes of the bytes from each place where a stream of theirs may begin."""
    for at in _STREAM.finditer(data):
        try:
            inside = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data[at.start() :], _MOST)
        except zlib.error:
            continue
        if len(inside) >= _LEAST:
            yield f"deflated at {at.start()}", inside


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield "list", "\n".join(archive.namelist()).encode("utf-8", "surrogateescape") + archive.comment
        for member in archive.infolist():
            if not member.is_dir() and member.file_size < _MOST:
                yield member.filename, archive.read(member)
