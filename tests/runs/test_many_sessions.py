"""Thirty people on one page server, three of them in browsers, with an upload and a run beside; ``pytest -m slow``.

Prints what it measured. Bounds are on the server's processor time: how long an answer takes on the clock says most of
who else uses the machine, so that it is held only where ``FUNDUS_LAB_QUIET=1`` says that nobody does.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from fundus_core import runs
from tests.browser.conftest import chromium
from tests.runs import lab
from tests.runs.test_endurance import begin
from tests.simulated_rows import fill

__all__ = ["chromium"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SESSIONS, CLICKS = 30, 6
THINKS_S = (4.0, 12.0)
"""Between an answer and the next click."""
PATIENCE_MS = 600_000
CPU_S, ANSWER_S, GROWTH_MB = 0.15, 3.0, 15.0
KEPT_S = 125
"""Streamlit keeps what a closed session held for two minutes, in case it comes back."""
PAGES: dict[str, list[dict[str, str]]] = {
    "explore": [{"status": "refused"}, {"eye": "left"}, {"order": "quality"}, {"quality": "0.5"}, {"page": "3"}],
    "evaluate": [{"target": "sbp"}, {"target": "glucose"}, {"target": "sex"}, {"target": "age"}],
    "criteria": [{}],
    "one_photograph": [{}],
    "overview": [{}],
    "cohorts": [{}],
}


@dataclass
class Heard:
    """What sessions were answered."""

    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    ended: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


async def click(socket: Any, page: str, query: str) -> str:
    """Ask for a page; returns what went wrong on it."""
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = query
    await socket.send(message.SerializeToString())
    wrong = ""
    while True:
        told = ForwardMsg.FromString(await asyncio.wait_for(socket.recv(), PATIENCE_MS / 1000))
        if told.WhichOneof("type") == "delta" and told.delta.new_element.HasField("exception"):
            wrong = told.delta.new_element.exception.message
        if told.WhichOneof("type") == "script_finished":
            return wrong


async def session(address: str, cohort: str, seed: int, heard: Heard, thinks: tuple[float, float]) -> None:
    dice = np.random.default_rng(seed)
    async with websockets.connect(address, subprotocols=["streamlit"], max_size=None, ping_interval=None) as socket:
        for _ in range(CLICKS):
            await asyncio.sleep(dice.uniform(*thinks))
            page = str(dice.choice(list(PAGES)))
            more = PAGES[page][int(dice.integers(len(PAGES[page])))]
            since = time.perf_counter()
            wrong = await click(socket, "" if page == "overview" else page, urlencode({"cohort": cohort, **more}))
            heard.seconds.append(time.perf_counter() - since)
            heard.faults += [f"{page}: {wrong}"] if wrong else []
    heard.ended += 1


def sessions(
    at: lab.Lab, cohort: str, heard: Heard, many: int, thinks: tuple[float, float], seed: int
) -> threading.Thread:
    """Begin sessions in a thread of their own; the browser's own loop is in this one."""
    address = f"{at.address.replace('http', 'ws')}/_stcore/stream"

    async def all_of_them() -> None:
        await asyncio.gather(*(session(address, cohort, seed + n, heard, thinks) for n in range(many)))

    begun = threading.Thread(target=lambda: asyncio.run(all_of_them()))
    begun.start()
    return begun


def without_closed_sessions(at: lab.Lab, cohort: str) -> float:
    """The server's memory in MB once it has let go of closed sessions, which it does as another one closes."""
    assert at.app is not None
    time.sleep(KEPT_S)
    sessions(at, cohort, Heard(), 1, (0.0, 0.0), seed=2000).join()
    return lab.memory_mb(at.app.pid)


def browse(page: Any, at: lab.Lab, cohort: str, heard: Heard) -> None:
    """Open pages as a reader does, to their last figure."""
    for name, what in (("explore", "fits|fit"), ("evaluate", "MAE of predicting"), ("criteria", "Criteri")):
        since = time.perf_counter()
        page.goto(f"{at.address}/{name}?cohort={cohort}")
        page.get_by_text(re.compile(what)).first.wait_for(timeout=PATIENCE_MS)
        page.locator("[data-testid='stStatusWidget']").wait_for(state="detached", timeout=PATIENCE_MS)
        heard.seconds.append(time.perf_counter() - since)
        if page.locator(".stException").count():
            heard.faults.append(f"{name} in a browser")


def test_thirty_sessions_and_three_browsers_with_an_upload_and_a_run(tmp_path: Path, chromium: Any) -> None:
    paths = lab.photographs(tmp_path / "photographs", 160)
    with lab.lab(tmp_path / "home") as at, at.open() as store:
        fill(store, 10_000)
        cohort = store.cohort("simulated").key
        at.start()
        at.wait_for(at.answers, 300, "the page server")
        assert at.app is not None
        warm, heard = Heard(), Heard()
        sessions(at, cohort, warm, 4, (0.0, 0.0), seed=1000).join()  # what everybody asks for is computed once
        kept = store.shelf.folder / "kept"
        at.wait_for(lambda: any(kept.glob("*/*.job/result.json")), 1200, "the job that they began")
        lab.cohort(store, "eyes", paths[:120])
        run = runs.submit(store, "eyes", [lab.MODEL])
        used, held = lab.cpu_s(at.app.pid), lab.memory_mb(at.app.pid)
        others = sessions(at, cohort, heard, SESSIONS, THINKS_S, seed=1)
        pages = [chromium.new_context(locale="en-US").new_page() for _ in range(4)]
        for page in pages:
            page.set_default_timeout(PATIENCE_MS)
        begin(pages[3], at.address, "uploaded", paths[120:])  # who leaves within the same moment takes the click along
        for page in pages[:3]:
            browse(page, at, cohort, heard)
        others.join()
        clicks = len(heard.seconds)
        used = (lab.cpu_s(at.app.pid) - used) / clicks
        for page in pages:
            page.context.close()
        lab.wait_for(lambda: runs.progress(store, run).ended, 1200, "the run")
        lab.wait_for(
            lambda: (mine := runs.runs_of(store, store.cohort("uploaded").id)) and mine[0].ended, 1200, "theirs"
        )
        between = without_closed_sessions(at, cohort)
        sessions(at, cohort, again := Heard(), SESSIONS, (0.0, 1.0), seed=1).join()
        after = without_closed_sessions(at, cohort)
        slow = float(np.percentile(heard.seconds, 95))
        print(  # noqa: T201
            f"{clicks} clicks: {used:.3f} s of the server's processor each, half answered within "
            f"{np.median(heard.seconds):.2f} s, 95 % within {slow:.2f} s; {held:.0f} MB before, {between:.0f} MB after,"
            f" {after:.0f} MB after {len(again.seconds)} more"
        )
        assert not heard.faults + again.faults
        assert heard.ended == SESSIONS, "nobody's connection was lost"
        assert {each.status for each in store.photographs("eyes", limit=200).items} <= {"predicted", "refused"}
        assert len(store.photographs("uploaded", limit=200).items) == 40
        assert used < CPU_S
        assert after - between < GROWTH_MB
        if os.environ.get("FUNDUS_LAB_QUIET"):
            assert slow < ANSWER_S
