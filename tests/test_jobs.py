"""A job outlives whoever asked for it: it says how far it is, keeps what came of it, and why it ended."""

import json
import time

import psutil
import pytest

from fundus_core import jobs
from fundus_core.errors import UsageError, say


def ended(folder):
    until = time.monotonic() + 60
    while not (now := jobs.stage(folder)).over:
        assert time.monotonic() < until
        time.sleep(0.05)
    return now


def test_a_verb_that_fails_says_why_and_is_over(tmp_path):
    jobs.start(tmp_path / "job", "models", "show", "no-such-model")
    now = ended(tmp_path / "job")
    assert (now.name, jobs.result(tmp_path / "job")) == (jobs.STARTING, None)
    assert jobs.fault(tmp_path / "job").startswith("There is no model 'no-such-model'")
    assert (tmp_path / "job" / jobs.LOG).stat().st_mode & 0o077 == 0


def test_what_a_job_says_and_keeps_is_read_as_it_was_said(tmp_path):
    notice = jobs.Notice(tmp_path / "job")
    notice.say("trying", 3, 12, say("{size} px", size=224))
    now = jobs.stage(tmp_path / "job")
    assert (now.name, now.done, now.total, now.words, now.over) == ("trying", 3, 12, "224 px", False)
    assert now.words.values == {"size": 224}, "for another language"
    jobs.keep(tmp_path / "job", {"found": [say("{size} px", size=64)]})
    assert jobs.result(tmp_path / "job") == {"found": ["64 px"]}
    jobs.stop(tmp_path / "job")
    with pytest.raises(UsageError, match="stopped"):
        notice.say("confirming")
    notice.say(jobs.DONE)
    assert jobs.stage(tmp_path / "job").over


def test_a_process_that_is_gone_or_another_of_the_same_number_is_over(tmp_path):
    own = psutil.Process()
    assert jobs.Stage("learning", pid=own.pid, started=own.create_time() - 60).over
    assert not jobs.Stage("learning", pid=own.pid, started=own.create_time()).over
    (tmp_path / jobs.PROGRESS).write_text(json.dumps({"name": "learning", "unknown": 1}))
    assert jobs.stage(tmp_path) is None


def test_somebody_else_s_interrupt_is_no_wish_to_stop_the_job(tmp_path):
    with pytest.raises(KeyboardInterrupt), jobs.Notice(tmp_path / "job").heeded():
        raise KeyboardInterrupt
    with jobs.Notice(None).heeded():
        assert True
