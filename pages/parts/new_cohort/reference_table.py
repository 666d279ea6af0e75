"""The truth table on its way in: what each column means, what is wrong, what matches - before anything runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fundus_core import truth
from fundus_core.errors import TruthError
from fundus_core.records import MOST_DAYS
from fundus_core.truth import Match, Table, TruthTable
from pages.parts.new_cohort import column_mapping, upload
from pages.parts.new_cohort.ingest import Found
from pages.parts.shared import changes_since, display
from pages.parts.shared.exports import grid
from pages.parts.shell import state
from pages.parts.shell.language import _, count, said, worded

KINDS = ["csv", "tsv", "txt", "xlsx", "xlsm"]
_SHOWN = 1000
"""Rows of a table on the page; the download has all of them."""


@dataclass(frozen=True, slots=True)
class UploadedTable:
    """A table's bytes and name."""

    name: str
    """Of the file."""
    data: bytes
    """As they came."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What a table of measured values is matched to."""

    names: list[str]
    """Of photographs, or of rows of predictions."""
    patients: list[str]
    """Whose; empty where unknown."""
    eyes: list[str]
    """``left``, ``right`` or empty."""
    visits: list[str]
    """Dates as year-month-day, or other words; empty where unknown."""


def table(found: Found) -> Match | None:
    """Let the user bring a truth table and confirm it; return it matched to the photographs."""
    of_each = ((source.patient_id, source.eye.value, source.visit) for source in found.sources)
    patients, eyes, visits = map(list, zip(*of_each, strict=True)) if found.sources else ([], [], [])
    sides = Sides(found.names, patients, eyes, visits)
    needs = st.container()
    there = is_there()
    label = _("Table, its columns, and which row belongs to which photograph") if there else _("Bring a table")
    with st.expander(label, expanded=not there):
        given = _given()
        found_in_it = None if given is None else matched(given, sides, needs)
    if given is None:
        st.caption(_("Without a table there are predictions, but nothing to hold them against."))
    return found_in_it


def matched(given: UploadedTable, sides: Sides, needs: DeltaGenerator | None = None) -> Match | None:
    """Show what a table of measured values is taken for, and which of its rows belongs to what.

    What needs a person stands at a place of its own, here without one.
    """
    needs = needs or st.container()
    try:
        read = opened(given)
        lines = truth.apply(read, column_mapping.confirmed(read, needs=needs))
        return matched_lines(lines, sides, needs)
    except TruthError as fault:
        needs.error(said(fault))
        return None


def opened(given: UploadedTable) -> Table:
    """Read a table (else a ``TruthError``): the sheet that the user chooses, hidden rows where they want them."""
    return _with_hidden(given, _sheet(given))


def brought(key: str) -> UploadedTable | None:
    """Let the user bring a table of measured values."""
    label = _("Table of measured values (CSV or Excel)")
    file = st.file_uploader(label, KINDS, key=f"{key}{state.upload_number()}", max_upload_size=100)
    return None if file is None else UploadedTable(file.name, file.getvalue())


def is_there() -> bool:
    """Whether a table of measured values was brought already, by itself or among the photographs."""
    return st.session_state.get(f"truth{state.upload_number()}") is not None or bool(upload.batch().tables())


def _given() -> UploadedTable | None:
    along = upload.batch().tables()
    if (given := brought("truth")) is not None:
        return given
    if along:
        st.caption(_("Found among the files: {name}").format(name=along[0].name))
        return UploadedTable(along[0].name, along[0].read_bytes())
    return None


