"""A worker process with small models: a photograph whose bytes begin with ``KILL`` kills whatever examines it.

As a decoder with a fault would. In that danger are the worker that asks for it by ``DANGER`` in its environment, and
its children; whoever else imports this, as a search for doctests does, is not.
"""

from __future__ import annotations

import os
import signal

from fundus_core import journey
from fundus_core.records import Source
from fundus_core.runs import worker
from fundus_core.runs.model_loading import Model
from fundus_core.store import Store
from tests.runs import fake

DANGER = "FUNDUS_LAB_TESTS_KILL"
_real_examine = journey.examine


def _examine(source: Source, *rest: object, **more: object) -> journey.Examined:
    if source.read().startswith(b"KILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    return _real_examine(source, *rest, **more)  # type: ignore[arg-type]


if os.environ.get(DANGER):
    journey.examine = _examine


def opening(name: str) -> Model:
    """The models of the tests; by way of this module, so that the children are in danger too."""
    return fake.opening(name)


def work(store: str, files: str) -> None:
    """Work until there is nothing to do."""
    with Store.open(store, files=files) as mine:
        worker.work(mine, opening=opening, idle_exit=1.0)
