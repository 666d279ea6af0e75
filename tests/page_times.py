"""Processor time of every page's first view and of its filters: ``python -m tests.page_times FOLDER COHORT``.

``FOLDER`` is a store's, as ``tests.simulated_rows`` fills one; a second cohort of it, where there is one, stands beside
the first on Compare; where ``FUNDUS_LAB_STORE`` names a database, the folder holds its files. Prints a row per click:
seconds of the process, of the database's server and on the clock, and the process's memory after it. Pages run in this
process, one after another, as they do in a server: modules are imported by a page of an empty store before; nothing of
the cohort is known yet when its first page is opened, and each page's first view finds what the pages before it have
read.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import psutil

from tests.cohort_times import spent_by_database

FRAME = Path(__file__).resolve().parents[1] / "pages" / "parts" / "frame.py"
CLICKS: dict[str, list[dict[str, str]]] = {
    "overview": [{}],
    "cohorts": [{}],
    "explore": [
        {},
        {"status": "refused"},
        {"eye": "right"},
        {"order": "quality"},
        {"order": "absolute_error", "target": "glucose"},
        {"quality": "0.75"},
        {"column": "site", "group": "north"},
        {"find": "P0000007"},
        {"page": "40"},
    ],
    "evaluate": [{}, {"target": "glucose"}, {"target": "sex"}, {"by": "site"}],
    "criteria": [{}],
    "one_photograph": [{}],
    "present": [{}],
    "compare": [{}, {"target": "glucose"}],
    "models": [{}],
    "new_cohort": [{}],
}
"""What is clicked on each page: its address, the first view first."""


def opened(name: str, **query: str) -> str:
    """Open a page; returns what went wrong on it, or what it waits for."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(FRAME, default_timeout=1800)
    for key, value in query.items():
        app.query_params[key] = value.split("+") if "+" in value else value
    if name != "overview":
        app.switch_page(f"../{name}.py")
    app.run()
    said = [one.value for one in (*app.exception, *app.error)]
    waits = [one.value for one in app.info if "computed once" in one.value]
    return " ".join(said or waits)[:200]


def main(folder: str, name: str, *only: str) -> None:
    os.environ["FUNDUS_LAB_HOME"] = tempfile.mkdtemp()
    url = os.environ.pop("FUNDUS_LAB_STORE", "")
    from streamlit.components.v2 import manifest_scanner

    from pages.parts.shell import home

    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)  # once in a server
    for page in CLICKS:  # what they import
        opened(page)
    os.environ["FUNDUS_LAB_HOME"] = folder
    if url:
        os.environ["FUNDUS_LAB_STORE"] = url
    known = {cohort.name: cohort for cohort in home.store().cohorts()}
    mine = known.pop(name)
    others = sorted(known.values(), key=lambda cohort: -cohort.photographs)
    process = psutil.Process()
    for page, clicks in CLICKS.items():
        for click in clicks:
            if only and page not in only:
                continue
            query = {"cohort": mine.key, **click}
            if page == "compare":
                query = {**click, "cohorts": "+".join([mine.key, *(one.key for one in others[:1])])}
            since, began, served = time.process_time(), time.perf_counter(), spent_by_database(url)
            wrong = opened(page, **query)
            spent, waited = time.process_time() - since, time.perf_counter() - began
            served = spent_by_database(url) - served
            held = process.memory_info().rss / 1e6
            what = " ".join(f"{key}={value}" for key, value in click.items()) or "first view"
            print(f"{page:15} {what:32} {spent:7.2f} {served:7.2f} {waited:7.2f} {held:6.0f} MB {wrong}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
