"""The switch between languages."""

from typing import Any

import streamlit as st

from pages.parts.shell import address
from pages.parts.shell.language import KEY, LANGUAGES, _, current, preferred


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
