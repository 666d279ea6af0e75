"""``compare``: cohorts side by side, from the folders that ``predict`` and ``evaluate`` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.evaluation import (
    NUMBER_OF_DRAWS,
    SEED,
    Comparison,
    out_of_distribution,
    prediction_shift,
    published,
    rows,
    transfers,
)
from fundus_core.evaluation import compare as set_beside
from fundus_core.models.card import Card
from fundus_core.pipeline.scoring import beside, known_cards, matched, notice, write_table
from fundus_core.pipeline.tables import read_predictions
from fundus_core.records import CohortTable, Labels
from fundus_core.report import Pair, render_comparison
from fundus_core.targets import target

Part = Sequence[Mapping[str, object]]
"""The rows of one table."""


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


def compare(
    folders: Mapping[str, Path],
    out: Path,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    margins: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare cohorts and write everything that came of it.

    Writes ``comparison.json``, tables (``case_mix.csv``, ``imbalance.csv``, ``estimates.csv``, ``differences.csv``,
    ``standardised.csv``, ``recalibration.csv``, ``equivalence.csv``, ``published.csv``, ``shift.csv``,
    ``out_of_distribution.csv``) and ``report.html``. Without any truth there are no errors to compare: then only who
    the people are and how their predictions differ.

    Args:
        folders: Name to a folder with ``predictions.csv`` and, where there is truth, ``truth.csv``.
        out: Folder to write to.
        level: ``patient``, ``eye`` or ``photograph``.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        margins: Per target id the largest difference that would not matter, stated beforehand.

    Raises:
        UsageError: A folder or option is at fault; nothing was written.
    """
    for name in margins or {}:
        target(name)
    sides = [_side(name, folder) for name, folder in folders.items()]
    tables = told_apart({side.name: side.table for side in sides}, {side.name: side.sha256 for side in sides})
    found = set_beside(tables, level=level, seed=seed, draws=draws, margins=margins)
    cards = [card for side in sides for card in side.cards]
    note = notice(cards)
    out.mkdir(parents=True, exist_ok=True)
    parts = dict(_parts(found, tables))
    for name, part in parts.items():
        write_table(out / f"{name}.csv", part, note=note)
    content = {
        "cohorts": list(found.names),
        "level": found.level,
        "seed": seed,
        "draws": draws,
        "notice": note,
        **parts,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (out / "comparison.json").write_text(text + "\n", encoding="utf-8")
    pair = Pair(out.resolve().name, found, parts, note, any(card.rendered for card in cards))
    (out / "report.html").write_text(render_comparison(pair), encoding="utf-8")
    return found


def _side(name: str, folder: Path) -> Side:
    file = folder / "predictions.csv"
    if not file.is_file():
        message = f"'{folder}' holds no predictions.csv; give a folder that predict or evaluate wrote, as NAME=DIR."
        raise UsageError(message)
    made = read_predictions(file)
    truth_file = folder / "truth.csv"
    table = beside(made.table, matched(made.table, truth_file) if truth_file.is_file() else None)
    return Side(name, table, tuple(known_cards(made.model)), made.sha256)


def told_apart(tables: Mapping[str, CohortTable], sha256: Mapping[str, Labels]) -> dict[str, CohortTable]:
    """Make ids unique to a cohort, unless it shares people with another.

    Two clinics both have a patient 0001, who are two people; a cohort and a selection of it share their people, and
    that is seen from the same photograph standing under the same id in both.

    Args:
        tables: By cohort.
        sha256: By cohort, a hash per photograph; empty where unknown.
    """
    known = {
        name: {(str(who), str(sha)) for who, sha in zip(table.patient_id, sha256[name], strict=True) if sha}
        for name, table in tables.items()
    }
    shared = {name for name, mine in known.items() if any(mine & known[other] for other in known if other != name)}
    return {
        name: table
        if name in shared
        else replace(table, patient_id=np.char.add(f"{name}/", table.patient_id.astype(np.str_)))
        for name, table in tables.items()
    }


def _parts(
    found: Comparison, tables: Mapping[str, CohortTable]
) -> Iterator[tuple[str, Sequence[Mapping[str, object]]]]:
    """Return every table by its name."""
    yield "case_mix", rows(found.case_mix)
    yield "imbalance", rows(found.imbalance)
    yield "estimates", found.rows()
    yield "differences", [row for each in found.targets.values() for row in rows(each.differences)]
    common = [each.standardised for each in found.targets.values() if each.standardised]
    yield (
        "standardised",
        [
            {
                "target": one.target,
                "cohort": cohort.name,
                "n": cohort.n,
                "left_out": cohort.left_out,
                "effective_n": cohort.effective_n,
                "estimate": score,
                **estimate.as_json(),
            }
            for one in common
            for cohort in one.cohorts
            for score, estimate in cohort.estimates.items()
        ],
    )
    yield "standardised_balance", [{"target": one.target, **row} for one in common for row in rows(one.balance)]
    yield "standardised_differences", [row for one in common for row in rows(one.differences)]
    tried = transfers(tables, level=found.level, seed=found.seed, draws=found.draws)
    yield "recalibration", rows(tried)
    yield "published", [row for name in found.targets for row in published_rows(name)]
    yield "equivalence", [row for each in found.targets.values() for row in rows(each.equivalences)]
    yield "shift", rows(prediction_shift(tables))
    yield "out_of_distribution", rows(out_of_distribution(tables, seed=found.seed, draws=found.draws))


def published_rows(target_id: str) -> list[dict[str, object]]:
    """Return what others have reported of a target, a row per figure."""
    return [
        {
            "target": each.target,
            "study": each.study.name,
            "estimate": each.score,
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "baseline": each.baseline,
            "people": each.study.people,
            "population": each.study.population,
            "source": each.study.source,
            "read": each.study.read,
            "remark": each.note,
        }
        for each in published(target_id)
    ]
