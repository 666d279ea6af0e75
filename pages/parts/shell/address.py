"""Choices that are in the address: opened elsewhere, a link shows the same, in whatever language.

Streamlit can bind a widget to the address, but writes the translated label there; these write the short name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st


def pick(
    draw: Callable[..., Any],
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str = "",
    words: Mapping[str, str] | None = None,
    always: bool = False,
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
        **more: Passed on to the widget.
    """
    default = default or options[0]
    shown = words or {}
    widget = f"pick_{key}_{draw.__name__}"  # two kinds of widget cannot share a state
    take(key, widget, options, default)
    chosen = draw(label, list(options), format_func=lambda name: shown.get(name, name), key=widget, **more)
    return write(key, str(chosen or default), "" if always else default)


def take(key: str, widget: str, options: Sequence[str], default: str) -> None:
    """Before a widget is drawn: take what the address says where it has changed, else what the tab remembers."""
    told, known = st.query_params.get(key), st.session_state.get(f"kept_{key}")
    if told in options and told != known:
        st.session_state[widget] = told
    elif st.session_state.get(widget) not in options:
        st.session_state[widget] = known if known in options else default


def write(key: str, value: str, default: str = "") -> str:
    """After a widget was drawn: put its value into the address, unless it is the default; return it."""
    st.session_state[f"kept_{key}"] = value
    if value != default:
        st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]
    return value
