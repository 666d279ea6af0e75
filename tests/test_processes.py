"""A process of our own knows what it was given, and nothing of the main script of the one that started it."""

import ctypes
import importlib
import os
import re
import sys
import types
from pathlib import Path

import numpy as np
import psutil
import pytest

from fundus_core import processes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=["a page", "a file that is gone", "a module"])
def main(request, monkeypatch, tmp_path):
    """A main script of each kind that a process may have; run again, it would leave a mark."""
    mark, script = tmp_path / "mark", tmp_path / "stranger_main.py"
    script.write_text(f"from pathlib import Path\nPath({str(mark)!r}).touch()\n__args\n", encoding="utf-8")
    main = types.ModuleType("__main__")
    main.__file__ = str(script)
    if request.param == "a module":
        monkeypatch.syspath_prepend(str(tmp_path))
        main.__spec__ = types.SimpleNamespace(name="stranger_main")
    if request.param == "a file that is gone":
        script.unlink()
    monkeypatch.setitem(sys.modules, "__main__", main)
    yield main
    assert not mark.exists()
    assert sys.modules["__main__"] is main


def test_the_main_script_is_never_run_again(main):
    assert list(processes.each(abs, [-1, 2, -3], workers=2, first=list)) == [1, 2, 3]
    child = processes.Child(sorted, (3, 1, 2))
    assert child.ask("index", 3) == 2
    child.end()


def test_a_main_script_set_meanwhile_stays(monkeypatch):
    """Streamlit sets one for each run of a page, from another thread."""
    other = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    with processes._without_main():
        sys.modules["__main__"] = other
    assert sys.modules["__main__"] is other


def test_a_child_that_dies_or_hangs_is_told_from_one_that_answers():
    child = processes.Child(list)
    with pytest.raises(processes.DiedError):
        child.ask("no such method")
    child.end()
    child = processes.Child(importlib.import_module, "time")
    assert child.ask("time") > 0
    with pytest.raises(processes.DiedError):
        child.ask("sleep", 600, patience_s=0.1)
    child.end()


def test_a_child_in_another_folder_finds_our_modules(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "theirs")
    environment = processes.environment(HOME="there")
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "theirs"]
    assert environment["HOME"] == "there"


def test_processes_are_started_in_one_place():
    """The limited process has an interpreter line and an environment of its own."""
    homes = {"fundus_core/processes.py", "fundus_core/confined/supervise.py"}
    files = [*(ROOT / "fundus_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"]
    words = re.compile(r"sys\.executable|^(from|import) multiprocessing|ProcessPool|os\.(fork|spawn|exec|system)", re.M)
    found = {path.relative_to(ROOT).as_posix() for path in files if words.search(path.read_text(encoding="utf-8"))}
    assert found == homes | {"fundus_core/confined/__main__.py"}


def test_what_is_called_apart_is_called_in_another_process_and_comes_back_where_that_one_dies():
    """Tried: a process that ends between two calls, and one that ends during a call; neither is noticed."""
    there = processes.apart(os.getpid)
    assert there != os.getpid()
    assert processes.apart(os.getpid) == there, "it is kept for a while"
    processes._APART.end()
    assert processes.apart(sorted, (1, 3, 2), reverse=True) == [3, 2, 1]
    with pytest.raises(ZeroDivisionError):
        processes.apart(divmod, 1, 0)
    with pytest.raises(SystemExit):
        processes.apart(sys.exit)
    assert processes.apart(os.getpid) not in (there, os.getpid())
    processes._APART.end()


def _given_back() -> int:
    """Free every other of many large arrays; return how many bytes of theirs are the system's again."""
    processes.give_back_at_once()
    for _again in range(2):  # glibc learns from the first that are freed to keep the next
        pieces = [np.ones(2_000_000) for _ in range(10)]
        held = psutil.Process().memory_info().rss
        del pieces[::2]
    return held - psutil.Process().memory_info().rss


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
def test_large_arrays_are_given_back_while_their_neighbours_are_held():
    """Without asking for it 0 of 80 MB came back."""
    assert processes.apart(_given_back) > 70_000_000
    processes._APART.end()
