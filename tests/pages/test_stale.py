"""A link, a tab or a widget that names what is not there says so, and shows nothing in its place.

Attacked with: cohorts, models, photographs and runs that were deleted, that never were, whose id was given to another
meanwhile, garbage of other types, and the same by way of a tab that was open while another one deleted.
"""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from fundus_core import runs
from fundus_core.store import Finding, ModelVersion, prediction_table, schema, versions
from pages.parts.new_cohort import start_run
from pages.parts.shell import address
from pages.parts.shell.language import literal

OF_A_COHORT = ("evaluate", "criteria", "explore", "one_photograph", "present", "planner")
"""Pages that look at one cohort."""
GARBAGE = ("nobody", "1", "²", "1" * 300, "3-5f", "clinic")
NUMBERS = ("metric", "plotly_chart", "dataframe", "table", "image", "pills", "selectbox")


def words(app) -> str:
    kinds = ("title", "subheader", "caption", "markdown", "info", "warning", "error")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def is_refused(app, told: str) -> None:
    """The page has its title and one sentence that names what is missing, and nothing that could be taken for it."""
    assert not app.exception
    assert len(app.title) == 1
    assert any(literal(told[:120]) in each.value and "is not here" in each.value for each in app.warning), words(app)
    assert [kind for kind in NUMBERS if len(app.main.get(kind))] == []


def go_on(app):
    app.button(key="go-on").click().run()
    assert not app.exception
    assert not any("is not here" in warning.value for warning in app.warning)
    return app


@pytest.mark.parametrize(
    ("name", "told"), [("explore", told) for told in GARBAGE] + [(name, "nobody") for name in OF_A_COHORT]
)
def test_a_link_to_no_cohort_shows_none(filled, page, name, told):
    is_refused(page(name, cohort=told), told)


@pytest.mark.parametrize("name", ["explore", "present"])
def test_the_reader_can_go_on(filled, page, name):
    app = go_on(page(name, cohort="nobody", photograph="nothing"))
    assert app.query_params["cohort"] == filled.cohort("Van").key, "the latest, as in a fresh tab"


@pytest.mark.parametrize("name", ["explore", "one_photograph"])
def test_a_link_by_key_and_an_older_one_by_name_show_that_cohort(filled, page, name):
    for told in (filled.cohort("Clinic").key, "Clinic"):
        app = page(name, cohort=told)
        assert app.query_params["cohort"] == filled.cohort("Clinic").key
        assert not any("is not here" in warning.value for warning in app.warning)


@pytest.mark.parametrize("name", ["evaluate", "explore"])
def test_a_cohort_that_got_the_id_and_name_of_a_deleted_one_is_another(fresh, page, put_cohort, name):
    """SQLite gives the id of the last row anew: a link to the old cohort must not open the new one."""
    put_cohort(fresh, "Clinic", seed=1)
    old = fresh.cohort("Clinic")
    fresh.delete("Clinic")
    put_cohort(fresh, "Clinic", seed=2)
    is_refused(page(name, cohort=old.key), old.key)


@pytest.mark.parametrize("name", OF_A_COHORT)
def test_a_tab_says_that_its_cohort_was_deleted_in_another(fresh, page, put_cohort, name):
    put_cohort(fresh, "Clinic", seed=1)
    put_cohort(fresh, "Van", seed=2)
    app = page(name, cohort="Clinic")
    fresh.delete("Clinic")
    is_refused(app.run(), "Clinic")
    is_refused(app.switch_page("../explore.py").run(), "Clinic")
    assert "Van" in words(go_on(app))


@pytest.mark.parametrize("told", ["nobody", "tests-own2", "²", ""])
def test_a_link_under_a_model_that_has_not_read_the_cohort_shows_no_other_models_numbers(filled, page, told):
    app = page("evaluate", cohort="Clinic", model=told)
    if told:
        is_refused(app, told)
    else:
        assert app.get("plotly_chart")


def test_a_model_is_remembered_for_its_cohort_only(fresh, page, put_cohort):
    """Changing the cohort at the left is no link: the new cohort is shown under its own model."""
    put_cohort(fresh, "Clinic", seed=1)
    with fresh.writing() as connection:
        second = versions.version_id(connection, ModelVersion("second", "c" * 64, "d" * 64))
        hashes = connection.execute(sa.select(schema.photograph.c.sha256)).scalars().all()
        prediction_table.write(
            connection, second, [Finding(sha256, "refused", "focus", "Blurred.") for sha256 in hashes]
        )
        prediction_table.attach(connection, second, schema.photograph.c.cohort_id == fresh.cohort("Clinic").id)
    put_cohort(fresh, "Van", seed=2)
    van, clinic = fresh.cohort("Van").key, fresh.cohort("Clinic").key
    app = page("explore", cohort=clinic, model="second")
    assert app.selectbox(key="pick_model_selectbox").value == "second"
    app.selectbox(key="pick_cohort_selectbox").select(van).run()
    assert not app.warning
    app.query_params["cohort"], app.query_params["model"] = van, "second"
    is_refused(page("explore", cohort=van, model="second"), "second")


