"""Own machine or shared: whom this installation serves, who is a steward, how much each keeps, what pages may read."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from streamlit import config

from fundus_core.errors import UsageError
from fundus_core.home import home
from fundus_core.images.allowed_folders import VARIABLE, listed
from fundus_core.store import AuditLog, Person

SHARED = "FUNDUS_LAB_SHARED"
"""Environment variable: ``1`` where several people use one server, each signed in."""
HEADER = "FUNDUS_LAB_TRUSTED_HEADER"
"""Names the header in which a named proxy says who has signed in; without it people sign in by OpenID Connect."""
HOURS = "FUNDUS_LAB_SESSION_HOURS"
FILE = "people.toml"
"""In the working folder: ``stewards``, ``members``, ``groups`` and ``quota``."""
_HOURS = 12.0
_FORM = (
    "'{path}' must hold lists of names ('stewards', 'members'), a table 'groups' of such lists, and numbers in 'quota'."
)


def shared() -> bool:
    """Return whether several people use this server."""
    return os.environ.get(SHARED, "").strip() not in ("", "0")


def header() -> str:
    """Return the header that a proxy signs people in by, in small letters; empty where nobody has set it."""
    return os.environ.get(HEADER, "").strip().lower()


def session_s() -> float:
    """Return after how many seconds somebody must sign in again."""
    said = os.environ.get(HOURS, "")
    return (float(said) if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", said) else _HOURS) * 3600


@dataclass(frozen=True, slots=True)
class People:
    """What the administrator's file says; all of it may be missing."""

    stewards: frozenset[str] = frozenset()
    """Names as they sign in."""
    members: frozenset[str] | None = None
    """Names, ``*`` for any letters; ``None`` for all whom the sign-in vouches for."""
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names by group."""
    photographs: float = float("inf")
    """How many one person may keep."""
    bytes: float = float("inf")
    """How many bytes of them."""

    def may_enter(self, name: str) -> bool:
        """Return whether somebody of this name is let in."""
        rules = self.members
        return rules is None or name in self.stewards or any(fnmatchcase(name, rule) for rule in rules)

    def groups_of(self, name: str) -> frozenset[str]:
        """Return the names of the groups that somebody belongs to."""
        return frozenset(group for group, names in self.groups.items() if name in names)


def known() -> People:
    """Return what the file says as it is now.

    Raises:
        UsageError: It cannot be understood.
    """
    path = home() / FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return People()


@lru_cache(maxsize=2)
def _read(path: Path, _mtime: int) -> People:
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        quota = told.get("quota", {})
        members = _names(told["members"]) if "members" in told else None
        return People(
            stewards=_names(told.get("stewards", [])),
            members=members,
            groups={str(name).casefold(): _names(some) for name, some in told.get("groups", {}).items()},
            photographs=_number(quota.get("photographs")),
            bytes=_number(quota.get("gigabytes")) * 1e9,
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(_FORM, path=path) from error


def _names(told: Any) -> frozenset[str]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise TypeError
    return frozenset(name.strip().casefold() for name in told)


def _number(told: Any) -> float:
    if told is None:
        return float("inf")
    if isinstance(told, bool) or not isinstance(told, int | float) or told < 0:
        raise ValueError
    return float(told)


@lru_cache(maxsize=4)
def log(folder: Path) -> AuditLog:
    """Return the log of a working folder."""
    return AuditLog(folder)


def person(name: str, address: str) -> Person:
    """Return somebody who has signed in, with what the administrator's file says of them.

    Raises:
        UsageError: Nobody has this name, or the file cannot be understood.
    """
    told = known()
    return Person(
        name,
        log(home()),
        groups=told.groups_of(name),
        steward=name in told.stewards,
        address=address,
        most_photographs=told.photographs,
        most_bytes=told.bytes,
    )


PROXIES = "FORWARDED_ALLOW_IPS"
"""Names the proxies whose forwarded headers count: uvicorn's own setting, addresses and networks after commas."""
_OWN = ("127.0.0.1", "localhost", "::1")


def local() -> bool:
    """Return whether the server serves this machine only: bound to it, and no proxy named that brings others in."""
    if shared():
        return False
    said = os.environ.get("FUNDUS_LAB_LOCAL")
    if said is not None:
        return said == "1"
    return config.get_option("server.address") in _OWN and not proxies()


def proxies() -> str:
    """Return the setting that names trusted proxies; empty where nobody has set it."""
    return os.environ.get(PROXIES, "").strip()


def roots() -> tuple[Path, ...]:
    """Return the folders of the server that pages may read: those listed, on one's own machine else the home."""
    return listed() if local() or os.environ.get(VARIABLE) is not None else ()
