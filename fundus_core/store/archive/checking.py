"""A stranger's file read through once, in a process of its own, before the one that serves pages reads it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from fundus_core.errors import UsageError
from fundus_core.store.archive import layout, reading
from fundus_core.store.archive.rows import Row


def check(file: str) -> int:
    """Read every member to its end and every line as it will be read; returns how many there are.

    Raises:
        UsageError: It is no exported cohort, is damaged, or is made to fill memory or disk.
    """
    path, lines = Path(file), 0
    try:
        with zipfile.ZipFile(path) as archive:
            reading.check_size(path, archive)
            for name in archive.namelist():
                if name in {layout.PHOTOGRAPHS, layout.READINGS}:
                    lines += sum(1 for _ in reading.lines(archive, name))
                else:
                    _to_its_end(archive, name)
            Row(json.loads(archive.read(layout.COHORT)))
    except UsageError:
        raise
    except (*reading.BROKEN, KeyError) as error:
        message = f"'{path.name}' is no cohort that was exported here, or it is damaged; export it again."
        raise UsageError(message) from error
    return lines


def _to_its_end(archive: zipfile.ZipFile, name: str) -> None:
    with archive.open(name) as member:
        while member.read(1 << 20):
            pass
