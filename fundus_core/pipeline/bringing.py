"""A cohort that a stranger may have written, read in a process of its own before it comes into the store."""

from __future__ import annotations

import mimetypes
import tempfile
from pathlib import Path

from fundus_core import confined
from fundus_core.confined import Limits, StoppedError
from fundus_core.errors import UsageError
from fundus_core.store import Cohort, Store


def bring_in(store: Store, file: Path, *, name: str | None = None) -> Cohort:
    """Read a file that ``Store.export`` wrote into a new cohort.

    Args:
        store: Where it goes.
        file: The archive.
        name: Of the new cohort; the file's own where ``None``.

    Raises:
        UsageError: It is no such file, is damaged, or is made to fill memory or disk; nothing stays in the store.
    """
    limits = Limits().grown(file.stat().st_size, seconds_per_mib=0.5, memory_per_byte=0.0)
    with tempfile.TemporaryDirectory() as folder:
        try:
            confined.run(
                "fundus_core.store.archive.checking:check",
                {"file": str(file.resolve())},
                folder=Path(folder),
                readable=[file, *map(Path, mimetypes.knownfiles)],  # a library that the store uses looks there
                limits=limits,
            )
        except StoppedError as error:
            message = f"'{file.name}' could not be read as a cohort. {error}"
            raise UsageError(message) from error
    return store.import_(file, name=name)
