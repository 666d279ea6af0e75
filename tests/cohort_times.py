"""What is done with whole cohorts, in time and memory: ``python -m tests.cohort_times FOLDER PHOTOGRAPHS [URL]``.

``FOLDER`` is new; two cohorts of so many simulated photographs are put into a store there, or into the empty database
behind ``URL`` with its files there. Each deed is done by a process of its own, named first in every row, then: seconds
of that process and its children, seconds on the clock, the most memory that it held, the most that one of its children
held, and the seconds that a database behind a URL took (its processes are found by the port). For Linux.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import sqlalchemy as sa

from fundus_core import pipeline
from fundus_core.store import ModelVersion, Store, run_table
from tests import simulated_rows

ONE, OTHER, BOTH, AGAIN = "simulated", "another", "both", "read back"


def export(store: Store, folder: Path) -> None:
    store.export(ONE, folder / "cohort.zip")


def read_back(store: Store, folder: Path) -> None:
    store.import_(folder / "cohort.zip", name=AGAIN)


def merge(store: Store, _folder: Path) -> None:
    store.merge([ONE, OTHER], BOTH, same_people=False)


def delete(store: Store, _folder: Path) -> None:
    store.delete(AGAIN)


def delete_both(store: Store, _folder: Path) -> None:
    store.delete(BOTH)


def second_model(store: Store, _folder: Path) -> None:
    run_table.submit(store, ONE, [ModelVersion("another", "2" * 64, "3" * 64)])


def compare(store: Store, _folder: Path) -> None:
    members = [pipeline.Member(name, store.cohort(name), simulated_rows.MODEL) for name in (ONE, OTHER)]
    asked = pipeline.comparing_folder(store, members, target="sbp") / pipeline.ASKED
    pipeline.compute_together(store, asked)


DEEDS: dict[str, Callable[[Store, Path], None]] = {
    each.__name__: each for each in (export, read_back, delete, second_model, merge, delete_both, compare)
}


def held() -> float:
    """The most memory that this process has held, in MB."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1e3


def spent_by_database(url: str) -> float:
    """Processor time of the server that listens on a database's port, and of all its children so far."""
    port = str(sa.make_url(url).port) if url else ""
    for one in psutil.process_iter(["name", "cmdline"]) if port else ():
        if one.info["name"] == "postgres" and port in (one.info["cmdline"] or ()):
            own = [child.cpu_times() for child in one.children()]
            ended = one.cpu_times()
            return ended.children_user + ended.children_system + sum(each.user + each.system for each in own)
    return 0.0


def done(deed: str, folder: Path, url: str) -> None:
    """Do it and say what it took."""
    with Store.open(url or folder, files=folder) as store:
        began = time.perf_counter()
        DEEDS[deed](store, folder)
        waited = time.perf_counter() - began
    own, others = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    spent = sum(each.ru_utime + each.ru_stime for each in (own, others))
    print(f"{deed:14} {spent:7.1f} s {waited:7.1f} s {held():6.0f} MB {others.ru_maxrss / 1e3:6.0f} MB", end="")  # noqa: T201


def main(place: str, photographs: str, url: str = "", *deeds: str) -> None:
    folder = Path(place)
    if not deeds:
        with Store.open(url or folder, files=folder) as store:
            for seed, name in enumerate((ONE, OTHER)):
                simulated_rows.fill(store, int(photographs), name=name, seed=7 + seed)
    for deed in deeds or DEEDS:
        before = spent_by_database(url)
        subprocess.run([sys.executable, "-m", "tests.cohort_times", "--one", deed, place, url], check=True)
        print(f" {spent_by_database(url) - before:7.1f} s", flush=True)  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        done(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    else:
        main(*sys.argv[1:])
