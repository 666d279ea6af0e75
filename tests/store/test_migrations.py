from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
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


def _write_first_step(folder: Path) -> None:
    """A store as the first version of the tables had it, with one photograph that a model has read."""
    engine = database.open_engine(f"sqlite:///{folder / 'store.sqlite'}")
    with database.writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE schema_version (number INTEGER NOT NULL)")
        connection.exec_driver_sql("INSERT INTO schema_version VALUES (1)")
        migrations.STEPS[0](Operations(MigrationContext.configure(connection)))
        for statement in (
            "INSERT INTO cohort (id, name, rendered, note, selected_from, revision, created_at) "
            "VALUES (1, 'old', 0, '', '', 0, 0.0)",
            "INSERT INTO photograph (id, cohort_id, name, sha256, locator, kept, patient_id, eye, eye_source, "
            "covariates, sbp) VALUES (1, 1, 'a.jpg', 'abc', '/a.jpg', 0, '', '', '', '', 120)",
            "INSERT INTO version (id, model, weights_sha256, card_sha256, origin) VALUES (7, 'model', 'w', 'c', '')",
            "INSERT INTO reading (id, sha256, version_id, status, reason_code, reason, precision, code_version, "
            "created_at, p_sbp) VALUES (1, 'abc', 7, 'predicted', '', '', 'float32', '0', 0.0, 118)",
            "INSERT INTO outcome (photograph_id, version_id, reading_id, status, reason_code, reason) "
            "VALUES (1, 7, 1, 'predicted', '', '')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_an_older_store_is_brought_here_with_all_it_holds(tmp_path: Path) -> None:
    _write_first_step(tmp_path)
    with Store.open(tmp_path) as store:
        item = store.photograph("old", "a.jpg", model="model")
        assert (item.truth["sbp"], item.predictions["sbp"].value) == (120, 118)
        assert store.models("old")[0].limits == ""
        with store.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        stray = "INSERT INTO outcome VALUES (1, 99, 1, 'predicted', '', '')"
        with pytest.raises(sa.exc.IntegrityError), store.writing() as connection:
            connection.exec_driver_sql(stray)
