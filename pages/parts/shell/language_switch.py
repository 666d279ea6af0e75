"""The switch between languages, and the few words that Streamlit's own widgets say; it has no setting for them."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.shell import address
from pages.parts.shell.language import KEY, LANGUAGES, _, current, preferred


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component(
        "fundus_lab_widgets", js=Path(__file__).with_name("widgets.js").read_text(encoding="utf-8")
    )


def translate() -> None:
    """Put Streamlit's own words into the reader's language; call once a page."""
    words = {
        "Upload": _("Upload"),
        "per file": _("per file"),
        "Show/hide columns": _("Show or hide columns"),
        "Download as CSV": _("Download as CSV"),
        "Search": _("Search"),
        "Fullscreen": _("Full screen"),
    }
    _component()(key="widgets", data=[[english, own] for english, own in words.items() if english != own])


@st.cache_resource(show_spinner=False)
def _teller() -> Any:
    script = "export default function ({ data }) { document.documentElement.lang = data; }"
    return st.components.v2.component("fundus_lab_language", js=script)


def switch() -> None:
    """Draw the language switch; a change shows at once, the menu included; a screen reader is told."""
    before = current()
    _teller()(key="language", data=before)
    chosen = address.pick(
        st.segmented_control,
        _("Language"),
        list(LANGUAGES),
        key=KEY,
        default=preferred(st.context.locale),
        words=LANGUAGES,
        lenient=True,
        required=True,
        label_visibility="collapsed",
    )
    if chosen != before:
        st.rerun()
