"""A confined process can do nothing but answer: tried with what a stranger's code would do if it ran."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from fundus_core import confined
from fundus_core.confined import Limits, StoppedError, landlock
from fundus_core.errors import CardError, PhotographError

MIB = 2**20
SMALL = Limits(seconds=30, memory=400 * MIB, disk=64 * MIB)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's limits are Linux'")


@pytest.fixture(autouse=True)
def _misdeeds(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "own"
    place.mkdir()
    return place


def run(name, folder, *, limits=SMALL, readable=(), **arguments):
    return confined.run(f"misdeeds:{name}", arguments, folder=folder, limits=limits, readable=readable)


def test_plain_values_come_back_whatever_is_printed(folder):
    answer = run("answer", folder, one=1, two=[None, "名前"])
    assert answer.value == {"one": 1, "two": [None, "名前"]}
    assert {"seconds", "memory"} <= set(answer.held) <= set(confined.ALL)


def test_the_sentences_say_what_holds_and_what_does_not():
    assert "cannot" not in " ".join(confined.sentences(SMALL, confined.ALL))
    assert "no network" in " ".join(confined.sentences(SMALL, confined.ALL))
    assert "cannot keep it from the network" in " ".join(confined.sentences(SMALL, ("files",)))
    assert "cannot keep it from other files" in " ".join(confined.sentences(SMALL, ("network",)))


@linux
@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
@pytest.mark.parametrize("deed", ["write", "read", "list", "link"])
def test_no_file_but_its_own(deed, folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("before")
    place = tmp_path if deed == "list" else secret
    assert run("tries", folder, deed=deed, place=str(place)).value == "PermissionError"
    assert secret.read_text() == "before"


@linux
@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_what_is_given_may_be_read_and_not_written(folder, tmp_path):
    given = tmp_path / "given.txt"
    given.write_text("before")
    assert run("tries", folder, readable=[given], deed="read", place=str(given)).value == ""
    (folder / "answer.json").unlink()
    assert run("tries", folder, readable=[given], deed="write", place=str(given)).value == "PermissionError"
    assert given.read_text() == "before"


@linux
def test_no_network_not_even_to_this_machine(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert run("tries", folder, deed="connect", place=str(server.getsockname()[1])).value


@linux
def test_no_signal_to_anyone_else(folder):
    assert run("tries", folder, deed="kill", place=str(os.getpid())).value


def test_nothing_of_our_environment_but_a_few_words(folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:secret@host/db")
    assert "secret" not in " ".join(run("environment", folder).value.values())


@pytest.mark.parametrize(
    ("deed", "why"),
    [("forever", "seconds"), ("asleep", "seconds"), ("eats", "memory"), ("eats_at_once", "memory"), ("fills", "disk")],
)
def test_each_limit_ends_it_with_a_sentence(deed, why, folder):
    limits = Limits(seconds=3 if why == "seconds" else 30, memory=300 * MIB, disk=64 * MIB)
    start = time.monotonic()
    with pytest.raises(StoppedError, match="stopped") as caught:
        run(deed, folder, limits=limits)
    assert caught.value.why == why
    assert time.monotonic() - start < 20


@linux
def test_one_file_cannot_grow_without_end(folder):
    with pytest.raises(StoppedError):
        run("one_long_file", folder)
    assert (folder / "long").stat().st_size <= SMALL.disk


@linux
def test_no_child_outlives_it(folder):
    marker = folder / "marker"
    run("leaves_a_child", folder, marker=str(marker))
    time.sleep(4)
    assert not marker.exists()


def test_errors_of_ours_keep_their_kind_and_come_as_one_line(folder, tmp_path):
    with pytest.raises(CardError) as caught:
        run("raises", folder, kind="card")
    assert str(caught.value).startswith("One line [31m and another xxx")
    assert len(str(caught.value)) <= 700
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(PhotographError, match="It is cut") as photograph:
        run("raises", other, kind="photograph")
    assert photograph.value.code == "truncated"


def test_whatever_else_goes_wrong_is_a_sentence(folder, tmp_path):
    with pytest.raises(StoppedError, match="KeyError") as caught:
        run("raises", folder, kind="other")
    assert caught.value.why == "fault"
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(StoppedError, match="without an answer"):
        run("dies", other)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"value"', '{"a":' * 100_000, '{"error": "SystemExit"}', "\x00"])
def test_an_answer_that_is_none_is_a_fault(text, folder):
    with pytest.raises(StoppedError):
        run("lies", folder, text=text)


def test_an_answer_never_comes_through_a_link_or_a_pipe(folder, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"value": "secret"}')
    with pytest.raises(StoppedError):
        run("answers_with_a_link", folder, target=str(secret))
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(StoppedError):
        run("answers_with_a_pipe", other)


def test_files_are_taken_if_they_are_plain_and_no_longer_than_allowed(folder, tmp_path):
    (folder / "made").write_bytes(bytes(100))
    (folder / "link").symlink_to(folder / "made")
    assert confined.taken(folder, "made", tmp_path / "a", most=100)
    assert not confined.taken(folder, "made", tmp_path / "b", most=99)
    assert not confined.taken(folder, "link", tmp_path / "c", most=100)
    assert not confined.taken(folder, "gone", tmp_path / "d", most=100)