@pytest.mark.parametrize("told", ["²", "9" * 300, "V000_right.jpg", "C000_RIGHT.jpg", "1-00000000"])
def test_a_link_to_no_photograph_of_the_cohort_shows_none(filled, page, told):
    is_refused(page("one_photograph", cohort="Clinic", photograph=told), told)


def test_a_photograph_of_another_cohort_is_not_shown_as_one_of_this(filled, page):
    other = filled.photograph("Van", "V000_right.jpg")
    is_refused(page("one_photograph", cohort="Clinic", photograph=other.key), other.key)


def test_a_photograph_is_found_by_its_key_which_tells_no_name(filled, page):
    item = filled.photograph("Clinic", "C003_left.jpg")
    app = page("one_photograph", cohort="Clinic", photograph=item.key)
    assert literal("C003_left.jpg") in words(app)
    assert app.query_params["photograph"] == item.key
    assert "C003" not in item.key


def test_a_photograph_that_was_taken_out_of_the_cohort_is_said_to_be_gone(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    item = fresh.photograph("Clinic", "C003_left.jpg")
    app = page("one_photograph", cohort="Clinic", photograph=item.key)
    fresh.remove_photographs("Clinic", [item.name])
    is_refused(app.run(), item.key)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("evaluate", {"target": "height"}),
        ("evaluate", {"target": "glucose"}),
        ("evaluate", {"level": "village"}),
        ("evaluate", {"figure": "pie"}),
        ("evaluate", {"target": "sex", "figure": "agreement"}),
        ("evaluate", {"by": "moon"}),
        ("compare", {"target": "height"}),
        ("compare", {"score": "luck"}),
        ("compare", {"level": "1"}),
        ("compare", {"margin_sbp": "²", "target": "sbp"}),
        ("compare", {"compared_model": "nobody"}),
        ("explore", {"status": "lost"}),
        ("explore", {"eye": "third"}),
        ("explore", {"order": "x"}),
        ("explore", {"quality": "-1"}),
        ("explore", {"page": "0"}),
        ("explore", {"page": "²"}),
        ("explore", {"page": "99"}),
        ("explore", {"page": "1" * 5000}),
        ("planner", {"target": "sex2"}),
        ("present", {"ground": "pink"}),
    ],
)
def test_a_link_that_asks_for_something_else_gets_nothing_instead(filled, page, name, query):
    more = {} if name == "compare" else {"cohort": "Clinic"}
    app = page(name, **more, **query)
    wrong = query.get("figure") or next(iter(query.values()))
    assert not app.exception
    assert any(literal(wrong[:120]) in warning.value for warning in app.warning), words(app)
    assert not app.metric
    assert not app.get("plotly_chart")


@pytest.mark.parametrize("told", ["nobody", "²"])
def test_a_comparison_with_a_cohort_that_is_not_there_is_not_made(filled, page, told):
    is_refused(page("compare", cohorts=["Clinic", told]), told)


def test_a_comparison_says_which_cohort_was_deleted_in_another_tab(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    put_cohort(fresh, "Van", seed=2)
    put_cohort(fresh, "Third", seed=3)
    app = page("compare", cohorts=["Clinic", "Van"])
    fresh.delete("Van")
    is_refused(app.run(), "Van")
    assert fresh.cohort("Third").key in go_on(app).button_group(key="compared").value


@pytest.mark.parametrize("told", ["abc", "²", "1", "7-", "9" * 300])
def test_a_link_to_no_run_opens_none(filled, page, told):
    is_refused(page("new_cohort", run=told), told)


def test_a_run_that_got_the_id_of_a_deleted_one_is_another(fresh, page, monkeypatch):
    monkeypatch.setattr("fundus_core.runs.supervisor.derive", lambda *_known: None)
    monkeypatch.setattr("fundus_core.runs.supervisor.model_loading.ready_card", lambda model: model)
    monkeypatch.setattr(
        "fundus_core.runs.supervisor.model_loading.version_of", lambda card: ModelVersion(card, "w", "c")
    )
    keys = []
    for name in ("Old", "New"):
        cohort = fresh.create_cohort(name)
        keys.append(start_run.key_of(runs.submit(fresh, cohort.id, ["tests-own"])))
        if name == "Old":
            fresh.delete(cohort.id)
    assert keys[0].partition("-")[0] == keys[1].partition("-")[0], "the id was given again"
    is_refused(page("new_cohort", run=keys[0]), keys[0])
    assert "New" in words(page("new_cohort", run=keys[1]))


def test_a_check_is_not_made_on_another_cohort_than_was_chosen(fresh, page, put_cohort, monkeypatch):
    monkeypatch.setattr(
        "pages.parts.models.model_check.subprocess_cli.ask", lambda *_: pytest.fail("nothing was to be asked")
    )
    for seed, name in enumerate(("Clinic", "Van")):
        put_cohort(fresh, name, seed=seed)
    app = page("models")
    app.selectbox(key="check-on-sample-rendered").select(fresh.cohort("Van").key).run()
    fresh.delete("Van")
    app.button(key="check-sample-rendered").click().run()
    assert not app.exception
    assert any("is not here" in warning.value for warning in app.warning)


@given(st.text())
def test_only_plain_digits_are_a_number(text):
    number = address.whole(text)
    assert number is None or (text.isascii() and int(text) == number)
