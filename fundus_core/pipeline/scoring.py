"""``evaluate``: predictions beside measured values, from files to numbers, tables and a report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core import truth
from fundus_core.analyses import Study, evaluated, one_cohort
from fundus_core.errors import UsageError
from fundus_core.evaluation import NUMBER_OF_DRAWS, SEED, Evaluation, TargetResult
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.pipeline.predicted import PredictionsFile, read_predictions
from fundus_core.records import CohortTable, Labels
from fundus_core.report import Subject, render
from fundus_core.tables import number, write_csv
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Scored:
    """A cohort with its truth, and what came of it."""

    study: Study
    """Readings and truth side by side, and every number of them."""
    predictions: PredictionsFile
    """As read."""
    match: truth.Match
    """Which row of the truth table went to which photograph."""

    @property
    def table(self) -> CohortTable:
        """Readings and truth side by side."""
        return self.study.table

    @property
    def evaluation(self) -> Evaluation:
        """Every score."""
        return evaluated(self.study)


def beside(predictions: CohortTable, found: truth.Match | None) -> CohortTable:
    """Put matched truth beside predictions; ids and eyes of the truth table fill what the predictions lack."""
    if found is None:
        return replace(predictions, patient_id=_first(predictions.patient_id, predictions.photograph))
    patient = _first(predictions.patient_id, found.patient_id())
    return replace(
        predictions,
        patient_id=_first(patient, predictions.photograph),
        eye=_first(predictions.eye, found.eye()),
        truth=dict(found.values()),
        covariates=dict(found.covariates()),
    )


def matched(
    predictions: CohortTable, measured: Path, columns: Path | None = None, *, fold: bool = False
) -> truth.Match:
    """Match a truth table to predictions.

    Args:
        predictions: A row per photograph.
        measured: The truth table.
        columns: A saved mapping of its columns.
        fold: Join names and ids that could be joined one to one, though they are written differently.

    Raises:
        UsageError: No row belongs to any photograph.
        TruthError: The table cannot be used.
    """
    proposal = truth.Proposal.from_json(_text(columns)) if columns else None
    names = [str(name) for name in predictions.photograph]
    patients = [str(who) for who in predictions.patient_id]
    sides = [str(eye) for eye in predictions.eye]
    found = truth.match(truth.load(measured, proposal=proposal), names, patient_ids=patients, eyes=sides, fold=fold)
    if not (found.line >= 0).any():
        message = f"No row of '{measured.name}' belongs to a predicted photograph. {' '.join(found.why)}"
        raise UsageError(message)
    return found


def _first(words: Labels, others: Labels) -> Labels:
    return np.where(words == "", others, words)


def score_files(
    predictions: Path,
    measured: Path,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    columns: Path | None = None,
    fold: bool = False,
) -> Scored:
    """Read both files, match them and score.

    Args:
        predictions: A predictions.csv.
        measured: The truth table.
        level: ``patient``, ``eye`` or ``photograph``.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        columns: A saved mapping of the truth table's columns.
        fold: Join names and ids that could be joined one to one, though they are written differently.

    Raises:
        UsageError: A file or option is at fault.
        TruthError: The truth table cannot be used, or nothing in it matches.
    """
    made = read_predictions(predictions)
    found = matched(made.table, measured, columns, fold=fold)
    scored = Scored(Study.of(beside(made.table, found), level=level, seed=seed, draws=draws), made, found)
    evaluated(scored.study)  # whatever is at fault is said before anything is written
    return scored


def evaluate(
    predictions: Path,
    measured: Path,
    out: Path,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    columns: Path | None = None,
    fold: bool = False,
) -> Scored:
    """Score predictions against measured values and write everything that came of it.

    Writes ``metrics.json``, ``estimates.csv``, ``pairs.csv`` (what was scored, a row per photograph), ``truth.csv``,
    ``truth_faults.csv``, a copy of the predictions, ``report.html``, and where there is something to say ``baselines``,
    ``subgroups``, ``subgroup_differences``, ``calibration``, ``calibration_curve``, ``errors``, ``eyes`` and
    ``criteria``, each as a CSV table.

    Raises:
        UsageError: A file or option is at fault; nothing was written.
        TruthError: The truth table cannot be used; nothing was written.
    """
    scored = score_files(predictions, measured, level=level, seed=seed, draws=draws, columns=columns, fold=fold)
    cards = known_cards(scored.predictions.model)
    note = notice(cards)
    rendered = any(card.rendered for card in cards)
    out.mkdir(parents=True, exist_ok=True)
    write_metrics(out / "metrics.json", scored, rendered=rendered, note=note)
    write_table(out / "estimates.csv", scored.evaluation.rows(), note=note)
    write_table(out / "pairs.csv", pairs(scored.table), note=note)
    for each in one_cohort.TABLES:
        write_table(out / f"{each.id}.csv", scored.study.rows(each), note=note)
    write_truth(out, scored.match)
    subject = Subject(
        title=out.resolve().name,
        study=scored.study,
        cards=tuple(cards),
        model=scored.predictions.model,
        notice=note,
        rendered=rendered,
        reason_code=scored.predictions.reason_code,
        remarks=(*scored.predictions.notes, *scored.match.truth.notes, scored.match.reason),
    )
    (out / "report.html").write_text(render(subject), encoding="utf-8")
    if predictions.resolve() != (out / "predictions.csv").resolve():
        (out / "predictions.csv").write_bytes(predictions.read_bytes())
    return scored


def known_cards(models: str) -> list[Card]:
    """Return the cards of a predictions file's models; models without a card here are left out."""
    cards = registry.models()
    return [cards[model] for model in models.split("+") if model in cards]


