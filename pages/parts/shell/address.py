"""Choices that are in the address: opened elsewhere, a link shows the same, in whatever language.

Streamlit can bind a widget to the address, but writes the translated label there; these write the short name.

A name that stands for nothing is never replaced by another in silence: where an address, or what a tab remembers of
a thing that can be deleted, names what is not there, ``GoneError`` is raised; the frame says so and shows nothing else.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.parts.shell.language import current


class GoneError(Exception):
    """An address, a tab or a widget names what is not there."""

    def __init__(self, what: str, told: str, *, keys: Sequence[str] = (), widgets: Sequence[str] = ()) -> None:
        """Say which kind of thing (translated, such as a widget's label) is missing, and as what it was named.

        Query parameters and widgets are forgotten before the page can go on.
        """
        super().__init__(f"{what}: {told}")
        self.what, self.told = what, told
        self.keys, self.widgets = tuple(keys), tuple(widgets)

    def forget(self) -> None:
        """Take it out of the address and out of the tab's memory."""
        forget(*self.keys)
        for widget in self.widgets:
            st.session_state.pop(widget, None)


def forget(*keys: str) -> None:
    """Take query parameters out of the address and out of the tab's memory."""
    for key in keys:
        st.query_params.pop(key, None)
        st.session_state.pop(f"kept_{key}", None)
        for widget in [name for name in st.session_state if str(name).startswith(f"pick_{key}_")]:
            del st.session_state[widget]


def pick(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str = "",
    words: Mapping[str, str] | None = None,
    always: bool = False,
    lenient: bool = False,
    **more: Any,
) -> str:
    """Draw a widget that chooses one of several names; the address and the tab remember it.

    Args:
        draw: ``st.selectbox``, ``st.segmented_control`` or another widget of the kind.
        label: Already translated.
        options: Short names, at least one.
        key: Name of the query parameter.
        default: The first option where empty; not written into the address.
        words: What is shown for each name; the name itself where it has none.
        always: Write the default too, where it may change with time.
        lenient: Pass over an address that names no option; for what changes no number.
        **more: Passed on to the widget.

    Raises:
        GoneError: The address names none of the options.
    """
    if not lenient:
        check(label, key, options)
    default = default or options[0]
    shown = words or {}
    widget = f"pick_{key}_{draw.__name__}"  # two kinds of widget cannot share a state
    take(key, widget, options, default)
    chosen = draw(label, list(options), format_func=lambda name: shown.get(name, name), key=widget, **more)
    return write(key, str(chosen or default), "" if always else default)


def told(key: str) -> str:
    """Return what the address says that this tab has not seen yet: a link was followed; empty where none was."""
    now = st.query_params.get(key, "")
    return "" if now == st.session_state.get(f"kept_{key}", "") else now


def check(label: str, key: str, options: Collection[str], *, memory: bool = False) -> None:
    """See to it that what the address names is there; a ``GoneError`` where it is not.

    What a tab chose itself and wrote into its address is no link: where another choice has taken it away, the default
    is shown. With ``memory`` that counts as well: a thing that was there and was deleted.
    """
    kept = str(st.session_state.get(f"kept_{key}", "")) if memory else ""
    for name in (told(key), kept):
        if name and name not in options:
            raise GoneError(label, name, keys=[key])


def held(label: str, widget: str, options: Collection[Any], *, say: Callable[[Any], str] = str) -> None:
    """See to it that what a widget holds is there still: Streamlit would put the first option in its place.

    Raises:
        GoneError: It is not.
    """
    value = st.session_state.get(widget)
    values = value if isinstance(value, list) else [] if value is None else [value]
    lost = [say(each) for each in values if each not in options]
    before, now = st.session_state.get(f"{widget}-said-in"), current()
    st.session_state[f"{widget}-said-in"] = now
    if lost and before not in (None, now):  # Streamlit keeps a choice by its words, and these were another language's
        del st.session_state[widget]
    elif lost:
        raise GoneError(label, ", ".join(lost), widgets=[widget])


def whole(text: str) -> int | None:
    """Return a whole number written in an address; ``None`` for anything else, however it looks.

    Numbers that no id can be, since PostgreSQL's are of 32 bits, are none.

    >>> whole("12"), whole("-1"), whole("²"), whole("1" * 10)
    (12, None, None, None)
    """
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def take(key: str, widget: str, options: Sequence[str], default: str) -> None:
    """Before a widget is drawn: take what the address says where it has changed, else what the tab remembers.

    It is set in each run: Streamlit shows a widget's value on the page where it was set, and on the next page, where
    nobody touched the widget yet, it would show the first option.
    """
    said, known = st.query_params.get(key), st.session_state.get(f"kept_{key}")
    chosen = said if said in options and said != known else st.session_state.get(widget)
    if chosen not in options:
        chosen = known if known in options else default
    st.session_state[widget] = chosen


def write(key: str, value: str, default: str = "") -> str:
    """After a widget was drawn: put its value into the address, unless it is the default; return it."""
    st.session_state[f"kept_{key}"] = value
    if value != default:
        st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]
    return value
