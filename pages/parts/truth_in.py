"""The truth table on its way in: what each column means, what is wrong, what matches - before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from fundus_core import truth
from fundus_core.errors import TruthError
from fundus_core.targets import TARGETS
from fundus_core.truth import Match, Proposal, Table, TruthTable
from pages.parts import arrival, show, state
from pages.parts.intake import Found
from pages.parts.language import _, count

KINDS = ["csv", "tsv", "txt", "xlsx", "xlsm"]


@dataclass(frozen=True, slots=True)
class Given:
    """A table's bytes and name."""

    name: str
    """Of the file."""
    data: bytes
    """As they came."""


def table(found: Found) -> Match | None:
    """Let the user bring a truth table and confirm it; return it matched to the photographs."""
    given = _given()
    if given is None:
        st.caption(_("Without a table there are predictions, but nothing to hold them against."))
        return None
    try:
        read = _read(given.name, given.data)
        proposal = _confirm(read, truth.propose(read))
        return _matched(truth.apply(read, proposal), found)
    except TruthError as fault:
        st.error(str(fault))
        return None


def _given() -> Given | None:
    along = arrival.batch().tables()
    file = st.file_uploader(
        _("Table of measured values (CSV or Excel)"), KINDS, key=f"truth{state.upload_number()}", max_upload_size=100
    )
    if file is not None:
        return Given(file.name, file.getvalue())
    if along:
        st.caption(_("Found among the files: {name}").format(name=along[0].name))
        return Given(along[0].name, along[0].read_bytes())
    return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(name: str, data: bytes) -> Table:
    return truth.read_table(data, name)


def _confirm(read: Table, proposal: Proposal) -> Proposal:
    """Show what each column is taken for; return the mapping as the user left it."""
    with st.expander(_summary(proposal), expanded=bool(proposal.unconfirmed)):
        st.caption(_("Change a role where it is wrong. Columns without a role are kept for grouping."))
        edited = st.data_editor(
            [_row(column) for column in proposal.columns],
            hide_index=True,
            disabled=["heading", "confidence", "reason"],
            column_config={
                "heading": st.column_config.TextColumn(_("Column")),
                "role": st.column_config.SelectboxColumn(_("Is"), options=list(truth.ROLES), required=True),
                "unit": st.column_config.TextColumn(_("Unit in the file")),
                "confidence": st.column_config.ProgressColumn(
                    _("How sure"), min_value=0, max_value=1, format="percent"
                ),
                "confirmed": st.column_config.CheckboxColumn(_("Confirmed")),
                "reason": st.column_config.TextColumn(_("Why"), width="large"),
            },
            key=f"mapping-{read.name}-{state.upload_number()}",
        )
        for note in (*read.notes, *proposal.notes):
            st.caption(note)
    return _changed(proposal, list(edited))


def _summary(proposal: Proposal) -> str:
    mapped = [column.role for column in proposal.columns if column.role in TARGETS]
    words = _("Columns: {targets}").format(targets=", ".join(mapped) or _("no target found"))
    if proposal.unconfirmed:
        names = ", ".join(column.heading for column in proposal.unconfirmed)
        words += " · " + _("please confirm: {names}").format(names=names)
    return words


def _row(column: Any) -> dict[str, Any]:
    return {
        "heading": column.heading,
        "role": column.role,
        "unit": column.unit,
        "confidence": column.confidence,
        "confirmed": not column.needs_confirmation,
        "reason": column.reason,
    }


def _changed(proposal: Proposal, rows: list[dict[str, Any]]) -> Proposal:
    for column, row in zip(proposal.columns, rows, strict=True):
        different = row["role"] != column.role or (row["unit"] or "") != column.unit
        confirmed = bool(row["confirmed"]) and column.needs_confirmation
        if different or confirmed:
            proposal = proposal.change(column.heading, role=row["role"], unit=row["unit"] or "")
    return proposal


def _matched(table: TruthTable, found: Found) -> Match:
    matched = truth.match(
        table,
        found.names,
        patient_ids=[source.patient_id for source in found.sources],
        eyes=[source.eye.value for source in found.sources],
    )
    _counts(matched)
    faults = [*table.faults, *matched.faults]
    if faults:
        with st.expander(_("{n} things to look at in the table").format(n=count(len(faults)))):
            rows = [_fault(fault) for fault in faults[:1000]]
            st.dataframe(rows, hide_index=True)
            show.download(_("All as CSV"), "faults.csv", lambda: truth.as_csv(faults))
    for note in table.notes:
        st.caption(note)
    return matched


def _counts(matched: Match) -> None:
    with st.grid(min_column_width=200):
        good = int((matched.line >= 0).sum())
        st.metric(_("Photographs with truth"), count(good), border=True)
        st.metric(_("Photographs without"), count(len(matched.line) - good), border=True)
        st.metric(_("Rows without photograph"), count(len(matched.unmatched_rows)), border=True)
    st.caption(matched.reason)


def _fault(fault: Any) -> dict[str, Any]:
    return {
        _("Row"): fault.row or None,
        _("Column"): fault.column,
        _("Value"): fault.value,
        _("What to do"): fault.what_to_do,
    }
