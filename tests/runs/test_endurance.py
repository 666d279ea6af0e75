"""Long runs of the sample model: memory, time, and many users at once. Minutes each; ``pytest -m slow``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from fundus_core import runs
from fundus_core.store import Store, schema
from tests.browser.conftest import chromium
from tests.runs import lab
from tests.store.conftest import postgres

__all__ = ["chromium", "postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

PATIENCE_S = 3600.0
WORKER_MB, SERVER_MB = 5.0, 2.0
"""What memory may grow by in 1,000 photographs; it goes up and down by 10 MB."""


def test_memory_does_not_grow_with_the_photographs(tmp_path: Path, chromium: Any) -> None:
    """5,000 photographs, somebody watching the run in a browser; from the 200th on, when all is warm."""
    paths = lab.photographs(tmp_path / "photographs", 5000)
    samples: list[tuple[int, float, float]] = []
    with lab.lab(tmp_path / "home") as at, at.open() as store:
        at.start()
        at.wait_for(at.answers, 120, "the page server")
        lab.cohort(store, "eyes", paths)
        run = runs.submit(store, "eyes", [lab.MODEL])
        page = chromium.new_page()
        page.goto(f"{at.address}/new_cohort?run={run}")
        assert at.app is not None
        while not (now := runs.progress(store, run)).ended:
            samples.append((now.settled, lab.memory_mb(at.worker(store) or 0), lab.memory_mb(at.app.pid)))
            page.wait_for_timeout(3000)
        page.close()
    settled, worker, server = np.array([one for one in samples if one[0] >= 200 and one[1]]).T
    assert len(settled) >= 20
    assert 1000 * np.polyfit(settled, worker, 1)[0] < WORKER_MB
    assert 1000 * np.polyfit(settled, server, 1)[0] < SERVER_MB


def test_time_grows_with_the_photographs_and_no_faster(tmp_path: Path) -> None:
    """200, 400 and 800 photographs by a warm worker, in shuffled order; processor time, since others share it."""
    sizes, rounds = (200, 400, 800), 3
    paths = iter(lab.photographs(tmp_path / "photographs", rounds * sum(sizes) + 50))
    order = np.random.default_rng(3).permuted(np.repeat(sizes, rounds))
    used: dict[int, list[float]] = {size: [] for size in sizes}
    with lab.lab(tmp_path / "home") as at, at.open() as store:
        at.start()
        work_off(store, "warm", [next(paths) for _ in range(50)])
        worker = at.worker(store)
        assert worker is not None
        for number, size in enumerate(order):
            chosen = [next(paths) for _ in range(size)]
            before = lab.cpu_s(worker)
            work_off(store, f"{number}", chosen)
            used[int(size)].append(lab.cpu_s(worker) - before)
    seconds = np.array([np.median(used[size]) for size in sizes])
    line = np.polyval(np.polyfit(sizes, seconds, 1), sizes)
    np.testing.assert_allclose(seconds, line, rtol=0.05)
    per_photograph = seconds / sizes
    assert per_photograph[2] < 1.05 * per_photograph[0], "a large run costs no more a photograph than a small one"


def work_off(store: Store, name: str, paths: list[Path]) -> None:
    lab.cohort(store, name, paths)
    run = runs.submit(store, name, [lab.MODEL])
    lab.wait_for(lambda: runs.progress(store, run).ended, PATIENCE_S, f"the run of {name}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_apps_with_a_browser_each_and_a_command_line_share_a_store(
    tmp_path: Path, chromium: Any, kind: str, request: pytest.FixtureRequest
) -> None:
    """Each brings 120 photographs, 40 of them the same; nothing is lost, nothing is read twice."""
    paths = lab.photographs(tmp_path / "photographs", 280)
    shared, own = paths[:40], [paths[40 + 80 * k :][:80] for k in range(3)]
    where = {} if kind == "sqlite" else {"FUNDUS_LAB_STORE": request.getfixturevalue("postgres")}
    with lab.lab(tmp_path / "home", **where) as at, lab.lab(tmp_path / "home", **where) as other, at.open() as store:
        for app in (at, other):
            app.start()
        for app in (at, other):
            app.wait_for(app.answers, 120, "the page server")
        folder = tmp_path / "command line"
        folder.mkdir()
        for path in shared + own[0]:
            (folder / path.name).hardlink_to(path)
        command = ["predict", str(folder), "--model", lab.MODEL, "--out", str(tmp_path / "out"), "--cohort", "typed"]
        typed = subprocess.Popen([sys.executable, "-m", "fundus_core", *command], cwd=lab.ROOT, env=at.environment)
        pages = [chromium.new_context(locale="en-US").new_page() for _ in range(2)]
        for app, name, page, files in zip((at, other), ("first", "second"), pages, own[1:], strict=True):
            begin(page, app.address, name, shared + files)
        for page in pages:
            page.get_by_text(re.compile(r"^Done · 120 of 120")).wait_for(timeout=600_000)
        assert typed.wait(600) in (0, 1)
        for page in pages:
            page.context.close()
        check_everybody_got_all(store, {"typed", "first", "second"})


def begin(page: Any, address: str, name: str, paths: list[Path]) -> None:
    """What a user does to have photographs read."""
    page.goto(f"{address}/new_cohort")
    page.locator("input.pick").set_input_files([str(path) for path in paths])
    page.get_by_label("Name of the cohort").fill(name)
    page.get_by_label("Name of the cohort").press("Enter")
    page.get_by_role("button", name=f"Read {len(paths)} photographs").click()


def check_everybody_got_all(store: Store, names: set[str]) -> None:
    cohorts = {cohort.name: cohort for cohort in store.cohorts()}
    assert names <= set(cohorts)
    for name in names:
        items = store.photographs(name, limit=1000).items
        assert len(items) == 120
        assert {item.status for item in items} <= {"predicted", "refused"}
    with store.reading() as connection:
        keys = [cohorts[name].id for name in names]
        mine = sa.select(schema.photograph.c.sha256).where(schema.photograph.c.cohort_id.in_(keys))
        query = sa.select(sa.func.count()).select_from(schema.reading).where(schema.reading.c.sha256.in_(mine))
        assert connection.execute(query).scalar_one() == 280
    tables = [store.table(name) for name in sorted(names)]
    same = [dict(zip(table.photograph, table.predicted["sbp"], strict=True)) for table in tables]
    for name in {str(key) for key in same[0]} & {str(key) for key in same[1]}:
        np.testing.assert_array_equal([values[name] for values in same], [same[0][name]] * 3)
