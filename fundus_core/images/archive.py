"""Photographs in a ZIP archive, read without unpacking it to disk."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fundus_core.errors import PhotographError, say
from fundus_core.images.allowed_folders import Roots, opened
from fundus_core.images.byte_sources import ReadMember, Refuse
from fundus_core.images.faults import DAMAGE, MAX_BYTES, MAX_RATIO, RATIO_FREE_BYTES, Code, too_many_bytes
from fundus_core.images.formats import HEAD_BYTES, is_litter, may_be_companion, photograph_format
from fundus_core.records import Source

BETWEEN = "::"
"""Stands in a locator between the path of an archive and the name of a member."""
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_JAPANESE = ((0x3041, 0x30FF), (0x4E00, 0x9FFF))  # kana; kanji


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    """With forward slashes, harmless, different from every other name in the archive."""
    read: ReadMember | Refuse
    """Returns its bytes, or says why not."""


@dataclass(frozen=True, slots=True)
class _Archive:
    """Where an archive lies, and the folders that it must lie below."""

    path: Path
    roots: tuple[Path, ...]


def members(archive: Path, roots: Roots = ()) -> Iterator[Source]:
    """List the photographs of an archive; one that cannot be opened is one source that says so."""
    where = archive.resolve()
    for member in _index(where, tuple(roots), *_version(where)).values():
        yield Source(member.name, member.read, locator=f"{where}{BETWEEN}{member.name}")


def member_at(archive: Path, name: str, roots: Roots = ()) -> Member | None:
    """Return the member of that name, ``None`` where there is none."""
    return _index(archive, tuple(roots), *_version(archive)).get(name)


def _version(archive: Path) -> tuple[int, int]:
    try:
        found = archive.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=2)
def _index(archive: Path, roots: tuple[Path, ...], _modified: int, _size: int) -> Mapping[str, Member]:
    """Every member by name. Kept for the archive in use, for its directory is read as a whole."""
    try:
        with opened(archive, roots) as file, zipfile.ZipFile(file) as listed:
            found = [member for info in listed.infolist() if (member := _member(_Archive(archive, roots), info))]
    except PhotographError as outside:
        found = [Member(archive.name, Refuse(Code(outside.code), str(outside)))]
    except (zipfile.BadZipFile, *DAMAGE):
        message = "The ZIP archive cannot be opened: it is cut off or damaged. Copy it again from where it came."
        found = [Member(archive.name, Refuse(Code.DAMAGED, message))]
    return _by_unique_name(sorted(found, key=lambda member: member.name))


def _by_unique_name(found: list[Member]) -> dict[str, Member]:
    """An archive may hold two files of one name; each must be told apart."""
    named: dict[str, Member] = {}
    for member in found:
        name, count = member.name, 1
        while name in named:
            count += 1
            name = f"{member.name} ({count})"
        named[name] = Member(name, member.read)
    return named


def _member(archive: _Archive, info: zipfile.ZipInfo) -> Member | None:
    """``None`` for folders, litter and companions."""
    raw = _decoded(info).replace("\\", "/")
    parts = [part for part in raw.split("/") if part not in {"", "."}]
    if raw.endswith("/") or not parts or any(is_litter(part) for part in parts if part != ".."):
        return None
    name = "/".join(part for part in parts if part != "..") or "unnamed"
    read = _reader(archive, info, is_unsafe=raw.startswith("/") or ".." in parts or raw[1:2] == ":")
    if may_be_companion(name) and not _is_photograph(read):
        return None
    return Member(name, read)


def _reader(archive: _Archive, info: zipfile.ZipInfo, *, is_unsafe: bool) -> ReadMember | Refuse:
    size, packed = info.file_size, info.compress_size
    if is_unsafe:
        message = "Its name in the archive points outside the archive; pack it again from within its folder."
        return Refuse(Code.UNSAFE_PATH, message)
    if info.flag_bits & _ENCRYPTED_FLAG:
        message = "The archive is locked with a password, which is not asked for here; unpack it first."
        return Refuse(Code.ENCRYPTED, message)
    if size > MAX_BYTES:
        return Refuse(Code.TOO_LARGE, str(too_many_bytes(size)))
    if size > RATIO_FREE_BYTES and size > MAX_RATIO * packed:
        message = say(
            "It would unpack to {size:,.0f} MB from {packed:.3g} MB, over {max_ratio} times; no "
            "photograph does. Check where the archive comes from.",
            size=size / 1e6,
            packed=packed / 1e6,
            max_ratio=MAX_RATIO,
        )
        return Refuse(Code.TOO_LARGE, message)
    if info.compress_type not in _METHODS:
        message = "It is packed by an uncommon method; pack the archive again with the usual one (Deflate)."
        return Refuse(Code.UNSUPPORTED, message)
    at, method = info.header_offset, info.compress_type
    return ReadMember(archive.path, at, packed, size, method, info.CRC, archive.roots)


def _is_photograph(read: ReadMember | Refuse) -> bool:
    """Whether a photograph hides behind the name of a table or note."""
    try:
        return bool(photograph_format(read()[:HEAD_BYTES]))
    except PhotographError:
        return False


def _decoded(info: zipfile.ZipInfo) -> str:
    """The name as its writer meant it: archives without the UTF-8 flag say nothing about their encoding.

    macOS writes UTF-8 without the flag, a Japanese Windows CP932; ``zipfile`` takes both for CP437.
    """
    name = info.filename
    if info.flag_bits & _UTF8_FLAG or name.isascii():
        return name
    raw = name.encode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        japanese = raw.decode("cp932")
    except UnicodeDecodeError:
        return name
    return japanese if _looks_japanese(japanese) else name


def _looks_japanese(text: str) -> bool:
    """European names in CP437 can decode as CP932 too, but to symbols, not to kana and kanji."""
    others = [ord(letter) for letter in text if not letter.isascii()]
    kana_kanji = sum(any(low <= letter <= high for low, high in _JAPANESE) for letter in others)
    return 2 * kana_kanji >= len(others)
