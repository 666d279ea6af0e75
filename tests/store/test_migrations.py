from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from fundus_core import runs
from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction
from fundus_core.store import ModelVersion, Store, StoreUnavailableError, Where, base, database, migrations, schema
from tests.store import databases


def test_the_steps_lead_to_the_tables_that_the_code_sees(address: str | Path) -> None:
    engine = databases.as_released(base.resolve_address(address, address)[0], database.SCHEMA_VERSION)
    with database.reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, schema.metadata)
    engine.dispose()
    unexpected = [one for one in found if not _is_version_table(one)]
    assert unexpected == []


def test_a_new_store_is_what_the_steps_lead_to(tmp_path: Path) -> None:
    """It is made without them: columns, defaults, keys, indexes and checks must be the same ones."""
    (tmp_path / "old").mkdir()
    databases.as_released(base.resolve_address(tmp_path / "old", None)[0], database.SCHEMA_VERSION).dispose()
    new, old = tmp_path / "new" / "store.sqlite", tmp_path / "old" / "store.sqlite"
    with Store.open(new.parent) as store, store.reading() as connection:
        assert len(connection.execute(sa.select(schema.store.c.id)).scalars().one()) == 32
    assert _tables(new) == _tables(old)


def _tables(file: Path) -> dict[str, object]:
    engine = sa.create_engine(f"sqlite:///{file}")
    seen = sa.inspect(engine)
    found = {
        name: (
            {column["name"]: {**column, "type": str(column["type"])} for column in seen.get_columns(name)},
            seen.get_pk_constraint(name)["constrained_columns"],
            sorted(map(repr, seen.get_foreign_keys(name))),
            sorted(map(repr, seen.get_indexes(name))),
            sorted(map(repr, seen.get_unique_constraints(name))),
            sorted(map(repr, seen.get_check_constraints(name))),
        )
        for name in seen.get_table_names()
    }
    engine.dispose()
    return found


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
    assert database.open_engine("postgresql://localhost/x").driver == "psycopg"
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


SEVEN = ("sbp", "dbp", "glucose", "waist", "bmi", "age", "sex")
RELEASED = range(1, database.SCHEMA_VERSION)


