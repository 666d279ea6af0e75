"""A cohort with visits on the pages: the unit, change over time, a person's course, in both languages. Attacked with a
cohort without visits, which shows none of it."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from fundus_core import pipeline
from fundus_core.pipeline import Asked, external_predictions
from fundus_core.tables import read_table
from pages.parts.shared import studies
from tests.pages.test_pages import words


def rows() -> pd.DataFrame:
    random = np.random.default_rng(4)
    made = []
    for person in range(12):
        usual = random.normal(130, 15)
        for visit in range(1 + person % 3):
            truth = usual + random.normal(0, 8)
            predicted = 130 + 0.5 * (truth - 130) + random.normal(0, 5)
            made.append((f"P{person:02}", f"20{20 + visit}-04-01", round(truth, 1), round(predicted, 1)))
    return pd.DataFrame(made, columns=["patient_id", "exam_date", "sbp", "sbp_pred"])


def kept(store, name: str, frame: pd.DataFrame):
    stream = io.BytesIO()
    frame.to_csv(stream, index=False)
    table = read_table(stream.getvalue(), "p.csv")
    asked = Asked(beside=False)
    made = external_predictions.of_every_model(table, pipeline.proposed(table, asked), asked)
    return external_predictions.keep(store, name, {"B7": next(iter(made.values()))})


@pytest.fixture(scope="module")
def frame():
    return rows()


@pytest.mark.parametrize(("lang", "unit", "title"), [("en", "Visits", "Change over time"), ("ja", "受診", "経時変化")])
def test_evaluate_takes_the_visit_and_shows_change(fresh, page, frame, lang, unit, title):
    cohort = kept(fresh, "Yearly", frame)
    app = page("evaluate", cohort=cohort.key, lang=lang, figure="change", analysis="change")
    assert not app.exception
    assert any(unit in each.options for each in app.selectbox)
    assert sum(title in each.options for each in app.selectbox) == 2, "as a figure and as a table"
    view = studies.View(cohort, "B7")
    assert studies.study(view).level == "visit"
    assert studies.point_estimates(view).targets["sbp"].n == len(frame)


def test_present_has_a_slide_of_change(fresh, page, frame):
    cohort = kept(fresh, "Yearly", frame)
    app = page("present", cohort=cohort.key, model="B7")
    made = [each.proto.json or each.proto.mixed.json for each in app.get("bidi_component")]
    assert any("Change over time" in each for each in made)


def test_without_visits_none_of_it_is_there(fresh, page, frame):
    cohort = kept(fresh, "Once", frame.drop_duplicates("patient_id"))
    app = page("evaluate", ["analyses"], cohort=cohort.key)
    assert not any("Change over time" in each.options for each in app.selectbox)
    assert "Change over time" not in words(app)
