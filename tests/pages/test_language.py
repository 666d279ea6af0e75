"""No string of the pages or figures is missing in Japanese, and none in the catalogue is left over."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from fundus_core import evaluation, truth
from fundus_core.analyses import CANNOT, labels, one_cohort, plan_results, side_by_side
from fundus_core.errors import Sentence, places
from fundus_core.evaluation import (
    CRITERIA,
    PSI_NOTE,
    SHRUNKEN_NOTE,
    SPREAD_SENTENCE,
    people_for_equivalence,
    people_for_mae,
    people_for_r2,
    people_for_slope,
    sites_for_mean,
)
from fundus_core.evaluation.cohorts.compare import SPREAD_NOTE
from fundus_core.report.checklist import CHECKLISTS
from fundus_core.report.paper import SIDE_BY_SIDE
from fundus_core.targets import TARGETS
from fundus_core.truth.receipt import Entry
from pages.parts.shared import display
from pages.parts.shell import language, menu, sample
from tests.sources import nodes_of

ROOT = Path(__file__).resolve().parents[2]
DRAWN = ("figures", "analyses", "report")
"""Rooms of the core that speak through ``say``."""
SOURCES = [*(ROOT / "pages").rglob("*.py"), *(p for room in DRAWN for p in (ROOT / "fundus_core" / room).rglob("*.py"))]
TEMPLATES = sorted((ROOT / "fundus_core" / "report").glob("*.jinja"))


def said_in(path: Path) -> set[str]:
    """Return the sentences that a file passes through ``_`` or ``say``."""
    found = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            word = node.args[0]
            if name in ("_", "say", "worded") and isinstance(word, ast.Constant) and isinstance(word.value, str):
                found.add(word.value)
    return found


def said_in_template(path: Path) -> set[str]:
    """Return the sentences that a template says."""
    return set(re.findall(r'(?:say|worded)\("([^"]+)"', path.read_text(encoding="utf-8")))


def said_elsewhere() -> set[str]:
    """Return the sentences that reach ``_`` as values."""
    of_targets = {word for each in TARGETS.values() for word in (each.name, each.short, each.unit) if word}
    of_targets |= {word for each in TARGETS.values() for word in each.classes}
    checks = {name.replace("_", " ") for name in QUALITY_CODES}
    keys = set(truth.KEYS.values())
    named = [*one_cohort.FIGURES, *one_cohort.CURVES, *one_cohort.SECTIONS, *side_by_side.SHOWN, *plan_results.TABLES]
    named += [*one_cohort.OF_ALL_TARGETS, *SIDE_BY_SIDE]
    named += [one_cohort.SCORES, one_cohort.COURSE, one_cohort.REFUSED]
    analyses = {word for each in named for word in (each.title, each.question)} | labels.sentences()
    analyses |= {each.name for one in named for each in one.words.values()}
    named = [*one_cohort.OF_ALL_CRITERIA, one_cohort.TREATED, one_cohort.BOUNDS, side_by_side.PUBLISHED, *named]
    analyses |= {word for each in named for word in (each.title, each.question, each.of_classes) if word}
    criteria = {word for each in CRITERIA.values() for word in (each.name, each.source, each.note) if word}
    plans = {people_for_mae(9, 1, 7).assumption, people_for_r2(0.3, 0.1).assumption}
    plans |= {sites_for_mean(1, 1, 1).assumption, people_for_equivalence(8, 2).assumption}
    plans |= {people_for_slope(0.3, 0.1).assumption, SHRUNKEN_NOTE, SPREAD_SENTENCE, PSI_NOTE}
    shown = {display.RENDERED, display.RENDERED_MODEL, display.RESEARCH, SPREAD_NOTE, CANNOT}
    shown |= {word for each in CHECKLISTS for word in (each.source, *(item.asked for item in each.items))}
    shown |= {
        item.text.code for each in CHECKLISTS for item in each.items if isinstance(item.text, Sentence) and item.text
    }
    shown |= {one.replace("_", " ") for one in (*Entry("", "", "", 0, 0, {}).row(), *get_args(evaluation.Level))}
    shown |= {"age and sex"}
    shown |= {words for _page, _query, words in menu.STOPS}
    return analyses | of_targets | checks | keys | criteria | plans | shown


QUALITY_CODES = (
    "focus",
    "illumination",
    "contrast",
    "glare",
    "field_cut",
    "too_small",
    "not_a_retina",
    "not_colour_fundus",
    "out_of_distribution",
)


@cache
def wanted() -> frozenset[str]:
    return frozenset().union(*map(said_in, SOURCES), *map(said_in_template, TEMPLATES)) | said_elsewhere()


def test_every_sentence_is_said_in_japanese() -> None:
    missing = wanted() - set(language.catalogue("ja"))
    assert not missing, f"not in the Japanese catalogue: {sorted(missing)}"


def test_the_catalogue_holds_nothing_that_is_never_said() -> None:
    left_over = set(language.catalogue("ja")) - wanted()
    assert not left_over, f"never said: {sorted(left_over)}"


@pytest.mark.parametrize("path", sorted(language.LOCALE.rglob("*.po")), ids=lambda path: path.name)
def test_no_sentence_stands_twice(path: Path) -> None:
    """Two hands that bring one sentence would give it two translations, of which the last one counts in silence."""
    entries = re.findall(r'^msgid (".*"(?:\n".*")*)', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(entries) == sorted(set(entries))


def test_a_translation_keeps_the_places_for_values() -> None:
    ours = language.catalogue("ja")
    assert [one for one in sorted(wanted()) if set(places(ours.get(one, ""))) != set(places(one))] == []


@pytest.mark.parametrize(
    ("locale", "expected"), [("ja-JP", "ja"), ("en-GB", "en"), ("de", "en"), (None, "en"), ("", "en")]
)
def test_the_browser_chooses_the_language(locale: str | None, expected: str) -> None:
    assert language.preferred(locale) == expected


def test_what_is_made_later_speaks_the_language_of_its_page(monkeypatch) -> None:
    monkeypatch.setattr(language, "preferred", lambda _locale: "ja")
    make = language.bound(lambda: language._("Back"))
    monkeypatch.setattr(language, "preferred", lambda _locale: "en")
    assert language._("Back") == "Back"
    assert make() == "戻る"
    assert language._("Back") == "Back"


def test_only_the_programs_own_cohorts_are_named_in_the_language(monkeypatch) -> None:
    monkeypatch.setattr(language, "preferred", lambda _locale: "ja")
    assert sample.called(sample.NAME) == "サンプル（描画した眼）"
    assert sample.called(sample.SINGLES) != sample.SINGLES
    assert sample.called("age") == "age"
