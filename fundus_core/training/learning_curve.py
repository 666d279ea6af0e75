"""What a training has reached, a row per epoch, in a small file beside its weights. Needs no torch."""

import contextlib
from pathlib import Path

from fundus_core.tables import records_from_csv

LOG = "log.csv"


def curve(folder: Path) -> list[dict[str, float]]:
    """Return the log so far: a row per epoch, with ``epoch``, ``training_loss``, ``validation_loss``, ``seconds``."""
    with contextlib.suppress(OSError, ValueError):
        text = (folder / LOG).read_text(encoding="utf-8").splitlines(keepends=True)
        return [{name: float(word) for name, word in row.items()} for row in records_from_csv(text)[1]]
    return []
