"""What is known of a target stands in its file: nothing else in the source names one, but for what is listed here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fundus_core.targets import METABOLIC
from tests.sources import nodes_of

ROOT = Path(__file__).resolve().parents[2]
IDS = frozenset((*METABOLIC, "age", "sex"))

RULES = {
    "fundus_core/targets/__init__.py": "the five of the 2025 model, by which training and benchmark are set",
    "fundus_core/evaluation/criteria/definitions.py": "criteria: thresholds of pressures, glucose and waist",
    "fundus_core/evaluation/criteria/treatment.py": "what drugs against high blood pressure do to both pressures",
    "fundus_core/evaluation/observations/person_means.py": "the measures that criteria are decided on",
    "fundus_core/truth/apply_mapping.py": "both pressures from one cell, age from dates",
    "fundus_core/truth/validate.py": "pulse pressure, age against dates, BMI against height and weight",
    "fundus_core/truth/infer_column.py": "words for sex, by which a column is told",
    "fundus_core/truth/infer_columns.py": "pressures that look swapped; codes of sex need a person",
    "fundus_core/truth/mapping.py": "what can be worked out from other columns",
    "fundus_core/tables/units.py": "both pressures in one cell have the unit of one",
    "fundus_core/tables/headings.py": "sex is asked for by that word",
    "fundus_core/truth/parse_measured.py": "words for sex",
    "fundus_core/truth/parse_predicted.py": "a probability of sex must say of whom",
    "fundus_core/truth/infer_predictions.py": "age and sex beside a prediction are measured values",
    "fundus_core/pipeline/predicted.py": "an example in a sentence",
    "fundus_core/deidentify/export.py": "ages above 89 tell who somebody is",
    "fundus_core/pipeline/deidentified_truth.py": "ages above 89 tell who somebody is",
    "fundus_core/pipeline/replay_bundle.py": "how a kept truth writes sex",
    "fundus_core/pipeline/prove_deidentification.py": "a table with invented names, for the proof",
    "fundus_core/evaluation/observations/sample.py": "age and sex, which every baseline is adjusted for",
    "fundus_core/evaluation/observations/grouping.py": "age and sex, by which cohorts are cut",
    "fundus_core/evaluation/one_cohort/baselines.py": "the baseline of age and sex",
    "fundus_core/evaluation/one_cohort/beyond.py": "age and sex, beyond which a photograph must read something",
    "fundus_core/evaluation/observations/from_arrays.py": "age and sex, which every baseline is adjusted for",
    "fundus_core/evaluation/cohorts/standardise.py": "cohorts are standardised to one age and sex",
    "fundus_core/evaluation/one_cohort/calibration.py": "a default that callers rely on",
    "fundus_core/analyses/study.py": "age and sex, by which cohorts are cut",
    "fundus_core/analyses/refused.py": "age and sex, by which those who are missing are told",
    "fundus_core/evaluation/gap/association.py": "age and sex, which a gap is adjusted for",
    "fundus_core/evaluation/gap/corrected_gap.py": "the gap of age",
    "fundus_core/evaluation/gap/weighted.py": "age and sex, by which those who are missing are told",
    "fundus_core/analyses/layout.py": "the share of women in a case mix",
    "fundus_core/store/migrations/first.py": "columns of a store that was released",
    "fundus_core/store/migrations/targets_as_rows.py": "columns of a store that was released",
    "fundus_core/synthetic/population.py": "the rendered population, drawn from these seven, and who is treated",
    "fundus_core/synthetic/cohort.py": "the order of columns of the rendered table",
    "pages/parts/shared/controls.py": "age and sex, by which points are coloured",
}
"""Files that name a target by the nature of what they hold, each with the reason."""


def named(path: Path) -> set[str]:
    """Ids of targets that stand in a file as strings, docstrings left out."""
    return {node.value for node in nodes_of(path) if isinstance(node, ast.Constant) and node.value in IDS}


def files() -> list[Path]:
    return sorted(path for room in ("fundus_core", "pages") for path in (ROOT / room).rglob("*.py"))


def test_nothing_else_names_a_target() -> None:
    told = {str(path.relative_to(ROOT)): found for path in files() if (found := named(path))}
    assert not {file: ids for file, ids in told.items() if file not in RULES}


@pytest.mark.parametrize("file", RULES)
def test_what_is_listed_still_names_one(file: str) -> None:
    assert named(ROOT / file)
