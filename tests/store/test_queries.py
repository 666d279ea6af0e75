"""The database's filters and orders against the same ones written in Python over all items."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import Eye, Prediction
from fundus_core.store import (
    Finding,
    Item,
    ModelVersion,
    NewPhotograph,
    Store,
    TruthRow,
    Where,
    prediction_table,
    run_table,
    versions,
)

MODEL = ModelVersion("model", "w", "c")
N = 40


@pytest.fixture
def cohort(store: Store) -> str:
    """Forty photographs: predicted, refused or still queued, some without truth."""
    store.create_cohort("a")
    kept = [store.keep(b"%d" % i) for i in range(N)]
    eyes = [Eye.LEFT, Eye.RIGHT, Eye.UNKNOWN]
    store.add_photographs(
        "a", (NewPhotograph.of_kept(f"Ünit_{i:02}%.jpg", one, eye=eyes[i % 3]) for i, one in enumerate(kept))
    )
    random = np.random.default_rng(1)
    truth = [TruthRow(f"Ünit_{i:02}%.jpg", {"sbp": float(i)}, patient_id=f"P{i // 4}") for i in range(0, N, 2)]
    store.set_truth("a", truth)
    with store.writing() as connection:
        version = versions.version_id(connection, MODEL)
        prediction_table.write(
            connection, version, [_finding(one.sha256, i, random) for i, one in enumerate(kept[:36])]
        )
    run_table.submit(store, "a", [MODEL])
    return "a"


def _finding(sha256: str, i: int, random: np.random.Generator) -> Finding:
    quality = float(random.random())
    if i % 5 == 0:
        return Finding(sha256, "refused", "focus" if i % 2 else "glare", "No.", quality=quality)
    value = float(random.normal(20, 8))
    found = {"sbp": Prediction(value, value - 1, math.nan)}
    return Finding(sha256, "predicted", quality=quality, out_of_distribution=value / 20, predictions=found)


def error(item: Item) -> float:
    found = item.predictions.get("sbp")
    return math.nan if found is None else found.value - item.truth.get("sbp", math.nan)


FILTERS: list[tuple[Where, Callable[[Item], bool]]] = [
    (Where(), lambda i: True),
    (Where(statuses=("queued",)), lambda i: i.status == "queued"),
    (Where(statuses=("refused", "queued")), lambda i: i.status in {"refused", "queued"}),
    (Where(reason_codes=("glare",)), lambda i: i.reason_code == "glare"),
    (Where(text="NIT_1"), lambda i: "nit_1" in i.name),
    (Where(text="1%"), lambda i: "1%" in i.name),
    (Where(text="p7"), lambda i: i.patient_id == "P7"),
    (Where(patient_id="P1"), lambda i: i.patient_id == "P1"),
    (Where(eye=Eye.UNKNOWN), lambda i: i.eye is Eye.UNKNOWN),
    (Where(eye=Eye.LEFT), lambda i: i.eye is Eye.LEFT),
    (Where(names=("Ünit_03%.jpg", "none")), lambda i: i.name == "Ünit_03%.jpg"),
    (Where(quality=(0.2, 0.6)), lambda i: 0.2 <= i.quality <= 0.6),
    (Where(distance=(1.0, 9.0)), lambda i: i.out_of_distribution >= 1.0),
    (Where(target="sbp", truth=(4, 20)), lambda i: 4 <= i.truth.get("sbp", -1) <= 20),
    (
        Where(target="sbp", predicted=(10, 20)),
        lambda i: bool(i.predictions) and 10 <= i.predictions["sbp"].value <= 20,
    ),
    (Where(target="sbp", absolute_error=(3, 9)), lambda i: 3 <= abs(error(i)) <= 9),
    (Where(statuses=("predicted",), eye=Eye.LEFT), lambda i: i.status == "predicted" and i.eye is Eye.LEFT),
]


def test_filters_agree_with_python(store: Store, cohort: str) -> None:
    every = store.photographs(cohort, limit=N).items
    for where, fits in FILTERS:
        page = store.photographs(cohort, where, limit=N)
        expected = [item.name for item in every if fits(item)]
        assert [item.name for item in page.items] == expected, where
        assert page.total == len(expected) > 0, where


KEYS: dict[str, Callable[[Item], float | str]] = {
    "name": lambda i: i.name,
    "quality": lambda i: i.quality,
    "distance": lambda i: i.out_of_distribution,
    "truth": lambda i: i.truth.get("sbp", math.nan),
    "predicted": lambda i: i.predictions["sbp"].value if i.predictions else math.nan,
    "error": error,
    "absolute_error": lambda i: abs(error(i)),
}


def test_orders_agree_with_python(store: Store, cohort: str) -> None:
    for order, descending in itertools.product(KEYS, (False, True)):
        page = store.photographs(cohort, order=order, target="sbp", descending=descending, limit=N)  # type: ignore[arg-type]
        values = [KEYS[order](item) for item in page.items]
        known = [value for value in values if value == value]
        assert known == sorted(known, reverse=descending), order
        assert all(value != value for value in values[len(known) :]), f"{order}: unknown ones come last"
        assert len(page.items) == N


def test_pages_laid_side_by_side_are_the_whole(store: Store, cohort: str) -> None:
    def names(order: str, offset: int, limit: int) -> list[str]:
        page = store.photographs(cohort, order=order, target="sbp", offset=offset, limit=limit)  # type: ignore[arg-type]
        return [item.name for item in page.items]

    for order in ("added", "absolute_error", "quality"):
        parts = [names(order, start, 7) for start in range(0, N, 7)]
        assert [name for part in parts for name in part] == names(order, 0, N)


def test_added_can_be_turned_round(store: Store, cohort: str) -> None:
    forth = [item.name for item in store.photographs(cohort, limit=N).items]
    back = [item.name for item in store.photographs(cohort, limit=N, descending=True).items]
    assert back == forth[::-1]


def test_asking_for_what_cannot_be_sorted_or_limited(store: Store, cohort: str) -> None:
    with pytest.raises(UsageError, match="no target ''"):
        store.photographs(cohort, order="error")
    with pytest.raises(UsageError, match="cannot be sorted by 'colour'"):
        store.photographs(cohort, order="colour", target="sbp")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs a target"):
        Where(truth=(0, 1))
    with pytest.raises(UsageError, match=r"no run of the model 'other'.*model"):
        store.photographs(cohort, model="other")


def test_before_any_run_everything_is_queued(store: Store) -> None:
    store.create_cohort("new")
    store.add_photographs("new", [NewPhotograph.of_kept("1", store.keep(b"1"))])
    (item,) = store.photographs("new").items
    assert (item.status, item.predictions, item.truth) == ("queued", {}, {})
    assert math.isnan(item.quality)


def test_what_was_counted_of_a_revision_stands_and_is_counted_again_after_any_change(store: Store, cohort: str) -> None:
    def asked() -> tuple[int, int, int]:
        refused = store.photographs(cohort, Where(statuses=("refused",)), model=MODEL.model).total
        return store.cohort(cohort).photographs, store.cohorts()[0].files, refused

    before = asked()
    counted: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda _c, _cursor, text, *_: counted.append(text))
    assert asked() == before
    assert not [text for text in counted if "count(" in text.lower()]
    name = store.photographs(cohort, Where(statuses=("refused",)), model=MODEL.model).items[0].name
    store.remove_photographs(cohort, [name])
    assert asked() == (before[0] - 1, before[1] - 1, before[2] - 1)
