"""Where measured values came from, what has changed since numbers were kept, and the bundle to make them again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from fundus_core import __version__, pipeline, truth
from fundus_core.evaluation import Snapshot, changes, changes_in_words, differs
from fundus_core.figures import number
from fundus_core.tables import records_as_csv
from fundus_core.targets import TARGETS
from pages.parts.shared import controls, display, studies
from pages.parts.shared.exports import grid
from pages.parts.shared.studies import View
from pages.parts.shell import home
from pages.parts.shell.language import _, count, moment, said


def keep(view: View) -> None:
    """Keep the numbers of a cohort as they are, for the next evaluation to be held against; nothing without numbers."""
    made = _now(view)
    if made.people:
        name = f"{datetime.now().astimezone():%Y-%m-%dT%H:%M:%S.%f}"
        home.store().keep_document(view.cohort.id, "evaluation", name, made.as_json())


def draw_changes(view: View, level: str) -> None:
    """Draw what has changed since, with buttons to keep the numbers and to take the bundle away."""
    display.fold(_("What has changed, and the same numbers again"), "changes", lambda: _draw_changes(view, level))


def _draw_changes(view: View, level: str) -> None:
    kept = home.store().documents(view.cohort.id, "evaluation")
    if kept:
        before, at = Snapshot.from_json(kept[-1].content), moment(datetime.fromtimestamp(kept[-1].created_at))
        st.caption(_("Held against the numbers kept on {at}.").format(at=at))
        _changes(before, _now(view))
    else:
        st.caption(_("Keep the numbers, and the next evaluation of this cohort says what differs."))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Keep these numbers"), icon=":material/bookmark_add:", on_click=keep, args=(view,))
        display.download(
            _("Bundle to make them again (ZIP)"),
            "replay.zip",
            lambda: pipeline.bundle_of(home.store(), view.cohort.id, view.model, level=level),
            mime="application/zip",
        )
    words = _("It holds the measured values; {command} makes the same numbers and says whether they are.")
    st.caption(words.format(command="`fundus_core evaluate --replay replay.json`"))


def _now(view: View) -> Snapshot:
    return Snapshot.of(studies.study(view).table, studies.scores(view), view.model, __version__)


def _changes(before: Snapshot, now: Snapshot) -> None:
    rows = [row for row in changes(before, now) if differs(row)]
    for sentence in changes_in_words(before, now)[: -len(rows) or None]:
        st.markdown(said(sentence))
    if rows:
        grid([_row(row) for row in rows], placeholder="–")


def _row(row: Any) -> dict[str, str]:
    target = TARGETS[row["target"]]

    def score(when: str) -> str:
        value, low, high = (row[name] for name in (when, f"{when}_low", f"{when}_high"))
        if value is None:
            return "–"
        ends = "" if low is None else f" ({number(low, target)} – {number(high, target)})"
        return f"{number(value, target)}{ends}"

    return {
        _("Target"): controls.short(target.id),
        _("People"): f"{count(row['people_before'])} → {count(row['people_after'])}",
        _("New people"): count(row["people_added"]),
        _("Gone"): count(row["people_removed"]),
        _("Values that change"): count(row["values_changed"]),
        _("Predictions that change"): count(row["predictions_changed"]),
        _("Before"): score("before"),
        _("Now"): score("after"),
    }


def receipt(entries: Sequence[truth.Entry], name: str) -> None:
    """Draw what became of each column of a table."""
    if entries:
        grid([_receipt_row(entry) for entry in entries], placeholder="–")
        display.download(
            _("Receipt (CSV)"), f"receipt-{name}.csv", lambda: records_as_csv([entry.row() for entry in entries])
        )


def draw_receipts(view: View) -> None:
    """Draw the receipts of the tables whose values a cohort holds."""
    found = pipeline.receipts(home.store(), view.cohort.id)
    if not found:
        return

    def draw() -> None:
        for name, entries in found.items():
            if text := truth.paragraph(name, entries):
                st.markdown(said(text))
            receipt(entries, name)

    display.fold(_("Where the measured values came from"), "receipts", draw)


def _receipt_row(entry: truth.Entry) -> dict[str, Any]:
    ends = "" if entry.low is None else f"{entry.low:.4g} – {entry.high:.4g} {_(entry.unit) if entry.unit else ''}"
    return {
        _("Column"): entry.heading,
        _("For example"): ", ".join(entry.samples),
        _("Cells"): count(entry.cells),
        _("Used"): count(entry.used),
        _("Missing"): ", ".join(f"{word or _('empty')} {count(n)}" for word, n in entry.missing.items()),
        _("Not usable"): count(entry.unusable) if entry.unusable else "",
        _("Range"): ends.strip(),
        _("Converted"): ", ".join(f"{unit} {count(n)}" for unit, n in entry.converted.items()),
    }
