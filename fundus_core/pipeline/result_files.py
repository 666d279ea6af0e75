"""What ``evaluate`` and ``compare`` write: tables, metrics.json and the notice that stands beside every number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fundus_core import truth
from fundus_core.analyses import Analysis, Study, evaluated, labels, main_score, one_cohort, plan_results
from fundus_core.analyses.labels import Kind, remarked
from fundus_core.errors import say
from fundus_core.evaluation import TargetResult
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.pipeline.predicted import PredictionsFile
from fundus_core.records import CohortTable
from fundus_core.tables import cells, records_as_csv, write_columns, write_csv
from fundus_core.targets import TARGETS


def known_cards(models: str) -> list[Card]:
    """Return the cards of a predictions file's models; models without a card here are left out."""
    cards = registry.models()
    return [cards[model] for model in models.split("+") if model in cards]


def notice(cards: Sequence[Card], *, rendered: bool = False) -> str:
    """Return what must stand beside every number of these models, or of others that are known to be rendered."""
    of_rendered = "Made by a model trained on rendered eyes: it says nothing about real people. "
    use = "For research; not a medical device."
    return (of_rendered if rendered or any(card.rendered for card in cards) else "") + use


@contextmanager
def all_or_nothing(out: Path) -> Iterator[Path]:
    """Yield an empty folder in ``out``; what was written there is moved into ``out`` where nothing stopped it."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=".writing-", dir=out) as folder:
            yield Path(folder)
            for file in sorted(Path(folder).iterdir()):
                file.replace(out / file.name)
    finally:
        with suppress(OSError):  # it holds something
            out.rmdir()


_ROWS = 50_000
"""At once, of what is written a row per photograph."""


def write_pairs(path: Path, table: CohortTable, *, note: str) -> None:
    """Write a row per photograph and target that has both a measured and a predicted value; none, no file."""
    visit = {"visit": table.visit} if (table.visit != "").any() else {}
    words = {"photograph": table.photograph, "patient_id": table.patient_id, "eye": table.eye, **visit}
    missing = np.full(len(table), np.nan)
    both = {
        target: np.flatnonzero(np.isfinite(table.truth.get(target, missing)) & np.isfinite(predicted))
        for target, predicted in table.predicted.items()
    }
    if not any(map(len, both.values())):
        return

    told, said = [cells(column) for column in words.values()], cells(note)

    def parts() -> Iterator[Sequence[Any]]:
        for target, rows in both.items():
            of, unit = cells(target), cells(TARGETS[target].unit)
            for start in range(0, len(rows), _ROWS):
                at = rows[start : start + _ROWS]
                measured, predicted = table.truth[target][at], table.predicted[target][at]
                yield [*(each.take(at) for each in told), of, unit, measured, predicted, predicted - measured, said]

    write_columns(path, [*words, "target", "unit", "true", "predicted", "error", "notice"], parts())


def in_words(result: TargetResult) -> str:
    """Return a target's heading, its main estimate with its interval, and how many stand behind it.

    >>> from fundus_core.evaluation import Estimate
    >>> in_words(TargetResult("sbp", "mmHg", 20, 1, 1, {"mae": Estimate(10.34, 9.9, 10.8)}))
    'systolic blood pressure: MAE 10.34 mmHg (95 % interval 9.90 to 10.80), 1 person, 20 photographs'
    """
    target = TARGETS[result.target]
    estimate, of = result.estimates[main_score(target)], labels.word(main_score(target))
    n, photographs = result.n_patients, result.n_photographs
    behind = say("{n:,} {n:person|people}, {m:,} {m:photograph|photographs}", n=n, m=photographs)
    if estimate.value is None:
        return f"{target.name}: {of.name}: {estimate.note}; {behind}"
    unit = f" {result.unit}" if result.unit and of.kind is Kind.UNIT else ""
    interval = "" if estimate.low is None else f" (95 % interval {estimate.low:.2f} to {estimate.high:.2f})"
    found = f"{target.name}: {of.name} {estimate.value:.2f}{unit}{interval}, {behind}"
    return remarked(found, estimate.note)


def write_truth(out: Path, found: truth.Match) -> None:
    """Write the truth as it was used, a row per photograph, and every fault of the table."""
    values, covariates = found.values(), found.covariates()
    targets = [target for target in TARGETS if target in values]
    words = {"photograph": found.photographs, "patient_id": found.patient_id(), "eye": found.eye()}
    visits = {"visit": visit} if ((visit := found.visit()) != "").any() else {}
    head = [*words, *visits, *targets, *covariates]
    columns = [*words.values(), *visits.values(), *(values[target] for target in targets), *covariates.values()]
    rows = np.flatnonzero(found.line >= 0)
    parts = ([column[rows[at : at + _ROWS]] for column in columns] for at in range(0, len(rows), _ROWS))
    write_columns(out / "truth.csv", head, parts)
    faults = truth.as_csv([*found.truth.faults, *found.faults])
    (out / "truth_faults.csv").write_text(faults, encoding="utf-8")
    (out / "truth_receipt.csv").write_text(records_as_csv([one.row() for one in found.truth.receipt]), encoding="utf-8")


def write_table(path: Path, rows: Iterable[Mapping[str, object]], *, note: str) -> None:
    """Write rows of one kind as they come, with the note in a last column; nothing is written where there are none."""
    coming = iter(rows)
    if (first := next(coming, None)) is None:
        return
    write_csv(path, [*first, "notice"], ([*row.values(), note] for row in chain([first], coming)))


_ALSO: Sequence[Analysis[Any]] = (
    one_cohort.CHANGE,
    one_cohort.REPEATABILITY,
    one_cohort.INTERVALS,
    one_cohort.DECIDED,
    one_cohort.REFUSED,
    one_cohort.WEIGHTED,
    one_cohort.REFERENCE_ERROR,
    one_cohort.GAP,
    one_cohort.GAP_CHECKS,
    one_cohort.TREATED,
    *one_cohort.OF_ALL_CRITERIA,
)
"""Tables that the file holds where they say something."""


def write_metrics(
    path: Path, study: Study, made: PredictionsFile, *, rendered: bool, note: str, whole: bool = True
) -> None:
    """Write metrics.json: every estimate with its interval and method, and what the numbers are of.

    Without the ``whole`` the estimates alone.
    """
    content = {
        **evaluated(study).as_json(),
        **({"beyond": study.rows(one_cohort.BEYOND)} if whole else {}),
        "model": made.model,
        "weights_sha256": made.weights_sha256,
        "rendered": rendered,
        "notice": note,
        **{each.id: list(rows) for each in (_ALSO if whole else ()) if (rows := study.rows(each))},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_plan(path: Path, study: Study) -> None:
    """Write the plan of a study beside its result: the text, its hash, what is known of the order, what came of it.

    A plan of an earlier evaluation in the same folder goes where there is none any more.
    """
    if study.plan is None:
        path.unlink(missing_ok=True)
        return
    stated, plan = study.plan, study.plan.plan
    content = {
        "title": plan.title,
        "written_by": plan.written_by,
        "sha256": plan.sha256,
        "stated_at": stated.stated_at,
        "order": stated.order,
        "earlier": list(stated.earlier),
        "text": plan.text,
        "success": plan_results.success_in_words(study),
        **{each.id: list(study.rows(each)) for each in plan_results.TABLES},
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
