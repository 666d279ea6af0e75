"""What differs between two evaluations of one cohort: its people, their values, the model, the version, the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation.intervals.estimate import Cell
from fundus_core.evaluation.observations.sample import person_ids
from fundus_core.evaluation.one_cohort.evaluate import Evaluation
from fundus_core.records import CohortTable

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
    people: Mapping[str, Mapping[str, tuple[float, float]]]
    """By target and person: means of the measured and of the predicted values."""

    @classmethod
    def of(cls, table: CohortTable, evaluation: Evaluation, model: str, version: str) -> "Snapshot":
        """Take one of a cohort and what was computed of it."""
        who = person_ids(table)
        people = {name: _means(who, table.truth[name], table.predicted[name]) for name in evaluation.targets}
        return cls(model, version, evaluation.as_json(), people)

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        people = {name: {who: list(both) for who, both in each.items()} for name, each in self.people.items()}
        return {"model": self.model, "version": self.version, "metrics": dict(self.metrics), "people": people}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Snapshot":
        """Read one that was kept."""
        people = {name: {who: (a, b) for who, (a, b) in each.items()} for name, each in content["people"].items()}
        return cls(content["model"], content["version"], content["metrics"], people)


def _means(who: np.ndarray[Any, Any], true: np.ndarray[Any, Any], made: np.ndarray[Any, Any]) -> dict[str, Any]:
    both = np.isfinite(true) & np.isfinite(made)
    names, codes, counts = np.unique(who[both], return_inverse=True, return_counts=True)
    sums = [np.bincount(codes, weights=values[both], minlength=len(names)) / counts for values in (true, made)]
    return {str(name): (float(a), float(b)) for name, a, b in zip(names, *sums, strict=True)}


def changes(before: Snapshot, after: Snapshot) -> list[dict[str, Cell]]:
    """Return a row per target that either knows: who came and went, whose values differ, the score before and after."""
    return [_row(name, before, after) for name in dict.fromkeys((*before.people, *after.people))]


def _row(name: str, before: Snapshot, after: Snapshot) -> dict[str, Cell]:
    old, new = before.people.get(name, {}), after.people.get(name, {})
    both = old.keys() & new.keys()
    differ = [sum(not np.isclose(old[who][at], new[who][at], rtol=_ALIKE, atol=0) for who in both) for at in (0, 1)]
    row: dict[str, Cell] = {
        "target": name,
        "people_before": len(old),
        "people_after": len(new),
        "people_added": len(new.keys() - old.keys()),
        "people_removed": len(old.keys() - new.keys()),
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
