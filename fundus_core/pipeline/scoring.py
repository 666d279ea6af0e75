"""``evaluate``: predictions beside measured values, from files to numbers, tables and a report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fundus_core import __version__, truth
from fundus_core.analyses import Analysis, Study, evaluated, one_cohort
from fundus_core.errors import UsageError, say
from fundus_core.evaluation import SEED, Evaluation, Snapshot, TargetResult, changes, told
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.pipeline import bundle
from fundus_core.pipeline.predicted import Asked, PredictionsFile, read_predictions, understood
from fundus_core.pipeline.tables import write_predictions
from fundus_core.pipeline.visiting import AS_USUAL, Visiting
from fundus_core.records import MOST_DAYS, CohortTable, Labels
from fundus_core.report import Subject, render
from fundus_core.tables import Table, number, records_as_csv, write_csv
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
    since: tuple[str, ...] = ()
    """What has changed since the evaluation that the same folder held before, in sentences."""

    @property
    def table(self) -> CohortTable:
        """Readings and truth side by side."""
        return self.study.table

    @property
    def evaluation(self) -> Evaluation:
        """Every score."""
        return evaluated(self.study)


def beside(predictions: CohortTable, found: truth.Match | None) -> CohortTable:
    """Put matched truth beside predictions; it outranks measured values that stand with them.

    Ids and eyes of the truth table fill what the predictions lack.
    """
    if found is None:
        return replace(predictions, patient_id=_first(predictions.patient_id, predictions.photograph))
    patient = _first(predictions.patient_id, found.patient_id())
    return replace(
        predictions,
        patient_id=_first(patient, predictions.photograph),
        eye=_first(predictions.eye, found.eye()),
        visit=_first(predictions.visit, found.visit()),
        truth={**predictions.truth, **found.values()},
        covariates={**predictions.covariates, **found.covariates()},
    )


def matched(
    predictions: CohortTable,
    measured: Path,
    columns: Path | None = None,
    *,
    fold: bool = False,
    sheet: str | None = None,
    most_days: int = MOST_DAYS,
) -> truth.Match:
    """Match a truth table to predictions.

    Args:
        predictions: A row per photograph.
        measured: The truth table.
        columns: A saved mapping of its columns.
        fold: Join names and ids that could be joined one to one, though they are written differently.
        sheet: Of a workbook.
        most_days: Between a photograph's date and that of its measured values.

    Raises:
        UsageError: No row belongs to any photograph.
        TruthError: The table cannot be used.
    """
    return _of_lines(
        predictions, truth.load(measured, proposal=saved_mapping(columns), sheet=sheet), fold=fold, most_days=most_days
    )


def _of_lines(predictions: CohortTable, lines: truth.TruthTable, *, fold: bool, most_days: int) -> truth.Match:
    names = [str(name) for name in predictions.photograph]
    patients = [str(who) for who in predictions.patient_id]
    sides = [str(eye) for eye in predictions.eye]
    when = [str(visit) for visit in predictions.visit]
    found = truth.match(lines, names, patient_ids=patients, eyes=sides, visits=when, most_days=most_days, fold=fold)
    if not (found.line >= 0).any():
        raise UsageError(
            "No row of '{name}' belongs to a predicted photograph. {why}", name=lines.name, why=" ".join(found.why)
        )
    return found


def _first(words: Labels, others: Labels) -> Labels:
    return np.where(words == "", others, words)


def score_files(
    predictions: Path,
    measured: Path | None = None,
    *,
    level: str = "",
    seed: int = SEED,
    draws: int | None = None,
    columns: Path | None = None,
    fold: bool = False,
    asked: Asked | None = None,
    sheet: str | None = None,
    said: Sequence[str] = (),
    visiting: Visiting = AS_USUAL,
    beyond: Sequence[str] = (),
) -> Scored:
    """Read predictions and measured values, match them and score.

    Args:
        predictions: This program's predictions.csv, or any table that names photographs or people.
        measured: The truth table; ``None`` where the measured values stand beside the predictions.
        level: Of observation (``Study.at``); empty for the usual one.
        seed: Of the bootstrap.
        draws: Of the bootstrap; ``None`` takes 2,000, and fewer from 10,000 people on.
        columns: A saved mapping of the truth table's columns.
        fold: Join names and ids that could be joined one to one, though they are written differently.
        asked: What the table of predictions cannot tell.
        sheet: Of a workbook of measured values.
        said: Of columns of the truth table, each ``HEADING=MEANING``.
        visiting: How visits are told and matched.
        beyond: Columns that are known without the photograph, beside age and sex.

    Raises:
        UsageError: A file or option is at fault.
        TruthError: The truth table cannot be used, or nothing in it matches.
    """
    made = read_predictions(predictions, replace(asked or Asked(), beside=measured is not None))
    lines = truth.load(measured, proposal=saved_mapping(columns), sheet=sheet, said=said) if measured else None
    return _scored(
        made,
        lines,
        predictions.name,
        level=level,
        seed=seed,
        draws=draws,
        fold=fold,
        visiting=visiting,
        beyond=beyond,
    )


def score_tables(
    table: Table,
    proposal: truth.Proposal,
    asked: Asked,
    lines: truth.TruthTable | None = None,
    *,
    level: str = "",
    seed: int = SEED,
    draws: int | None = None,
    fold: bool = False,
    visiting: Visiting = AS_USUAL,
) -> Scored:
    """As ``score_files``, of a table of predictions that was read and mapped already.

    Args:
        table: Predictions.
        proposal: What its columns are.
        asked: What the table cannot tell.
        lines: The measured values where they are in a table of their own.
        level: Of observation (``Study.at``); empty for the usual one.
        seed: Of the bootstrap.
        draws: Of the bootstrap; ``None`` takes 2,000, and fewer from 10,000 people on.
        fold: Join names and ids that could be joined one to one, though they are written differently.
        visiting: How visits are told and matched.

    Raises:
        UsageError: Something must be said first.
        TruthError: A table cannot be used, or nothing in it matches.
    """
    made = understood(table, proposal, asked)
    return _scored(made, lines, table.name, level=level, seed=seed, draws=draws, fold=fold, visiting=visiting)


def _scored(
    made: PredictionsFile,
    lines: truth.TruthTable | None,
    name: str,
    *,
    level: str,
    seed: int,
    draws: int | None,
    fold: bool,
    visiting: Visiting,
    beyond: Sequence[str] = (),
) -> Scored:
    made = visiting.told(made)
    found = (
        _of_lines(made.table, lines, fold=fold, most_days=visiting.most_days)
        if lines is not None
        else _together(made, name)
    )
    table, copied = without_copies(beside(made.table, found))
    twice = [one for one in made.table.truth if lines is not None and one in lines.values]
    outranked = [say("Measured values of {names} stand in both tables; the truth table's were used.", names=twice)]
    made = replace(made, notes=(*made.notes, *copied, *(outranked if twice else [])))
    scored = Scored(Study.of(table, level=level, seed=seed, draws=draws, beyond=beyond), made, found)
    scored.study.rows(one_cohort.BEYOND)
    evaluated(scored.study)  # whatever is at fault is said before anything is written
    return scored


def _together(made: PredictionsFile, name: str) -> truth.Match:
    if made.lines is None or not set(made.lines.values) & set(made.lines.predicted):
        found = f"predictions of {', '.join(made.table.predicted) or 'nothing'}"
        also = ", ".join(made.table.truth)
        raise UsageError(
            "'{name}' holds {found} and measured values of {also}; give the measured values of what is "
            "predicted with --truth FILE, or in columns of the same table.",
            name=name,
            found=found,
            also=also or "nothing",
        )
    return truth.together(made.lines, made.table.photograph)


FEWEST_COPIES = 20
"""Values that must all be equal before a prediction is taken for a copy of what was measured."""


def without_copies(table: CohortTable) -> tuple[CohortTable, list[str]]:
    """Leave out predictions that are the measured values themselves: a column of both tables, and no error to judge."""
    kept, notes = dict(table.predicted), []
    for name, values in table.predicted.items():
        measured = table.truth.get(name, np.full(len(table), np.nan))
        both = np.isfinite(values) & np.isfinite(measured)
        if both.sum() >= FEWEST_COPIES and not TARGETS[name].binary and (values[both] == measured[both]).all():
            del kept[name]
            notes.append(
                f"The predictions of {TARGETS[name].name} are the measured values, all {int(both.sum()):,} of them: "
                "they were left out."
            )
    return replace(table, predicted=kept), notes


def evaluate(
    predictions: Path,
    measured: Path | None,
    out: Path,
    *,
    level: str = "",
    seed: int = SEED,
    draws: int | None = None,
    columns: Path | None = None,
    fold: bool = False,
    asked: Asked | None = None,
    sheet: str | None = None,
    said: Sequence[str] = (),
    visiting: Visiting = AS_USUAL,
    beyond: Sequence[str] = (),
) -> Scored:
    """Score predictions against measured values and write everything that came of it.

    Writes ``metrics.json``, ``estimates.csv``, ``pairs.csv`` (what was scored, a row per photograph), ``truth.csv``,
    ``truth_faults.csv``, ``truth_receipt.csv``, ``predictions.csv`` in this program's columns, ``report.html``, and
    where there is something to say ``beyond``, ``baselines``, ``subgroups``, ``subgroup_differences``,
    ``calibration``, ``calibration_curve``, ``errors``, ``eyes`` and ``criteria``, each as a CSV table; ``replay.json``
    to make the same numbers again, and where the folder held an evaluation before, ``changes.csv``.

    Raises:
        UsageError: A file or option is at fault; nothing was written.
        TruthError: The truth table cannot be used; nothing was written.
    """
    scored = score_files(
        predictions,
        measured,
        level=level,
        seed=seed,
        draws=draws,
        columns=columns,
        fold=fold,
        asked=asked,
        sheet=sheet,
        said=said,
        visiting=visiting,
        beyond=beyond,
    )
    now = Snapshot.of(scored.table, scored.evaluation, scored.predictions.model, __version__)
    before = kept_before(out)
    since = told(before, now) if before else ()
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
        remarks=(
            *since,
            *scored.predictions.notes,
            *scored.match.truth.notes,
            scored.match.reason,
            *scored.match.of_visits,
        ),
        source=scored.match.truth.name,
        receipt=scored.match.truth.receipt,
    )
    (out / "report.html").write_text(render(subject), encoding="utf-8")
    settings = {"level": level, "seed": seed, "draws": draws, "fold": fold, "sheet": sheet, "said": list(said)}
    settings["visiting"] = asdict(visiting)
    inputs = {"predictions": predictions.read_bytes()} | ({"truth": measured.read_bytes()} if measured else {})
    again = bundle.written(settings, asked or Asked(), columns, inputs, scored.evaluation)
    (out / bundle.FILE).write_text(again, encoding="utf-8")
    (out / KEPT).write_text(json.dumps(now.as_json(), ensure_ascii=False) + "\n", encoding="utf-8")
    if before:
        write_table(out / "changes.csv", changes(before, now), note=note)
    _write_predictions(out / "predictions.csv", predictions, scored)
    return replace(scored, since=since)


KEPT = "evaluation.json"
"""Beside the results: what the next evaluation into the same folder is held against."""


def kept_before(out: Path) -> Snapshot | None:
    """Return the evaluation that was written to a folder before; ``None`` without one."""
    try:
        return Snapshot.from_json(json.loads((out / KEPT).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_predictions(path: Path, given: Path, scored: Scored) -> None:
    """A file of ours goes along as it is; any other is written in our columns, under the names that truth.csv has."""
    if scored.predictions.lines is not None:
        found = replace(scored.predictions, table=scored.table)
        write_predictions(path, found.readings(), [name for name in TARGETS if name in scored.table.predicted])
    elif given.resolve() != path.resolve():
        path.write_bytes(given.read_bytes())


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
    dated = bool((table.visit != "").any())
    for target, predicted in table.predicted.items():
        measured = table.truth.get(target, np.full(len(table), np.nan))
        for row in np.flatnonzero(np.isfinite(measured) & np.isfinite(predicted)):
            rows.append(
                {
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


def saved_mapping(columns: Path | None) -> truth.Proposal | None:
    """Return a mapping of columns that was saved; ``None`` for none.

    Raises:
        UsageError: The file cannot be read.
        TruthError: It holds no mapping.
    """
    return truth.Proposal.from_json(_text(columns)) if columns else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "The saved columns '{path}' cannot be read ({error}); give a JSON file saved by this program.",
            path=path,
            error=error,
        ) from error


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


def write_table(path: Path, rows: Sequence[Mapping[str, object]], *, note: str) -> None:
    """Write rows of one kind, with the note in a last column; nothing is written where there are no rows."""
    if not rows:
        return
    head = [*rows[0], "notice"]
    write_csv(path, head, ([*row.values(), note] for row in rows))


_OVER_TIME: Sequence[Analysis[Any]] = (one_cohort.CHANGE, one_cohort.REPEATABILITY)


def write_metrics(path: Path, scored: Scored, *, rendered: bool, note: str) -> None:
    """Write metrics.json: every estimate with its interval and method, and what the numbers are of."""
    content = {
        **scored.evaluation.as_json(),
        "beyond": scored.study.rows(one_cohort.BEYOND),
        "model": scored.predictions.model,
        "weights_sha256": scored.predictions.weights_sha256,
        "rendered": rendered,
        "notice": note,
        **{each.id: list(rows) for each in _OVER_TIME if (rows := scored.study.rows(each))},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
