"""Visits that stand in the names of photographs or their folders: ``P1_2021-04-01_R.jpg``, ``visit2/P1.png``."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from fundus_core.identity import as_path
from fundus_core.records import Labels
from fundus_core.tables import dates

NAMES_READ = "Visits were read from the names of files or folders, such as {examples}."
"""Said where they were; with ``examples``."""
_FEWEST = 0.8
"""Share of the names that must hold a visit before any is taken."""
_EARLIEST = 1995
"""Nobody has digital photographs of the retina from before; an earlier date is one of birth."""
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    r"(?<!\d)(?:(?P<day>(?:19|20)\d\d(?P<sep>[-_.]?)(?:0[1-9]|1[0-2])(?P=sep)(?:0[1-9]|[12]\d|3[01]))(?:\d{6})?"
    r"|\d{4}年\d{1,2}月\d{1,2}日|\d{1,2}\.\d{1,2}\.(?:19|20)\d\d"
    rf"|\d{{1,2}}[-_ ]?(?:{_MONTHS})[a-z]*[-_ ]?(?:19|20)\d\d)(?!\d)"
    r"|(?<![^\W_])(?:令和|平成|[rh])(?:\d{1,2}|元)(?:年\d{1,2}月\d{1,2}日|\.\d{1,2}\.\d{1,2}(?!\d))",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"(?<![^\W_])(?:visit[-_ ]?\d+|exam[-_ ]?\d+|wave[-_ ]?\d+|v\d{1,2}|baseline|follow[-_ ]?up[-_ ]?\d*|第?\d+回目?"
    r"|初回|fy\d{4}|20\d\d年度?)(?![^\W_])",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")


def visits_in_names(paths: Sequence[str]) -> Labels:
    """Find the visit in each photograph's name, else in its folders from the nearest up.

    Dates go before words (``visit2``, ``baseline``, ``2回目``), and those before folders that are years. One kind is
    read from all names: the first that at least four of five hold and that is not the same in all. A name that holds
    two different ones has none.

    Args:
        paths: n names or relative paths.

    Returns:
        n visits, dates as year-month-day; all empty where names hold none.

    >>> visits_in_names(["P1_2021-04-01_R.jpg", "P1_2022-05-02_R.jpg"]).tolist()
    ['2021-04-01', '2022-05-02']
    >>> visits_in_names(["v1/P1.png", "v2/P1.png"]).tolist(), visits_in_names(["P1.png", "P2.png"]).tolist()
    (['v1', 'v2'], ['', ''])
    """
    parts = [unicodedata.normalize("NFKC", as_path(path)).split("/")[::-1] for path in paths]
    for read in (_dates, _words, _years):
        found = np.array([_first(read, part) for part in parts], dtype=np.str_)
        held = found != ""
        if held.any() and held.mean() >= _FEWEST and len(np.unique(found[held])) > 1:
            return found if read is not _dates or _plausible(found[held]) else np.full(len(parts), "")
    return np.full(len(parts), "", dtype=np.str_)


def _first(read: Callable[[str, int], Iterator[str]], parts: Sequence[str]) -> str:
    for at, part in enumerate(parts):
        found = set(read(part, at))
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


def _dates(part: str, _at: int) -> Iterator[str]:
    for found in _DATE.finditer(part):
        word = (found["day"] or found[0]).replace("_", "-" if found["sep"] == "_" else " ")
        word = re.sub(r"(?<=[A-Za-z]{3})(?=\d)", " ", word)
        day = dates.date(word, century=dates.examined_in)
        if day:
            yield day.isoformat()


def _words(part: str, _at: int) -> Iterator[str]:
    return (found[0].casefold() for found in _WORD.finditer(part))


def _years(part: str, at: int) -> Iterator[str]:
    """A folder that is a year as a whole."""
    return iter([part] if at and _YEAR.fullmatch(part) else [])


def _plausible(found: Labels) -> bool:
    days = [dt.date.fromisoformat(word) for word in np.unique(found).tolist()]
    return min(days).year >= _EARLIEST and max(days) <= dt.date.today()
