"""What stands beside an error: SD, baseline and events of each group; texts of their own for yes/no targets."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from fundus_core.analyses import Settings, Study, one_cohort, shown, side_by_side
from fundus_core.analyses.layout import layout
from fundus_core.evaluation import from_values
from fundus_core.evaluation.criteria.treatment import HANDLINGS
from fundus_core.report.target_sections import _summary
from fundus_core.tables import records_as_csv
from fundus_core.targets import TARGETS


@pytest.fixture(scope="module")
def study():
    """Sixty men and thirty women with pressures; sex is predicted too."""
    rng = np.random.default_rng(3)
    sex = np.repeat([0.0, 1.0], [60, 30])
    made = from_values("sbp", rng.normal(130, 15, 90), rng.normal(130, 9, 90), sex=sex, age=rng.uniform(40, 70, 90))
    chance = np.clip(0.4 + 0.3 * (sex - 0.5) + rng.normal(0, 0.15, 90), 0.02, 0.98)
    object.__setattr__(made, "predicted", {**made.predicted, "sex": chance})
    object.__setattr__(made, "covariates", {"site": np.where(np.arange(90) % 2, "north", "south")})
    return Study.of(made, Settings(draws=50))


def test_a_group_shows_its_spread_and_baseline_beside_its_error(study):
    rows = {
        row["group"]: row
        for row in one_cohort.SUBGROUPS.display(study.rows(one_cohort.SUBGROUPS, "sbp"))
        if row["by"] == "site"
    }
    for name, mine in (("north", slice(1, None, 2)), ("south", slice(0, None, 2))):
        truth, told = study.table.truth["sbp"][mine], study.table.predicted["sbp"][mine]
        others = [np.median(np.delete(truth, k)) for k in range(len(truth))]
        assert rows[name]["mae"] == pytest.approx(np.abs(told - truth).mean())
        assert rows[name]["mae_median"] == pytest.approx(np.abs(others - truth).mean(), rel=1e-9)
        assert rows[name]["sd_truth"] == pytest.approx(truth.std(ddof=1), rel=1e-9)
        assert rows[name]["events"] is None


def test_a_group_of_a_yes_no_target_shows_its_events_and_the_majority(study):
    rows = {
        row["group"]: row
        for row in one_cohort.SUBGROUPS.display(study.rows(one_cohort.SUBGROUPS, "sex"))
        if row["by"] == "site"
    }
    assert {name: row["events"] for name, row in rows.items()} == {"north": 15, "south": 15}
    assert rows["north"]["accuracy_majority"] == pytest.approx(2 / 3)
    assert "mae" not in rows["north"]


@pytest.mark.parametrize("analysis", [*one_cohort.SECTIONS, side_by_side.PUBLISHED], ids=lambda one: one.id)
def test_nothing_asked_of_a_yes_no_target_speaks_of_spread_or_mae(analysis):
    if analysis.needs(TARGETS["sex"]) and analysis.id != "beyond":
        assert "spread" not in analysis.asked("sex")
        assert "MAE" not in analysis.asked("sex")
        assert "absolute error" not in analysis.asked("sex")


def test_the_chapter_of_sex_has_its_own_words(study):
    said = _summary(TARGETS["sex"], study.get(one_cohort.SCORES, "sex"), str)
    for words in (
        "accuracy of saying the majority's class",
        "observed prevalence",
        "calibration intercept",
        "calibration slope",
    ):
        assert words in said
    assert "spread" not in said
    assert "MAE" not in said


@pytest.mark.parametrize("analysis", [one_cohort.TREATED, one_cohort.TREATED_PREVALENCES], ids=lambda each: each.id)
def test_a_table_of_treated_people_read_back_from_its_file_is_written_alike(study, analysis):
    on = np.where(study.table.truth["sbp"] > 140, "yes", "no")
    known = replace(
        study.table, covariates={"bp_meds": on}, truth={**study.table.truth, "dbp": study.table.truth["sbp"] / 2}
    )
    known = replace(known, predicted={**known.predicted, "dbp": known.predicted["sbp"] / 2})
    rows = Study.of(known, study.settings).rows(analysis)
    back = [
        dict(zip(rows[0], map(raw, cells), strict=True)) for cells in csv.reader(records_as_csv(rows).splitlines()[1:])
    ]
    assert {row["handling"] for row in rows} == set(
        HANDLINGS if analysis is one_cohort.TREATED_PREVALENCES else HANDLINGS[1:]
    )
    assert layout(back, own=analysis.words).body == layout(rows, own=analysis.words).body


def raw(text):
    """A cell of a file as the program holds it; a number before which a spreadsheet is held off is text to it."""
    try:
        return float(text)
    except ValueError:
        return text.removeprefix("'") or None


def test_a_table_with_both_kinds_of_target_keeps_one_head(study):
    made = shown(study, one_cohort.SUBGROUPS)
    assert {len(row) for row in made.body} == {len(made.head)}
