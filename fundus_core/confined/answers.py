"""What comes back from a confined process, taken as the word of a stranger."""

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fundus_core import owner_only
from fundus_core.errors import Sentence, as_json, from_json

_LONGEST, _LARGEST = 700, 16 * 2**20
TOLD = "told.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a confined call answered."""

    value: Any
    """Plain values, as JSON has them; of anyone's making."""
    held: tuple[str, ...]
    """Codes of the limits that held on this machine."""


def read_answer(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the JSON object that a confined process left; ``None`` where it left none that can be read."""
    try:
        content = from_json(json.loads(_bytes(folder / name)))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def tell(folder: Path, **told: object) -> None:
    """Say on the way, from inside, how far it is: plain values that whoever called may heed."""
    owner_only.replace(folder / TOLD, json.dumps(as_json(told)).encode())


def _bytes(path: Path) -> bytes:
    with opened(path) as file:
        return file.read(_LARGEST + 1)


def opened(path: Path) -> BinaryIO:
    """Open a plain file to be read; no link is followed, no pipe waited for."""
    place = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(place).st_mode):
        os.close(place)
        raise OSError("irregular")
    return os.fdopen(place, "rb")


def plain(message: object) -> str:
    """Return one line of limited length without anything that steers a terminal; a sentence keeps its values."""
    if isinstance(message, Sentence):
        cleaned: str = from_json(_lines(as_json(message)))
        return cleaned if len(cleaned) <= _LONGEST else cleaned[:_LONGEST]
    return str(_lines(str(message)))[:_LONGEST]


def _lines(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _lines(each) for key, each in found.items()}
    if isinstance(found, list):
        return [_lines(each) for each in found]
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", found).split()) if isinstance(found, str) else found


def taken(folder: Path, name: str, place: Path, *, most: int) -> bool:
    """Copy one plain file of at most so many bytes out of a confined process's folder; return whether there was one."""
    try:
        source = None if folder.is_symlink() else opened(folder / name)
    except OSError:
        return False
    if source is None:
        return False
    with source as file, place.open("xb") as copy:
        left = most
        while chunk := file.read(min(2**20, left + 1)):
            left -= len(chunk)
            if left < 0:
                return False
            copy.write(chunk)
    return True
