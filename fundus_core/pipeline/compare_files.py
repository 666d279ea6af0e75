"""``compare``: cohorts side by side, from the folders that ``predict`` and ``evaluate`` wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fundus_core.analyses import (
    CANNOT,
    USUAL,
    Settings,
    Study,
    different_models,
    refuse_strangers,
    side_by_side,
    sites_in_words,
    told_apart,
)
from fundus_core.errors import UsageError
from fundus_core.evaluation import Comparison, selected, split
from fundus_core.models.card import Card
from fundus_core.pipeline.linkage import Linkage, join_truth
from fundus_core.pipeline.predictions_reader import read_predictions
from fundus_core.pipeline.result_files import known_cards, notice, write_table
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


def compare(
    folders: Mapping[str, Path],
    out: Path,
    settings: Settings = USUAL,
    *,
    fold: bool = False,
    by: str = "",
    same_people: bool | None = None,
    say: Callable[[str], object] | None = None,
) -> Comparison:
    """Compare cohorts and write everything that came of it.

    Writes ``comparison.json``, tables (``case_mix.csv``, ``imbalance.csv``, ``estimates.csv``, ``differences.csv``,
    ``sites.csv``, ``each_site.csv``, ``standardised.csv``, ``recalibration.csv``, ``equivalence.csv``,
    ``published.csv``, ``shift.csv``, ``out_of_distribution.csv``) and ``report.html``. Without any truth there are no
    errors to compare: then only who the people are and how their predictions differ.

    Args:
        folders: Name to a folder with ``predictions.csv`` and, where there is truth, ``truth.csv``; or to a file that
            another site shared.
        out: Folder to write to.
        settings: How they are evaluated, margins of equivalence with it.
        fold: Join names and ids that could be joined one to one, though they are written differently.
        by: A column by which the one cohort is split, and its parts compared.
        same_people: Whether equal ids of cohorts without a common photograph are the same people; ``None`` where
            nobody has said it, and such cohorts are refused.
        say: Told what a person should know of each match, in sentences that may quote ids.

    Raises:
        UsageError: A folder or option is at fault; nothing was written.
    """
    for name in settings.margins:
        target(name)
    shared = {name: read_shared(path) for name, path in folders.items() if path.is_file()}
    own = {name: path for name, path in folders.items() if name not in shared}
    sides = [_side(name, folder, fold=fold, say=say or _unsaid) for name, folder in own.items()]
    tables = _parts(sides, by, say or _unsaid) if by else _cohorts(sides, same=same_people)
    study = Study(lambda: tables, settings, shared=shared)
    models = {side.name: (side.model, bool(side.cards)) for side in sides}
    for remark in (CANNOT if shared else "", different_models(models, shared)):
        if remark:
            (say or _unsaid)(remark)
    found = study.get(side_by_side.COMPARISON)
    cards = [card for side in sides for card in side.cards]
    rendered = any(card.rendered for card in cards) or any(one.identity.rendered for one in shared.values())
    note = notice(cards, rendered=rendered)
    out.mkdir(parents=True, exist_ok=True)
    parts = {each.id: study.rows(each) for each in side_by_side.TABLES}
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
    pair = Pair(out.resolve().name, study, note, rendered)
    (out / "report.html").write_text(render_comparison(pair), encoding="utf-8")
    for name in found.targets:
        (say or _unsaid)(f"{target(name).name}: {sites_in_words(study, name)}")
    return found


def _cohorts(sides: Sequence[Side], *, same: bool | None) -> Mapping[str, CohortTable]:
    tables, sha256 = {side.name: side.table for side in sides}, {side.name: side.sha256 for side in sides}
    return told_apart(tables, sha256, refuse_strangers(tables, sha256, same=same))


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


def _side(name: str, folder: Path, *, fold: bool, say: Callable[[str], object]) -> Side:
    file = folder / "predictions.csv"
    if not file.is_file():
        raise UsageError(
            "'{folder}' holds no predictions.csv; give a folder that predict or evaluate wrote, as NAME=DIR.",
            folder=folder,
        )
    made = read_predictions(file)
    truth_file = folder / "truth.csv"
    linkage = Linkage(fold=fold)
    found = linkage.match(made.table, linkage.load(truth_file)) if truth_file.is_file() else None
    for remark in (*made.notes, *(found.remarks if found else ())):
        say(f"{name}: {remark}")
    table = join_truth(made.table, found)
    return Side(name, table, tuple(known_cards(made.model)), made.sha256, made.model)
