"""The list of pages: where to add one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from pages.parts.shell.language import _

PAGES = Path(__file__).resolve().parents[2]


def path(name: str) -> str:
    """Return the file of a page, for links."""
    return str(PAGES / f"{name}.py")


def navigation() -> Page:
    """Register every page and return the one that the address asks for."""
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
            ],
        }
    )


def _page(name: str, title: str, icon: str, tip: str) -> Page:
    return st.Page(path(name), title=title, icon=f":material/{icon}:", help=tip, default=name == "overview")
