"""Results without people: what the Evaluate page shows before it is written, and what Compare makes of such files."""

import pytest

from fundus_core import evaluation
from fundus_core.evaluation import as_text, identity_of, share
from tests.evaluation.conftest import cohort
from tests.pages.test_evaluate import words


def file(seed, name, model="tests-own"):
    table = cohort(80, seed)
    identity = identity_of(table, name, model, "", card=True, rendered=False, software="1")
    return as_text(share(table, identity, "patient")).encode()


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_all_that_is_shared_is_shown_first(filled, page, lang):
    assert not page("evaluate", cohort="Clinic", target="sbp", lang=lang).code
    app = page("evaluate", folds=["share"], cohort="Clinic", target="sbp", lang=lang)
    found = evaluation.from_text(app.code[0].value.encode(), "shown")
    assert found.identity.name == "site"
    assert set(found.targets) == {"sbp", "bmi", "age", "sex"}
    app.text_input(key="share_name").set_value("C000").run()  # somebody's id
    assert not app.code
    assert len(app.error) == 1


def test_files_stand_beside_a_cohort_and_one_that_is_none_is_one_sentence(filled, page):
    app = page("compare", cohorts=["Clinic"], target="sbp", analysis="case_mix")
    files = [("a.json", file(1, "Clinic A")), ("b.json", file(2, "Clinic")), ("c.json", b"{}")]
    app.file_uploader(key="shared_files").set_value([(name, data, "application/json") for name, data in files]).run()
    assert not app.exception
    text = words(app)
    assert "Over 3 sites" in text
    assert "A shared result holds no people" in text
    assert [str(error.value) for error in app.error if "'c.json' is no shared result" in str(error.value)]
    columns = [set(frame.value.columns) for frame in app.dataframe]
    assert any({"Clinic", "Clinic A", "Clinic (2)"} <= each for each in columns)
