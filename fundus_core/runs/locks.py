"""Locks that the operating system gives back when their holder dies, on every system.

SQLite already knows how to lock a file on Linux, macOS and Windows, and a killed process loses its locks at
once; an exclusive transaction on an empty database file is used as nothing but that lock.
"""

import sqlite3
import time
from pathlib import Path

from fundus_core import owner_only

_TRIES = 5
_PAUSE_S = 0.02


class Lock:
    """One lock, named by its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None

    def take(self) -> bool:
        """Take the lock for as long as this process lives; returns whether it could be had.

        A few tries, since another process may just be looking whether it is free.
        """
        owner_only.folder(self.path.parent)
        owner_only.make(self.path)
        for _ in range(_TRIES):
            connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                connection.close()
                time.sleep(_PAUSE_S)
            else:
                self._connection = connection
                return True
        return False

    def give_back(self) -> None:
        """Let others have it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def held(self) -> bool:
        """Whether some process, this one included, holds it now."""
        if self._connection is not None:
            return True
        if not self.path.exists() or not self.take():
            return self.path.exists()
        self.give_back()
        return False
