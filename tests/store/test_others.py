"""Stores that others hold, or may not read."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fundus_core.store import Store, database
from fundus_core.store.store_identity import MARK
from tests.store.test_damaged import ROOT, contents, fill, use

# Not now ------------------------------------------------------------------------------------------------------


def test_a_database_that_another_program_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "store")
    monkeypatch.setattr(database, "WAIT_MS", 50)
    holder = sqlite3.connect(folder / "store.sqlite", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("UPDATE cohort SET note = 'held'")
    assert "database is locked" in use(folder)
    holder.close()
    assert use(folder) == ""
    assert len(contents(folder)) == 12


NOBODY = """
import os, sys, json
from fundus_core.errors import FundusError
from fundus_core.store import Store
Store.open(sys.argv[1] + "-other").close()  # whatever is imported late, since nobody may read the interpreter
os.setgid(65534)
os.setuid(65534)
try:
    Store.open(sys.argv[1]).close()
    print(json.dumps(""))
except FundusError as error:
    print(json.dumps(str(error)))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.parametrize("closed", ["database", "folder", "mark", "all but reading"])
def test_somebody_who_may_not(tmp_path: Path, closed: str) -> None:
    """As another user, since root may do everything."""
    folder = fill(tmp_path / "store")
    for above in (tmp_path, *tmp_path.parents[:3]):
        above.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    target = {"database": folder / "store.sqlite", "folder": folder, "mark": folder / MARK}.get(closed)
    if target is not None:
        os.chown(target, 0, 0)
        target.chmod(0o700 if target.is_dir() else 0o600)
    else:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 0, 0)
            path.chmod(0o555 if path.is_dir() else 0o444)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", NOBODY, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout).endswith(".")
    assert len(contents(folder)) == 12


# What others may read -----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="Windows has other means")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_may_read_a_store(tmp_path: Path, umask: int) -> None:
    """Whatever the umask: folders 700 and files 600, the database's journals included."""
    before = os.umask(umask)
    try:
        folder = fill(tmp_path / "new" / "store")
        upload = tmp_path / "upload"
        upload.write_bytes(b"upload")
        with Store.open(folder) as store:
            kept = store.keep_file(upload)
            store.shelf.write("thumbnails", kept.sha256, b"t")
            store.create_cohort("b")
            store.tidy()
            found = {path: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    finally:
        os.umask(before)
    assert {"store.sqlite", "store.sqlite-wal", "store.sqlite-shm", MARK} <= {path.name for path in found}
    assert [path for path, mode in found.items() if mode != (0o700 if path.is_dir() else 0o600)] == []


def test_a_shared_folder_stays_shared(tmp_path: Path) -> None:
    """A store opened in ``/tmp`` must not shut everybody else out of it."""
    tmp_path.chmod(0o1777)
    Store.open(tmp_path).close()
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777
