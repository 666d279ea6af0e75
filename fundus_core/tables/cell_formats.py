"""Cells of a workbook as they are shown: what an id looks like is what people know it by."""

import re
from functools import lru_cache

_SECTION = re.compile(r'^((?:"[^"]*"|\\.|[^0#;"\\])*?)([0#][0#\- ]*)((?:"[^"]*"|\\.|[^0#;"\\])*)$')
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|(.)')
_NO_LITERAL = re.compile(r"[.,%/?*@_\[\]]|[eEdmyhsgDMYHSG]|general", re.IGNORECASE)
_MOST_DIGITS = 15


def shown(value: float, code: str) -> str | None:
    """Return a whole number as its format in the workbook shows it; ``None`` where that is no more than the number.

    >>> shown(1, '"P"0000'), shown(12, "00000"), shown(1234567, "000-0000"), shown(120, "0.0"), shown(5, "General")
    ('P0001', '00012', '123-4567', None, None)
    """
    pattern = _pattern(code)
    if pattern is None or value != int(value) or value < 0 or value >= 10**_MOST_DIGITS:
        return None
    before, digits, after = pattern
    places = [place for place in digits if place in "0#"]
    text = str(int(value)).rjust(digits.count("0"), "0")
    extra, text = text[: max(len(text) - len(places), 0)], text[max(len(text) - len(places), 0) :]
    kept = iter(text.rjust(len(places), "\0"))
    body = "".join(next(kept) if place in "0#" else place for place in digits).replace("\0", "")
    return f"{before}{extra}{body}{after}"


def tells(code: str) -> bool:
    """Return whether a number format shows letters or zeros that the number itself does not have."""
    return _pattern(code) is not None


@lru_cache(maxsize=256)
def _pattern(code: str) -> tuple[str, str, str] | None:
    found = _SECTION.match(code.split(";")[0])
    if found is None:
        return None
    bare = re.sub(r'"[^"]*"|\\.', "", found[1] + found[3])
    before, after = (_literal(part) for part in (found[1], found[3]))
    if _NO_LITERAL.search(bare) or not (before or after or found[2].count("0") > 1):
        return None
    return before, found[2].rstrip(" ") if not after else found[2], after


def _literal(part: str) -> str:
    return "".join(quoted or escaped or plain for quoted, escaped, plain in _LITERAL.findall(part))
