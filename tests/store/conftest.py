"""Every test of the store runs on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fundus_core.store import Store
from tests.store import databases


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    why = databases.missing()
    if why:
        pytest.skip(why)
    with databases.server() as made:
        yield made.url


@pytest.fixture
def empty_postgres(postgres: str) -> str:
    """The server's database without what an earlier test left there."""
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where the test's own store is to be."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres"))
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def open_store(address: str | Path, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the test's own store, as often as wanted."""
    opened: list[Store] = []

    def open_() -> Store:
        opened.append(Store.open(address, files=tmp_path / "files"))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()
