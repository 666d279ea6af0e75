"""Read the eye from a file's name."""

from __future__ import annotations

import re
import unicodedata

from fundus_core.records import Eye

_PLAIN = {
    Eye.RIGHT: frozenset({"right", "righteye", "od", "dexter", "dextra", "migi"}),
    Eye.LEFT: frozenset({"left", "lefteye", "os", "sinister", "sinistra", "hidari"}),
}
"""Words that name an eye wherever they stand, the folders above the file included."""
_SHORT = {Eye.RIGHT: frozenset({"r", "re"}), Eye.LEFT: frozenset({"l", "le"})}
"""Letters that name an eye in the file's own name, unless a plain word is there."""
_CJK = r"\u3040-\u30ff\u4e00-\u9fff"
_JAPANESE = {
    Eye.RIGHT: re.compile(f"右眼|右目|(?<![{_CJK}])右(?![{_CJK}])"),
    Eye.LEFT: re.compile(f"左眼|左目|(?<![{_CJK}])左(?![{_CJK}])"),
}
"""Alone or before the word for eye: family names begin with the same characters."""
_SEAMS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")
"""Where words meet without a separator: ``maculaOD``, ``08L``, ``R1``."""

_PSEUDONYM = re.compile(r"[FP]-[0-9A-HJKMNP-TV-Z]{12}(?: \(\d+\))?")
"""A pseudonym as ``deidentify`` makes them: its letters are drawn at random, an R among them is no right eye."""


def from_name(name: str) -> Eye:
    """Read the eye from a file name.

    Args:
        name: A path or a name; the file's own name counts before the folders above it.

    Returns:
        The eye; unknown where the name says nothing or both.

    >>> from_name("img00208509_00_1R.jpg")
    <Eye.RIGHT: 'right'>
    >>> from_name("colour_original.png")
    <Eye.UNKNOWN: ''>
    >>> from_name("F-0V3N5W41T69R.png")
    <Eye.UNKNOWN: ''>
    """
    *folders, file = unicodedata.normalize("NFKC", name).replace("\\", "/").split("/")
    stem = re.sub(r"(\.[A-Za-z][A-Za-z0-9]{1,4})+$", "", file)
    said = set() if _PSEUDONYM.fullmatch(stem) else _plain(stem) or _short(stem)
    for folder in reversed(folders):
        said = said or _plain(folder)
    return said.pop() if len(said) == 1 else Eye.UNKNOWN


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Za-z]+", _SEAMS.sub(" ", text))}


def _plain(text: str) -> set[Eye]:
    """Return the eyes that a text names outright."""
    words = _words(text)
    return {eye for eye in _PLAIN if words & _PLAIN[eye] or _JAPANESE[eye].search(text)}


def _short(text: str) -> set[Eye]:
    """Return the eyes that a text names by a letter."""
    words = _words(text)
    return {eye for eye, letters in _SHORT.items() if words & letters}
