"""Of which visit a photograph is, and which of a person's lines was measured then or nearest to it."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.identity import as_path
from fundus_core.records import MOST_DAYS, Floats, Labels
from fundus_core.tables import dates, parse
from fundus_core.tables.table import Fault
from fundus_core.truth.table import TruthTable

WHICH, FAR = "which", "far"
"""Several visits of the person and nothing that says which; a visit, but none near enough."""
_WORDS = re.compile(r"visit|exam|wave|session|year|time ?point|follow ?up|fu|[vt](?=\d)|第|回目?|年度?|[\W_]+")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Visits:
    """When photographs were taken, and how far from that their values may have been measured."""

    of: Labels
    """n words as stated, dates as year-month-day; empty where nobody said so."""
    most_days: int = MOST_DAYS
    """Between a photograph and its measured values."""


def lines_of(truth: TruthTable, found: Sequence[int], visit: str, most_days: int) -> tuple[list[int], str]:
    """Choose among lines of a photograph or its person those of its visit.

    Args:
        truth: The table.
        found: Positions of lines that the key leads to, at least one.
        visit: Of the photograph; empty where nobody knows.
        most_days: Between photograph and measurement.

    Returns:
        The lines of that visit, else of the nearest day, the earlier of two as near, else those that name no visit;
        and where there is none, :data:`WHICH` or :data:`FAR`.
    """
    dated = [at for at in found if truth.visit[at]]
    several = len({str(truth.visit[at]) for at in dated}) > 1
    if not dated or not visit:
        return list(found), WHICH if several else ""
    same = [at for at in dated if _same(str(truth.visit[at]), visit)]
    if same:
        return same, WHICH if len({str(truth.visit[at]) for at in same}) > 1 else ""
    gaps = {at: gap for at in dated if (gap := days_between(str(truth.visit[at]), visit)) is not None}
    least = min(map(abs, gaps.values()), default=most_days + 1)
    if least <= most_days:
        earliest = max(gap for gap in gaps.values() if abs(gap) == least)
        return [at for at, gap in gaps.items() if gap == earliest], ""
    rest = [at for at in found if not truth.visit[at]]
    if rest or gaps:
        return rest, "" if rest else FAR
    return (list(found), WHICH) if several else (list(found), "")


@cache
def day_of(visit: str) -> dt.date | None:
    """Return the date that a visit's word is; ``None`` for another word."""
    try:
        return dt.date.fromisoformat(visit) if len(visit) == 10 else None
    except ValueError:
        return None


def days_between(measured: str, taken: str) -> int | None:
    """Return the days from a measurement to a photograph; ``None`` where one is no date."""
    one, other = day_of(measured), day_of(taken)
    return (other - one).days if one and other else None


def _same(measured: str, taken: str) -> bool:
    """Whether two words are of one visit; photographs in a folder of a year, of any day of it."""
    within = taken.isdecimal() and len(taken) == 4 and measured.startswith(f"{taken}-")
    return within or _plain(measured) == _plain(taken)


@cache
def _plain(visit: str) -> str:
    """Return a visit's word without what says only that it is one: ``Visit 01``, ``V1`` and ``1`` are the same."""
    if day_of(visit):
        return visit
    text = parse.fold(visit)
    return re.sub(r"(?<!\d)0+(?=\d)", "", _WORDS.sub("", text)) or text


def days_apart(truth: TruthTable, line: NDArray[np.int64], taken: Labels) -> Floats:
    """Return the days from measurement to photograph, n; NaN where one is unknown."""
    measured = np.where(line >= 0, truth.visit[line], "") if len(truth) else np.full(len(line), "")
    if not ((measured != "") & (taken != "")).any():
        return np.full(len(line), np.nan)
    gaps = [days_between(str(one), str(other)) for one, other in zip(measured, taken, strict=True)]
    return np.array([np.nan if gap is None else gap for gap in gaps], dtype=np.float64)


def remarks(
    truth: TruthTable, line: NDArray[np.int64], names: Labels, status: Labels, visits: Visits, days: Floats
) -> Iterator[Fault]:
    """Yield what a person should know of dates that differ, and of photographs whose visit has no line."""
    yield from _differing(line, visits, days)
    known = np.isfinite(days)
    for at in np.flatnonzero(known & (np.abs(np.where(known, days, 0)) > visits.most_days)):
        what = say(
            "Photograph and measurement are {days:,} days apart, more than {most_days:,}; the row names the "
            "photograph and was used.",
            days=int(abs(days[at])),
            most_days=visits.most_days,
        )
        yield Fault(int(truth.rows[line[at]]), "", str(names[at]), "far", what)
    lost = np.flatnonzero(status == FAR)
    if len(lost):
        what = say(
            "{n:,} {n:photograph has|photographs have} rows of the person, none within {most_days:,} days. The table "
            "has {there}; the photographs have {here}. Correct the dates, or allow more days (--visit-days).",
            n=len(lost),
            most_days=visits.most_days,
            there=_some(truth.visit[truth.visit != ""]),
            here=_some(visits.of[lost]),
        )
        yield Fault(0, "", "", "no_visit", what)
    lost = np.flatnonzero(status == WHICH)
    if len(lost):
        what = say(
            "{n:,} {n:photograph is|photographs are} of people with several visits in the table ({there}), and "
            "nothing says at which. Give each photograph's date or visit in its list, its name or its folder, or keep "
            "one visit a person.",
            n=len(lost),
            there=_some(truth.visit[truth.visit != ""]),
        )
        yield Fault(0, "", "", "no_visit", what)


def _differing(line: NDArray[np.int64], visits: Visits, days: Floats) -> Iterator[Fault]:
    differ = np.abs(days[np.isfinite(days) & (days != 0)])
    if len(differ):
        what = say(
            "{n:,} of {matched:,} {matched:photograph|photographs} {n:was|were} taken on another day than {n:its|their}"
            " values were measured: median {median:g} {median:day|days} apart, at most {most:g}. The nearest "
            "measurement within {most_days:,} days was taken.",
            n=len(differ),
            matched=int((line >= 0).sum()),
            median=float(np.median(differ)),
            most=float(differ.max()),
            most_days=visits.most_days,
        )
        yield Fault(0, "", "", "days_apart", what)


def _some(words: Labels) -> list[str]:
    return [say("'{name}'", name=word) for word in np.unique(words)[:_SHOWN].tolist()]


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


def visits_in_names(paths: Sequence[str] | Labels) -> Labels:
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
    for read in (_dates, _words, _years):
        found = _held(read, paths)
        different = set(found) - {""}
        if len(different) > 1:
            plausible = read is not _dates or _plausible(different)
            return np.array(found, dtype=np.str_) if plausible else np.full(len(paths), "")
    return np.full(len(paths), "", dtype=np.str_)


def _held(read: Callable[[str, int], Iterator[str]], paths: Sequence[str] | Labels) -> list[str]:
    """Return what each name holds; nothing as soon as too few do."""
    found, most = [], len(paths) - _FEWEST * len(paths) + 1e-9
    without = 0
    for path in paths:
        found.append(_first(read, unicodedata.normalize("NFKC", as_path(str(path))).split("/")[::-1]))
        without += not found[-1]
        if without > most:
            return []
    return found


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


def _plausible(found: Collection[str]) -> bool:
    days = [dt.date.fromisoformat(word) for word in found]
    return min(days).year >= _EARLIEST and max(days) <= dt.date.today()
