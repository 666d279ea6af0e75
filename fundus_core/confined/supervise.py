"""Starting a confined process within its limits, watching it from outside, and hearing what it says."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from fundus_core import errors
from fundus_core.confined import answers
from fundus_core.confined.answers import Answer
from fundus_core.errors import FundusError, say
from fundus_core.targets import TARGETS, records

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one confined call may take."""

    seconds: float = 25.0
    """Of the clock on the wall, its start included; on a busy machine it is given up to four times as long."""
    memory: int = 3072 * MIB
    """Bytes of resident memory, all its processes together."""
    disk: int = 1024 * MIB
    """Bytes that it may leave in its folder."""
    processes: int = 512
    """Processes and threads."""

    def grown(self, size: int, *, seconds_per_mib: float, memory_per_byte: float) -> Limits:
        """Return limits for an input of that many bytes: what is large may take longer, the first 32 MiB nothing."""
        return Limits(
            seconds=self.seconds + seconds_per_mib * max(0.0, size / MIB - 32),
            memory=self.memory + int(memory_per_byte * size),
            disk=self.disk + 4 * size,
            processes=self.processes,
        )


def of_weights(size: int) -> Limits:
    """Return what opening so many bytes of weights may take: a B7 of 256 MiB at 600 px needs some 150 s of one core."""
    return Limits().grown(size, seconds_per_mib=1.5, memory_per_byte=12.0)


ALL = ("seconds", "memory", "disk", "processes", "files", "network")
"""Codes of the limits, as ``Answer.held`` lists those that hold on this machine."""


def sentences(limits: Limits, held: Collection[str]) -> tuple[str, ...]:
    """Return what held, and what this machine could not hold, as sentences for people."""
    gib = limits.memory / 2**30
    most = say(
        "It was opened in a process of its own, with at most {seconds:.0f} s and {gib:.1f} GiB of memory.",
        seconds=limits.seconds,
        gib=gib,
    )
    files = (
        "It could touch no file but its own." if "files" in held else "This machine cannot keep it from other files."
    )
    network = "It had no network." if "network" in held else "This machine cannot keep it from the network."
    return most, files, network


_EVERY = 0.05
"""Seconds between two looks at memory; every ``_SELDOM`` of them also at its folder and for new processes."""
_SELDOM = 10
_BUSY, _PATIENCE = 90.0, 4
"""Per cent of the processors in use from which a machine counts as busy; how much longer it may take then."""
_MOST_FILES = 10_000
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT", "OMP_NUM_THREADS", "LD_LIBRARY_PATH", "TZ")
"""Of the environment; a database's address or a proxy's password stays outside."""


class StoppedError(FundusError):
    """A confined process gave no answer.

    Attributes:
        why: ``seconds``, ``memory``, ``disk`` (a limit was met) or ``fault`` (it broke).
    """

    def __init__(self, why: str, message: str, /, **values: object) -> None:
        """Keep the code beside the sentence."""
        super().__init__(message, **values)
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.why, self.args[0])


def run(
    function: str,
    arguments: Mapping[str, object],
    *,
    folder: Path,
    readable: Sequence[Path] = (),
    limits: Limits | None = None,
    heed: Callable[[Mapping[str, Any]], None] | None = None,
) -> Answer:
    """Call a function (``package.module:name``, never a stranger's word) in a process of its own.

    Its keywords are values that JSON can hold. It runs, and may write, in one folder, which must be empty and is left
    as it is; it may read ``readable`` besides Python and the system's libraries. ``heed`` is given, twice a second,
    what it told on its way (``tell``); what ``heed`` raises ends it.

    Raises:
        FundusError: What the function raised, of the same kind, its sentence cut to a line.
        StoppedError: It met a limit, or ended without an answer.
    """
    most = limits or Limits()
    job = {
        "function": function,
        "arguments": dict(arguments),
        "readable": [str(Path(path).resolve()) for path in readable],
        "limits": asdict(most),
        "targets": records(tuple(TARGETS)),
    }
    with _started(folder, job) as process:
        try:
            why = _watched(process, folder, most, heed)
        finally:
            _end(process)
        first = process.stdout.readline(4096) if process.stdout else b""
    if why:
        raise StoppedError(why, _WORDS[why], seconds=most.seconds, memory=most.memory / 2**30, disk=most.disk / 2**30)
    return _heard(folder, first, process.returncode)


