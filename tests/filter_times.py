"""Processor time of the gallery's filters, two and three at once: ``python -m tests.filter_times FOLDER COHORT``.

``FOLDER`` is a store's, as ``tests.simulated_rows`` fills one; where ``FUNDUS_LAB_STORE`` names a database, the folder
holds its files. Asks the store what the page Explore asks, a first page and how many fit, and nothing of it was asked
before. Prints a row each: seconds of the process, of the database's server, and how many fit; then those over a second.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fundus_core.records import Eye
from fundus_core.store import Ids, Store, Where, queries
from tests.cohort_times import spent_by_database

LIMIT_S = 1.0


@dataclass(frozen=True)
class Asked:
    """Filters and an order together."""

    name: str = ""
    where: dict[str, Any] = field(default_factory=dict)
    sorts: dict[str, Any] = field(default_factory=dict)

    def also(self, other: Asked) -> Asked:
        return Asked(f"{self.name} {other.name}".strip(), self.where | other.where, self.sorts | other.sorts)


def kinds(ids: np.ndarray[Any, Any]) -> list[list[Asked]]:
    """What the page offers, one kind of filter a list: many and few that fit. The order by error is the job's."""
    some, ranks = np.random.default_rng(7).random(len(ids)) < 0.2, np.random.default_rng(8).permutation(ids)
    return [
        [Asked(f"outcome={word}", {"statuses": (word,)}) for word in ("predicted", "refused")],
        [Asked("eye=right", {"eye": Eye.RIGHT})],
        [Asked("quality=0.5", {"quality": (0.5, 1.0)})],
        [Asked("group", {"ids": Ids.of(ids[some])})],
        [Asked(f"text={word}", {"text": word}) for word in ("left", "P0000007")],
        [
            Asked("order=quality", sorts={"order": "quality"}),
            Asked("order=error", sorts={"order": "absolute_error", "target": "sbp", "descending": True,
                                        "ranked": ranks[: queries.FIRST]}),
        ],
    ]  # fmt: skip


def together(ids: np.ndarray[Any, Any], most: int = 3) -> Iterator[Asked]:
    """One filter, each two and each three, with whatever they can be."""
    for number in range(1, most + 1):
        for some in itertools.combinations(kinds(ids), number):
            for each in itertools.product(*some):
                asked = Asked()
                for one in each:
                    asked = asked.also(one)
                yield asked


def main(folder: str, cohort: str) -> None:
    url = os.environ.get("FUNDUS_LAB_STORE", "")
    rows = []
    with Store.open(url or folder, files=folder) as store:
        ids = store.ids(cohort)
        (model, *_) = store.models(cohort)
        for asked in together(ids):
            where = Where(**asked.where)
            store.answers.clear()
            store.models(cohort)  # asked once for each revision
            since, served = time.process_time(), spent_by_database(url)
            page = store.photographs(cohort, where, model=model.model, limit=18, **asked.sorts)
            spent, served = time.process_time() - since, spent_by_database(url) - served
            rows.append((max(spent, served), f"{asked.name:50} {spent:6.2f} {served:6.2f} {page.total:10,}"))
            print(rows[-1][1], flush=True)  # noqa: T201
    over = [row for spent, row in sorted(rows) if spent > LIMIT_S]
    print(f"\n{len(rows)} asked, {len(over)} over {LIMIT_S} s", *over, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
