"""Dates as researchers write them: ISO, Japanese, imperial eras, day or month first, a spreadsheet's serial number."""

from __future__ import annotations

import datetime as dt
import re

from fundus_core.tables.spelling import fold

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
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_EXCEL_EPOCH = dt.date(1899, 12, 30)


def date(word: str, *, month_first: bool = False) -> dt.date | None:
    """Read a date: ISO, Japanese, imperial era, day or month first, or a spreadsheet's serial number.

    >>> date("昭和35年4月1日"), date("1960/4/1"), date("22007"), date("1.4.1960")
    (datetime.date(1960, 4, 1), datetime.date(1960, 4, 1), datetime.date(1960, 4, 1), datetime.date(1960, 4, 1))
    """
    text = fold(word)
    try:
        return _date(text, month_first=month_first)
    except (ValueError, OverflowError):
        return None


def _date(text: str, *, month_first: bool) -> dt.date | None:
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
    if _SERIAL.fullmatch(text):
        return _EXCEL_EPOCH + dt.timedelta(days=int(float(text)))
    return None
