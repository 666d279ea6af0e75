"""What a tab shows goes on only as long as whoever it is may read what they could when it was drawn.

A page drawn anew asks the store. What a tab keeps from before does not: folds that are opened, files that are made when
they are clicked, pictures by their address. Where a cohort was taken from somebody meanwhile, they get none of it.
"""

from collections.abc import Callable
from typing import TypeVar

from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from fundus_core.store import RefusedError
from pages.parts.shell import asking, home, people, whose

_Made = TypeVar("_Made")


def _session() -> str:
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def arrived() -> None:
    """Take note of whose this tab's connection is and what they may read; call before a page draws anything."""
    if people.shared() and (session := _session()):
        whose.belongs(session, asking.asker().id, home.store().readable())


def bound(make: Callable[[], _Made]) -> Callable[[], _Made]:
    """Return a function that asks as this tab's person wherever it is called: a download is made outside of it.

    It makes nothing once a cohort was taken from them: the page must be drawn anew.
    """
    if not people.shared():
        return make
    person, could_read = asking.asker(), whose.session_could_read(_session())

    def made() -> _Made:
        with asking.as_(person):
            if not could_read <= home.store().readable():
                asking.asker().note("refused", "file of a page that is out of date")
                raise RefusedError("What this page shows was deleted or is no longer shared with you; open it anew.")
            return make()

    return made