def _sheet(given: UploadedTable) -> str | None:
    """Let the user choose the sheet of a workbook that has several, the one that the reader takes chosen already."""
    names = _sheets(given.name, given.data)
    if len(names) < 2:
        return None
    taken = _read(given.name, given.data, None).sheet
    return st.selectbox(
        _("Sheet"),
        names,
        index=names.index(taken) if taken in names else 0,
        key=f"sheet-{given.name}-{state.upload_number()}",
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _sheets(name: str, data: bytes) -> tuple[str, ...]:
    return truth.sheet_names(data, name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(name: str, data: bytes, sheet: str | None, *, hidden_rows: bool = False) -> Table:
    return truth.read_table(data, name, sheet=sheet, hidden_rows=hidden_rows)


def _with_hidden(given: UploadedTable, sheet: str | None) -> Table:
    """Read the sheet; ask about the rows that it hides, where it hides any."""
    read = _read(given.name, given.data, sheet)
    if not read.hidden:
        return read
    asked = worded("The sheet hides {n:,} {n:row|rows} (a filter does). Read {n:it|them} too", n=read.hidden)
    wanted = st.checkbox(asked, key=f"hidden-{given.name}-{sheet}-{state.upload_number()}")
    return _read(given.name, given.data, sheet, hidden_rows=True) if wanted else read


def matched_lines(table: TruthTable, found: Sides, needs: DeltaGenerator | None = None) -> Match:
    """Match measured values as the user says, showing what belongs together and what is at fault.

    Raises:
        TruthError: There is nothing to match by.
    """
    first = (needs or st).container()
    days = _days(table, found)
    matched = _match(table, found, None, days)
    chosen = _key(matched)
    if chosen != matched.key:
        matched = _match(table, found, chosen, days)
    with first:
        if _same(matched):
            matched = _match(table, found, chosen, days, fold=True)
        for remark in matched.of_visits:
            st.info(said(remark))
        st.markdown(said(matched.reason))
        column_mapping.faults_to_mend([*table.faults, *matched.faults])
    _counts(matched)
    with st.expander(_("What became of each column")):
        changes_since.receipt(table.receipt, table.name)
    _lines(matched)
    column_mapping.every_fault([*table.faults, *matched.faults])
    for note in table.notes:
        st.caption(said(note))
    return matched


def _days(table: TruthTable, found: Sides) -> int:
    """Let the user say how far photograph and measurement may lie apart, where both have dates."""
    if not (any(found.visits) and (table.visit != "").any()):
        return MOST_DAYS
    label = _("Most days between a photograph and its measured values; the nearest are taken")
    return int(st.number_input(label, 0, 3660, MOST_DAYS, key=f"days-{table.name}-{state.upload_number()}"))


def _match(table: TruthTable, found: Sides, key: str | None, days: int, *, fold: bool = False) -> Match:
    return truth.match(
        table,
        found.names,
        patient_ids=found.patients,
        eyes=found.eyes,
        visits=found.visits,
        most_days=days,
        key=key,
        fold=fold,
    )


def _key(matched: Match) -> str:
    """Let the user match by another key than the one that finds most; return the key."""
    keys = list(matched.counts)
    if len(keys) < 2:
        return matched.key
    words = {key: f"{_(truth.KEYS[key])} ({count(matched.counts[key])})" for key in keys}
    return st.selectbox(
        _("Matched by (photographs found)"),
        keys,
        index=keys.index(matched.key),
        format_func=lambda key: words[key],
        key=f"match-{'-'.join(keys)}-{state.upload_number()}",
    )


def _same(matched: Match) -> bool:
    """Ask whether names that are written differently are the same, showing what would be joined; say why few match."""
    for why in matched.why:
        st.warning(said(why))
    pairs = matched.joinable.pairs
    if not pairs:
        return False
    with st.expander(_("What would be joined: {n}").format(n=count(len(pairs)))):
        words = [{_("In the table"): ours, _("Photographs"): theirs} for ours, theirs in pairs[:_SHOWN]]
        grid(words)
    asked = _("These are the same: join them")
    return st.checkbox(asked, key=f"fold-{matched.key}-{len(pairs)}-{matched.truth.name}-{state.upload_number()}")


def _counts(matched: Match) -> None:
    good = int((matched.line >= 0).sum())
    always = {
        _("Photographs with truth"): good,
        _("Photographs without"): int((matched.status == "unmatched").sum()),
        _("Rows without photograph"): len(matched.unmatched_rows),
    }
    seldom = {
        _("Rows that contradict each other"): int((matched.status == "conflict").sum()),
        _("Two photographs, one row"): int((matched.status == "ambiguous").sum()),
        _("Visit unknown"): int((matched.status == "which").sum()),
        _("No row near enough in time"): int((matched.status == "far").sum()),
    }
    with st.grid(min_column_width=200):
        for label, number in {**always, **{label: n for label, n in seldom.items() if n}}.items():
            st.metric(label, count(number), border=True, height="stretch")


def _lines(matched: Match) -> None:
    """Show which row of the table belongs to which photograph, those without one first."""
    with st.expander(_("Which row belongs to which photograph")):
        order = sorted(range(len(matched.photographs)), key=lambda at: bool(matched.line[at] >= 0))
        grid([_line(matched, at) for at in order[:_SHOWN]], placeholder="–")
        display.download(_("All as CSV"), "match.csv", matched.as_csv)


def _line(matched: Match, at: int) -> dict[str, Any]:
    words = {
        "matched": _("matched"),
        "unmatched": _("no row"),
        "conflict": _("rows contradict each other"),
        "ambiguous": _("two photographs, one row"),
        "which": _("visit unknown"),
        "far": _("no row near enough in time"),
    }
    line = int(matched.line[at])
    return {
        _("File"): str(matched.photographs[at]),
        _("Outcome"): words[str(matched.status[at])],
        _("Row"): str(matched.truth.rows[line]) if line >= 0 else "–",
        **({_("Days apart"): _apart(matched.days_apart[at])} if np.isfinite(matched.days_apart).any() else {}),
    }


def _apart(days: float) -> str:
    return "–" if np.isnan(days) else f"{days:+.0f}"
