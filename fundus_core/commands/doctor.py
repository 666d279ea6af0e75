"""``doctor``: is the store whole and closed to others, is there room, and what can this machine do."""

import argparse
import importlib.metadata
import os
import platform
import sqlite3
from collections.abc import Iterator

import psutil

from fundus_core import __version__
from fundus_core.commands import frame
from fundus_core.store import SCHEMA_VERSION, Found, examine

_LIBRARIES = ("streamlit", "sqlalchemy", "torch", "openvino", "numpy", "pandas")
_WORD = {"right": "ok", "note": "note", "wrong": "WRONG", "mended": "mended"}


def add(parser: frame.Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    frame.shared(parser, *frame.STORE)
    parser.add_argument("--repair", action="store_true", help="put right what can be; what is unknown is put aside")
    parser.add_argument(
        "--join", action="store_true", help="a database without an id or a copied one belongs to this folder"
    )
    parser.add_argument("--quick", action="store_true", help="do not compare every photograph with its hash")
    frame.shared(parser, "--json")


def _run(options: argparse.Namespace) -> int:
    where, files = frame.store_of(options)
    found = list(_machine())
    with frame.bar() as shown:
        for one in examine(
            where,
            files=files,
            repair=options.repair,
            join=options.join,
            hashes=not options.quick,
            progress=frame.upto(shown),
        ):
            found.append(one)
    _say(found, as_json=options.json)
    wrong = [one for one in found if one.level == "wrong"]
    if any(one.code == "store" for one in wrong):
        return frame.AT_FAULT
    return frame.SOME_REFUSED if wrong else frame.DONE


def _say(found: list[Found], *, as_json: bool) -> None:
    if as_json:
        healthy = not any(one.level == "wrong" for one in found)
        lines = [
            {"code": one.code, "level": one.level, "sentence": one.sentence, "items": list(one.items)} for one in found
        ]
        frame.say_json({"healthy": healthy, "found": lines})
        return
    for one in found:
        frame.say(f"{_WORD[one.level]:7}{one.code}: {one.sentence}")
        for item in one.items if one.level != "right" else ():
            frame.say(f"       {item}")


def _machine() -> Iterator[Found]:
    """What runs here, and what it runs on."""
    names = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield Found(
        "versions", "right", f"Fundus Lab {__version__}, tables of version {SCHEMA_VERSION}; {python}; {names}."
    )
    memory = psutil.virtual_memory()
    room = f"{memory.total / 2**30:.0f} GiB of memory ({memory.available / 2**30:.1f} free)"
    yield Found(
        "machine", "right", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {room}; {_runs()}."
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _runs() -> str:
    try:
        from fundus_core.inference import has_gpu
        from fundus_core.inference.processor import has_bf16  # seconds, and only this verb's last words need it
    except ImportError as error:
        return f"networks cannot run here ({error.name} is missing)"
    bf16 = "float32 and bf16" if has_bf16() else "float32"
    return f"networks run on {'a GPU' if has_gpu() else 'the processor'}, in {bf16}"
