"""What a page gives of all it found: the report, and table one with the results for a manuscript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from fundus_core import pipeline
from fundus_core.analyses import Study
from fundus_core.errors import joined
from fundus_core.records import Labels
from fundus_core.report import Pair, Paper, Subject, paper_of, paper_of_pair, render, render_comparison
from fundus_core.store import Where
from pages.parts.shared import display, exports, studies
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home, sample
from pages.parts.shell.language import _, current, tell


def of_cohort(view: View, level: str, csv: Callable[[], str]) -> None:
    """Draw what can be taken away from a cohort: report, manuscript's tables, and every number as CSV."""
    _files(
        view.title,
        lambda: render(_subject(view, level), tell, current()),
        lambda: paper_of(_subject(view, level), tell),
        csv,
        partial(studies.computed, view, level),
    )


def of_pair(study: Study, views: Sequence[View], csv: Callable[[], str], ready: Callable[[], bool]) -> None:
    """Draw what can be taken away from cohorts side by side, or what ``ready`` draws until all of it is computed."""

    def pair() -> Pair:
        marked = [view for view in views if display.disclaimer(view)]
        return Pair(title, study, _notice(marked[0] if marked else None), bool(marked))

    whole = f"{sample.called(views[0].cohort.name)}: " if all(view.part for view in views) else ""
    title = whole + " · ".join(view.title for view in views)
    _files(title, lambda: render_comparison(pair(), tell, current()), lambda: paper_of_pair(pair(), tell), csv, ready)


def _files(
    title: str,
    report: Callable[[], str],
    paper: Callable[[], Paper],
    csv: Callable[[], str],
    ready: Callable[[], bool] = lambda: True,
) -> None:
    name = exports.file_name(title)

    def manuscript(write: Callable[..., str | bytes]) -> str | bytes:
        found = paper()
        return write(found.tables, found)

    with st.popover(_("Save"), icon=":material/download:"):
        if not ready():
            st.caption(_("Report and manuscript follow when every analysis is computed."))
            return
        display.download(_("Report (HTML)"), f"{name}.html", report, mime="text/html")
        display.download(_("Manuscript (Word)"), f"{name}.docx", lambda: manuscript(exports.docx), mime=exports.WORD)
        display.download(_("Manuscript (LaTeX)"), f"{name}.tex", lambda: manuscript(exports.latex), mime=exports.TEX)
        display.download(_("Every number (CSV)"), f"{name}.csv", csv)
        st.caption(
            _(
                "The report opens with all targets, Table 1 and both paragraphs; the manuscript has the same in Word "
                "or LaTeX. All targets are computed when you click: up to a minute or two."
            )
        )


def _subject(view: View, level: str) -> Subject:
    study = studies.study(view, level)
    receipts = pipeline.receipts(home.store(), view.cohort.id)
    known = cards.known()
    return Subject(
        title=view.title,
        study=study,
        cards=tuple(known[name] for name in view.model.split("+") if name in known),
        model=view.model,
        notice=_notice(view),
        rendered=bool(display.disclaimer(view)),
        reason_code=_reasons(view, study.table.photograph),
        source=", ".join(receipts),
        receipt=tuple(entry for entries in receipts.values() for entry in entries),
    )


def _notice(view: View | None) -> str:
    return joined((display.disclaimer(view) if view else "", display.RESEARCH))


def _reasons(view: View, photographs: Labels) -> Labels:
    """Return the stable word of each photograph's refusal or failure."""
    others = Where(statuses=("refused", "failed", "queued"))
    page = home.store().photographs(view.cohort.id, others, model=view.model or None, limit=view.cohort.photographs)
    codes = {item.name: item.reason_code for item in page.items}
    return np.array([codes.get(str(name), "") for name in photographs])
