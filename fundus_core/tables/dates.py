"""Dates as researchers write them: ISO, Japanese, imperial eras, day or month first, a spreadsheet's serial number."""

import datetime as dt
import re
from collections.abc import Callable

from fundus_core.tables.parse import fold

_ERAS = {
    "m": 1867,
    "明治": 1867,
    "明": 1867,
    "t": 1911,
    "大正": 1911,
    "大": 1911,
    "s": 1925,
    "昭和": 1925,
    "昭": 1925,
}
_ERAS |= {"h": 1988, "平成": 1988, "平": 1988, "r": 2018, "令和": 2018, "令": 2018}
_ERA_DATE = re.compile(
    r"([mtshr]|明治?|大正?|昭和?|平成?|令和?)\s?(\d{1,2}|元)[年./-]\s?(\d{1,2})[月./-]\s?(\d{1,2})日?"
)
_YEAR_FIRST = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})日?(?:[ t].*)?", re.ASCII)
YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: .*)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = f"({'|'.join(_MONTHS)})[a-z]*\\.?"
_DAY_MONTH = re.compile(rf"(\d{{1,2}})[-/. ]?{_MONTH}[-/., ]+(\d{{4}}|\d{{2}})(?: .*)?", re.ASCII)
_MONTH_DAY = re.compile(rf"{_MONTH}[-/. ](\d{{1,2}}),?[-/., ]+(\d{{4}}|\d{{2}})(?: .*)?", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_EXCEL_EPOCH = dt.date(1899, 12, 30)


OLDEST = 110
"""Years that a person may have lived on the day that a table is read."""
_Century = Callable[[int], int | None]


def born_in(year: int) -> int | None:
    """Return the year of birth that two digits mean, or ``None`` where a child and a very old person could be meant.

    >>> born_in(60), born_in(5), born_in(dt.date.today().year % 100)
    (1960, 2005, None)
    """
    now = dt.date.today().year
    possible = [year + century for century in (1900, 2000) if now - OLDEST <= year + century <= now]
    return possible[0] if len(possible) == 1 else None


def examined_in(year: int) -> int | None:
    """Return the year of an examination that two digits mean; nobody has tables of before 1970.

    >>> examined_in(24), examined_in(99), examined_in(60)
    (2024, 1999, None)
    """
    possible = [year + century for century in (1900, 2000) if 1970 <= year + century <= dt.date.today().year]
    return possible[0] if len(possible) == 1 else None


def date(word: str, *, month_first: bool = False, century: _Century = born_in) -> dt.date | None:
    """Read a date: ISO, Japanese, imperial era, day or month first, a month's name, or a spreadsheet's serial number.

    ``month_first`` is of ``4/1/1960``; ``century`` gives the year that two digits mean (``1-Apr-60``).

    >>> date("昭和35年4月1日"), date("1960/4/1"), date("22007"), date("1.4.1960")
    (datetime.date(1960, 4, 1), datetime.date(1960, 4, 1), datetime.date(1960, 4, 1), datetime.date(1960, 4, 1))
    """
    text = fold(word)
    try:
        return _date(text, month_first=month_first, century=century)
    except (ValueError, OverflowError):
        return None


def _date(text: str, *, month_first: bool, century: _Century) -> dt.date | None:
    if found := _YEAR_FIRST.fullmatch(text) or _DIGITS.fullmatch(text):
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    if found := _ERA_DATE.fullmatch(text):
        year = 1 if found[2] == "元" else int(found[2])
        if not year:
            return None
        return dt.date(_ERAS[found[1]] + year, int(found[3]), int(found[4]))
    if found := YEAR_LAST.fullmatch(text):
        first, second = int(found[1]), int(found[2])
        day, month = (second, first) if (month_first and first <= 12) or second > 12 else (first, second)
        return dt.date(int(found[3]), month, day)
    if named := _named(text):
        on, name, digits = named
        full = int(digits) if len(digits) == 4 else century(int(digits))
        return dt.date(full, _MONTHS.index(name) + 1, int(on)) if full else None
    if _SERIAL.fullmatch(text):
        return _EXCEL_EPOCH + dt.timedelta(days=int(float(text)))
    return None


def _named(text: str) -> tuple[str, str, str] | None:
    """Return day, month's name and year of ``1-apr-60`` or ``april 1, 1960``."""
    if found := _DAY_MONTH.fullmatch(text):
        return found[1], found[2], found[3]
    found = _MONTH_DAY.fullmatch(text)
    return (found[2], found[1], found[3]) if found else None
