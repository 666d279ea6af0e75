"""Cohorts side by side as slides: what the page shows of one target, an analysis each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fundus_core import processes
from fundus_core.analyses import (
    Study,
    differences_in_words,
    forest_of,
    main_score,
    shown,
    side_by_side,
    sites_forest,
    sites_in_words,
    small_multiples,
)
from fundus_core.figures import Figure, Look, heading
from fundus_core.report.slides import Deck, Page, as_pptx, layouts
from fundus_core.targets import TARGETS
from pages.parts.compare.comparison import names
from pages.parts.shared import display
from pages.parts.shared.studies import View
from pages.parts.shell.language import _, current, tell


def download(study: Study, views: Sequence[View], target_id: str) -> None:
    """Draw the button that fetches the slides of one target."""

    def made() -> bytes:
        return processes.apart(as_pptx, deck(study, views, target_id))

    display.download("PowerPoint", f"compare-{target_id}.pptx", made, mime=display.POWERPOINT)


def deck(study: Study, views: Sequence[View], target_id: str) -> Deck:
    """Return a cover and a slide for each analysis of a target that says something."""
    found = study.get(side_by_side.COMPARISON, target_id)
    cohorts = " · ".join(names(views)(name) for name in found.targets[target_id].results)
    cover = layouts.cover(_("Compare"), heading(_(TARGETS[target_id].name)), [cohorts], None)
    return Deck(cohorts, (cover, *_pages(study, views, target_id)), display.footer(views, cohorts), language=current())


def _pages(study: Study, views: Sequence[View], target_id: str) -> Iterator[Page]:
    target, called = TARGETS[target_id], names(views)
    places = {view.name: view.place for view in views}
    look = Look(say=tell, rendered=any(map(display.disclaimer, views)), opaque=True, size=22)
    results = study.get(side_by_side.COMPARISON, target_id).targets[target_id].results
    score = main_score(target)
    small = small_multiples(study, target_id, look, names=called, places=places)
    if small:
        notes = _("Each cohort on the same axes; on the dashed line prediction equals truth.")
        yield layouts.several(f"{heading(_(target.name))}: {_('predicted against true')}", list(small.values()), notes)
    drawn = forest_of(results, score, look, names=called, places=places)
    notes = _("A cohort whose true values vary less has smaller errors for that alone.")
    yield layouts.answer(f"{_(target.short)}: {drawn.x.title}", [], _plain(drawn), notes=notes)
    if said := sites_in_words(study, target_id, score, tell):
        pooled = sites_forest(study, target_id, look, score, names=called, places=places)
        yield layouts.answer(_title(side_by_side.SITES.title, target_id), [said], pooled and _plain(pooled), notes=said)
    for analysis in (side_by_side.DIFFERENCES, side_by_side.EQUIVALENCE, side_by_side.STANDARDISED_DIFFERENCES):
        made = shown(study, analysis, target_id, tell, called)
        if made.body:
            asked = _(analysis.asked(target_id))
            yield layouts.answer(_title(analysis.title, target_id), [asked], rows=[made.head, *made.body], notes=asked)
    if lines := differences_in_words(study, target_id, tell, called):
        notes = _("A difference is shown where its p value, corrected for all planned tests, is below 0.05.")
        yield layouts.answer(f"{_('What this means')}: {_(target.short)}", lines, notes=notes)


def _plain(figure: Figure) -> Figure:
    return replace(figure, notes=())


def _title(title: str, target_id: str) -> str:
    return f"{_(title)}: {_(TARGETS[target_id].short)}"
