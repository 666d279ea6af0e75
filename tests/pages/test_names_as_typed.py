"""A cohort's name is shown as somebody typed it, on every page: Markdown makes nothing of it."""

import pytest

from pages.parts.shell.markdown import literal
from tests.pages.conftest import put

NAME = "A $x$ ~y~ *z* _w_ [v](u) $t$"
_MARKDOWN = ("markdown", "caption", "subheader", "header", "title", "info", "warning", "error", "success")
_LABELS = ("button", "checkbox", "toggle", "expander", "metric")


@pytest.fixture
def typed(fresh):
    """A store with such a cohort beside another."""
    put(fresh, NAME, seed=1)
    put(fresh, "Other", seed=2)
    return fresh


def _said(app) -> list[str]:
    """Return every text of a page in which Markdown has a meaning."""
    said = [str(element.value) for kind in _MARKDOWN for element in app.get(kind)]
    said += [str(element.label) for kind in _LABELS for element in app.get(kind) if hasattr(element, "label")]
    said += [element.proto.label for element in app.get("page_link")]
    return said


def test_a_name_is_shown_as_it_was_typed(typed, page):
    key = next(cohort.key for cohort in typed.cohorts() if cohort.name == NAME)
    places = ["overview", "cohorts", "evaluate", "explore"]
    said = {
        place: [text for text in _said(page(place, cohort=key)) if "$x$" in text.replace("\\", "")] for place in places
    }
    said["add"] = _said(page("new_cohort", to=key))
    assert {place: text for place, texts in said.items() for text in texts if NAME in text} == {}
    shown = {place for place, texts in said.items() if any(literal(NAME) in text for text in texts)}
    assert shown >= {"overview", "cohorts", "evaluate", "explore", "add"}
