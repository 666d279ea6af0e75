"""``compare``: cohorts side by side, from the folders that ``predict`` and ``evaluate`` wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fundus_core.analyses import (
    CANNOT,
    USUAL,
    Settings,
    StatedPlan,
    Study,
    different_models,
    make_ids_unique,
    plan_results,
    refuse_strangers,
    side_by_side,
    sites_in_words,
)
from fundus_core.errors import UsageError
from fundus_core.evaluation import Comparison, select_rows, selected, split
from fundus_core.models.card import Card
from fundus_core.pipeline.fitted import rows_to_test
from fundus_core.pipeline.linkage import Linkage, join_truth
from fundus_core.pipeline.plans import declared_plan
from fundus_core.pipeline.predictions_reader import read_predictions
from fundus_core.pipeline.result_files import known_cards, notice, write_plan, write_table
from fundus_core.pipeline.sharing import read_shared
from fundus_core.records import CohortTable, Labels
from fundus_core.report import Pair, render_comparison
from fundus_core.targets import target


@dataclass(frozen=True, slots=True)
class Side:
    """One cohort of a comparison."""

    name: str
    """As the user calls it."""
    table: CohortTable
    """Readings, with truth where the folder has some."""
    cards: tuple[Card, ...]
    """Of its models."""
    sha256: Labels
    """Of each photograph's bytes; empty where the predictions do not say."""
    model: str
    """As the predictions name it."""
    weights_sha256: str
    """As the predictions name them; empty where they do not."""


