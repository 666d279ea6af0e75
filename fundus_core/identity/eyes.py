"""Which eye a word, a heading or a file name names: the one list of words for it, and its one reader."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fundus_core.identity.id_spellings import is_doubtful, is_nobody
from fundus_core.records import Eye

_PLAIN = {
    Eye.RIGHT: frozenset(("right", "righteye", "od", "dexter", "dextra", "migi", "rechts", "droit", "droite")),
    Eye.LEFT: frozenset(("left", "lefteye", "os", "sinister", "sinistra", "hidari", "gauche")),
}
"""Words that name an eye wherever they stand, the folders above a file included."""
_SHORT = {Eye.RIGHT: frozenset(("r", "re", "rt")), Eye.LEFT: frozenset(("l", "le", "lt", "links"))}
"""Letters that name an eye in the file's own name, unless a plain word is there."""
_CELLS = {
    Eye.RIGHT: ("右", "右眼", "右目", "r眼", "right eye", "o.d."),
    Eye.LEFT: ("左", "左眼", "左目", "l眼", "left eye", "o.s."),
}
EYES: Mapping[str, Eye] = MappingProxyType(
    {word: eye for eye in _PLAIN for word in (*_PLAIN[eye], *_SHORT[eye], *_CELLS[eye])}
)
"""Words for one eye in a cell or heading, in small letters after NFKC."""
BOTH_EYES = frozenset(("ou", "both", "両", "両眼", "両目", "b", "bilateral", "r/l", "od/os", "左右"))
"""Words for both eyes: the row is about the person."""

_CJK = r"\u3040-\u30ff\u4e00-\u9fff"
_JAPANESE = {
    Eye.RIGHT: re.compile(f"右眼|右目|(?<![{_CJK}])右(?![{_CJK}])"),
    Eye.LEFT: re.compile(f"左眼|左目|(?<![{_CJK}])左(?![{_CJK}])"),
}
"""Alone or before the word for eye: family names begin with the same characters."""
_SEAMS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")
"""Where words meet without a separator: ``maculaOD``, ``08L``, ``R1``."""
_JAPANESE_ENDS = re.compile(r"^(右|左)(?:眼|目)?の?(?=.)|(?<=.)(右|左)(?:眼|目)?$")
_GLUED_ENDS = re.compile(r"^(?:od|os|r|l)(?=[^\x00-\x7f])|(?<=[^\x00-\x7f])(?:od|os|r|l)$")
_PSEUDONYM = re.compile(r"[FP]-[0-9A-HJKMNP-TV-Z]{12}(?: \(\d+\))?")
"""A pseudonym as ``deidentify`` makes them: its letters are drawn at random, an R among them is no right eye."""


def eye_in_name(name: str) -> Eye:
    """Read the eye from a path; the file's own name counts before the folders above it.

    Unknown where the name says nothing or both.

    >>> eye_in_name("img00208509_00_1R.jpg")
    <Eye.RIGHT: 'right'>
    >>> eye_in_name("colour_original.png")
    <Eye.UNKNOWN: ''>
    >>> eye_in_name("F-0V3N5W41T69R.png")
    <Eye.UNKNOWN: ''>
    """
    *folders, file = unicodedata.normalize("NFKC", name).replace("\\", "/").split("/")
    stem = re.sub(r"(\.[A-Za-z][A-Za-z0-9]{1,4})+$", "", file)
    said = set() if _PSEUDONYM.fullmatch(stem) else _plain(stem) or _short(stem)
    for folder in reversed(folders):
        said = said or _plain(folder)
    return said.pop() if len(said) == 1 else Eye.UNKNOWN


_SAME_SHAPE = str.maketrans("123456789", "000000000")
"""A digit is only told from a letter, and the names of a cohort hardly differ in anything but digits."""


def eyes_in_names(names: Iterable[str]) -> list[Eye]:
    """Read the eye from each of many paths, as ``eye_in_name`` does.

    >>> eyes_in_names(["P17_R.jpg", "P18_R.jpg"])
    [<Eye.RIGHT: 'right'>, <Eye.RIGHT: 'right'>]
    """
    words = list(map(str, names))
    shapes = "\0".join(words).translate(_SAME_SHAPE).split("\0")  # at once it takes a tenth of the time
    if len(shapes) != len(words):  # no name at all, or one that holds the sign between them
        shapes = [word.translate(_SAME_SHAPE) for word in words]
    eyes = {shape: eye_in_name(shape) for shape in set(shapes)}
    return [eyes[shape] for shape in shapes]


def eye_in_cell(word: str) -> Eye | None:
    """Read the eye from a cell of a table or a tag.

    Unknown where the cell says nothing or both eyes; ``None`` where it says something else.

    >>> eye_in_cell("ＯＤ"), eye_in_cell("左眼"), eye_in_cell("N/A"), eye_in_cell("middle")
    (<Eye.RIGHT: 'right'>, <Eye.LEFT: 'left'>, <Eye.UNKNOWN: ''>, None)
    """
    said = " ".join(unicodedata.normalize("NFKC", word).casefold().split())
    if not said or said in BOTH_EYES or is_nobody(said) or is_doubtful(said):
        return Eye.UNKNOWN
    return EYES.get(said)


def says_eye(part: str) -> bool:
    """Return whether a part of a file name says nothing but which eye: ``R``, ``OD``, ``右眼``."""
    return unicodedata.normalize("NFKC", part).casefold() in EYES


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


def without_eye(text: str, inside: str) -> tuple[str, Eye]:
    """Split the eye from a heading: ``SBP_R``, ``OD画像``, ``右眼画像``, ``画像(左)``."""
    if eye := EYES.get(inside.strip()):
        return text, eye
    tokens = re.split(r"[\s.\-]+", text)
    for end, rest in ((0, tokens[1:]), (-1, tokens[:-1])):
        if rest and (eye := EYES.get(tokens[end])):
            whole = " ".join(rest)
            return re.sub(r"(?:^| )eye(?= |$)", "", whole).strip() or whole, eye
    found = _GLUED_ENDS.search(text) or _JAPANESE_ENDS.search(text)
    if found is None or "左右" in text or "右左" in text:
        return text, Eye.UNKNOWN
    eye = Eye.RIGHT if "右" in found[0] or found[0] in ("r", "od") else Eye.LEFT
    return (text[: found.start()] + text[found.end() :]).strip(" _-."), eye
