"""Where photographs come from: files, folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fundus_core.errors import UsageError
from fundus_core.records import Source


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Reads one file."""

    path: Path
    """Where it lies."""

    def __call__(self) -> bytes:
        return self.path.read_bytes()


def sources(paths: Sequence[Path]) -> Iterator[Source]:
    """List photographs."""
    for path in paths:
        if not path.exists():
            message = f"'{path}' does not exist; give a photograph, a folder, a ZIP or a CSV of paths."
            raise UsageError(message)
    return _all(paths)


def _all(paths: Sequence[Path]) -> Iterator[Source]:
    for path in paths:
        if path.is_dir():
            for found in sorted(p for p in path.rglob("*") if p.is_file()):
                yield Source(
                    found.relative_to(path).as_posix(), ReadFile(found), locator=os.fspath(found.resolve())
                )
        else:
            yield Source(path.name, ReadFile(path), locator=os.fspath(path.resolve()))
