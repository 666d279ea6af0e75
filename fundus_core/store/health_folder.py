"""Whether the folder of a store is shut to others, and has room."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from fundus_core import owner_only
from fundus_core.store.files import Shelf

Level = Literal["right", "note", "wrong", "mended"]

LITTLE_BYTES = 1 << 30
"""With less room on the disk a cohort may not fit."""

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at."""

    code: str
    """A stable word for it."""
    level: Level
    """``right``; ``note``: worth knowing; ``wrong``: somebody must act; ``mended``: was wrong, and is put right now."""
    sentence: str
    """What was found, and what to do."""
    items: tuple[str, ...] = ()
    """The files or hashes that are meant, the first twenty."""


def homes(url: sa.URL, shelf: Shelf) -> list[Path]:
    """The folders that are the store's, the database's too where it lies elsewhere."""
    if url.get_backend_name() != "sqlite":
        return [shelf.folder]
    return list(dict.fromkeys((shelf.folder, Path(url.database or "").parent)))


def others(folders: Sequence[Path], *, repair: bool) -> Iterator[Found]:
    """Whether others may read the files."""
    if os.name != "posix":
        yield Found("permissions", "note", "Who may read the files is not looked at on this system.")
        return
    found = [path for folder in folders for path in owner_only.open_ones(folder)]
    if not found:
        yield Found("permissions", "right", "Nobody but their owner can read the files (600, folders 700).")
        return
    left = [path for path in found if not (repair and owner_only.close(path))]
    items = tuple(str(path) for path in (left or found)[:SHOWN])
    if left:
        sentence = f"Others may read {len(left)} files or folders of the store; --repair shuts them out, where we may."
        yield Found("permissions", "wrong", sentence, items)
    else:
        yield Found(
            "permissions", "mended", f"Others could read {len(found)} files or folders; they no longer can.", items
        )


def room(shelf: Shelf) -> Found:
    """Whether the disk has room for a cohort."""
    free = shelf.free_bytes()
    if free < LITTLE_BYTES:
        return Found("room", "wrong", f"The disk is nearly full ({free / 1e6:,.0f} MB are free); make room.")
    return Found("room", "right", f"{free / 1e9:,.1f} GB are free on the disk.")
