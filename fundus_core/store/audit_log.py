"""Who saw, exported, deleted, imported, signed in or was refused: lines that are only added, each bound to the last.

A line is a JSON object; its ``hash`` is the SHA-256 of all else in it, the hash of the line before included. What is
changed, left out or put in between shows; lines cut off at the end do not, unless somebody has kept the last number
and hash elsewhere, which ``doctor`` says.

Who is refused again and again adds no line each time, lest they fill the disk and hide what else they do: after the
first few of a minute the others are counted, and one line with ``times`` says how many there were.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fundus_core import owner_only

FILE = Path("log") / "actions.jsonl"
"""Below the store's folder."""
SEEN_AGAIN_S = 3600.0
"""Who looks at one cohort again within this time adds no line."""
MINUTE_S = 60.0
"""For so long refusals of one person and address are counted together."""
FIRST = 30
"""Lines of a minute of a person who is signed in, each with what they asked for; of somebody who is not, one."""
_ADDRESSES = 100
"""How many persons and addresses are told from each other in a minute; a flood from more is counted as one."""
_MANY = "*"
_TAIL_BYTES = 1 << 14
"""More than the longest line: three words of 300 letters, each of which is written in up to 12 bytes."""
_LONGEST = 300
_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of the chain."""

    entries: int
    """Lines that follow from each other."""
    head: str
    """Hash of the last of them."""
    fault: int
    """Number of the first line that does not follow; 0 where all do."""


@dataclass(slots=True)
class _Minute:
    """What was refused to one person at one address within a minute."""

    until: float
    lines: int = 0
    more: int = 0
    about: str = ""


class AuditLog:
    """The log of one store; safe between threads and between processes."""

    def __init__(self, folder: Path) -> None:
        """Write below the store's folder."""
        self.path = folder / FILE
        self._seen: dict[tuple[str, str, str], float] = {}
        self._lock = threading.Lock()
        self._refused: dict[tuple[str, str], _Minute] = {}
        self._counting = threading.RLock()
        self._alarm: threading.Timer | None = None

    def add(self, what: str, *, who: str, address: str, about: str = "", times: int = 1) -> None:
        """Add a line; an ``OSError`` where it cannot be written, so that nothing is done unseen.

        Args:
            what: ``saw``, ``exported``, ``deleted``, ``imported``, ``shared``, ``signed in``, ``refused`` ...
            who: The person's name; empty where nobody is signed in.
            address: Of the machine that asked.
            about: Key of the cohort, model or path.
            times: How often; the line says so where it is more than once.
        """
        now = time.time()
        with self._lock, self._opened() as file:
            before = _last(file)
            line = {
                "n": before.get("n", 0) + 1,
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
                "who": who[:_LONGEST],
                "address": address[:_LONGEST],
                "what": what,
                "about": about[:_LONGEST],
                **({"times": times} if times > 1 else {}),
                "before": before.get("hash", _START),
            }
            file.write(_written({**line, "hash": _hash(line)}))
            file.flush()
            os.fsync(file.fileno())

    def refused(self, *, who: str, address: str, about: str) -> None:
        """Add that somebody was refused something, or count it where this minute has enough lines of theirs.

        What is counted is written when the minute is over, or by ``tell``; a process that is killed loses the count of
        that minute, never its first lines.
        """
        now = time.monotonic()
        with self._counting:
            self._tell(now)
            key = (who, address)
            if not who and key not in self._refused and len(self._refused) >= _ADDRESSES:
                key = ("", _MANY)
            minute = self._refused.setdefault(key, _Minute(now + MINUTE_S))
            if minute.lines >= (FIRST if who else 1):
                minute.more += 1
                minute.about = about
                self._wake()
                return
            minute.lines += 1
        self.add("refused", who=key[0], address=key[1], about=about)

    def tell(self) -> None:
        """Write down what was counted so far."""
        with self._counting:
            self._alarm = None
            self._tell(float("inf"))

    def _tell(self, now: float) -> None:
        for key, minute in [(key, one) for key, one in self._refused.items() if one.until <= now]:
            if minute.more:
                self.add("refused", who=key[0], address=key[1], about=minute.about, times=minute.more)
            del self._refused[key]

    def _wake(self) -> None:
        """Write the counts down once the minute is over, even if nobody asks for anything any more."""
        if self._alarm is None:
            self._alarm = threading.Timer(MINUTE_S, self.tell)
            self._alarm.daemon = True
            self._alarm.start()

    def saw(self, *, who: str, address: str, about: str) -> None:
        """Add that somebody looked at a cohort, unless the last hour has it."""
        key, now = (who, address, about), time.monotonic()
        if now - self._seen.get(key, -SEEN_AGAIN_S) >= SEEN_AGAIN_S:
            self.add("saw", who=who, address=address, about=about)
            self._seen[key] = now

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        owner_only.folder(self.path.parent)
        with open(self.path, "a+b", opener=owner_only.opener) as file:
            _alone(file)
            yield file  # closing it gives the lock back

    def latest(self, most: int) -> list[Mapping[str, Any]]:
        """Return the last lines, the latest first."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().splitlines()[-most:]
        return [entry for line in reversed(lines) if (entry := _read(line))]

    def verified(self) -> Verified:
        """Follow the chain from its start."""
        head, number = _START, 0
        if self.path.exists():
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    entry = dict(_read(line))
                    told = entry.pop("hash", "")
                    whole = line == _written({**entry, "hash": told})  # a blank that no reader sees is a change too
                    if (entry.get("n"), entry.get("before")) != (number, head) or told != _hash(entry) or not whole:
                        return Verified(number - 1, head, number)
                    head = told
        return Verified(number, head, 0)


def _written(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"


def _hash(line: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()


def _last(file: BinaryIO) -> Mapping[str, Any]:
    """Return the last line; after one that a crash has cut off, the chain is broken and says so."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _TAIL_BYTES))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        file.write(b"\n")
    return next((entry for line in reversed(tail.splitlines()) if (entry := _read(line))), {})


def _read(line: bytes) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict):
            return entry
    return {}


def _alone(file: BinaryIO) -> None:
    """Wait until no other process writes; where the system has no such lock, the thread's own must do."""
    with contextlib.suppress(ImportError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
