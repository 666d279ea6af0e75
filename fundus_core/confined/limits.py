"""How much a confined process may take, and the words for the limits that hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fundus_core.errors import say

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
