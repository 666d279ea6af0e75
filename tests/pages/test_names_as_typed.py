"""Names that people typed are shown as they typed them, on every page: Markdown makes nothing of them."""

from dataclasses import replace

import pytest

from fundus_core.records import Rule
from fundus_core.store import ModelVersion
from pages.parts.shell.language import literal
from tests.pages import conftest
from tests.pages.conftest import put

NAME = "A $x$ ~y~ *z* _w_ [v](u) $t$"
MODEL = "M $x$ *z* _w_ [v](u)"
COLUMN, WORD = "C $x$ *z* _w_", "W $x$ *z* [v](u)"
SELECTED = "S $x$ *z* [v](u)"
_MARKDOWN = ("markdown", "caption", "subheader", "header", "title", "info", "warning", "error", "success")
_LABELS = ("button", "checkbox", "toggle", "expander", "metric")


@pytest.fixture
def typed(fresh, monkeypatch):
    """A store with a cohort all of whose names are such, beside another."""
    truth = conftest._truth
    there = {"covariates": {COLUMN: WORD}}
    monkeypatch.setattr(conftest, "VERSION", ModelVersion(MODEL, "a" * 64, "b" * 64))
    monkeypatch.setattr(conftest, "_truth", lambda *given: replace(truth(*given), **there))
    cohort = put(fresh, NAME, seed=1)
    put(fresh, "Other", seed=2)
    fresh.name_selection(fresh.keep_selection(cohort, Rule(level="patient", names=("A001", "A002"))).key, SELECTED)
    return fresh


def _said(app) -> list[str]:
    """Return every text of a page in which Markdown has a meaning."""
    said = [str(element.value) for kind in _MARKDOWN for element in app.get(kind)]
    said += [str(element.label) for kind in _LABELS for element in app.get(kind) if hasattr(element, "label")]
    said += [element.proto.label for element in app.get("page_link")]
    return said


def test_a_name_is_shown_as_it_was_typed(typed, page):
    cohort = next(cohort for cohort in typed.cohorts() if cohort.name == NAME)
    selection = typed.selections(cohort.id)[0].key
    places = ["overview", "cohorts", "evaluate", "explore", "one_photograph", "present", "criteria"]
    said = {place: _said(page(place, cohort=cohort.key)) for place in places}
    said["selected"] = _said(page("evaluate", cohort=cohort.key, selection=selection))
    said["compared"] = _said(page("compare", cohorts=cohort.key, split=COLUMN))
    said["add"] = _said(page("new_cohort", to=cohort.key))
    names = (NAME, MODEL, COLUMN, WORD, SELECTED)
    assert {
        (place, text) for place, texts in said.items() for text in texts if any(one in text for one in names)
    } == set()
    shown = {place for place, texts in said.items() if any(literal(NAME) in text for text in texts)}
    assert shown >= {"overview", "cohorts", "evaluate", "explore", "add"}
