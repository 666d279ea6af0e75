"""The application and its worker, killed without warning while the sample model reads."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fundus_core import inference, runs
from fundus_core.models import registry
from fundus_core.records import CohortTable
from fundus_core.store import Store, schema
from tests.runs import lab
from tests.runs.lab import Lab

PATIENCE_S = 900.0


def disturb(at: Lab, store: Store, run: int, total: int, kills: int, seed: int) -> Counter[str]:
    """Kill worker, app or both: a third of the times soon after the last kill, else when so many have ended."""
    dice = np.random.default_rng(seed)
    marks = 0.8 * total * (np.arange(kills) + dice.uniform(size=kills)) / kills
    killed: Counter[str] = Counter()
    ended = 0
    for mark in marks:
        if dice.uniform() > 1 / 3:
            at.wait_for(lambda: runs.progress(store, run).settled >= mark, PATIENCE_S, f"{mark} photographs")  # noqa: B023
        time.sleep(dice.uniform(0.0, 0.002 * total))
        before = runs.progress(store, run)
        if before.ended:
            break  # a fast machine was done before the last kills
        victim = str(dice.choice(["worker", "app", "both"]))
        if victim != "app":
            at.kill_worker(store)
        if victim != "worker":
            at.kill_app()
            at.start()
        killed[victim] += 1
        assert before.settled >= ended, "what has ended stays ended"
        ended = before.settled
    assert killed, "it must be disturbed while it runs"
    return killed


def check_all_there_once(store: Store, name: str, photographs: int) -> None:
    """Every photograph has one entry, one outcome and, its bytes being unlike all others, one reading."""
    with store.reading() as connection:

        def count(table: sa.Table, *distinct: sa.ColumnElement[object]) -> tuple[int, ...]:
            columns = [sa.func.count(), *(sa.func.count(sa.distinct(column)) for column in distinct)]
            of_cohort = sa.select(schema.photograph.c.sha256).join(schema.cohort).where(schema.cohort.c.name == name)
            ids = sa.select(schema.photograph.c.id).join(schema.cohort).where(schema.cohort.c.name == name)
            mine = table.c.sha256.in_(of_cohort) if "sha256" in table.c else table.c.photograph_id.in_(ids)
            return tuple(connection.execute(sa.select(*columns).where(mine)).one())

        assert count(schema.entry, schema.entry.c.photograph_id) == (photographs, photographs)
        assert count(schema.outcome, schema.outcome.c.photograph_id) == (photographs, photographs)
        assert count(schema.reading, schema.reading.c.sha256) == (photographs, photographs)


def undisturbed(home: Path, paths: Sequence[Path]) -> tuple[CohortTable, list[str]]:
    """What the same photographs give where nobody disturbs the worker."""
    with Store.open(home) as store:
        lab.cohort(store, "eyes", list(paths))
        run = runs.submit(store, "eyes", [lab.MODEL])
        runs.ensure_worker(store)
        try:
            lab.wait_for(lambda: runs.progress(store, run).ended, PATIENCE_S, "an undisturbed run")
        finally:
            assert runs.stop_worker(store, wait_s=60.0)
        return store.table("eyes"), reasons(store)


def converted() -> Path:
    """Where the tests' own home keeps networks as the worker runs them; the sample model's is among them."""
    inference.open_predictor(registry.find(lab.MODEL), device="cpu")
    return (Path(os.environ["FUNDUS_LAB_HOME"]) / "compiled").resolve()


def reasons(store: Store) -> list[str]:
    return [f"{one.status} {one.reason_code}" for one in store.photographs("eyes", limit=100_000).items]


@pytest.mark.parametrize(
    ("photographs", "kills"),
    [(36, 2), pytest.param(1000, 20, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
def test_killed_at_random_moments_the_run_ends_as_if_nothing_had_been(
    tmp_path: Path, photographs: int, kills: int
) -> None:
    paths = lab.photographs(tmp_path / "photographs", photographs)
    with lab.lab(tmp_path / "home") as at, at.open() as store:
        if photographs < 100:  # the long one is killed while it converts the network, too
            (at.home / "compiled").symlink_to(converted())
        at.start()
        lab.cohort(store, "eyes", paths)
        run = runs.submit(store, "eyes", [lab.MODEL])
        killed = disturb(at, store, run, photographs, kills, seed=photographs)
        assert sum(killed.values()) >= kills - 1, "a fast machine may be done before the last"
        at.wait_for(lambda: runs.progress(store, run).queued == 0, PATIENCE_S, "the last photographs")
        at.kill_worker(store)  # with all that is left in its hands
        at.wait_for(lambda: runs.progress(store, run).ended, PATIENCE_S, "the end of the run")
        progress = runs.progress(store, run)
        assert (progress.state, progress.failed, progress.total) == ("done", 0, photographs)
        check_all_there_once(store, "eyes", photographs)
        table, said = store.table("eyes"), reasons(store)
    expected, why = undisturbed(tmp_path / "quiet", paths)
    assert said == why
    for name, values in expected.predicted.items():
        np.testing.assert_array_equal(table.predicted[name], values, err_msg=name)
