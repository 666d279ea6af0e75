"""The folder with everything that is the user's own: cohorts, models, targets."""

import os
from functools import lru_cache
from pathlib import Path

VARIABLE = "FUNDUS_LAB_HOME"
"""Names the folder; ``./workspace`` where it is not set."""


def home() -> Path:
    """Return the folder, as it is now."""
    told = os.environ.get(VARIABLE) or "workspace"
    return _resolved(told, "" if told.startswith(os.sep) else os.getcwd())  # noqa: PTH109 (of the moment, as a word)


@lru_cache(maxsize=8)
def _resolved(told: str, _from: str) -> Path:
    return Path(told).resolve()  # looks at every folder on the way, and a page asks a hundred times
