"""What a browser tab remembers between clicks; everything that must outlive a refresh is in the address."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st

from pages.parts.new_cohort.inbox import UploadError
from pages.parts.shell import home

_ADDRESS = ("run",)
"""Query parameters that a page switch drops and that are put back here."""


def keep() -> None:
    """Put back into the address what a switch of pages took out of it."""
    for name in _ADDRESS:
        if name in st.query_params:
            st.session_state[f"kept_{name}"] = st.query_params[name]


def run() -> int | None:
    """Return the run that this tab watches."""
    text = st.query_params.get("run") or st.session_state.get("kept_run", "")
    return int(text) if str(text).isdigit() else None


def watch(run_id: int | None) -> None:
    """Watch a run, or none."""
    if run_id is None:
        st.session_state.pop("kept_run", None)
        st.query_params.pop("run", None)
        return
    st.session_state["kept_run"] = str(run_id)
    st.query_params["run"] = str(run_id)


def token() -> str:
    """Return the token of this tab's upload, opened now where there is none."""
    if "upload" not in st.session_state:
        st.session_state["upload"] = home.inbox().new()
    return str(st.session_state["upload"])


def forget_upload() -> None:
    """Discard this tab's upload."""
    if "upload" in st.session_state:
        with contextlib.suppress(UploadError):  # the handover to the store has cleared it away already
            home.inbox().batch(token()).discard()
        del st.session_state["upload"]
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1


def upload_number() -> int:
    """Return how many uploads this tab has finished; part of widget keys, so that they start empty."""
    return int(st.session_state.get("uploads", 0))


def recall(name: str, default: Any = None) -> Any:
    """Return what was remembered under a name."""
    return st.session_state.get(f"kept_{name}", default)


def remember(name: str, value: Any) -> None:
    """Remember a value until the tab is closed."""
    st.session_state[f"kept_{name}"] = value
