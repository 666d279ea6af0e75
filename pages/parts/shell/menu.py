"""What surrounds every page: the list of pages (add one here), the place of its choices, keys, languages, the tour."""

import hashlib
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from pages.parts.shell import address, asking, home, people
from pages.parts.shell.language import KEY, LANGUAGES, _, current, preferred
from pages.parts.shell.sample import NAME

PAGES = Path(__file__).resolve().parents[2]
_PLACE: ContextVar[DeltaGenerator | None] = ContextVar("place", default=None)
_TITLED: ContextVar[bool] = ContextVar("titled", default=False)
"""Both of the script run at hand: each runs in a thread of its own."""


def path(name: str) -> str:
    """Return the file of a page, for links."""
    return str(PAGES / f"{name}.py")


def reserve() -> None:
    """Keep the place below the menu for a page's choices, so that they come before all else in the sidebar."""
    _PLACE.set(st.container())
    _TITLED.set(False)


def choices() -> DeltaGenerator:
    """Return the place in the sidebar for what a page lets the user choose."""
    return _PLACE.get() or st.sidebar


def title(text: str) -> None:
    """Draw the page's title, once."""
    if not _TITLED.get():
        st.title(text, anchor=False, width="content")
        _TITLED.set(True)


def navigation() -> Page:
    """Register every page and return the one that the address asks for; that of stewards for these alone."""
    steward = people.shared() and asking.asker().steward
    page = st.navigation(
        {
            "": [_page("overview", _("Overview"), "home", _("What this is, with the sample cohort."))],
            _("Cohort"): [
                _page("new_cohort", _("New cohort"), "add_photo_alternate", _("Photographs and truth in.")),
                _page("cohorts", _("Cohorts"), "folder_open", _("Rename, merge, export, delete.")),
            ],
            _("Analyse"): [
                _page("evaluate", _("Evaluate"), "query_stats", _("Predicted against true.")),
                _page("compare", _("Compare"), "compare_arrows", _("Cohorts and subgroups side by side.")),
                _page("criteria", _("Criteria"), "rule", _("Hypertension, metabolic syndrome and others.")),
                _page("explore", _("Explore"), "photo_library", _("Every photograph and its outcome.")),
                _page("one_photograph", _("One photograph"), "visibility", _("What a single eye says.")),
            ],
            _("More"): [
                _page("models", _("Models"), "deployed_code", _("What each model is and may be used for.")),
                _page("planner", _("Sample size"), "group_add", _("How many people a validation needs.")),
                _page("present", _("Present"), "slideshow", _("A cohort as slides.")),
                *([_page("stewards", _("Stewards"), "policy", _("Sizes and the log."))] if steward else []),
            ],
        }
    )
    if people.shared():
        asking.heed_page(page.url_path)
    return page


def _page(name: str, title: str, icon: str, tip: str) -> Page:
    return st.Page(path(name), title=title, icon=f":material/{icon}:", help=tip, default=name == "overview")


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


def keys() -> None:
    """Draw the keys that shows the keys."""
    if st.button(_("Keys"), icon=":material/keyboard:", type="tertiary", help="?", key="hotkeys"):
        _show()


def _show() -> None:
    @st.dialog(_("Keys"))
    def listed() -> None:
        for place, keys in _listed().items():
            lines = "".join(f"\n| `{key}` | {words} |" for key, words in keys.items())
            st.markdown(f"**{place}**\n\n| | |\n|---|---|{lines}")

    listed()


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


def languages() -> None:
    """Draw the language languages; a change shows at once, the menu included; a screen reader is told."""
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


_KEY = "tour"
"""The query parameter that says at which stop a reader is, from 1."""
STOPS: Sequence[tuple[str, dict[str, str], str]] = (
    (
        "evaluate",
        {"cohort": NAME},
        "Each point is a person: predicted against measured. The heading is the mean absolute error with its interval "
        "and what guessing the median would err. Click a point: the eyes behind it stand beside the figure.",
    ),
    (
        "compare",
        {},
        "The same model at the three sites of the sample, on common axes. Whether two sites differ is said in "
        "sentences, with an interval, below the figures.",
    ),
    (
        "explore",
        {"cohort": NAME, "status": "refused"},
        "No photograph is dropped in silence: each that was refused says why. A person may overrule it, and every "
        "result then stands with and without.",
    ),
    (
        "present",
        {"cohort": NAME},
        "The cohort as slides, as a PowerPoint file or in the browser; the arrow keys turn them.",
    ),
    (
        "new_cohort",
        {},
        "Now yours: drop photographs, a ZIP or a table of predictions made elsewhere, and a table of measured values.",
    ),
)
"""Page, what its address says, and what to look at there."""


def tour(page: str) -> None:
    """Draw the stop at which the reader is on a page, or on the overview the way in; nothing once it was closed."""
    at = address.whole(st.query_params.get(_KEY, "")) or 0
    here = 1 <= at <= len(STOPS) and STOPS[at - 1][0] == page
    if (not here and page != "overview") or _mark().exists() or not _has_sample():
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="tour"):
        if here:
            st.markdown(f"**{at} / {len(STOPS)}** · {_(STOPS[at - 1][2])}", width="stretch")
        else:
            st.markdown(_("**New here?** Five stops on the sample cohort, five minutes."), width="stretch")
        if not here or at < len(STOPS):
            to, query, _words = STOPS[at if here else 0]
            label = _("Next") if here else _("Begin")
            query = {**query, _KEY: str(at + 1 if here else 1)}
            st.page_link(path(to), label=label, icon=":material/arrow_forward:", query_params=query)
        st.button(_("Close for good"), type="tertiary", on_click=_close, key="tour-close")


def _close() -> None:
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    address.forget(_KEY)


def _mark() -> Path:
    """Return the file that says it was closed, on a shared server by this person."""
    who = hashlib.sha256(asking.asker().id.encode()).hexdigest()[:32] if people.shared() else "closed"
    return home.folder() / "tour" / who


def _has_sample() -> bool:
    return any(cohort.name == NAME and cohort.photographs for cohort in home.store().cohorts())
