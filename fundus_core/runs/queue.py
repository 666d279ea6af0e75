"""What any queue must offer to those who work runs off, and which one a store has.

A run, its models, its state and how every photograph ended stay in the store (``store.run_table``, ``store.endings``):
its table of entries is the checkpoint, and what pages show. A queue decides whose turn a photograph is and knows who
holds it; it may lose that, since what has no result is still among the entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fundus_core.store import Store
from fundus_core.store import queue as table
from fundus_core.store.endings import ClaimedPhotograph, Ending, Turn


class Queue(Protocol):
    """The functions of a queue's module; a worker is named by its seat's id."""

    def wanted(self, store: Store) -> bool:
        """Whether an active run has a photograph without a result, be it in the hands of somebody who died."""

    def next_turn(self, store: Store) -> Turn | None:
        """The active run with something queued that has waited longest, or ``None``."""

    def claim(self, store: Store, worker: str, turn: Turn, limit: int) -> list[ClaimedPhotograph]:
        """Take up to ``limit`` photographs of a run; those that may have killed a worker come first and alone.

        No two workers hold the same photograph; what is not claimed, since the run was paused meanwhile, is left out.
        """

    def end(self, store: Store, worker: str, turn: Turn, ended: Sequence[Ending]) -> set[str]:
        """Have ``endings.write`` say how photographs ended, then let go of them; returns what that returns."""

    def put_back(self, store: Store, worker: str, run: int, photographs: Sequence[int], *, died: bool) -> None:
        """Queue photographs of a run again; ``died``: each may have killed what held it."""

    def release(self, store: Store, worker: str, *, died: bool) -> None:
        """Queue again whatever is in flight, unless the worker has lost the lease of the store."""


def of(_store: Store) -> Queue:
    """The queue whose photographs a store's workers take: its own table, whatever the database."""
    return table
