"""Whose each connection is, and to whom a page has shown each file: Streamlit itself keeps neither."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, TypeVar

from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

_Kept = TypeVar("_Kept")
_REMEMBERED = 50_000


@dataclass(slots=True)
class _Tab:
    """A connection."""

    people: set[str] = field(default_factory=set)
    """Whose it is."""
    could_read: frozenset[int] = frozenset()
    """Ids of the cohorts that they could read when the page was drawn last."""


_tabs: OrderedDict[str, _Tab] = OrderedDict()
_shown: OrderedDict[str, dict[str, frozenset[int]]] = OrderedDict()
"""Of each file that a page has shown lately: to whom, and which cohorts they could read then."""


def _latest(kept: OrderedDict[str, _Kept], key: str, new: _Kept) -> _Kept:
    found = kept.setdefault(key, new)
    kept.move_to_end(key)
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)
    return found


def belongs(session: str, person: str, could_read: frozenset[int]) -> None:
    """Take note of whose a connection is, and of the cohorts that they may read as its page is drawn."""
    tab = _latest(_tabs, session, _Tab())
    tab.people.add(person)
    tab.could_read = could_read


def is_session_of(session: str, person: str, *, unknown: bool = False) -> bool:
    """Return whether a connection is somebody's; ``unknown`` where nobody has had it."""
    return person in _tabs[session].people if session in _tabs else unknown


def session_could_read(session: str) -> frozenset[int]:
    """Return the cohorts that could be read when the page of a connection was drawn last."""
    return _tabs[session].could_read if session in _tabs else frozenset()


def could_read(file: str, person: str) -> frozenset[int] | None:
    """Return the cohorts that somebody could read when a file was shown to them; ``None`` where it never was."""
    return _shown.get(file, {}).get(person)


def watch_media() -> None:
    """Take note of whom each file is shown to, from now on."""
    if getattr(MediaFileManager, "watched", False):
        return
    add, deferred = MediaFileManager.add, MediaFileManager.execute_deferred

    def added(self: MediaFileManager, *args: Any, **kwargs: Any) -> str:
        url = add(self, *args, **kwargs)
        context = get_script_run_ctx()
        _show(url, context.session_id if context else "")
        return url

    def made(self: MediaFileManager, file_id: str) -> str:
        entry = self._deferred_callables.get(file_id)
        url = deferred(self, file_id)
        _show(url, entry["session_id"] if entry else "")
        return url

    MediaFileManager.add, MediaFileManager.execute_deferred = added, made  # type: ignore[method-assign]
    MediaFileManager.watched = True  # type: ignore[attr-defined]


def _show(url: str, session: str) -> None:
    if tab := _tabs.get(session):
        to = _latest(_shown, url.rpartition("/")[2], {})
        to.update(dict.fromkeys(tab.people, tab.could_read))
