"""Where this installation keeps its things, whom it serves, and which folders its pages may read."""

import os
from pathlib import Path

from streamlit import config

from fundus_core.home import home as folder
from fundus_core.images.allowed_folders import VARIABLE, listed
from pages.parts.shell import people

__all__ = ["folder", "local", "proxies", "roots"]

PROXIES = "FORWARDED_ALLOW_IPS"
"""Names the proxies whose forwarded headers count: uvicorn's own setting, addresses and networks after commas."""
_OWN = ("127.0.0.1", "localhost", "::1")


def local() -> bool:
    """Return whether the server serves this machine only: bound to it, and no proxy named that brings others in."""
    if people.shared():
        return False
    said = os.environ.get("FUNDUS_LAB_LOCAL")
    if said is not None:
        return said == "1"
    return config.get_option("server.address") in _OWN and not proxies()


def proxies() -> str:
    """Return the setting that names trusted proxies; empty where nobody has set it."""
    return os.environ.get(PROXIES, "").strip()


def roots() -> tuple[Path, ...]:
    """Return the folders of the server that pages may read: those listed, on one's own machine else the home."""
    return listed() if local() or os.environ.get(VARIABLE) is not None else ()