_WORDS: Mapping[str, str] = {
    "seconds": "It was not done after {seconds:.0f} s and was stopped.",
    "memory": "It wanted more than {memory:.1f} GiB of memory and was stopped.",
    "disk": "It wrote more than {disk:.1f} GiB and was stopped.",
}


def _started(folder: Path, job: Mapping[str, object]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-W", "ignore", "-m", "fundus_core.confined"],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(job).encode())  # type: ignore[union-attr]
        process.stdin.close()  # type: ignore[union-attr]
    return process


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    root = str(Path(__file__).parents[2])
    own = {"HOME": str(folder), "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    own |= {"USER": "nobody", "LOGNAME": "nobody", "KERAS_HOME": str(folder), "KERAS_BACKEND": "torch"}
    return (
        kept | own | {"PYTHONPATH": os.pathsep.join([root, *(str(Path(path).absolute()) for path in sys.path if path)])}
    )


def _watched(
    process: subprocess.Popen[bytes],
    folder: Path,
    limits: Limits,
    heed: Callable[[Mapping[str, Any]], None] | None = None,
) -> str:
    """Wait for the end; returns the limit that was met, empty where none was."""
    clock, family = _Clock(), _family(process.pid)
    for look in itertools.count(1):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_EVERY)
            return ""
        resident, worked = _use(family)
        if clock.after(worked) > limits.seconds:
            return "seconds"
        if resident > limits.memory:
            return "memory"
        if look % _SELDOM == 0:
            family = _family(process.pid)
            if _written(folder) > limits.disk:
                return "disk"
            if heed is not None and (told := answers.read_answer(folder, answers.TOLD)):
                heed(told)
    return ""


@dataclass(slots=True)
class _Clock:
    """The time that counts: the wall's, but where others keep the processors busy no more than it could use."""

    counted: float = 0.0
    before: float = field(default_factory=time.monotonic)
    worked: float = 0.0

    def after(self, worked: float) -> float:
        """Return the seconds that count by now, given those that the process has worked."""
        now = time.monotonic()
        passed, own = now - self.before, worked - self.worked
        busy = psutil.cpu_percent() > _BUSY
        self.counted += min(passed, max(own, passed / _PATIENCE)) if busy else passed
        self.before, self.worked = now, worked
        return self.counted


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _use(family: Sequence[psutil.Process]) -> tuple[int, float]:
    """Return resident bytes and seconds worked, all together."""
    resident, worked = 0, 0.0
    for one in family:
        with contextlib.suppress(psutil.Error):
            resident += one.memory_info().rss
            worked += sum(one.cpu_times()[:4])
    return resident, worked


def _written(folder: Path) -> int:
    total = 0
    for count, path in enumerate(folder.rglob("*")):
        if count > _MOST_FILES:
            return sys.maxsize
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and every process that it started."""
    for one in reversed(_family(process.pid)):
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.kill()
    process.wait()


def _heard(folder: Path, first: bytes, status: int) -> Answer:
    said = answers.read_answer(folder, "answer.json")
    if said is not None and "value" in said:
        held = json.loads(first or b"[]")
        return Answer(said["value"], ("seconds", "memory", *map(str, held)))
    raise _fault(said or {}, status)


def _fault(said: Mapping[str, Any], status: int) -> FundusError:
    """Return what the function raised, if that is an error of ours that a sentence alone makes."""
    kind, message = said.get("error"), answers.plain(said.get("message", ""))
    own = getattr(errors, str(kind), None)
    if isinstance(own, type) and issubclass(own, FundusError):
        return own(str(said.get("code")), message) if own is errors.PhotographError else own(message)
    if kind == "MemoryError":
        return StoppedError("memory", "It wanted more memory than it may take and was stopped.")
    return StoppedError("fault", message or say("It ended without an answer (status {status}).", status=status))
