"""The keys that pages listen to, in one place; the key ``?`` shows them."""

import streamlit as st

from pages.parts.shell.language import _

LARGER, SMALLER = "P", "N"
"""On Evaluate: to the eye with the next larger, or smaller, error."""


def _listed() -> dict[str, dict[str, str]]:
    """Return what each key does, by page."""
    return {
        _("Everywhere"): {"?": _("Show these keys"), "Esc": _("Close what is open")},
        _("Evaluate"): {LARGER: _("Eye with the next larger error"), SMALLER: _("Eye with the next smaller error")},
        _("A photograph opened large"): {
            "← →": _("Photograph with the next larger or smaller error"),
            "+ − 0": _("Zoom in, zoom out, whole photograph"),
        },
        _("Present"): {"← →": _("Slide before or after"), "Home End": _("First or last slide"), "F": _("Full screen")},
    }


def button() -> None:
    """Draw the button that shows the keys."""
    if st.button(_("Keys"), icon=":material/keyboard:", type="tertiary", help="?", key="hotkeys"):
        _show()


def _show() -> None:
    @st.dialog(_("Keys"))
    def listed() -> None:
        for place, keys in _listed().items():
            lines = "".join(f"\n| `{key}` | {words} |" for key, words in keys.items())
            st.markdown(f"**{place}**\n\n| | |\n|---|---|{lines}")

    listed()
