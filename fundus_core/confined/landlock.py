"""Landlock (Linux 5.13 and later): a process gives up every file but those that it lists, for good.

Source: the kernel's Documentation/userspace-api/landlock.rst; numbers of the system calls are those of every
architecture.
"""

import ctypes
import os
import struct
from collections.abc import Sequence
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_A_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""By version of the kernel's interface: every right to files that it can take away."""
_LINK, _DEVICES = 1 << 12, (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11)


def version() -> int:
    """Return the version of the kernel's interface; 0 where there is none."""
    try:
        return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, 0, 1)))
    except (OSError, AttributeError, TypeError):
        return 0


def restrict(*, readable: Sequence[Path], writable: Sequence[Path]) -> bool:
    """Give up every file but these, and TCP; returns whether the kernel can.

    Programs in what is readable may be started; links and devices cannot be made in what is writable.
    """
    known = version()
    if known < 1:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    every = _KNOWN[min(known, 5)]
    fields = (every, 3, 3)[: 1 if known < 4 else 2 if known < 6 else 3]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    rules = libc.syscall(_CREATE, attributes, len(attributes), 0)
    if rules < 0:
        return False
    for path in readable:
        _allow(libc, rules, path, (_EXECUTE | _READ | _LIST) & every)
    for path in writable:
        _allow(libc, rules, path, every & ~(_EXECUTE | _LINK | _DEVICES))
    done = libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(rules)
    return bool(done)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no right
    rights &= -1 if path.is_dir() else _OF_A_FILE
    libc.syscall(_ADD, rules, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)
