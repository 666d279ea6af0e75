"""One cohort on Compare: its parts side by side, with the numbers that the command line gives of the same files."""

import csv

import pytest

from fundus_core import pipeline
from fundus_core.analyses import side_by_side
from fundus_core.errors import UsageError
from fundus_core.store import Where
from pages.parts.shared import studies
from pages.parts.shell import sample
from tests.pages.test_pages import words

OURS = ("photograph", "sha256", "patient_id", "eye", "status", "reason_code", "reason", "quality")
OURS += ("out_of_distribution", "sbp", "sbp_low", "sbp_high", "model", "weights_sha256", "code_version")


def of_one_target(folder):
    """The files of the sample cohort, with one target predicted: an interval's draws take their time."""
    for name, columns in (("predictions", OURS), ("truth", ("photograph", "patient_id", "site", "age", "sex", "sbp"))):
        with (sample.FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as given:
            rows = list(csv.DictReader(given))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as made:
            writer = csv.DictWriter(made, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def test_compare_opens_with_the_samples_sites_and_the_command_line_has_the_same_numbers(fresh, page, tmp_path):
    sample.ensure(fresh, tmp_path)
    app = page("compare", target="sbp")
    assert app.query_params["split"] == "site"
    sites = ("clinic", "health check", "hospital")
    headings = " ".join(each.value for each in app.subheader)
    assert all(f"{site}: MAE" in headings.replace("\\", "") for site in sites), "each site's own figure"
    forest = app.get("plotly_chart")[len(sites)].proto.spec
    assert all(f'"{site}' in forest for site in sites)
    view = studies.View(fresh.cohorts()[0], sample.MODEL)
    study = studies.together(studies.parts(view, studies.splits(view)["site"]))
    shown = [(row["cohort"], row["estimate"], row["value"]) for row in study.rows(side_by_side.ESTIMATES, "sbp")]
    pipeline.compare({"S": of_one_target(tmp_path)}, tmp_path / "out", by="site")
    with (tmp_path / "out" / "estimates.csv").open(encoding="utf-8-sig", newline="") as stream:
        written = [(row["cohort"], row["estimate"], float(row["value"])) for row in csv.DictReader(stream)]
    assert [one[:2] for one in shown] == [one[:2] for one in written]
    assert [one[2] for one in shown] == pytest.approx([one[2] for one in written], abs=1e-9)
    with pytest.raises(UsageError, match="2 were given"):
        pipeline.compare({"S": tmp_path, "T": tmp_path}, tmp_path / "two", by="site")


def test_one_cohort_alone_is_split_and_who_is_in_two_parts_is_said(filled, page):
    """The first column of enough people in both parts: north and south hold 20 and 10, right and left eyes 30 each."""
    app = page("compare", cohorts=[filled.cohort("Clinic").key])
    assert app.query_params["split"] == "eye"
    assert "each is drawn once and counts in both" in words(app)
    assert "split" not in page("compare").query_params


def test_a_cohort_that_no_column_splits_is_said_to_be_alone(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    fresh.select("Clinic", "Few", Where(text="C00"))
    fresh.delete("Clinic")
    assert "no column splits it" in words(page("compare"))
