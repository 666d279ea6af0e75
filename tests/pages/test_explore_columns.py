"""Explore shows the photographs of one group of any column of the cohort's table, and selects these."""

import pytest

from fundus_core.store import Where


def count(app) -> str:
    return next(each.value for each in app.caption if each.value.endswith("fit"))


def test_a_group_of_any_column_is_shown_and_selected(filled, page):
    table = filled.table("Clinic")
    north = int((table.covariates["site"] == "north").sum())
    app = page("explore", cohort="Clinic", column="site", group="north")
    assert count(app) == f"{north} photographs fit"
    refused = int(((table.covariates["site"] == "north") & (table.status == "refused")).sum())
    app = page("explore", cohort="Clinic", column="site", group="north", status="refused")
    assert count(app).startswith(f"{refused} photograph")
    assert filled.photographs("Clinic", Where(statuses=("refused",))).total > refused, "the rest is in the south"
    app.button(key="select-these").click().run()
    assert not app.exception
    assert count(app).startswith(f"{refused} photograph")


@pytest.mark.parametrize("query", [{"column": "nothing"}, {"column": "site", "group": "nowhere"}])
def test_a_link_to_a_column_or_group_that_is_not_there_shows_no_other(filled, page, query):
    app = page("explore", cohort="Clinic", **query)
    assert any("is not here" in each.value for each in app.warning)
    assert not app.get("imgs")
    assert not [each for each in app.caption if each.value.endswith("fit")]