def notice(cards: Sequence[Card]) -> str:
    """Return what must stand beside every number of these models."""
    rendered = "Made by a model trained on rendered eyes: it says nothing about real people. "
    use = "For research; not a medical device."
    return (rendered if any(card.rendered for card in cards) else "") + use


def pairs(table: CohortTable) -> list[dict[str, object]]:
    """Return a row per photograph and target that has both a measured and a predicted value."""
    rows: list[dict[str, object]] = []
    for target, predicted in table.predicted.items():
        measured = table.truth.get(target, np.full(len(table), np.nan))
        for row in np.flatnonzero(np.isfinite(measured) & np.isfinite(predicted)):
            rows.append(
                {
                    "photograph": table.photograph[row],
                    "patient_id": table.patient_id[row],
                    "eye": table.eye[row],
                    "target": target,
                    "unit": TARGETS[target].unit,
                    "true": number(float(measured[row])),
                    "predicted": number(float(predicted[row])),
                    "error": number(float(predicted[row] - measured[row])),
                }
            )
    return rows


def in_words(name: str, result: TargetResult) -> str:
    """Return one estimate with its interval and how many people stand behind it.

    >>> from fundus_core.evaluation import Estimate
    >>> result = TargetResult("sbp", "mmHg", 20, 10, 10, {"mae": Estimate(10.34, 9.9, 10.8)})
    >>> in_words("mae", result)
    'mae 10.34 mmHg (95 % interval 9.90 to 10.80), 10 people, 20 photographs'
    """
    estimate = result.estimates[name]
    behind = f"{result.n_patients} people, {result.n_photographs} photographs"
    if estimate.value is None:
        return f"{name} {estimate.note}; {behind}"
    unit = f" {result.unit}" if result.unit else ""
    interval = "" if estimate.low is None else f" (95 % interval {estimate.low:.2f} to {estimate.high:.2f})"
    return f"{name} {estimate.value:.2f}{unit}{interval}, {behind}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"The saved columns '{path}' cannot be read ({error}); give a JSON file saved by this program."
        raise UsageError(message) from error


def write_truth(out: Path, found: truth.Match) -> None:
    """Write the truth as it was used, a row per photograph, and every fault of the table."""
    values, covariates = found.values(), found.covariates()
    patients, sides = found.patient_id(), found.eye()
    targets = [target for target in TARGETS if target in values]
    head = ["photograph", "patient_id", "eye", *targets, *covariates]
    rows = (
        [
            str(found.photographs[row]),
            str(patients[row]),
            str(sides[row]),
            *(number(float(values[target][row])) for target in targets),
            *(str(words[row]) for words in covariates.values()),
        ]
        for row in range(len(found.photographs))
        if found.line[row] >= 0
    )
    write_csv(out / "truth.csv", head, rows)
    faults = truth.as_csv([*found.truth.faults, *found.faults])
    (out / "truth_faults.csv").write_text(faults, encoding="utf-8")


def write_table(path: Path, rows: Sequence[Mapping[str, object]], *, note: str) -> None:
    """Write rows of one kind, with the note in a last column; nothing is written where there are no rows."""
    if not rows:
        return
    head = [*rows[0], "notice"]
    write_csv(path, head, ([*row.values(), note] for row in rows))


def write_metrics(path: Path, scored: Scored, *, rendered: bool, note: str) -> None:
    """Write metrics.json: every estimate with its interval and method, and what the numbers are of."""
    content = {
        **scored.evaluation.as_json(),
        "model": scored.predictions.model,
        "weights_sha256": scored.predictions.weights_sha256,
        "rendered": rendered,
        "notice": note,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
