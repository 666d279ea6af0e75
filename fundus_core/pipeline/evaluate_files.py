"""``evaluate``: predictions beside measured values, from files to numbers, tables and a report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core import __version__, truth
from fundus_core.analyses import (
    USUAL,
    Settings,
    StatedPlan,
    Study,
    evaluated,
    one_cohort,
    plan_results,
)
from fundus_core.errors import UsageError, say
from fundus_core.evaluation import Evaluation, Shared, Snapshot, changes, changes_in_words
from fundus_core.pipeline import bundle
from fundus_core.pipeline.fitted import without_fitted
from fundus_core.pipeline.linkage import AS_IT_STANDS, Linkage, join_truth, measured_beside, without_copies
from fundus_core.pipeline.plans import declared_plan
from fundus_core.pipeline.predicted import Asked, PredictionsFile, apply_mapping
from fundus_core.pipeline.predictions_reader import read_predictions
from fundus_core.pipeline.result_files import (
    all_or_nothing,
    known_cards,
    notice,
    write_metrics,
    write_pairs,
    write_plan,
    write_table,
    write_truth,
)
from fundus_core.pipeline.sharing import shared, write_shared
from fundus_core.pipeline.tables import write_predictions
from fundus_core.records import CohortTable
from fundus_core.report import Subject, render
from fundus_core.tables import Table, arrow
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class ScoredFiles:
    """A cohort with its truth, and what came of it."""

    study: Study
    """Readings and truth side by side, and every number of them."""
    predictions: PredictionsFile
    """As read."""
    match: truth.Match
    """Which row of the truth table went to which photograph."""
    since: tuple[str, ...] = ()
    """What has changed since the evaluation that the same folder held before, in sentences."""
    shared: Shared | None = None
    """What was written to be shared; ``None`` where nobody asked."""

    @property
    def table(self) -> CohortTable:
        """Readings and truth side by side."""
        return self.study.table

    @property
    def evaluation(self) -> Evaluation:
        """Every score."""
        return evaluated(self.study)


def score_files(
    predictions: Path,
    measured: Path | None = None,
    settings: Settings = USUAL,
    *,
    asked: Asked | None = None,
    linkage: Linkage = AS_IT_STANDS,
    plan: Path | None = None,
    hashes: bool = True,
) -> ScoredFiles:
    """Read predictions and measured values, match them and score.

    Args:
        predictions: This program's predictions.csv, or any table that names photographs or people.
        measured: The truth table; ``None`` where the measured values stand beside the predictions.
        settings: How they are evaluated.
        asked: What the table of predictions cannot tell.
        linkage: How the truth table is read, and joined to the photographs.
        plan: An analysis plan that was stated before the measured values were seen.
        hashes: Whether those of the photographs are kept once they were looked at; they take a sixth of the memory.

    Raises:
        UsageError: A file or option is at fault.
        TruthError: The truth table cannot be used, or nothing in it matches.
    """
    stated = declared_plan(plan) if plan else None
    told = replace(asked or Asked(), beside=measured is not None)
    large = measured is not None and predictions.is_file() and predictions.stat().st_size > _LARGE
    lines = linkage.load(measured) if measured and large else None  # which takes most memory, while nothing is held
    made = read_predictions(predictions, told)
    lines = linkage.load(measured) if measured and not large else lines
    made, found, table = _joined(made, lines, predictions.name, linkage, hashes=hashes)
    del lines  # it is a third of all
    return _scored(made, found, table, settings, stated)


_LARGE = 100_000_000
"""Bytes of a file of predictions that is read behind the measured values."""


def score_tables(
    table: Table,
    proposal: truth.Proposal,
    asked: Asked,
    lines: truth.TruthTable | None = None,
    settings: Settings = USUAL,
    *,
    linkage: Linkage = AS_IT_STANDS,
) -> ScoredFiles:
    """As ``score_files``, of a table of predictions that was read and mapped already.

    Args:
        table: Predictions.
        proposal: What its columns are.
        asked: What the table cannot tell.
        lines: The measured values where they are in a table of their own.
        settings: How they are evaluated.
        linkage: How both are joined.

    Raises:
        UsageError: Something must be said first.
        TruthError: A table cannot be used, or nothing in it matches.
    """
    made = apply_mapping(table, proposal, asked)
    return _scored(*_joined(made, lines, table.name, linkage), settings)


def _joined(
    made: PredictionsFile, lines: truth.TruthTable | None, name: str, linkage: Linkage, *, hashes: bool = True
) -> tuple[PredictionsFile, truth.Match, CohortTable]:
    """Return predictions as they count, which row went to which photograph, and both side by side."""
    made = linkage.visiting.with_visits(made)
    found = measured_beside(made, name) if lines is None else linkage.match(made.table, lines)
    found = found.by_photograph()  # the table below holds the same columns
    table, copied = without_copies(join_truth(made.table, found))
    made, table = without_fitted(made, table, linkage.fitted_people)
    twice = [one for one in made.table.truth if lines is not None and one in lines.values]
    outranked = [
        say(
            "Measured values of {names} stand in both tables; the truth table's were used.",
            names=[TARGETS[one].name for one in twice],
        )
    ]
    made = replace(made, notes=(*made.notes, *copied, *(outranked if twice else [])))
    made = made if hashes or made.lines is not None else replace(made, sha256=np.array([], dtype=np.str_))
    return made, found, table


def _scored(
    made: PredictionsFile, found: truth.Match, table: CohortTable, settings: Settings, plan: StatedPlan | None = None
) -> ScoredFiles:
    arrow.give_back()
    study = Study.of(table, settings)
    scored = ScoredFiles(plan_results.with_plan(study, plan) if plan else study, made, found)
    if settings.beyond:
        scored.study.rows(one_cohort.BEYOND)
    scored.study.rows(one_cohort.GAP)
    scored.study.rows(one_cohort.REFERENCE_ERROR)
    evaluated(scored.study)  # whatever is at fault is said before anything is written
    return scored


def evaluate(
    predictions: Path,
    measured: Path | None,
    out: Path,
    settings: Settings = USUAL,
    *,
    asked: Asked | None = None,
    linkage: Linkage = AS_IT_STANDS,
    share: Path | None = None,
    share_name: str = "",
    plan: Path | None = None,
    title: str = "",
    estimates_only: bool = False,
    tell: Telling = lambda _title, _left: None,
) -> ScoredFiles:
    """Score predictions against measured values and write everything that came of it.

    Writes ``metrics.json``, ``estimates.csv``, ``pairs.csv`` (what was scored, a row per photograph), ``truth.csv``,
    ``truth_faults.csv``, ``truth_receipt.csv``, ``predictions.csv`` in this program's columns, ``report.html``, and
    where there is something to say ``beyond``, ``baselines``, ``subgroups``, ``subgroup_differences``,
    ``calibration``, ``calibration_curve``, ``errors``, ``eyes``, ``criteria``, ``criterion_calibration``, ``treated``
    and ``treated_prevalences``, each as a CSV table; ``replay.json``
    to make the same numbers again, and where the folder held an evaluation before, ``changes.csv``. To ``share`` goes
    what may leave the house, under the name ``share_name`` of the site. With an analysis plan: ``plan.json`` (the plan,
    its hash, what came of it), ``planned``, ``planned_success`` and ``planned_deviations`` as CSV tables.
    ``title`` is what the report calls the cohort; its own name without it. ``estimates_only`` writes ``metrics.json``
    and ``estimates.csv`` with every estimate, ``replay.json`` and ``evaluation.json``, and computes nothing else.
    ``tell`` hears which analysis is at hand, and how many are left with it. Stopped before its end, nothing is written.

    Raises:
        UsageError: A file or option is at fault; nothing was written.
        TruthError: The truth table cannot be used; nothing was written.
    """
    if estimates_only and (out / REPORT).exists():
        raise UsageError(
            "'{out}' holds the report and tables of a whole evaluation, and new estimates alone would stand beside "
            "them; give another folder, or leave --estimates-only out.",
            out=out.name,
        )
    scored = score_files(predictions, measured, settings, asked=asked, linkage=linkage, plan=plan, hashes=False)
    tables = () if estimates_only else (*one_cohort.TABLES, *plan_results.TABLES)
    for place, each in enumerate(tables):
        tell(each.title, len(tables) - place)
        scored.study.rows(each)
    made = scored.predictions
    told_others = shared(scored.study, made.model, made.weights_sha256, share_name) if share else None
    now = Snapshot.of(scored.table, scored.evaluation, scored.predictions.model, __version__)
    before = kept_before(out)
    since = changes_in_words(before, now) if before else ()
    cards = known_cards(scored.predictions.model)
    note = notice(cards)
    rendered = any(card.rendered for card in cards)
    subject = Subject(
        title=title or cohort_name(predictions),
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
    inputs = {"predictions": predictions} | ({"truth": measured} if measured else {})
    again = bundle.written(settings, asked or Asked(), linkage, inputs, scored.evaluation)
    with all_or_nothing(out) as to:
        whole = not estimates_only
        write_metrics(to / "metrics.json", scored.study, made, rendered=rendered, note=note, whole=whole)
        write_table(to / "estimates.csv", scored.evaluation.rows(), note=note)
        (to / bundle.FILE).write_text(again, encoding="utf-8")
        with (to / KEPT).open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(now.as_json(), ensure_ascii=False))
            stream.write("\n")
        if before:
            write_table(to / "changes.csv", changes(before, now), note=note)
        if whole:
            write_pairs(to / "pairs.csv", scored.table, note=note)
            write_plan(to / "plan.json", scored.study)
            for each in tables:
                write_table(to / f"{each.id}.csv", scored.study.rows(each), note=note)
            write_truth(to, scored.match)
            _write_predictions(to, out, predictions, scored)
            (to / REPORT).write_text(render(subject), encoding="utf-8")
        if scored.study.plan is None:  # that of an earlier evaluation
            (out / "plan.json").unlink(missing_ok=True)
    if share and told_others:
        write_shared(told_others, share)
    return replace(scored, since=since, shared=told_others)


def cohort_name(predictions: Path) -> str:
    """Return what the cohort of a predictions file is called: by the run that made it, else by its file or folder."""
    try:
        named = json.loads((predictions.parent / "run.json").read_text(encoding="utf-8"))["cohort"]
    except (OSError, ValueError, KeyError, TypeError):
        named = ""
    whole = predictions.resolve()
    return str(named or (whole.parent.name if whole.stem == "predictions" else whole.stem))


Telling = Callable[[str, int], None]
"""Hears the title of the analysis at hand, and how many are left with it."""

REPORT = "report.html"
"""Beside the results of a whole evaluation."""

KEPT = "evaluation.json"
"""Beside the results: what the next evaluation into the same folder is held against."""


def kept_before(out: Path) -> Snapshot | None:
    """Return the evaluation that was written to a folder before; ``None`` without one."""
    try:
        return Snapshot.from_json(json.loads((out / KEPT).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_predictions(to: Path, out: Path, given: Path, scored: ScoredFiles) -> None:
    """A file of ours goes along as it is; any other is written in our columns, under the names that truth.csv has."""
    if scored.predictions.lines is not None:
        found = replace(scored.predictions, table=scored.table)
        targets = [name for name in TARGETS if name in scored.table.predicted]
        write_predictions(to / "predictions.csv", found.readings(), targets)
    elif given.resolve() != (out / "predictions.csv").resolve():
        shutil.copyfile(given, to / "predictions.csv")
