"""What a browser tab remembers between clicks; everything that must outlive a refresh is in the address."""

import contextlib
from typing import Any

import streamlit as st

from pages.parts.shell import address, home
from pages.parts.shell.upload_stream import UploadError

_ADDRESS = ("run",)
"""Query parameters that a page switch drops and that are put back here."""


def keep() -> None:
    """Put back into the address what a switch of pages took out of it."""
    for name in _ADDRESS:
        if name in st.query_params:
            st.session_state[f"kept_{name}"] = st.query_params[name]


def run() -> str:
    """Return the key of the run that this tab watches; empty where it watches none."""
    return str(st.query_params.get("run") or st.session_state.get("kept_run", ""))


def watch(run: str) -> None:
    """Watch a run by its key, or none."""
    if not run:
        address.forget("run")
        return
    st.session_state["kept_run"] = run
    st.query_params["run"] = run


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
