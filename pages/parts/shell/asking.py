"""Who asks on a shared server, within a page and in what is made outside of it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import unquote

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from fundus_core.store import Person
from pages.parts.shell import guard, people

_BOUND: ContextVar[Person | None] = ContextVar("asks", default=None)


def asker() -> Person:
    """Return who asks: of the page, or of whoever started what is made outside of it.

    Raises:
        RefusedError: Nobody has signed in.
    """
    if bound := _BOUND.get():
        return people.person(bound.id, bound.address)  # as the people file has it now
    headers = st.context.headers
    return people.person(unquote(headers.get(guard.PERSON, "")), headers.get(guard.ADDRESS, ""))


@contextmanager
def as_(person: Person) -> Iterator[None]:
    """Ask as somebody, wherever this runs."""
    token = _BOUND.set(person)
    try:
        yield
    finally:
        _BOUND.reset(token)


def keeps_models() -> bool:
    """Return whether whoever asks may bring, measure and change models: on a shared server, stewards."""
    return not people.shared() or asker().steward


def names() -> Collection[str] | None:
    """Return what things may be shared with so that whoever asks has them; ``None`` for the machine itself."""
    if not people.shared() or (_BOUND.get() is None and get_script_run_ctx(suppress_warning=True) is None):
        return None
    return asker().names


def heed_page(shown: str) -> None:
    """Write down that somebody asked for a page by a name that is none for them: the first page is shown instead."""
    context = get_script_run_ctx()
    asked = context.pages_manager.intended_page_name if context is not None else ""
    if asked and asked != shown:
        asker().note("refused", f"page {asked}")
