"""A de-identified cohort as a folder or ZIP for a registry: photographs, a table, an audit.

Only columns on the allow-list enter the table: the seven targets, and what the caller names. Rows stand in
the order of their pseudonyms, so that the order of the originals tells nothing.
"""

import math
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from fundus_core.deidentify.photograph import OLDEST_AGE, AuditLine, Deidentified, encode
from fundus_core.errors import UsageError
from fundus_core.tables import as_csv
from fundus_core.targets import TARGETS

Value = float | str
Row = dict[str, Value]

_ALWAYS = ("photograph", "patient", "eye", "age")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: the day of the export is in the audit
_README = """De-identified fundus photographs, for research use.

photographs/  PNG without metadata, black outside the retina
table.csv     a row per photograph: file, pseudonym of the patient, eye, values
audit.csv     what was removed from each photograph, when, by which version of Fundus Lab

Pseudonyms are HMAC-SHA-256 of names and ids under a key that stays with the sender. Ages above {oldest} are
given as {cap}. Writing over the retina was looked for, but faint, very small or very short writing can be missed:
look at the photographs before passing them on.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    """The folder or ZIP."""
    photographs: int
    """How many."""
    columns: tuple[str, ...]
    """Of the table."""
    left_out: tuple[str, ...]
    """Columns that came with the rows but are not on the allow-list."""


def write_cohort(
    cohort: Iterable[tuple[Deidentified, Mapping[str, Value]]],
    out: Path,
    *,
    covariates: Sequence[str] = (),
) -> Exported:
    """Write de-identified photographs with their table and audit; one photograph in memory at a time.

    Args:
        cohort: Photographs and their values by column.
        out: A new or empty folder, or a path that ends in ``.zip``.
        covariates: Columns besides the targets that may enter the table; free text may name people.

    Raises:
        UsageError: ``out`` is taken, or two photographs have one name.
    """
    _check_free(out)
    allowed = (*TARGETS, *covariates)
    rows: dict[str, Row] = {}
    audit: list[AuditLine] = []
    offered: dict[str, None] = {}
    with _writer(out) as write:
        for item, values in cohort:
            file = f"photographs/{item.photograph}.png"
            _check_new(file, rows)
            write(file, encode(item.pixels))
            rows[file] = _row(item, file, {name: values[name] for name in allowed if name in values})
            audit.append(item.audit)
            offered.update(dict.fromkeys(values))
        columns = (*_ALWAYS, *(name for name in allowed if name not in _ALWAYS and name in offered))
        lines = ([_cell(rows[file].get(name, "")) for name in columns] for file in sorted(rows))
        write("table.csv", _csv(columns, lines))
        write("audit.csv", audit_csv(audit))
        readme = _README.format(oldest=OLDEST_AGE, cap=OLDEST_AGE + 1)
        write("README.txt", readme.encode())
    return Exported(out, len(rows), columns, tuple(name for name in offered if name not in allowed))


def _row(item: Deidentified, file: str, values: Row) -> Row:
    """The measured age wins over the one in the file; neither says more than 90."""
    measured = values.get("age", math.nan)
    known = isinstance(measured, float | int) and not math.isnan(measured)
    age = min(float(measured), OLDEST_AGE + 1.0) if known else item.age
    return {
        **values,
        "photograph": file,
        "patient": item.patient,
        "eye": str(item.eye),
        "age": age,
    }


def _cell(value: Value) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.10g}"


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with a byte order mark, by which spreadsheets know it."""
    return as_csv(columns, rows).encode("utf-8-sig")


def audit_csv(lines: Iterable[AuditLine]) -> bytes:
    """Return audit lines as CSV, in the order of their pseudonyms; UTF-8 with a byte order mark."""
    columns = [field.name for field in fields(AuditLine)]
    rows = (
        [
            line.photograph,
            line.patient,
            line.sha256_original,
            "; ".join(line.removed),
            line.at,
            line.code_version,
        ]
        for line in sorted(lines, key=lambda line: line.photograph)
    )
    return _csv(columns, rows)


def _check_new(name: str, taken: Mapping[str, object]) -> None:
    if name in taken:
        raise UsageError(
            "Two photographs of the cohort have the same name; names must differ within an export. Give "
            "the folder that holds them all instead of several."
        )


def _check_free(out: Path) -> None:
    taken = out.exists() and (not out.is_dir() or out.suffix.lower() == ".zip" or any(out.iterdir()))
    if taken:
        raise UsageError(
            "'{name}' exists and is not an empty folder; nothing is overwritten. Choose another name.", name=out.name
        )


class _Write(Protocol):
    def __call__(self, name: str, data: bytes) -> object: ...


@contextmanager
def _writer(out: Path) -> Iterator[_Write]:
    """Write beside ``out`` and rename at the end: an export is whole or not there."""
    partial = out.with_name(out.name + ".partial")
    _remove(partial)
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        if out.suffix.lower() == ".zip":
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
                yield lambda name, data: archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data)
        else:
            yield lambda name, data: _write_file(partial / name, data)
        if out.is_dir():
            out.rmdir()
        partial.replace(out)
    finally:
        _remove(partial)


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
