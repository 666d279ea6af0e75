"""Runs are tested on both databases, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fundus_core.store import NewPhotograph, Store
from tests.runs import fake
from tests.store.conftest import address, empty_postgres, open_store, postgres, store

__all__ = ["address", "empty_postgres", "make", "open_store", "postgres", "store"]

Make = Callable[..., None]


@pytest.fixture
def make(store: Store) -> Make:
    """Makes a cohort of photographs with these seeds, or of these bytes."""

    def make_(name: str, seeds: range, **others: bytes) -> None:
        store.create_cohort(name)
        given = {f"{seed:03}.jpg": fake.eye(seed) for seed in seeds} | others
        kept = ((key, store.keep(data)) for key, data in given.items())
        store.add_photographs(name, (NewPhotograph.of_kept(*pair) for pair in kept))

    return make_
