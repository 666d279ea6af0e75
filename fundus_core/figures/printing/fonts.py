"""The letters of a printed figure: fonts found by their files, whatever matplotlib's own list of fonts holds.

That list is a file in the user's cache, made once: it may be older than the machine's fonts, or name files that are
gone. So every font here is entered by its path, under a name that the list cannot know: matplotlib's own for Latin
letters, IPAexGothic out of the package ``matplotlib-fontja`` for Japanese (the package itself is not imported: that
would change matplotlib's settings), and fonts of the machine, searched for afresh, for letters that neither has.
"""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

_CARRIED = {"matplotlib": "mpl-data/fonts/ttf/DejaVuSans.ttf", "matplotlib_fontja": "fonts/ipaexg.ttf"}
"""Fonts that come with the requirements: package -> file in it, the one to begin with first."""
_BOLD = {"DejaVuSans.ttf": "DejaVuSans-Bold.ttf"}
_LIKED = ("gothic", "cjk", "hiragino", "ヒラギノ", "meiryo", "goth", "jp", "sans")
_NOT_LIKED = ("serif", "mincho", "mono", "bold", "black", "light", "italic", "oblique", "thin")
_NAME = "fundus-"
"""How the names begin under which fonts are entered."""


def lacking(text: str) -> str:
    """Return the letters of a text that no font of this machine has, sorted; empty where all can be drawn.

    >>> lacking("MAE 10.3 ≤ 12 mmHg²")
    ''
    """
    asked = _asked(text)
    return "".join(sorted(_without(asked, _files(asked))))


def written(text: str, without: str) -> str:
    """Return a text as it is printed: a question mark for each letter without a font, nothing for what has no shape.

    >>> written("eye 眼", "眼")
    'eye ?'
    """
    kept = (letter for letter in text if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf"))
    return "".join("?" if letter in without else letter for letter in kept)


def families(text: str) -> list[str]:
    """Return the names of the fonts for a text, the first one first; matplotlib knows them from now on."""
    return [_entered(path) for path in _files(_asked(text))]


def as_css(svg: str, stack: str) -> str:
    """Return SVG text with the fonts of where it is opened for the names under which ours are entered."""
    return re.sub(rf"'{_NAME}[0-9a-f]{{8}}'(, '{_NAME}[0-9a-f]{{8}}')*", stack.replace('"', "'"), svg)


def _asked(text: str) -> frozenset[str]:
    return frozenset(letter for letter in written(text, "") if not letter.isascii())


@cache
def _files(asked: frozenset[str]) -> tuple[Path, ...]:
    """Return the fonts that are carried, and those of the machine that have more of the letters."""
    files = tuple(_carried())
    return files + _searched(_without(asked, files))


@cache
def _searched(rest: frozenset[str]) -> tuple[Path, ...]:
    """Return fonts of this machine for letters that no other has; one search for the same letters."""
    files: list[Path] = []
    for path in _of_the_machine() if rest else ():
        if has := _letters(path) & rest:
            files.append(path)
            rest -= has
        if not rest:
            break
    return tuple(files)


def _carried() -> Iterator[Path]:
    for package, file in _CARRIED.items():
        found = find_spec(package)
        for folder in (found and found.submodule_search_locations) or ():
            if (path := Path(folder, file)).is_file():
                yield path


def _of_the_machine() -> list[Path]:
    """Return all fonts of this machine, those first that look like an upright gothic with Japanese letters."""
    from matplotlib import font_manager  # half a second, and only few need it

    def liking(path: Path) -> tuple[bool, bool, str]:
        name = unicodedata.normalize("NFC", path.name).lower()
        return any(word in name for word in _NOT_LIKED), not any(word in name for word in _LIKED), name

    return sorted(map(Path, font_manager.findSystemFonts()), key=liking)


def _without(asked: frozenset[str], files: Iterable[Path]) -> frozenset[str]:
    for path in files:
        asked -= _letters(path)
    return asked


@lru_cache(maxsize=8)
def _letters(path: Path) -> frozenset[str]:
    """Return the letters that a font draws as outlines; none of a file that is no such font."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with path.open("rb") as stream, TTFont(stream, fontNumber=0, lazy=True) as font:
            drawn = {"glyf", "CFF ", "CFF2"} & set(font.keys())
            return frozenset(map(chr, (drawn and font.getBestCmap()) or ()))
    except (OSError, ValueError, LookupError, AssertionError, struct.error, TTLibError):
        return frozenset()


def _entered(path: Path) -> str:
    """Enter a font, in both weights, where matplotlib does not know it, or has forgotten it, and return its name."""
    from matplotlib import font_manager

    name = f"{_NAME}{zlib.crc32(bytes(path)):08x}"
    known = font_manager.fontManager.ttflist
    if not any(entry.name == name for entry in known):
        bold = path.with_name(_BOLD.get(path.name, path.name))
        for weight, file in ((400, path), (700, bold)):
            known.append(font_manager.FontEntry(fname=str(file), name=name, weight=weight, size="scalable"))
    return name
