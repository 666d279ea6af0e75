"""Every module is reached from a door: the application, its pages, the command line, or a process that they start."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.sources import nodes_of

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("fundus_core", "pages")


def modules() -> dict[str, Path]:
    """Return the dotted name of each of our files."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}
    return {"app": ROOT / "app.py", **named}


def doors(known: dict[str, Path]) -> set[str]:
    """Return what is started by its name: the application, pages, verbs, and packages that are run as programs."""
    started = {name for name in known if re.fullmatch(r"pages\.\w+|.*\.__main__|fundus_core\.commands\.\w+", name)}
    return {"app", "pages.parts.frame", *started}


def named_in(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports, or names in a text: a process is started, a function called by it."""
    found: set[str] = set()
    for node in nodes_of(path):
        match node:
            case ast.Import(names=names):
                found.update(each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                found.update({module, *(f"{module}.{each.name}" for each in names)})
            case ast.Constant(value=str(text)) if re.fullmatch(r"(fundus_core|pages)[\w.]*(:\w+)?", text):
                name = text.partition(":")[0]
                found.update({name, f"{name}.__main__"})
    return {part for name in found for part in upwards(name) if part in known}


def upwards(name: str) -> list[str]:
    """Return a module and the packages that it lies in: importing it runs them."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def reached(known: dict[str, Path]) -> set[str]:
    found: set[str] = set()
    ahead = doors(known)
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= named_in(known[name], known) - found
    return found


def test_every_module_is_reached_from_a_door() -> None:
    known = modules()
    assert not set(known) - reached(known), "reached by tests alone: delete it"


def test_the_walk_sees_a_module_that_nobody_reaches() -> None:
    known = {**modules(), "fundus_core.nobody": ROOT / "fundus_core" / "errors.py"}
    assert set(known) - reached(known) >= {"fundus_core.nobody"}
