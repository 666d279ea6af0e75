"""The folder with everything that is the user's own: cohorts, models, targets."""

import os
from pathlib import Path

VARIABLE = "FUNDUS_LAB_HOME"
"""Names the folder; ``./workspace`` where it is not set."""


def home() -> Path:
    """Return the folder, as it is now."""
    return Path(os.environ.get(VARIABLE) or "workspace").resolve()
