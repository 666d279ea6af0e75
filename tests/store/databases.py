"""A PostgreSQL server of our own for the tests: Debian's binaries, a free port, a folder that is removed."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from fundus_core.store import database, migrations

_READY_S = 30.0


def binaries() -> Path | None:
    """The newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def missing() -> str:
    """Why no server can be started; empty where one can."""
    if binaries() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    if os.name == "posix" and os.geteuid() == 0:
        try:
            shutil.chown(tempfile.mkdtemp(), "postgres")
        except LookupError:
            return "PostgreSQL does not run as root and there is no user 'postgres'"
    return ""


def _as_user() -> dict[str, object]:
    if os.geteuid() == 0:
        return {"user": "postgres", "group": "postgres", "extra_groups": []}
    return {}


class Server:
    """A server on a free port of the loopback; may be stopped and started again."""

    def __init__(self) -> None:
        programs = binaries()
        assert programs is not None
        self.programs = programs
        self.user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        make = [programs / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", self.user]
        subprocess.run(
            [*make, "--no-sync", "-E", "UTF8"], check=True, capture_output=True, cwd=self.folder, **_as_user()
        )
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{self.user}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = ["-p", str(self.port), "-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **_as_user(),
        )
        _wait(self.programs, self.port)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # end at once, whoever is still connected
        self.process.wait(30)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server."""
    made = Server()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.folder, ignore_errors=True)


def _wait(programs: Path, port: int) -> None:
    until = time.monotonic() + _READY_S
    ask = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ask, check=False).returncode:
        assert time.monotonic() < until, "PostgreSQL did not start"
        time.sleep(0.1)


def as_released(url: str | sa.URL, number: int) -> sa.Engine:
    """An empty database with the tables of a released version of the store."""
    engine = database.open_engine(url)
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE schema_version (number INTEGER NOT NULL)")
        connection.execute(sa.insert(sa.table("schema_version", sa.column("number"))).values(number=number))
        for step in migrations.STEPS[:number]:
            step(Operations(MigrationContext.configure(connection)))
    return engine
