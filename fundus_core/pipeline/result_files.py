"""What ``evaluate`` and ``compare`` write: tables, metrics.json and the notice that stands beside every number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
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
from fundus_core.tables import number, records_as_csv, write_csv
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


def pairs(table: CohortTable) -> Iterator[dict[str, object]]:
    """Yield a row per photograph and target that has both a measured and a predicted value."""
    dated = bool((table.visit != "").any())
    for target, predicted in table.predicted.items():
        measured = table.truth.get(target, np.full(len(table), np.nan))
        for row in np.flatnonzero(np.isfinite(measured) & np.isfinite(predicted)):
            yield {
                "photograph": table.photograph[row],
                "patient_id": table.patient_id[row],
                "eye": table.eye[row],
                **({"visit": table.visit[row]} if dated else {}),
                "target": target,
                "unit": TARGETS[target].unit,
                "true": number(float(measured[row])),
                "predicted": number(float(predicted[row])),
                "error": number(float(predicted[row] - measured[row])),
            }


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
    patients, sides, visits = found.patient_id(), found.eye(), found.visit()
    dated = ["visit"] if (visits != "").any() else []
    targets = [target for target in TARGETS if target in values]
    head = ["photograph", "patient_id", "eye", *dated, *targets, *covariates]
    rows = (
        [
            str(found.photographs[row]),
            str(patients[row]),
            str(sides[row]),
            *([str(visits[row])] if dated else []),
            *(number(float(values[target][row])) for target in targets),
            *(str(words[row]) for words in covariates.values()),
        ]
        for row in range(len(found.photographs))
        if found.line[row] >= 0
    )
    write_csv(out / "truth.csv", head, rows)
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


def write_metrics(path: Path, study: Study, made: PredictionsFile, *, rendered: bool, note: str) -> None:
    """Write metrics.json: every estimate with its interval and method, and what the numbers are of."""
    content = {
        **evaluated(study).as_json(),
        "beyond": study.rows(one_cohort.BEYOND),
        "model": made.model,
        "weights_sha256": made.weights_sha256,
        "rendered": rendered,
        "notice": note,
        **{each.id: list(rows) for each in _ALSO if (rows := study.rows(each))},
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
