"""Who asks on a shared server, within a page and in what is made outside of it."""

from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import TypeVar
from urllib.parse import unquote

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from fundus_core.store import Person
from pages.parts.shell import guard, people

_Made = TypeVar("_Made")
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


def keeps_models() -> bool:
    """Return whether whoever asks may bring, measure and change models: on a shared server, stewards."""
    return not people.shared() or asker().steward


def names() -> Collection[str] | None:
    """Return what things may be shared with so that whoever asks has them; ``None`` for the machine itself."""
    if not people.shared() or (_BOUND.get() is None and get_script_run_ctx(suppress_warning=True) is None):
        return None
    return asker().names


def bound(make: Callable[[], _Made]) -> Callable[[], _Made]:
    """Return a function that asks as this tab's person wherever it is called: a download is made outside of it."""
    if not people.shared():
        return make
    person = asker()

    def made() -> _Made:
        token = _BOUND.set(person)
        try:
            return make()
        finally:
            _BOUND.reset(token)

    return made


def arrived() -> None:
    """Take note of whose this tab's connection is; call before a page draws anything."""
    context = get_script_run_ctx()
    if people.shared() and context is not None:
        guard.belongs(context.session_id, asker().id)
