"""Filters of the gallery together, every order, short ways and long ones: what pandas says of the same rows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from fundus_core.records import Eye
from fundus_core.store import Ids, Store, Where, conditions, prediction_table, queries, schema
from tests.simulated_rows import MODEL, fill

N = 250
WHO = {"who": "A", "why": "Seen again."}
KINDS = ("colour", "stretched", "")


@pytest.fixture
def rows(store: Store) -> pd.DataFrame:
    """A cohort of ties (a tenth is a step of quality and of distance), of several kinds, with decisions."""
    fill(store, N, only=("sbp", "age"))
    reading = schema.reading.c
    with store.writing() as connection:
        for one, quality, distance in connection.execute(
            sa.select(reading.id, reading.quality, reading.distance)
        ).all():
            known = {"quality": round(quality, 1), "distance": round(distance, 1), "kind": KINDS[one % 7 // 3]}
            known["quality"] = None if one % 50 == 0 else known["quality"]
            connection.execute(sa.update(schema.reading).where(reading.id == one).values(known))
        prediction_table.refresh(connection, schema.outcome.c.reading_id.is_not(None))
        made = sa.select(schema.outcome.c.reading_id).where(schema.outcome.c.status == "refused").limit(3)
        new = [{"reading_id": one, "target": "sbp", "value": 120.0 + one} for one in connection.scalars(made)]
        connection.execute(sa.insert(schema.prediction), new)
    store.decide("simulated", "accept", code="focus", **WHO)
    names = [item.name for item in store.photographs("simulated", Where(statuses=("predicted",)), limit=9).items]
    store.decide("simulated", "withdraw", names=names[::2], **WHO)
    return _read(store)


def _read(store: Store) -> pd.DataFrame:
    """The rows as they lie in the tables, joined and judged by pandas alone."""
    with store.reading() as connection:
        tables = {
            table.name: pd.DataFrame(connection.execute(sa.select(table)).mappings().all())
            for table in (schema.photograph, schema.outcome, schema.reading, schema.prediction, schema.measurement)
        }
    photograph = tables["photograph"].set_index("id")
    outcome = tables["outcome"].set_index("photograph_id").reindex(photograph.index)
    reading = tables["reading"].set_index("id").reindex(outcome["reading_id"]).set_index(photograph.index)
    sbp = {name: tables[name].query("target == 'sbp'") for name in ("prediction", "measurement")}
    said = sbp["prediction"].set_index("reading_id")["value"].reindex(outcome["reading_id"]).to_numpy()
    found = photograph[["name", "patient_id", "eye"]].assign(
        site=photograph["covariates"].map(lambda words: json.loads(words)["site"]),
        status=outcome["status"],
        quality=reading["quality"].astype(float),
        distance=reading["distance"].astype(float),
        kind=reading["kind"],
        truth=sbp["measurement"].set_index("photograph_id")["value"].reindex(photograph.index),
    )
    anything = outcome["reading_id"].isin(tables["prediction"]["reading_id"])
    found.loc[(photograph["decision"] == "accept") & (outcome["status"] == "refused") & anything, "status"] = (
        "predicted"
    )
    found.loc[(photograph["decision"] == "withdraw") & (outcome["status"] == "predicted"), "status"] = "refused"
    found["predicted"] = pd.Series(said, found.index).where(found["status"] == "predicted")
    found["absolute_error"] = (found["predicted"] - found["truth"]).abs()
    return found


def _expected(rows: pd.DataFrame, asked: Mapping[str, Any], order: str, *, descending: bool) -> list[int]:
    kept = rows
    for name in ("status", "eye", "site", "kind"):
        kept = kept[kept[name] == asked[name]] if asked[name] else kept
    kept = kept[kept["quality"] >= asked["quality"]] if asked["quality"] else kept
    held = kept["name"].str.lower().str.contains(asked["find"]) | kept["patient_id"].str.lower().str.contains(
        asked["find"]
    )
    kept = kept[held].sort_index()
    if order != "added":
        kept = kept.sort_values(order, ascending=not descending, kind="stable", na_position="last")
    return list(kept.index)


@pytest.mark.parametrize(("part", "few", "listed"), [(0, 0, 0), (1, 20, 1_000), (2, 100_000, 0)])
def test_filters_together_are_what_pandas_says_ties_by_id(
    store: Store, rows: pd.DataFrame, part: int, few: int, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every third combination each way: any two filters meet each way, all of them on each database."""
    monkeypatch.setattr(queries, "FEW", few)
    monkeypatch.setattr(conditions, "LISTED", listed)  # ids that lie close are marked in a row of bytes
    monkeypatch.setattr(queries, "_SOME", 20)
    asked = {
        "status": ("", "predicted", "refused"),
        "eye": ("", "right"),
        "site": ("", "north"),
        "quality": (0.0, 0.5),
        "kind": ("", "stretched"),
        "find": ("", "p000001"),
    }
    orders = itertools.cycle(("added", "quality", "distance", "name", "truth", "predicted", "absolute_error"))
    seen = 0
    for words in itertools.islice(itertools.product(*asked.values()), part, None, 3):
        one = dict(zip(asked, words, strict=True))
        where = Where(
            statuses=(one["status"],) if one["status"] else (),
            kinds=(one["kind"],) if one["kind"] else (),
            eye=Eye(one["eye"]) if one["eye"] else None,
            quality=(one["quality"], 1.0) if one["quality"] else None,
            text=one["find"],
        )
        where = replace(where, ids=Ids.of(rows.index[rows["site"] == "north"].to_numpy())) if one["site"] else where
        for order in itertools.islice(orders, 3):
            descending = order in ("truth", "predicted", "absolute_error")
            expected = _expected(rows, one, order, descending=descending)
            sorts = {"order": order, "target": "sbp", "descending": descending, "model": MODEL}
            ranked = _expected(rows, dict.fromkeys(asked, ""), order, descending=descending)
            kept = where.statuses in ((), ("predicted",)) and order not in ("added", "name")  # as the page asks
            for offset, first in ((0, None), (4, None), *([(0, ranked)] if kept else [])):
                page = store.photographs("simulated", where, **sorts, offset=offset, limit=9, ranked=first)
                assert [item.id for item in page.items] == expected[offset : offset + 9], (one, order)
                assert page.total == len(expected), (one, order)
            first = store.first("simulated", where, model=MODEL)
            assert (first.id if first else None) == min(expected, default=None)
            seen += len(expected)
    assert seen > N, "the filters leave something"


def test_kinds_are_counted_as_pandas_counts_them(store: Store, rows: pd.DataFrame) -> None:
    counted, unnamed = store.kinds("simulated", MODEL)
    expected = rows["kind"].value_counts()
    assert dict(counted) == {name: n for name, n in expected.items() if name}
    assert unnamed == ((rows["kind"] == "") & rows["status"].isin(["predicted", "refused"])).sum()
    assert store.refused("simulated") is bool(store.refusals("simulated"))