def _write_released(address: str | Path, number: int) -> None:
    """A store as a released version of the tables had it: predicted, refused, and one nobody has read."""
    measured = {name: 100 + place for place, name in enumerate(SEVEN) if name != "dbp"}
    read = {f"{kind}_{name}": 10.25 * place for place, name in enumerate(SEVEN) for kind in "plh" if name != "sex"}
    photograph = {"cohort_id": 1, "locator": "/x", "kept": False, "patient_id": "P", "eye": "left", "eye_source": ""}
    one = {**photograph, "id": 1, "name": "a", "sha256": "a" * 64, "covariates": '{"s": "x"}'}
    numbers: list[tuple[str, dict[str, object]]] = []
    if number >= 5:  # a row per target
        numbers = [("measurement", {"photograph_id": 1, "target": name, "value": measured[name]}) for name in measured]
        of = {"value": "p", "low": "l", "high": "h"}
        numbers += [
            (
                "prediction",
                {"reading_id": 1, "target": name, **{key: read[f"{kind}_{name}"] for key, kind in of.items()}},
            )
            for name in SEVEN
            if name != "sex"
        ]
        measured, read = {}, {}
    of_run = {"run_id": 1, "worker": "", "deaths": 0, "reused": False}
    reading = {"version_id": 7, "precision": "float32", "code_version": "0", "created_at": 0.0}
    door = {"door_status": "failed", "door_code": "truncated", "door_reason": "Cut off."} if number >= 2 else {}
    new = {"revision": 5, "created_at": 0.0}
    ended = {"status": "refused", "reason_code": "focus", "reason": "Blurred."}
    fine = {"status": "predicted", "reason_code": "", "reason": ""}
    of_cohort = {"cohort_id": 1} if number >= 11 else {}
    eye = {"eye": "left"} if number >= 12 else {}
    repeated = {**of_cohort, **eye, "quality": 0.5} if of_cohort else {}
    rows: list[tuple[str, dict[str, object]]] = [
        ("cohort", {"id": 1, "name": "old", "rendered": False, "note": "", "selected_from": "", **new}),
        ("photograph", {**one, **measured}),
        ("photograph", {**photograph, "id": 2, "name": "b", "sha256": "b" * 64, "covariates": ""}),
        ("photograph", {**photograph, "id": 3, "name": "c", "sha256": "", "covariates": "", **door}),
        ("version", {"id": 7, "model": "model", "weights_sha256": "w", "card_sha256": "c", "origin": ""}),
        ("reading", {**reading, **fine, "id": 1, "sha256": "a" * 64, "quality": 0.5, **read}),
        ("reading", {**reading, **ended, "id": 2, "sha256": "b" * 64}),
        ("outcome", {**fine, "photograph_id": 1, "version_id": 7, "reading_id": 1, **repeated}),
        ("outcome", {**ended, "photograph_id": 2, "version_id": 7, "reading_id": 2, **of_cohort}),
        ("run", {"id": 1, "cohort_id": 1, "state": "active", "note": "", "created_at": 0.0, "served_at": 0.0}),
        ("run_version", {"run_id": 1, "version_id": 7, "position": 0}),
        ("entry", {**of_run, "photograph_id": 1, "state": "predicted"}),
        ("entry", {**of_run, "photograph_id": 3, "state": "queued"}),
        *numbers,
    ]
    engine = databases.as_released(base.resolve_address(address, address)[0], number)
    with database.writing(engine) as connection:
        for table, values in rows:
            there = sa.table(table, *(sa.column(name) for name in values))
            connection.execute(sa.insert(there).values(values))
    engine.dispose()


@pytest.mark.parametrize("number", RELEASED)
def test_every_released_store_is_brought_here_with_all_it_holds(
    address: str | Path, open_store: Callable[[], Store], number: int
) -> None:
    _write_released(address, number)
    store = open_store()
    read, refused, queued = store.photographs("old", model="model").items
    assert read.truth == {name: 100 + place for place, name in enumerate(SEVEN) if name != "dbp"}
    expected = {name: Prediction(*[10.25 * place] * 3) for place, name in enumerate(SEVEN) if name != "sex"}
    assert read.predictions == expected
    assert (read.quality, read.covariates, read.visit, read.eye) == (0.5, {"s": "x"}, "", Eye.LEFT)
    assert (refused.status, refused.reason, refused.truth, refused.predictions) == ("refused", "Blurred.", {}, {})
    assert queued.status == "queued"
    found = store.photographs("old", Where(statuses=("predicted",), eye=Eye.LEFT, quality=(0.25, 1.0)), model="model")
    assert [item.name for item in found.items] == ["a"]
    assert store.models("old") == (ModelVersion("model", "w", "c"),)
    table = store.table("old")
    np.testing.assert_array_equal(table.predicted["bmi"], [41.0, np.nan, np.nan])
    np.testing.assert_array_equal(table.truth["sbp"], [100, np.nan, np.nan])
    assert runs.progress(store, 1).queued == 1
    with store.reading() as connection:
        assert len(connection.execute(sa.select(schema.store.c.id)).all()) == 1
    store.delete("old")
    with store.reading() as connection:
        for left in (schema.measurement, schema.prediction, schema.outcome):
            assert connection.execute(sa.select(sa.func.count()).select_from(left)).scalar() == 0, left


def test_sqlite_keeps_watching_keys_after_it_was_brought_here(tmp_path: Path) -> None:
    _write_released(tmp_path, 1)
    with Store.open(tmp_path) as store:
        with store.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        stray = {"photograph_id": 99, "target": "sbp", "value": 1.0}
        with pytest.raises(sa.exc.IntegrityError), store.writing() as connection:
            connection.execute(sa.insert(schema.measurement).values(stray))
