"""Where this installation keeps its things, and whom it serves."""

from __future__ import annotations

import os

from fundus_core.pipeline import home as folder

__all__ = ["folder", "local"]


def local() -> bool:
    """Return whether the server serves this machine only, so that a page may name its folders."""
    return os.environ.get("FUNDUS_LAB_LOCAL", "1") == "1"
