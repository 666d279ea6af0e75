"""The first five minutes lead over five stops of the sample, and never come back once they were closed."""

import pytest

from fundus_core.store import NewPhotograph
from pages.parts.shell import home, menu
from pages.parts.shell.sample import NAME


@pytest.fixture
def sample(fresh):
    """A store with something in the sample cohort."""
    (home.folder() / "sample-offered").touch()
    made = fresh.create_cohort(NAME, rendered=True)
    fresh.add_photographs(made.id, [NewPhotograph.of_kept("a.jpg", fresh.keep(b"a"), patient_id="A")])
    return made


def link(app):
    """Where the tour leads from here; ``None`` where it is not on the page."""
    found = [each.proto for each in app.get("page_link") if each.proto.label in ("Begin", "Next")]
    return (found[0].page, found[0].query_string) if found else None


def test_five_stops_and_closed_it_is_gone_for_good(sample, page):
    app = page("overview")
    for at, (name, _query, words) in enumerate(menu.STOPS, 1):
        to, query = link(app)
        assert to.endswith(name)
        assert f"tour={at}" in query
        app = page(name, tour=str(at))
        assert any(words in each.value for each in app.markdown)
    assert link(app) is None, "the last stop is the reader's own cohort"
    app.button(key="tour-close").click().run()
    assert not app.exception
    assert link(page("overview")) is None
    assert link(page(menu.STOPS[0][0], tour="1")) is None


@pytest.mark.parametrize("at", ["", "0", "6", "x", "99999", "2"])
def test_an_address_that_names_no_stop_of_the_page_shows_none(sample, page, at):
    assert link(page("evaluate", tour=at)) is None


def test_without_the_sample_there_is_no_tour(fresh, page):
    assert not home.store().cohorts()
    assert link(page("overview")) is None
