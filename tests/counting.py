"""How many functions and files of the project the way of one photograph, and one click on a page, lead through.

``python -m tests.counting`` prints both.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
OURS = tuple(f"{ROOT / name}{os.sep}" for name in ("fundus_core", "pages"))
_NEVER_S = 1e6
EYES = tuple(sorted((ROOT / "data" / "sample" / "photographs").glob("*.jpg"))[:2])


@dataclass(frozen=True)
class Way:
    """What was gone through."""

    functions: frozenset[tuple[str, str]]
    """File and qualified name; a module's own lines, run once at import, are none."""

    @property
    def files(self) -> frozenset[str]:
        return frozenset(file for file, _ in self.functions)

    def __str__(self) -> str:
        return f"{len(self.functions)} functions in {len(self.files)} files"


def way(walk: Callable[[], object]) -> Way:
    """Walk, in this thread and those that it starts, and return the functions that were called."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        walk()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    inner = ("<module>", "<lambda>", "<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")
    return Way(
        frozenset(
            (code.co_filename, code.co_qualname)
            for code in called
            if code.co_filename.startswith(OURS) and code.co_name not in inner
        )
    )


def one_photograph(folder: Path) -> Way:
    """From bytes in the store to an outcome there, as a worker walks it; the second of two, nothing left to import.

    What a worker calls only where it has been slow - another beat of its heart, another look for a pause - is left out.
    """
    from fundus_core import runs
    from fundus_core.runs import loop, seat, worker
    from fundus_core.store import NewPhotograph, Store

    with (
        mock.patch.object(loop, "POLL_S", _NEVER_S),
        mock.patch.object(seat, "HEARTBEAT_S", _NEVER_S),
        Store.open(folder) as store,
    ):
        with contextlib.ExitStack() as at_once:  # as many connections as threads may ask for in the same moment
            for _ in range(worker.threads() + 2):
                at_once.enter_context(store.engine.connect())
        for eye in EYES:
            store.create_cohort(eye.stem)
            store.add_photographs(eye.stem, [NewPhotograph.of_kept(eye.name, store.keep(eye.read_bytes()))])
            runs.submit(store, eye.stem, ["sample-rendered"])
            walked = way(lambda: worker.work(store))
            assert store.photographs(eye.stem).items[0].status == "predicted"
    return walked


def one_click(wanted: str) -> Way:
    """Another target on the page Evaluate, of a cohort that is in the store of ``FUNDUS_LAB_HOME``.

    The page opens with ``sbp``, so that this one is shown again, and any other for the first time.
    """
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(ROOT / "pages" / "parts" / "frame.py", default_timeout=120)
    app.switch_page("../evaluate.py").run()
    for target in ("bmi", wanted):
        app.query_params["target"] = target
        walked = way(app.run)
        assert not app.exception, app.exception
    return walked


def main() -> None:
    """Count in a home of its own."""
    from pages.parts.shell import home
    from tests.pages.conftest import put

    with tempfile.TemporaryDirectory() as folder:
        os.environ["FUNDUS_LAB_HOME"] = folder
        put(home.store(), "Clinic", seed=1)
        sys.stdout.write(f"one photograph: {one_photograph(Path(folder) / 'other')}\n")
        for name, target in (("another", "age"), ("the first again", "sbp")):
            sys.stdout.write(f"one click, {name}: {one_click(target)}\n")


if __name__ == "__main__":
    main()
