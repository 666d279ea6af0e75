"""What keeps many photographs fast: outcomes that repeat what was read, one index a filter, few statements a click."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from fundus_core.records import Eye, Prediction
from fundus_core.store import (
    Finding,
    Ids,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    Where,
    cohorts,
    conditions,
    database,
    endings,
    photograph_table,
    queries,
    run_progress,
    run_table,
    schema,
)
from tests.simulated_rows import MODEL, fill

VERSION = ModelVersion("model", "w" * 64, "c" * 64)


def _unlike(store: Store) -> list[Any]:
    """Outcomes that say other things than their photographs and readings, of all there are."""
    outcome, reading, photograph = schema.outcome.c, schema.reading.c, schema.photograph.c
    query = (
        sa.select(outcome.photograph_id, outcome.cohort_id, photograph.cohort_id)
        .join(schema.photograph, photograph.id == outcome.photograph_id)
        .outerjoin(schema.reading, reading.id == outcome.reading_id)
    )
    differ = [outcome[name].is_distinct_from(reading[name]) for name in ("quality", "distance")]
    kind = outcome.kind != sa.func.coalesce(reading.kind, "")
    differ += [outcome[name] != photograph[name] for name in schema.OWN]
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.outcome)).scalar()
        return list(connection.execute(query.where(sa.or_(kind, *differ))))


def _finding(sha256: str, **said: Any) -> Finding:
    known = {"status": "refused", "reason_code": "focus", "quality": 0.25, "out_of_distribution": 0.5, **said}
    return Finding(sha256, predictions={"sbp": Prediction(120.0, 110.0, 130.0)}, **known)


def test_an_outcome_repeats_what_its_reading_says_and_whose_it_is(store: Store, tmp_path: Path) -> None:
    one, other, third = (letter * 64 for letter in "abc")
    for name in ("first", "second"):
        store.create_cohort(name)
        photographs = [NewPhotograph(f"{name}-{sha256[0]}", f"/x/{name}{sha256[0]}", sha256) for sha256 in (one, other)]
        store.add_photographs(name, photographs)
        store.record(name, VERSION, [_finding(one), _finding(other, status="predicted", reason_code="", kind="colour")])
    assert _unlike(store) == [], "what was written down"
    store.record("first", VERSION, [_finding(one, kind="stretched", out_of_distribution=0.75)])
    assert _unlike(store) == [], "a refusal of before kinds were kept, in both cohorts"
    assert [item.kind for item in store.photographs("second", Where(kinds=("stretched",))).items] == ["stretched"]
    assert store.kinds("second") == ({"stretched": 1, "colour": 1}, 0)
    store.set_truth("first", [TruthRow("first-a", {"sbp": 120.0}, eye=Eye.RIGHT), TruthRow("first-b", {})])
    assert _unlike(store) == [], "eyes that a table names"
    right = Where(eye=Eye.RIGHT, statuses=("refused",))
    assert [item.name for item in store.photographs("first", right).items] == ["first-a"]
    run = run_table.submit(store, "second", [ModelVersion("later", "w" * 64, "c" * 64)])
    turn, mine = endings.turn_of(store, run), store.photographs("second").items[0].id
    with store.reading() as connection:
        (taken,) = endings.claimed(store, connection, {mine: 0})
    endings.write(store, turn, [endings.Ending(taken, sha256=one, eye=Eye.LEFT, eye_source="disc")])
    assert store.photographs("second", Where(eye=Eye.LEFT, quality=(0.0, 1.0)), model="model").total == 1
    assert _unlike(store) == [], "eyes that were found when another model read the photograph"
    store.merge(["first", "second"], "both", same_people=True)
    store.select("both", "some", Where(quality=(0.0, 1.0)))
    store.export("both", tmp_path / "both.zip", photographs=False)
    store.import_(tmp_path / "both.zip", name="again")
    fill(store, 60, name="simulated", only=("sbp",))
    assert _unlike(store) == [], "copies"
    origin = ModelVersion("elsewhere", "w" * 64, "c" * 64, origin="table")
    store.create_cohort("late")
    store.add_photographs("late", [NewPhotograph("row", "", "row" + "0" * 61)])
    store.record("late", origin, [_finding("row" + "0" * 61)])
    store.give_photographs("late", {"row": NewPhotograph("row", "/x/late", third, eye=Eye.LEFT, eye_source="name")})
    assert _unlike(store) == [], "rows that were given their photographs"
    assert [item.quality for item in store.photographs("late", Where(quality=(0.2, 0.3))).items] == [0.25]


FILTERS = {
    "quality": (Where(quality=(0.75, 1.0)), {"outcome_quality"}),
    "distance": (Where(distance=(0.0, 0.5)), {"outcome_distance"}),
    "status": (Where(statuses=("refused",)), {"outcome_status"}),
    "kind": (Where(kinds=("stretched",)), {"outcome_status"}),
    "reason": (Where(statuses=("refused",), reason_codes=("focus",)), {"outcome_status"}),
    "three": (
        Where(statuses=("predicted",), eye=Eye.RIGHT, quality=(0.5, 1.0)),
        {"outcome_status", "outcome_quality", "outcome_pkey"},
    ),
    "two": (Where(eye=Eye.RIGHT, quality=(0.5, 1.0)), {"outcome_quality", "outcome_pkey"}),
}


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store, 2_000, only=("sbp",))
    with store.writing() as connection:
        for table in (schema.photograph, schema.outcome, schema.reading):
            database.count_anew(connection, table)  # as PostgreSQL does by itself after a while
    return store


def _plan(store: Store, query: Any, *, ordered: bool = False) -> str:
    """How the database would find it; of few rows PostgreSQL reads the whole table, unless it is told not to."""
    with _asked(store) as said, store.reading() as connection:
        connection.execute(query)
    return _explained(store, *said[-1], ordered=ordered)


def _explained(store: Store, text: str, bound: Any, *, ordered: bool = False) -> str:
    with store.reading() as connection, database.along_an_index(connection) if ordered else nullcontext():
        words = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            words = "EXPLAIN"
            for kind in () if ordered else ("seqscan", "bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{words} {text}", bound))


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_reads_a_range_of_one_index(filled: Store, name: str) -> None:
    where, indexes = FILTERS[name]
    cohort = filled.cohort("simulated").id
    plan = _plan(filled, conditions.in_any_order(cohort, 1, where))
    assert any(index in plan for index in indexes), plan
    assert "SCAN outcome" not in plan
    assert name == "distance" or "outcome_distance" not in plan, "the few decided about are found by themselves"
    assert "photograph USING INDEX photograph_cohort" not in plan, "no photograph is looked at"
    assert "Scan on photograph " not in plan


@pytest.mark.parametrize("order", ["quality", "distance"])
@pytest.mark.parametrize("where", [Where(), Where(statuses=("predicted",)), Where(ids=Ids.of(range(1, 2_000, 2)))])
def test_many_are_sorted_by_an_index(filled: Store, order: Any, where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "LISTED", 0)
    cohort = filled.cohort("simulated").id
    query = queries.select(cohort, 1, where, order=order, descending=order == "distance", known=True).limit(18)
    plan = _plan(filled, query, ordered=True)
    assert f"outcome_{order}" in plan, plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
    assert "  Sort  " not in plan


@contextmanager
def _asked(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What a store asks its database meanwhile: statements, each with its values."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, bound: Any, *_: Any) -> None:
        said.append((statement, bound))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(store.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("few", [20, 100_000])
@pytest.mark.parametrize("order", ["added", "quality", "name"])
def test_a_click_looks_at_all_photographs_twice_at_most(
    filled: Store, order: Any, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FEW", few)
    filled.models("simulated")
    for where, _ in FILTERS.values():
        with _asked(filled) as said:
            filled.photographs("simulated", where, model=MODEL, order=order, limit=18)
        assert sum("count(" in one for one, _ in said) <= 1, "what fits is counted once"
        assert sum("LIMIT" in one for one, _ in said) <= 2
        with _asked(filled) as again:
            filled.photographs("simulated", where, model=MODEL, order=order, offset=18, limit=18)
        assert not any("count(" in one for one, _ in again), "of one revision once"


def test_a_search_looks_through_all_names_once_whatever_else_is_asked_for(filled: Store) -> None:
    """Each filter beside it, each page and each order looked through all names and ids of patients again."""

    def found(**also: Any) -> set[str]:
        page = filled.photographs("simulated", Where(text="p000001", **also), model=MODEL, limit=100)
        assert page.total == len(page.items)
        return {item.name for item in page.items}

    with _asked(filled) as said:
        for where, _ in FILTERS.values():
            for order in ("added", "name", "quality", "distance"):
                filled.photographs("simulated", replace(where, text="P000001"), model=MODEL, order=order, limit=18)  # type: ignore[arg-type]
        filled.first("simulated", Where(text="P000001"))
        assert filled.names("simulated", Where(text="P000001"), 2)
    looked = [each for each in said if "LIKE" in each[0]]
    assert len(looked) == 1, "of one revision once"
    if filled.engine.dialect.name == "sqlite":  # PostgreSQL chooses by how much of the index it has to look up
        assert "COVERING INDEX photograph_cohort" in _explained(filled, *looked[0])
    before = found()
    assert {name[:8] for name in before} == {f"P{number:07}" for number in range(10, 20)}
    assert found(eye=Eye.RIGHT) == {name for name in before if "right" in name}
    filled.add_photographs("simulated", [NewPhotograph("new", "/x/new", patient_id="xP0000017x")])
    assert found() == before | {"new"}, "what came later is found, too"
    filled.set_truth("simulated", [TruthRow("new", {}, patient_id="another")])
    assert found() == before, "and not by whom it belonged to before"


@given(
    st.sets(st.integers(0, 9_000) | st.integers(0, 70), max_size=9),
    st.sets(st.integers(0, 70), max_size=60),
)
def test_ids_are_a_set_whatever_they_are(one: set[int], other: set[int]) -> None:
    mine, theirs = Ids.of(sorted(one, reverse=True)), Ids.of([*other, *other])
    assert (mine.array().tolist(), len(mine)) == (sorted(one), len(one))
    assert theirs == Ids.of(np.array(sorted(other), dtype=np.int64))
    assert hash(theirs) == hash(Ids.of(other))
    assert mine & theirs == theirs & mine == Ids.of(one & other)
    asked = np.array([-1, 0, 7, 8, 70, 71, 2**31], dtype=np.int64)
    assert theirs.hold(asked).tolist() == [number in other for number in asked.tolist()]


def test_what_is_filled_at_the_moment_is_looked_up_by_name(filled: Store) -> None:
    """PostgreSQL knows nothing of a cohort that a transaction fills, took it for a row or two, and read all of it."""
    photograph = schema.photograph.c
    new = [NewPhotograph(f"z{number:05}", f"/x/{number}", f"{number:064x}") for number in range(3_000)]
    with filled.writing() as connection:
        cohort = cohorts.create(connection, "new", rendered=False)
        with _asked(filled) as said:
            photograph_table.bring(connection, cohort, new, [TruthRow(one.name, {"sbp": 120.0}) for one in new], bool)
        assert len(said) <= 8, "all rows of a table go at once"
        names = [one.name for one in new[::10]]
        with _asked(filled) as said:
            found = photograph_table.named(connection, cohort, [*names, "absent"], photograph.name, photograph.id)
        assert sorted(row.name for row in found) == names
        words = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        if connection.dialect.name == "postgresql":  # of few rows it reads the whole table, which takes no longer
            for kind in ("seqscan", "hashjoin", "mergejoin"):
                connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
        plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{words} {said[0][0]}", said[0][1]))
        raw: Any = connection.connection.driver_connection
        assert getattr(raw, "prepare_threshold", None) is None, "a plan that was made of few rows would stay"
    assert "photograph_name" in plan or "autoindex_photograph_1 (cohort_id=? AND name=?)" in plan, plan
    assert "Filter" not in plan


def test_the_speed_of_a_run_is_read_from_a_range_of_an_index(filled: Store) -> None:
    with _asked(filled) as said:
        run_progress.progress(filled, 1)
    ((text, bound),) = [one for one in said if "min(entry.finished_at)" in one[0]]
    plan = _explained(filled, text, bound)
    assert "entry_speed" in plan
    assert "finished_at>?" in plan or "Index Cond: ((run_id = 1) AND (finished_at >" in plan, plan


def test_pages_by_quality_go_on_to_those_without_one(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "FEW", 1)
    filled.add_photographs("simulated", [NewPhotograph(f"z{n}", f"/x/{n}", f"{n:064x}") for n in range(30)])
    seen = [
        item
        for offset in range(1980, 2070, 18)
        for item in filled.photographs("simulated", model=MODEL, order="quality", offset=offset, limit=18).items
    ]
    assert [item.name for item in seen[20:]] == [f"z{n}" for n in range(30)]
    assert [item.quality for item in seen[:20]] == sorted(item.quality for item in seen[:20])
    assert [item.name for item in filled.photographs("simulated", Where(statuses=("queued",))).items[:30]] == [
        f"z{n}" for n in range(30)
    ]


def test_postgresql_compiles_no_statement_and_sorts_as_sqlite(empty_postgres: str, tmp_path: Path) -> None:
    """A department's database sorts as its country does; names of photographs come in one order all the same."""
    plain = sa.create_engine(empty_postgres, isolation_level="AUTOCOMMIT")
    with plain.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS abroad")
        connection.exec_driver_sql(
            "CREATE DATABASE abroad TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'"
        )
    address = sa.make_url(empty_postgres).set(database="abroad").render_as_string(hide_password=False)
    names = ["a", "B", "Ä", "b", "_", "A"]
    try:
        with Store.open(address, files=tmp_path / "files") as store:
            store.create_cohort("x")
            store.add_photographs("x", [NewPhotograph(name, f"/x/{name}", "") for name in names])
            assert [item.name for item in store.photographs("x", order="name").items] == sorted(names)
            with store.reading() as connection:
                assert connection.exec_driver_sql("SHOW jit").scalar() == "off"
                assert connection.exec_driver_sql("SELECT 'a' < 'B'").scalar(), "the database itself sorts as people do"
    finally:
        with plain.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE abroad")
        plain.dispose()
