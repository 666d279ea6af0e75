"""What was computed of a large cohort, kept beside the store so that a restart does not pay for it again.

A result is kept under the cohort's revision and under the formulas' own text: a changed photograph, a changed truth
or a changed formula asks anew. Files hold numbers and words only; reading one executes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from fundus_core import evaluation, private
from fundus_core.pipeline import packing
from fundus_core.store import Cohort, Store
from fundus_core.store import kept as places

MANY = 5_000
"""Photographs from which on results are kept; those of a smaller cohort are computed sooner than they are read."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Of:
    """Whose results: one cohort, as it is now, under one model."""

    cohort: Cohort
    """As the store has it."""
    model: str
    """Id of the card; empty where no model was asked yet."""


def kept(store: Store, of: Of, name: str, kind: type[_T], make: Callable[[], _T]) -> _T:
    """Return what is kept under a name; make it and keep it where nothing is.

    Args:
        store: Whose folder it lies beside.
        of: The cohort and the model.
        name: What was computed, with everything that it depends on besides.
        kind: Class of the result, or ``tuple``; a file that holds anything else counts as none.
        make: Computes it.
    """
    if of.cohort.photographs < MANY:
        return make()
    key = hashlib.sha256(repr((of.model, name)).encode()).hexdigest()[:32]
    file = places.place(store.shelf.folder, of.cohort) / f"{_formulas()}-{key}.npz"
    found = _read(file)
    if isinstance(found, kind):
        return found
    made = make()
    with contextlib.suppress(OSError):  # a full disk or a folder that may not be written costs speed, not the result
        _write(file, made)
        _forget_older_formulas(file.parent)
        store.sweep()  # the cohort may have been changed or deleted while it was computed
    return made


def _read(file: Path) -> object:
    try:
        return packing.unpack(file.read_bytes())
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):  # absent, cut off, older
        return None


def _write(file: Path, made: object) -> None:
    """Complete or not at all."""
    private.folder(file.parent)
    scrap = file.with_name(f"{os.getpid()}-{secrets.token_hex(4)}.scrap")
    try:
        private.write(scrap, packing.pack(made))
        scrap.replace(file)
    finally:
        scrap.unlink(missing_ok=True)


def _forget_older_formulas(folder: Path) -> None:
    for other in folder.glob("*.npz"):
        if not other.name.startswith(_formulas()):
            other.unlink(missing_ok=True)


@cache
def _formulas() -> str:
    """The text of everything that computes, as one short word."""
    rooms = (Path(evaluation.__file__).parent, Path(packing.__file__).parent)
    digest = hashlib.sha256()
    for file in sorted(path for room in rooms for path in room.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
