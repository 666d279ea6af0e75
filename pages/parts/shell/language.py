"""English and Japanese: every sentence of the pages passes through ``_``.

The English sentence is the key; ``locale/<language>/LC_MESSAGES/fundus_lab.po`` holds the others and is read
as it stands, without a compiled copy beside it. What the core says is English too, in stored reasons as on the command
line, and remembers its template and values; a page passes it through ``said``, which has the templates of
``fundus_core.po``.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

import streamlit as st
from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from fundus_core import targets
from fundus_core.errors import ENGLISH, Tongue, say

LANGUAGES = {"en": "English", "ja": "日本語"}
"""Code and own name of each language."""

LOCALE = Path(__file__).parents[1] / "locale"
KEY = "lang"
"""Session key and query parameter of the choice."""

_BETWEEN = {"": "、", "and": "と", "or": "、または", ";": "；", ".": "", "x": " x "}
"""What stands between the members of a list in Japanese."""
_BOUND: ContextVar[str] = ContextVar("language", default="")
_Made = TypeVar("_Made")


def catalogue(language: str, domain: str = "fundus_lab") -> dict[str, str]:
    """Return sentence -> translation; empty for English, whose sentences are the keys."""
    return _catalogue(language, domain, len(targets.TARGETS))


@cache
def _catalogue(language: str, domain: str, _targets: int) -> dict[str, str]:
    path = LOCALE / language / "LC_MESSAGES" / f"{domain}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        messages = read_po(stream, locale=language)
    said = {str(message.id): str(message.string) for message in messages if message.id and message.string}
    return {**_own_names(language), **said} if domain == "fundus_lab" else said


def _own_names(language: str) -> dict[str, str]:
    """What a user's own targets are called; their files say it."""
    own = targets.own().values() if language == "ja" else ()
    words = [(one.name, one.name_ja) for one in own] + [(one.short, one.short_ja) for one in own]
    words += [pair for one in own for pair in zip(one.classes, one.classes_ja, strict=False)]
    words += [(f"share {one.said(1)}", f"{one.classes_ja[1]}の割合") for one in own if one.classes_ja]
    return {name: there for name, there in words if there}


def current() -> str:
    """Return the session's language: the switch, else the address, else the browser's, else English."""
    if bound := _BOUND.get():
        return bound
    for chosen in (st.session_state.get(f"pick_{KEY}_segmented_control"), st.query_params.get(KEY)):
        if chosen in LANGUAGES:
            return str(chosen)
    return preferred(st.context.locale)


def settle() -> None:
    """Hold to the language of this run of the page, whose thousand words would ask the session for it one by one."""
    _BOUND.set("")
    _BOUND.set(current())


def bound(make: Callable[[], _Made]) -> Callable[[], _Made]:
    """Return a function that speaks this session's language wherever it is called: a download is made outside of it."""
    language = current()

    def made() -> _Made:
        token = _BOUND.set(language)
        try:
            return make()
        finally:
            _BOUND.reset(token)

    return made


@contextlib.contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Speak a browser's language outside of any page."""
    token = _BOUND.set(preferred(locale))
    try:
        yield
    finally:
        _BOUND.reset(token)


def preferred(locale: str | None) -> str:
    """Return the language for a browser's locale such as ``ja-JP``."""
    code = (locale or "").split("-")[0].lower()
    return code if code in LANGUAGES else "en"


def _(text: str) -> str:
    """Return the sentence in the session's language; the English one where no translation exists."""
    return catalogue(current()).get(text, text)


def tongue(language: str) -> Tongue:
    """Return how a language says what the core says, and the names in it."""
    return ENGLISH if language == "en" else _tongue(language, len(targets.TARGETS))


@cache
def _tongue(language: str, _targets: int) -> Tongue:
    return Tongue({**catalogue(language), **catalogue(language, "fundus_core")}, _BETWEEN)


def said(text: object) -> str:
    """Return a text of the core, such as an error or a stored reason, in the session's language."""
    return tongue(current()).say(str(text))


def worded(code: str, **values: object) -> str:
    """Return a sentence of the pages with its values, numbers and plural forms as the session's language has them."""
    return said(say(code, **values))


def tell(text: str) -> str:
    """Return a sentence of the pages or a text of the core in the session's language: what figures and tables speak."""
    return catalogue(current()).get(text) or said(text)


def count(value: int) -> str:
    """Return a whole number as the language writes it."""
    return str(format_decimal(value, locale=current()))


def moment(when: datetime) -> str:
    """Return a date with time as the language writes it."""
    return str(format_datetime(when, "medium", locale=current()))


def literal(text: str) -> str:
    """Return words of others as Markdown shows them as they are written, stars and brackets included."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$:-])", r"\\\1", text)
