"""How much room text needs, without a font: widths are those of a wide one, so that any other fits too."""

import unicodedata
from collections.abc import Iterator, Sequence

from fundus_core.report.slides.slide import LEAST

LINE = 1.28
"""Height of a line in letters' sizes."""
_SPACE_BETWEEN = 0.35
"""Between paragraphs, in letters' sizes."""
_NARROW = frozenset("fijlrtI.,:;'|!()[]·-/ ")
_WIDE = frozenset("mwMW%@—−…+=")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of one line in pixels, rather too large than too small.

    >>> width("ab", 20), width("眼底", 20)
    (24.8, 40.0)
    """
    return round(sum(map(_letter, text)) * size * (1.13 if bold else 1.0), 3)


def _letter(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in _NARROW:
        return 0.4
    if letter in _WIDE:
        return 0.95
    return 0.7 if letter.isupper() else 0.62


def wrap(text: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """Return text as lines that are no wider than ``room`` pixels; a word that is wider is cut.

    >>> wrap("one two three", 20, 90)
    ['one two', 'three']
    """
    lines, line = [], ""
    for piece in _pieces(text):
        if line and width((line + piece).rstrip(), size, bold=bold) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while width(line.rstrip(), size, bold=bold) > room and len(line) > 1:
            cut = max(1, int(len(line) * room / width(line, size, bold=bold)))
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """Yield what must stay on one line: a word with the blank behind it, or one letter of Japanese."""
    piece = ""
    for letter in text:
        if unicodedata.east_asian_width(letter) in "WF":
            yield from filter(None, (piece, letter))
            piece = ""
            continue
        piece += letter
        if letter == " ":
            yield piece
            piece = ""
    if piece:
        yield piece


def height(lines: Sequence[str], size: float, room: float, *, bold: bool = False) -> float:
    """Return how many pixels paragraphs need one below the other."""
    count = sum(len(wrap(line, size, room, bold=bold)) for line in lines)
    return size * (LINE * count + _SPACE_BETWEEN * max(len(lines) - 1, 0))


def fit(
    lines: Sequence[str], room: float, high: float, largest: float, *, least: float = LEAST, bold: bool = False
) -> tuple[tuple[str, ...], float]:
    """Return paragraphs and the size of letters at which they fit; what fits at no size ends in an ellipsis.

    All measures are in pixels; the size begins at the largest.
    """
    size = largest
    while size > least and height(lines, size, room, bold=bold) > high:
        size = max(least, size - 1)
    kept = list(lines)
    while height(kept, size, room, bold=bold) > high and kept != [""]:
        kept = _shorter(kept)
    return tuple(kept), size


def _shorter(lines: list[str]) -> list[str]:
    """Take a little off the end."""
    last = lines[-1].removesuffix("…").rstrip()
    if len(last) > 8:
        return [*lines[:-1], last[: -max(4, len(last) // 20)].rstrip() + "…"]
    return lines[:-1] or [""]


def one_line(text: str, size: float, room: float) -> str:
    """Return text on one line, shortened in the middle of nowhere only where it must be."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"
