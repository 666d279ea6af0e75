"""A store's database stays locked, whoever else of the same process opens it.

Attacked with what POSIX does: closing any handle of a file gives back all locks that the process has on it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fundus_core.store import Store

USED = """
import sqlite3, sys
try:
    print(sqlite3.connect(sys.argv[1], timeout=0).execute("PRAGMA journal_mode=DELETE").fetchone()[0])
except sqlite3.OperationalError as error:
    print(error)
"""


def said(program: str, path: Path) -> str:
    """What another process says of a file."""
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_opening_a_store_again_does_not_give_its_database_away(tmp_path: Path) -> None:
    """SQLite would else let another process take the journal from under the first connection."""
    with Store.open(tmp_path) as store, store.reading():
        Store.open(tmp_path).close()
        assert "locked" in said(USED, tmp_path / "store.sqlite")
    assert said(USED, tmp_path / "store.sqlite") == "delete"
