"""The list of pages: where to add one; and the place below it for what a page lets the user choose."""

from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from pages.parts.shell import asking, people
from pages.parts.shell.language import _

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
    return st.navigation(
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


def _page(name: str, title: str, icon: str, tip: str) -> Page:
    return st.Page(path(name), title=title, icon=f":material/{icon}:", help=tip, default=name == "overview")
