"""The targets: names, units, plausible ranges, headings, tolerances, published results; a file each.

Those that come with the program lie beside this; a user's own lie in the folder ``targets`` of the program's home and
are read when a process starts. Published errors are those of the models released by the Japan Ocular Imaging
Registry (five targets: press release of 2025-05-12; age: 2023-01-10; sex: 2023-12-07).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fundus_core.errors import UsageError
from fundus_core.targets.files import load
from fundus_core.targets.record import Target, Unit

__all__ = ["METABOLIC", "OWN", "TARGETS", "Target", "Unit", "check", "folder", "target"]


def folder() -> Path:
    """Where a user's own targets lie."""
    return Path(os.environ.get("FUNDUS_LAB_HOME") or "workspace") / "targets"


def _read() -> tuple[dict[str, Target], dict[str, Target], str]:
    released = load(Path(__file__).parent.glob("*.toml"), {})
    try:
        return released, load(folder().glob("*.toml"), released), ""
    except UsageError as error:
        return released, {}, str(error)


_RELEASED, _OWN, _FAULT = _read()
OWN: Mapping[str, Target] = MappingProxyType(_OWN)
"""The user's own targets by id."""
TARGETS: Mapping[str, Target] = MappingProxyType({**_RELEASED, **_OWN})
"""Every target by its id, in the order in which tables and figures show them."""

METABOLIC = ("sbp", "dbp", "glucose", "waist", "bmi")
"""The five targets of the 2025 model."""


def check() -> None:
    """Say what is wrong with a user's own targets; whatever opens a door calls it first.

    Raises:
        UsageError: One of the files cannot be used, so that none is.
    """
    if _FAULT:
        raise UsageError(_FAULT)


def target(target_id: str) -> Target:
    """Return the target of that id.

    Raises:
        UsageError: No target has that id; the message lists those that exist.

    >>> target("waist").unit
    'cm'
    """
    if target_id not in TARGETS:
        message = f"There is no target '{target_id}'; the targets are {', '.join(TARGETS)}."
        raise UsageError(message)
    return TARGETS[target_id]
