from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from fundus_core.errors import UsageError
from fundus_core.store import Store, StoreUnavailableError, database, migrations, schema


def test_the_steps_lead_to_the_tables_that_the_code_sees(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, schema.metadata)
    unexpected = [one for one in found if not _is_version_table(one)]
    assert unexpected == []


def _is_version_table(difference: object) -> bool:
    return isinstance(difference, tuple) and getattr(difference[1], "name", "") == "schema_version"


def test_the_version_is_the_number_of_steps() -> None:
    assert len(migrations.STEPS) == database.SCHEMA_VERSION


def test_foreign_keys_hold(store: Store) -> None:
    row = {"cohort_id": 99, "name": "x", "sha256": "", "locator": "", "kept": False}
    words = dict.fromkeys(("patient_id", "eye", "eye_source", "covariates"), "")
    with pytest.raises(sa.exc.IntegrityError), store.writing() as connection:
        connection.execute(sa.insert(schema.photograph).values(**row, **words))


def test_opening_again_changes_nothing(open_store: Callable[[], Store]) -> None:
    open_store().create_cohort("first")
    assert [cohort.name for cohort in open_store().cohorts()] == ["first"]


def test_two_who_open_a_new_store_at_once_both_get_it(open_store: Callable[[], Store]) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(), range(4)))
    stores[0].create_cohort("seen by all")
    assert all(len(store.cohorts()) == 1 for store in stores)


def test_a_store_of_a_newer_version_is_left_alone(open_store: Callable[[], Store]) -> None:
    with open_store().writing() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET number = 99")
    with pytest.raises(UsageError, match=r"newer version.*version 99.*update the program"):
        open_store()


def test_addresses_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder for its files"):
        Store.open("postgresql+psycopg://localhost/x")
    with pytest.raises(UsageError, match="address is not understood"):
        Store.open("nosuch://x", files=tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be used"):
        Store.open(tmp_path / "file")


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database at all, whatever its name" * 100)
    with pytest.raises(UsageError, match="could not be opened"):
        Store.open(tmp_path)


def test_a_server_that_is_not_there_is_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="could not be opened"):
        Store.open("postgresql+psycopg://127.0.0.1:9/x?connect_timeout=2", files=tmp_path)


def test_a_writer_who_does_not_end_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_MS", 50)
    with Store.open(tmp_path) as one, Store.open(tmp_path) as other, one.writing():
        with pytest.raises(StoreUnavailableError, match=r"cannot be used now \(database is locked\)"):
            other.create_cohort("a")
        assert other.cohorts() == (), "readers never wait"
