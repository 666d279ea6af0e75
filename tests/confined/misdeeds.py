"""What code of a stranger would do if it ran; called in a confined process by the tests beside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from fundus_core.errors import CardError, PhotographError


def answer(**given):
    print("noise on the output")  # noqa: T201
    return given


def tries(deed, place):
    """Return the error of a deed, empty where it was done."""
    try:
        DEEDS[deed](place)
    except (OSError, subprocess.SubprocessError) as error:
        return type(error).__name__
    return ""


def _look_up(_place):
    socket.getaddrinfo("127.0.0.1", 1)
    with socket.create_connection(("127.0.0.1", int(_place)), timeout=2):
        pass


DEEDS = {
    "write": lambda place: Path(place).write_text("x", encoding="utf-8"),
    "read": lambda place: Path(place).read_text(encoding="utf-8"),
    "list": lambda place: list(Path(place).iterdir()),
    "connect": _look_up,
    "link": lambda place: Path("link").symlink_to(place),
    "kill": lambda place: os.kill(int(place), 9),
}


def environment():
    return dict(os.environ)


def forever():
    while True:
        pass


def asleep():
    time.sleep(600)


def eats():
    held = []
    while True:
        held.append(bytearray(os.urandom(2**20)) * 32)


def eats_at_once():
    return len(bytearray(2**40))


def fills():
    number = 0
    while True:
        number += 1
        Path(f"{number}").write_bytes(bytes(2**22))


def one_long_file():
    with Path("long").open("wb") as file:
        while True:
            file.write(bytes(2**24))


def leaves_a_child(marker):
    """A grandchild in a session of its own that writes where it may, after its parents are gone."""
    code = f"import time,pathlib; time.sleep(3); pathlib.Path({marker!r}).write_text('x')"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def raises(kind):
    if kind == "photograph":
        code = "truncated"
        raise PhotographError(code, "It is cut.")
    if kind == "card":
        raise CardError("One line\x1b[31m\nand another " + "x" * 10_000)
    raise KeyError(kind)


def dies():
    os.abort()


def lies(text):
    """Write an answer of its own and leave before the true one is written."""
    Path("answer.json").write_text(text, encoding="utf-8")
    os._exit(0)


def answers_with_a_link(target):
    Path("answer.json").symlink_to(target)
    os._exit(0)


def answers_with_a_pipe():
    os.mkfifo("answer.json")
    os._exit(0)