def compare(
    folders: Mapping[str, Path],
    out: Path,
    settings: Settings = USUAL,
    *,
    fold: bool = False,
    by: str = "",
    same_people: bool | None = None,
    fitted_people: str = "",
    plan: Path | None = None,
    say: Callable[[str], object] | None = None,
) -> Comparison:
    """Compare cohorts and write everything that came of it.

    Writes ``comparison.json``, tables (``case_mix.csv``, ``imbalance.csv``, ``estimates.csv``, ``differences.csv``,
    ``sites.csv``, ``each_site.csv``, ``standardised.csv``, ``recalibration.csv``, ``equivalence.csv``,
    ``published.csv``, ``shift.csv``, ``out_of_distribution.csv``) and ``report.html``; with an analysis plan also
    ``plan.json``, ``planned``, ``planned_success`` and ``planned_deviations`` as CSV tables. Without any truth there
    are no errors to compare: then only who the people are and how their predictions differ.

    Args:
        folders: Name to a folder with ``predictions.csv`` and, where there is truth, ``truth.csv``; or to a file that
            another site shared.
        out: Folder to write to.
        settings: How they are evaluated, margins of equivalence with it.
        fold: Join names and ids that could be joined one to one, though they are written differently.
        by: A column by which the one cohort is split, and its parts compared.
        same_people: Whether equal ids of cohorts without a common photograph are the same people; ``None`` where
            nobody has said it, and such cohorts are refused.
        fitted_people: As :class:`Linkage` has it.
        plan: An analysis plan that was stated before the measured values were seen.
        say: Told what a person should know of each match, in sentences that may quote ids.

    Raises:
        UsageError: A folder or option is at fault; nothing was written.
    """
    for name in settings.margins:
        target(name)
    stated = declared_plan(plan) if plan else None
    shared = {name: read_shared(path) for name, path in folders.items() if path.is_file()}
    own = {name: path for name, path in folders.items() if name not in shared}
    linkage = Linkage(fold=fold, fitted_people=fitted_people)
    sides = [_tested(name, folder, linkage, say or _unsaid) for name, folder in own.items()]
    tables = _parts(sides, by, say or _unsaid) if by else _cohorts(sides, same=same_people)
    study = _planned(Study(lambda: tables, settings, shared=shared), stated)
    models = {side.name: (side.model, bool(side.cards)) for side in sides}
    for remark in (CANNOT if shared else "", different_models(models, shared)):
        if remark:
            (say or _unsaid)(remark)
    found = study.get(side_by_side.COMPARISON)
    cards = [card for side in sides for card in side.cards]
    rendered = any(card.rendered for card in cards) or any(one.identity.rendered for one in shared.values())
    note = notice(cards, rendered=rendered)
    out.mkdir(parents=True, exist_ok=True)
    write_plan(out / "plan.json", study)
    parts = {each.id: study.rows(each) for each in (*side_by_side.TABLES, *plan_results.TABLES)}
    for name, part in parts.items():
        write_table(out / f"{name}.csv", part, note=note)
    content = {
        "cohorts": list(found.names),
        "level": found.level,
        "seed": settings.seed,
        "draws": found.draws,
        "notice": note,
        **parts,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (out / "comparison.json").write_text(text + "\n", encoding="utf-8")
    pair = Pair(_title(sides, by, found.names), study, note, rendered)
    (out / "report.html").write_text(render_comparison(pair), encoding="utf-8")
    for name in found.targets:
        (say or _unsaid)(f"{target(name).name}: {sites_in_words(study, name)}")
    for words in plan_results.in_words(study):
        (say or _unsaid)(words)
    return found


def _title(sides: Sequence[Side], by: str, names: Sequence[str]) -> str:
    return f"{sides[0].name} by {by.replace('_', ' ')}" if by else " · ".join(names)


def _planned(study: Study, stated: StatedPlan | None) -> Study:
    """Return the study with a plan's tests as its families; other sites' results hold no people to test."""
    if stated is None:
        return study
    if len(study.tables) < 2:
        raise UsageError(
            "An analysis plan of a comparison needs two cohorts with people, or two parts of one (--by); there is "
            "{n}. A plan of one cohort goes to evaluate --plan.",
            n=len(study.tables),
        )
    return plan_results.with_plan(study, stated)


def _cohorts(sides: Sequence[Side], *, same: bool | None) -> Mapping[str, CohortTable]:
    tables, sha256 = {side.name: side.table for side in sides}, {side.name: side.sha256 for side in sides}
    return make_ids_unique(tables, sha256, refuse_strangers(tables, sha256, same=same))


def _parts(sides: Sequence[Side], by: str, say: Callable[[str], object]) -> Mapping[str, CohortTable]:
    """Split the one cohort; its parts share ids, so that somebody in two of them is drawn once and counts in both."""
    if len(sides) != 1:
        raise UsageError("The parts of one cohort are compared by a column; {n} were given.", n=len(sides))
    table = sides[0].table
    found = split(table, by)
    for remark in found.remarks:
        say(f"{by}: {remark}")
    return {word: selected(table, rule) for word, rule in found.parts.items()}


def _unsaid(remark: str) -> None:
    """Nobody is there to hear it."""


def _tested(name: str, folder: Path, linkage: Linkage, say: Callable[[str], object]) -> Side:
    """Read one cohort, without people that its model was fitted to."""
    whole = read_side(name, folder, linkage, say)
    kept, remark = rows_to_test(whole.model, whole.table, whole.sha256, linkage.fitted_people)
    if remark:
        say(f"{name}: {remark}")
    return replace(whole, table=select_rows(whole.table, kept), sha256=whole.sha256[kept])


def read_side(name: str, folder: Path, linkage: Linkage, say: Callable[[str], object]) -> Side:
    """Read the folder of one cohort as ``predict`` and ``evaluate`` write it.

    Raises:
        UsageError: It holds no predictions, or what it holds cannot be used.
    """
    file = folder / "predictions.csv"
    if not file.is_file():
        raise UsageError(
            "'{folder}' holds no predictions.csv; give a folder that predict or evaluate wrote, as NAME=DIR.",
            folder=folder,
        )
    made = read_predictions(file)
    truth_file = folder / "truth.csv"
    found = linkage.match(made.table, linkage.load(truth_file)) if truth_file.is_file() else None
    for remark in (*made.notes, *(found.remarks if found else ())):
        say(f"{name}: {remark}")
    table = join_truth(made.table, found)
    return Side(name, table, tuple(known_cards(made.model)), made.sha256, made.model, made.weights_sha256)
