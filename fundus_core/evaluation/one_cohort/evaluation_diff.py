"""What differs between two evaluations of one cohort: its people, their values, the model, the version, the numbers."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.evaluation.intervals.estimate import Cell
from fundus_core.evaluation.observations.sample import person_ids
from fundus_core.evaluation.one_cohort.evaluate import Evaluation
from fundus_core.records import CohortTable, Floats, Labels

_ALIKE = 1e-9
"""Relative difference of a person's values that is none: means of files that were written and read again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One evaluation, as much of it as the next one is held against."""

    model: str
    """Whose predictions."""
    version: str
    """Of this program."""
    metrics: Mapping[str, Any]
    """As ``Evaluation.as_json``."""
    who: Labels
    """n ids of people, each once, ascending."""
    people: Mapping[str, tuple[Floats, Floats]]
    """By target, n means of the measured and of the predicted values of each person; NaN where one is missing."""

    @classmethod
    def of(cls, table: CohortTable, evaluation: Evaluation, model: str, version: str) -> "Snapshot":
        """Take one of a cohort and what was computed of it."""
        who, codes = np.unique(person_ids(table), return_inverse=True)
        people = {
            name: _means(codes, len(who), table.truth[name], table.predicted[name]) for name in evaluation.targets
        }
        return cls(model, version, evaluation.as_json(), who, people)

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads; numbers as base64 of their bytes, for a large cohort has many."""
        values = {name: list(map(_packed, both)) for name, both in self.people.items()}
        told = {"model": self.model, "version": self.version, "metrics": dict(self.metrics)}
        return {**told, "who": self.who.tolist(), "values": values}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Snapshot":
        """Read one that was kept, also as they were until November 2026: by target and person, both numbers."""
        told = content["model"], content["version"], content["metrics"]
        if "values" in content:
            people = {name: (_unpacked(a), _unpacked(b)) for name, (a, b) in content["values"].items()}
            return cls(*told, np.array(content["who"], dtype=np.str_), people)
        who = sorted({one for each in content["people"].values() for one in each})
        nothing = (np.nan, np.nan)
        both = {name: np.array([each.get(one, nothing) for one in who]) for name, each in content["people"].items()}
        people = {name: (columns[:, 0], columns[:, 1]) for name, columns in both.items() if len(who)}
        return cls(*told, np.array(who, dtype=np.str_), people)

    def known(self, name: str) -> tuple[Labels, Floats, Floats]:
        """Return whose values of a target are there, ascending, and the values."""
        nobody = np.full(len(self.who), np.nan)
        true, made = self.people.get(name, (nobody, nobody))
        there = np.isfinite(true)
        return self.who[there], true[there], made[there]


def _packed(values: Floats) -> str:
    return base64.b64encode(values.astype("<f8").tobytes()).decode("ascii")


def _unpacked(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text), dtype="<f8")


def _means(who: NDArray[np.int64], n: int, true: Floats, made: Floats) -> tuple[Floats, Floats]:
    both = np.isfinite(true) & np.isfinite(made)
    counts = np.bincount(who[both], minlength=n).astype(np.float64)
    counts[counts == 0] = np.nan
    first, second = (np.bincount(who[both], weights=values[both], minlength=n) / counts for values in (true, made))
    return first, second


def changes(before: Snapshot, after: Snapshot) -> list[dict[str, Cell]]:
    """Return a row per target that either knows: who came and went, whose values differ, the score before and after."""
    return [_row(name, before, after) for name in dict.fromkeys((*before.people, *after.people))]


def _row(name: str, before: Snapshot, after: Snapshot) -> dict[str, Cell]:
    (old, *was), (new, *now) = before.known(name), after.known(name)
    both, at, there = np.intersect1d(old, new, assume_unique=True, return_indices=True)
    differ = [int((~np.isclose(a[at], b[there], rtol=_ALIKE, atol=0)).sum()) for a, b in zip(was, now, strict=True)]
    row: dict[str, Cell] = {
        "target": name,
        "people_before": len(old),
        "people_after": len(new),
        "people_added": len(new) - len(both),
        "people_removed": len(old) - len(both),
        "values_changed": differ[0],
        "predictions_changed": differ[1],
    }
    first, last = (each.metrics["targets"].get(name, {}) for each in (before, after))
    row["score"] = score = "accuracy" if "accuracy" in {**first, **last} else "mae"
    for when, metrics in (("before", first), ("after", last)):
        found = metrics.get(score) or {}
        row |= {when: found.get("value"), f"{when}_low": found.get("low"), f"{when}_high": found.get("high")}
    return row


def differs(row: Mapping[str, Cell]) -> bool:
    """Return whether anything about a target has changed."""
    counts = ("people_added", "people_removed", "values_changed", "predictions_changed")
    return any(row[name] for name in counts) or row["before"] != row["after"]


def changes_in_words(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Return what has changed in sentences; the first of them says it where nothing has."""
    said = []
    if before.model != after.model:
        said.append(say("The model was {before} and is {after}.", before=before.model, after=after.model))
    if before.version != after.version:
        said.append(
            say("The program's version was {before} and is {after}.", before=before.version, after=after.version)
        )
    rows = [row for row in changes(before, after) if differs(row)]
    for row in rows:
        said.append(
            say(
                "{target}: {added:,} {added:person|people} came and {removed:,} went; measured values of {values:,} "
                "and predictions of {predictions:,} others changed; {score} {before} before, {after} now.",
                target=row["target"],
                added=row["people_added"],
                removed=row["people_removed"],
                values=row["values_changed"],
                predictions=row["predictions_changed"],
                score=row["score"],
                before=_number(row["before"]),
                after=_number(row["after"]),
            )
        )
    return tuple(said) or ("Nothing has changed since the evaluation before.",)


def _number(value: Cell) -> str:
    return f"{value:.4g}" if isinstance(value, float) else say("none")
