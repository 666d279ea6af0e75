"""Saved cohorts: found among many, renamed, merged, exported and brought back, deleted in two tabs at once."""

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from fundus_core import jobs
from fundus_core.__main__ import main
from fundus_core.errors import UsageError
from pages.parts.cohorts import listing, whole
from pages.parts.shell import sample


def words(app) -> str:
    kinds = ("subheader", "caption", "markdown", "info", "error")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def press(app, label: str):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def cards(app) -> list[str]:
    return [each.value.split("**")[1] for each in app.markdown if each.value.startswith("![](data:image/svg")]


@pytest.fixture
def many(fresh):
    for number in range(45):
        fresh.create_cohort(f"Clinic {number:03d}", note="spring" if number % 20 == 3 else "")
    fresh.create_cohort("大学病院 健診 2026")
    return fresh


def test_a_long_list_is_paged_and_searched(many, page):
    app = page("cohorts")
    assert len(cards(app)) == listing.PER_PAGE
    app.text_input(key="find_cohort").set_value("病院").run()
    assert cards(app) == ["大学病院 健診 2026"]
    app.text_input(key="find_cohort").set_value("SPRING").run()
    assert cards(app) == ["Clinic 003", "Clinic 023", "Clinic 043"]
    app.text_input(key="find_cohort").set_value("nowhere").run()
    assert "Search for something else" in words(app)


def test_the_address_holds_the_order(many, page):
    assert cards(page("cohorts", cohort_order="newest"))[0] == "大学病院 健診 2026"


def test_a_name_is_shown_as_it_was_written(fresh, page):
    name = "Study *A* [x](http://elsewhere.example) <b>"
    fresh.create_cohort(name)
    (shown,) = cards(page("cohorts"))
    assert shown == listing.literal(name)
    assert "[x](" not in shown


def _delete():
    import streamlit as st

    from pages.parts.cohorts import dialogs
    from pages.parts.shell import home

    if "cohort" not in st.session_state:
        st.session_state["cohort"] = home.store().cohort("Clinic")
    dialogs.delete(st.session_state["cohort"])


def test_two_tabs_delete_the_same_cohort(fresh):
    """A dialog of each tab, open at the same time."""
    fresh.create_cohort("Clinic")
    first, second = (AppTest.from_function(_delete, default_timeout=30).run() for _tab in range(2))
    press(first, "Delete for good")
    assert fresh.cohorts() == ()
    press(second, "Delete for good")
    assert not second.error


def _export():
    from pages.parts.cohorts import dialogs
    from pages.parts.shell import home

    store = home.store()
    cohort = store.cohorts()[0]
    store.delete(cohort.id)
    dialogs.export(cohort)


def test_what_was_deleted_meanwhile_is_not_exported(fresh):
    fresh.create_cohort("Clinic")
    app = AppTest.from_function(_export, default_timeout=30).run()
    assert not app.exception
    assert "eleted meanwhile" in words(app)


def _edit():
    from pages.parts.cohorts import dialogs
    from pages.parts.shell import home

    dialogs.edit(home.store().cohort("Van"))


def test_a_taken_name_is_refused_with_a_sentence(fresh):
    fresh.create_cohort("Clinic")
    fresh.create_cohort("Van")
    app = AppTest.from_function(_edit, default_timeout=30).run()
    app.text_input[0].set_value("Clinic").run()
    press(app, "Save")
    assert "There is a cohort 'Clinic' already" in words(app)
    assert fresh.cohort("Van").name == "Van"


def _merge():
    from pages.parts.cohorts import dialogs
    from pages.parts.shell import home

    dialogs.merge(home.store().cohorts())


def test_cohorts_are_merged_and_the_parts_stay(fresh, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    put_cohort(fresh, "Van", seed=2)
    app = AppTest.from_function(_merge, default_timeout=30).run()
    app.multiselect(key="merge_of").set_value([fresh.cohort("Clinic").key, fresh.cohort("Van").key]).run()
    app.button(key="merge_now").click().run()
    assert not app.exception
    assert fresh.cohort("Merged cohort").photographs == 120
    assert fresh.cohort("Clinic").photographs == 60


def test_an_empty_store_offers_the_sample(fresh, page):
    app = press(page("cohorts"), "Bring the sample cohort")
    assert fresh.cohort(sample.NAME).photographs > 0
    assert "Bring the sample cohort" not in [button.label for button in app.button]


def test_a_deleted_cohort_is_gone_for_every_page(fresh, page, put_cohort):
    put_cohort(fresh, "Clinic", seed=1)
    put_cohort(fresh, "Van", seed=2)
    app = page("compare", cohorts=["Clinic", "Van"])
    fresh.delete("Van")
    app.run()
    app.button(key="go-on").click().run()
    assert not app.exception
    assert app.query_params["split"] == "eye", "the parts of the one that is left"
    with pytest.raises(UsageError):
        fresh.cohort("Van")


@pytest.fixture
def large(fresh, put_cohort, monkeypatch):
    """Two cohorts that count as large ones, and the words of the jobs that pages start."""
    for seed, name in enumerate(("-One", "Two")):
        put_cohort(fresh, name, seed=seed)
    monkeypatch.setattr(whole, "MANY", 1)
    started = []

    def start(folder, *told):
        started.append([str(one) for one in told])
        jobs._write(folder, jobs.Stage(jobs.WORKING, 1, 2), psutil.Process())

    monkeypatch.setattr(jobs, "start", start)
    return started


def _dialog(kind):
    """What a page draws whose button opens that dialog."""
    from pages.parts.cohorts import dialogs
    from pages.parts.shell import home

    cohorts = home.store().cohorts()
    if kind == "merge":
        dialogs.merge(cohorts)
    elif any(each.name == "-One" for each in cohorts):
        getattr(dialogs, kind)(home.store().cohort("-One"))


def asked(kind):
    return AppTest.from_function(_dialog, default_timeout=60, args=(kind,)).run()


def done_by_a_job(page, large):
    """See that a job is watched, do it as the job would, and return the page after it."""
    assert page("cohorts").get("progress")
    assert main(large[-1]) == 0
    after = page("cohorts")
    assert not after.get("progress")
    return after


def test_large_cohorts_are_exported_merged_and_deleted_by_jobs(large, fresh, page):
    one, two = fresh.cohorts()
    press(asked("export"), "Write the file")
    after = done_by_a_job(page, large)
    assert [each.proto.label for each in after.get("download_button")] == ["Download"]
    (file,) = (fresh.shelf.folder / "outbox").rglob("cohort.zip")
    press(after, "Close")
    assert not file.exists()

    app = asked("merge")
    app.multiselect(key="merge_of").set_value([one.key, two.key]).run()
    app.text_input(key="merge_name").set_value("--for").run()
    app.button(key="merge_now").click().run()
    press(done_by_a_job(page, large), "Close")
    assert fresh.cohort("--for").photographs == one.photographs + two.photographs

    press(asked("delete"), "Delete for good")
    done_by_a_job(page, large)
    assert [each.name for each in fresh.cohorts()] == ["--for", "Two"]
    assert [told[1] for told in large] == ["export", "merge", "delete"]
