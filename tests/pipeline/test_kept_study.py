"""The job that computes a large cohort's analyses: it says how far it is, stops when asked, and keeps what it made."""

import signal
import time

import numpy as np
import pytest

from fundus_core import jobs, pipeline
from fundus_core.analyses import one_cohort, result_cache
from fundus_core.errors import UsageError
from fundus_core.pipeline import kept_study
from fundus_core.store import Store
from tests import simulated_rows

ROWS = 300


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(result_cache, "MANY", ROWS)
    monkeypatch.setattr("fundus_core.store.cohort_columns._ROWS", 50)
    monkeypatch.setattr(kept_study, "_wanted", lambda _study: [(one_cohort.POINTS, "", "")])
    with Store.open(tmp_path / "store") as opened:
        simulated_rows.fill(opened, ROWS)
        yield opened


def test_it_says_how_many_photographs_it_has_read(store, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(jobs, "EVERY_S", 0.0)
    monkeypatch.setattr(jobs, "_write", lambda _folder, stage, _process: said.append(stage))
    cohort = store.cohort("simulated")
    assert pipeline.compute(store, cohort, simulated_rows.MODEL, job=tmp_path / "job") == 1
    read = [one.done for one in said if one.name == pipeline.READING]
    assert read == sorted(read)
    assert (read[0], read[-1], len(set(read)) > 4) == (0, ROWS, True)
    assert [one.name for one in said if one.name != pipeline.READING] == [pipeline.COMPUTING, jobs.DONE]
    assert jobs.result(tmp_path / "job") == {"analyses": 1}


@pytest.mark.parametrize("interrupts", [signal.default_int_handler, signal.SIG_IGN])
def test_it_stops_within_a_step_that_takes_long_and_keeps_what_it_made(store, tmp_path, monkeypatch, interrupts):
    before = signal.signal(signal.SIGINT, interrupts)  # ignored where a shell began it in the background
    try:
        _stopped(store, tmp_path, monkeypatch)
        assert signal.getsignal(signal.SIGINT) is interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _stopped(store, tmp_path, monkeypatch):
    cohort, folder = store.cohort("simulated"), tmp_path / "job"

    def long(*_of):
        jobs.stop(folder)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            time.sleep(0.05)  # a wait in one piece would end before anybody could stop it
        pytest.fail("nothing stopped it")

    monkeypatch.setattr(kept_study, "_keep_gallery", long)
    monkeypatch.setattr(jobs, "EVERY_S", 0.05)
    with pytest.raises(UsageError, match="stopped"):
        pipeline.compute(store, cohort, simulated_rows.MODEL, job=folder)
    assert jobs.result(folder) is None
    study = pipeline.stored_study(store, cohort, simulated_rows.MODEL)
    assert np.array_equal(study.table.photograph, store.table(cohort.id).photograph)
    assert study.memory._disk.place("table").exists()
