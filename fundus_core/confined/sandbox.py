"""A process shuts itself in, before it has seen anything of a stranger: each step says whether it held."""

import ctypes
import os
import signal
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from fundus_core.confined import landlock

_NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_DIE_WITH_PARENT = 1
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/lib32", "/bin", "/opt", "/nix", "/gnu", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/mime.types", "/etc/apache2/mime.types", "/etc/httpd", "/etc/nsswitch.conf", "/etc/ssl/openssl.cnf",
    "/proc", "/sys/devices/system", "/sys/fs/cgroup", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
"""What programs of the system need to start; of ``/proc`` the kernel shows a shut-in process little of others."""


def resources(seconds: float, memory: int, disk: int) -> list[str]:
    """Set the limits that the kernel keeps for a process; returns those that hold."""
    if sys.platform == "win32":
        return []
    import resource

    cores = os.cpu_count() or 1
    # Resident memory is watched from outside; this one bounds what a single step can take between two looks.
    wanted = {
        resource.RLIMIT_CPU: int(seconds * cores) + 1,
        resource.RLIMIT_FSIZE: disk,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: 2 * memory,
    }
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    return ["disk"]


def namespaces(processes: int) -> list[str]:
    """Leave the network and the other processes behind; returns what holds. The next child is the first process."""
    if not sys.platform.startswith("linux"):
        return []
    import resource

    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_PROCESSES | _NEW_NETWORK) != 0:
        return []
    own = Path("/proc/self")
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        try:
            (own / name).write_text(line)
        except OSError:
            break  # unmapped it has fewer rights, not more
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
    return ["processes", "network"]


def files(folder: Path, readable: Sequence[Path]) -> list[str]:
    """Give up every file but Python's, the system's libraries, those listed, and one folder."""
    if not sys.platform.startswith("linux"):
        return []
    package = Path(__file__).parents[1]
    python = {Path(p) for p in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())}
    places = [Path(p) for p in sys.path if p and Path(p) != package.parent and Path(p) not in package.parents]
    reads = [*python, *places, package, *map(Path, _SYSTEM), *readable]
    return ["files"] if landlock.restrict(readable=reads, writable=[folder, Path("/dev/null")]) else []


def die_with_parent() -> None:
    """Let the kernel end this process when the one that started it ends."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
