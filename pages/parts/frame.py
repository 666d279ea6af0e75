"""The frame around every page: title, logo, menu, the place of a page's choices, and the language.

This is the script that ``app.py`` serves. It lies apart from the folder of the pages on purpose: beside it,
Streamlit would run a page without the frame when the first request to a fresh server is a deep link.
"""

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# after the project's root is on the path
from fundus_core import targets  # noqa: E402
from fundus_core.errors import FundusError  # noqa: E402
from fundus_core.store import keys_in  # noqa: E402
from pages.parts.shared import studies  # noqa: E402
from pages.parts.shell import address, asking, home, language, menu, people, rights, state  # noqa: E402
from pages.parts.shell.language import _, literal  # noqa: E402

STATIC = Path(__file__).parent / "static"
SIDEBAR_PX = 256  # wide enough for the choices, narrow enough for seven cards beside it at 1280 pixels
LONGEST = 120  # letters of what an address names in vain that are repeated


def main() -> None:
    """Draw the frame, then the chosen page."""
    icon = str(STATIC / "icon.svg")
    st.set_page_config(page_title="Fundus Lab", page_icon=icon, layout="wide", initial_sidebar_state=SIDEBAR_PX)
    st.logo(str(STATIC / "logo.svg"), icon_image=icon, size="large")
    rights.arrived()
    language.settle()
    page = menu.navigation()
    state.keep()
    with st.sidebar:
        menu.reserve()
        menu.languages()
        menu.translate()
        menu.keys()
        _who()
    try:
        targets.check()
        menu.tour(page.url_path or "overview")
        with studies.as_it_comes():
            page.run()
    except address.GoneError as gone:
        _say_gone(page.title, gone)
    except FundusError as fault:  # the store cannot be used: every page would say so, and none can mend it
        st.error(language.said(str(fault)))


def _who() -> None:
    """On a shared server say who is signed in, and offer to leave."""
    if people.shared():
        st.caption(_("Signed in as {name}").format(name=literal(asking.asker().id)))
        if not people.header():
            st.button(_("Sign out"), icon=":material/logout:", type="tertiary", on_click=st.logout, key="sign-out")


def _say_gone(title: str, gone: address.GoneError) -> None:
    """Say what the address or the tab names in vain; show nothing in its place until the reader says so."""
    menu.title(title)
    if people.shared() and not home.store().others(keys_in(gone.told)):  # keys of others were noted as they came
        asking.asker().note("refused", f"{gone.what} {gone.told}")
    words = _(
        "{what} “{name}” is not here: deleted, renamed, or of another installation. Nothing is shown in its place."
    )
    st.warning(words.format(what=gone.what, name=literal(gone.told[:LONGEST])), icon=":material/link_off:")
    st.button(_("Go on without it"), on_click=gone.forget, key="go-on")


main()
