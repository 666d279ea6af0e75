"""A store with a cohort of simulated rows of any number: ``python -m tests.simulated_rows FOLDER PHOTOGRAPHS``.

``--files`` writes ``predictions.csv`` and ``truth.csv`` with the columns of ``data/sample`` instead.

Rows go in by SQL as they would have come from a run; there are no photographs behind them. A person has two eyes, every
fourth person two visits; errors are normal about a truth that age moves, 3 % are refused and .5 % failed.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from fundus_core.store import ModelVersion, Store, schema, versions
from fundus_core.targets import TARGETS

MODEL = "sample-rendered"
CHUNK = 20_000
SPREAD = {"sbp": (128, 17, 10), "dbp": (78, 10, 7), "glucose": (99, 18, 9), "waist": (85, 10, 7), "bmi": (23, 3, 2)}
"""By target its mean, its standard deviation and that of the error."""
REASONS = {
    "": "",
    "focus": "The photograph is out of focus: vessels cannot be told from their ground. Take it again.",
    "unreadable": "The file is cut off before its end; copy it again.",
}
SITES, CAMERAS = ("north", "south", "east", "west", "island"), ("Topcon", "Canon", "Zeiss")


def fill(store: Store, photographs: int, *, name: str = "simulated", seed: int = 7, only: Collection[str] = ()) -> int:
    """Put a cohort of that many photographs, read under a model, into a store; returns its id.

    ``only`` names the targets that are measured and predicted, by default seven.
    """
    cohort = store.create_cohort(name).id

    def begin(connection: sa.Connection) -> tuple[int, int, int, int]:
        version = versions.version_id(connection, ModelVersion(MODEL, "0" * 64, "1" * 64))
        now = time.time()
        made = sa.insert(schema.run).values(
            cohort_id=cohort, state="done", note="", created_at=now, finished_at=now, served_at=now
        )
        (run,) = connection.execute(made).inserted_primary_key or (0,)
        connection.execute(sa.insert(schema.run_version).values(run_id=run, version_id=version, position=0))
        firsts = [
            connection.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))).scalar_one()
            for table in (schema.photograph, schema.reading)
        ]
        return version, int(run), int(firsts[0]) + 1, int(firsts[1]) + 1

    version, run, photograph, reading = store.write(begin)
    for start in range(0, photographs, CHUNK):
        numbers = np.arange(start, min(start + CHUNK, photographs))
        rows = _rows(numbers, seed, cohort, version, run, photograph, reading)
        wanted = [
            (table, [row for row in of if not only or table not in _BY_TARGET or row[1] in only]) for table, of in rows
        ]
        store.write(partial(_put, wanted))
    store.write(_count_on)
    return cohort


def _count_on(connection: sa.Connection) -> None:
    """SQLite gives the next number after the largest; PostgreSQL counts what it gave itself, and these were given."""
    if connection.dialect.name == "postgresql":
        for name in ("photograph", "reading"):
            largest = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}"  # noqa: S608
            connection.exec_driver_sql(largest)


_BY_TARGET = (schema.measurement, schema.prediction)


def _put(rows: list[tuple[sa.Table, list[tuple[Any, ...]]]], connection: sa.Connection) -> None:
    for table, values in rows:
        words = [column.name for column in table.c][: len(values[0])]
        quoted = ",".join(f'"{word}"' for word in words)
        if connection.dialect.name == "postgresql":  # row by row it would take four times as long
            raw: Any = connection.connection.driver_connection
            with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({quoted}) FROM STDIN') as copied:
                for row in values:
                    copied.write_row(row)
            continue
        places = ",".join("?" * len(words))
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({quoted}) VALUES ({places})', values)  # noqa: S608


def _rows(
    numbers: np.ndarray[Any, Any], seed: int, cohort: int, version: int, run: int, photograph: int, reading: int
) -> Iterator[tuple[sa.Table, list[tuple[Any, ...]]]]:
    """Every table's rows of some photographs: ten photographs are four people, the first of whom came twice."""
    place, n = numbers % 10, len(numbers)
    person = numbers // 10 * 4 + np.maximum(place // 2 - 1, 0)
    eye, visit = np.where(numbers % 2, "right", "left"), np.where(place // 2 == 1, "2021-05-01", "2020-05-01")
    of_person = np.random.default_rng((seed, int(numbers[0])))
    people, first = np.unique(person, return_inverse=True)
    age = of_person.uniform(30, 85, len(people)).round(1)[first]
    sex = of_person.integers(0, 2, len(people))[first].astype(float)
    site, camera = of_person.integers(0, 5, len(people))[first], of_person.integers(0, 3, n)
    status = np.select([numbers % 200 == 3, numbers % 33 == 5], ["failed", "refused"], "predicted")
    code = np.select([status == "failed", status == "refused"], ["unreadable", "focus"], "")
    truth, predicted = {"age": age, "sex": sex}, {}
    for target, (mean, spread, error) in SPREAD.items():
        own = of_person.normal(0, spread, len(people))[first] * 0.9
        known = TARGETS[target]
        truth[target] = (mean + own + (age - 57) * spread / 40).round(1).clip(known.low, known.high)
        predicted[target] = mean + 0.6 * (truth[target] - mean) + of_person.normal(0, error, n)
    predicted["age"] = age + of_person.normal(0, 3.5, n)
    predicted["sex"] = 1 / (1 + np.exp(-(4 * sex - 2 + of_person.normal(0, 1.5, n))))
    quality, distance = of_person.uniform(0.3, 1, n), of_person.gamma(4, 0.15, n)
    ids = photograph + numbers
    readings = reading + numbers
    hashes = [f"{cohort:08x}{one:056x}" for one in numbers.tolist()]
    words = [json.dumps({"site": SITES[a], "camera": CAMERAS[b]}) for a, b in zip(site, camera, strict=True)]
    names = [f"P{p:07}_{v[:4]}_{e}.jpg" for p, v, e in zip(person.tolist(), visit, eye, strict=True)]
    yield (
        schema.photograph,
        [
            (
                i,
                cohort,
                name,
                sha,
                f"/nowhere/{name}",
                False,
                "",
                f"P{p:07}",
                e,
                "name",
                word,
                "",
                "",
                "",
                "",
                v,
                "",
            )
            for i, name, sha, p, e, word, v in zip(
                ids.tolist(), names, hashes, person.tolist(), eye.tolist(), words, visit.tolist(), strict=True
            )
        ],
    )
    targets = sorted(truth)
    columns = [truth[name].tolist() for name in targets]
    yield (
        schema.measurement,
        [
            (i, name, value)
            for i, *row in zip(ids.tolist(), *columns, strict=True)
            for name, value in zip(targets, row, strict=True)
        ],
    )
    ended = list(zip(ids.tolist(), readings.tolist(), hashes, status.tolist(), code.tolist(), strict=True))
    yield (
        schema.reading,
        [
            (r, sha, version, how, why, why, q, d, "fp32", "0", 0.0, "", "colour")
            for (_, r, sha, how, why), q, d in zip(ended, quality.tolist(), distance.tolist(), strict=True)
        ],
    )
    wide = {"sbp": 16.4, "dbp": 11.5, "glucose": 14.8, "waist": 11.5, "bmi": 4.1, "age": 5.8, "sex": 0.0}
    columns = [predicted[name].tolist() for name in targets]
    yield (
        schema.prediction,
        [
            (r, name, value, value - wide[name] if wide[name] else None, value + wide[name] if wide[name] else None)
            for (_, r, _, how, _), *row in zip(ended, *columns, strict=True)
            if how == "predicted"
            for name, value in zip(targets, row, strict=True)
        ],
    )
    yield (
        schema.outcome,
        [
            (i, version, r, how, why, REASONS[why], "", cohort, q, d, "colour", e)
            for (i, r, _, how, why), q, d, e in zip(
                ended, quality.tolist(), distance.tolist(), eye.tolist(), strict=True
            )
        ],
    )
    yield schema.entry, [(run, i, how, "", 0, False, 0.0) for i, _, _, how, _ in ended]


def files(folder: Path, photographs: int, *, seed: int = 7) -> tuple[Path, Path]:
    """Write the same rows as a table of predictions and one of measured values; returns both."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "predictions.csv", folder / "truth.csv"
    with paths[0].open("w", newline="") as said, paths[1].open("w", newline="") as known:
        predictions, truth = csv.writer(said), csv.writer(known)
        targets = list(TARGETS)
        ends = [f"{target}{end}" for target in targets for end in ("", "_low", "_high")]
        predictions.writerow(["photograph", "sha256", "patient_id", "eye", "status", "reason_code", "reason", "quality",
                              "out_of_distribution", *ends, "model", "weights_sha256", "code_version"])  # fmt: skip
        truth.writerow(["photograph", "patient_id", "eye", "site", "camera", *targets])
        for start in range(0, photographs, CHUNK):
            numbers = np.arange(start, min(start + CHUNK, photographs))
            rows = {table.name: of for table, of in _rows(numbers, seed, 1, 1, 1, 0, 0)}
            measured, found = (_by_photograph(rows[name], targets) for name in ("measurement", "prediction"))
            version = (MODEL, "0" * 64, "0.1.0")
            for photograph, reading in zip(rows["photograph"], rows["reading"], strict=True):
                number, name, sha, eye = photograph[0], photograph[2], photograph[3], photograph[8]
                ended, why = reading[3], reading[4]
                head = (name, sha, "", eye, ended, why, REASONS[why], *reading[6:8])
                said = found.get(number, ("",) * len(ends))
                predictions.writerow([*head, *said, *version])
                words = json.loads(photograph[10])
                truth.writerow([name, photograph[7], eye, words["site"], words["camera"], *measured[number]])
    return paths


def _by_photograph(rows: list[tuple[Any, ...]], targets: list[str]) -> dict[int, list[Any]]:
    found: dict[int, dict[str, tuple[Any, ...]]] = {}
    for number, target, *values in rows:
        found.setdefault(number, {})[target] = values
    return {number: [cell for target in targets for cell in of[target]] for number, of in found.items()}


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("photographs", type=int)
    asked.add_argument("--files", action="store_true", help="two tables as files instead of a store")
    told = asked.parse_args()
    if told.files:
        files(told.folder, told.photographs)
    else:
        with Store.open(told.folder) as opened:
            fill(opened, told.photographs)
