"""Names of photographs: what is stated must agree, what is left out may be missing."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from fundus_core.identity.eyes import says_eye
from fundus_core.identity.id_spellings import OF_IDS, folded, last_part, without_ending
from fundus_core.records import Labels

_BETWEEN = re.compile(r"[_\-\s()]+")
_GOES_ON = re.compile(r"-\d{1,5}(?!\d)")
"""``P1-2`` may be an id of its own, so ``P1`` does not end there."""
_DRAWN = re.compile(r"[FP]-[0-9A-HJKMNP-TV-Z]{12}(?: \(\d+\))?")
"""A pseudonym holds no id."""
_GLUED_EYE = re.compile(r"(.*\d)(?:[RrLl]|OD|OS|od|os|右|左)")


def as_path(name: str) -> str:
    r"""Return a name with forward slashes: lists written on Windows have others.

    >>> as_path("D:\\study\\a.jpg"), as_path("./a.jpg")
    ('D:/study/a.jpg', 'a.jpg')
    """
    return name.replace("\\", "/").removeprefix("./")


def as_paths(names: Labels) -> Labels:
    """Return n names as :func:`as_path` does; the same array where all are paths as they stand."""
    odd = (np.strings.find(names, "\\") >= 0) | np.strings.startswith(names, "./")
    return np.array([as_path(str(name)) for name in names], dtype=np.str_) if odd.any() else names


def agreeing(lines: Sequence[str], photographs: Sequence[str]) -> tuple[list[str], list[bool]]:
    """Find for each photograph the name in a table that means it, empty where none; and whether several could be meant.

    Two names, as paths, agree where the one ends as the other: ``a.jpg`` and ``clinic/a.jpg``, but not ``b/a.jpg`` and
    ``clinic/a.jpg``; an ending may be missing on one side. A name that is there in full belongs to nobody else.

    >>> agreeing(["a.jpg", "y/b"], ["clinic/a.jpg", "x/b.png", "y/b.png"])
    (['a.jpg', '', 'y/b'], [False, False, False])
    """
    written, given = set(lines) - {""}, set(photographs)
    by_stem: dict[str, list[str]] = {}
    for name in written - given:
        by_stem.setdefault(without_ending(last_part(name)), []).append(name)
    found, torn = [], []
    for path in photographs:
        names = by_stem.get(without_ending(last_part(path)), []) if path not in written else []
        names = [name for name in names if _agree(name, path)]
        found.append(path if path in written else names[0] if len(names) == 1 else "")
        torn.append(len(names) > 1)
    wanted = Counter(found)
    several = [name != "" and wanted[name] > 1 for name in found]
    return (
        ["" if many else name for name, many in zip(found, several, strict=True)],
        [many or more for many, more in zip(several, torn, strict=True)],
    )


def _agree(one: str, other: str) -> bool:
    bare = without_ending(one), without_ending(other)
    if (bare[0] == one) is not (bare[1] == other):
        one, other = bare
    return one == other or one.endswith("/" + other) or other.endswith("/" + one)


def ids_in_names(paths: Sequence[str], ids: Collection[str]) -> tuple[list[str], list[bool]]:
    """Find the person's id in each photograph's name or folders: ``P0001_R.jpg``, ``0012/OD.png``.

    The id is the whole name, its beginning (behind what all names begin with, ``study_``), or a folder, as the name
    writes it, which may be another spelling of one of the ids; empty where there is none. A name that holds the ids of
    two people anywhere belongs to neither. Returned with it: whether several could be meant.

    >>> ids_in_names(["P3_1.jpg", "7_R.jpg", "a/8/1_2.jpg"], ["7", "8", "1"])
    (['', '7', ''], [False, False, True])
    """
    known = set(ids) - {""}
    open_ended = _going_on(known)
    alike = {folded(word, OF_IDS) for word in known}
    stems = [without_ending(last_part(path)) for path in paths]
    lead = _common_lead(stems)
    found, torn = [], []
    for path, stem in zip(paths, stems, strict=True):
        sure = set() if _DRAWN.fullmatch(stem) else {*_beginnings(stem, lead), *path.split("/")[:-1]} - {""}
        anywhere = sure | {*_BETWEEN.split(stem)} if sure else sure
        exact = anywhere & known
        sure -= {word for word in exact & open_ended if not _only_an_eye(stem, word)}
        near = {word for word in anywhere - exact if word and folded(word, OF_IDS) in alike}
        meant = exact or near
        found.append(min(meant) if len(meant) == 1 and meant <= sure else "")
        torn.append(len(meant) > 1)
    return found, torn


def _going_on(ids: Collection[str]) -> set[str]:
    """Return the ids that begin another one (``A`` beside ``A_2``): a name that goes on may be of a third."""
    return {word[:end] for word in ids for end in _ends(word)} & set(ids)


def _ends(word: str) -> list[int]:
    return [match.start() for match in re.finditer(r"[_\-\s(.]", word)]


def _only_an_eye(stem: str, word: str) -> bool:
    rest = [part for part in _BETWEEN.split(stem.removeprefix(word)) if part]
    return all(map(says_eye, rest))


def _common_lead(stems: Sequence[str]) -> int:
    """Return how many first parts all names share: a study's name says nothing of its people."""
    if len(set(stems)) < 2:
        return 0
    parts = [_BETWEEN.split(stem) for stem in stems]
    return next((at for at, same in enumerate(zip(*parts, strict=False)) if len(set(same)) > 1), min(map(len, parts)))


def _beginnings(stem: str, lead: int) -> Iterator[str]:
    """Yield what a name begins with, up to each place where a part ends, without a bare eye."""
    places = [(m.start(), m.end()) for m in _BETWEEN.finditer(stem) if not _GOES_ON.match(stem, m.start())]
    starts = [0, *(end for _, end in places[:lead])]
    ends = [*(start for start, _ in places), len(stem)]
    for start in starts:
        for end in ends:
            part = stem[start:end]
            if end <= start or says_eye(part):
                continue
            yield part
            if glued := _GLUED_EYE.fullmatch(part):
                yield glued[1]
