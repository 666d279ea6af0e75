"""The mapping of a truth table: proposed, changed and confirmed by the user, used again; and what is at fault in it."""

import hashlib
from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fundus_core import truth
from fundus_core.errors import TruthError
from fundus_core.records import Eye
from fundus_core.targets import TARGETS
from fundus_core.truth import Column, Fault, Proposal, Table
from pages.parts.shared import display
from pages.parts.shared.exports import grid, safe
from pages.parts.shell import state
from pages.parts.shell.language import _, count, literal, said, worded

NONE = "–"
"""Stands where there is no unit and no eye: an empty choice would be drawn as the word None."""


def confirmed(read: Table, predictions: Proposal | None = None, needs: DeltaGenerator | None = None) -> Proposal:
    """Show what each column is taken for, what a person must confirm first; return the mapping as the user left it.

    Args:
        read: The table.
        predictions: Of a table of predictions: what its columns are taken for.
        needs: Where what must be confirmed stands; here without it.

    Raises:
        TruthError: A unit or a coding that the user typed makes no sense.
    """
    proposal = predictions or truth.propose(read)
    known = f"mapping-{read.name}-{state.upload_number()}"
    if kept := state.recall(known):
        proposal = proposal.reuse(Proposal.from_json(kept))
    needs = (needs or st).container()
    with st.expander(_summary(proposal), expanded=bool(predictions and proposal.unconfirmed)):
        proposal = _reused(proposal, read.name)
        st.caption(_("Change a role where it is wrong. Columns without a role are kept for grouping."))
        proposal = _changed(proposal, _edited(proposal, read.name, parts=predictions is not None))
        if predictions is not None:
            for note in (*read.notes, *proposal.notes):
                st.caption(said(note))
        file = "mapping.json" if predictions is None else "predictions-mapping.json"  # both stand on one page
        display.download(_("Save this mapping"), file, proposal.to_json, mime="application/json")
    with needs:
        _ask(proposal, known)
    return proposal


def _ask(proposal: Proposal, known: str) -> None:
    """Ask for what the table does not say itself: a click confirms all of it."""
    if not (columns := proposal.unconfirmed):
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        names = ", ".join(column.heading for column in columns)
        why = [f"{literal(column.heading)}: {literal(said(column.reason))}" for column in columns]
        words = _("Not used until you confirm: {names}").format(names=literal(names))
        st.markdown("  \n".join([f":material/help: **{words}**", *why]), width="stretch")
        settled = all(column.role != "ignored" for column in columns)
        if settled and st.button(_("Confirm"), icon=":material/check:", help=_("Codes stand in the table of columns.")):
            for column in columns:
                proposal = proposal.confirm(column.heading)
            state.remember(known, proposal.to_json().encode())
            st.rerun()


def _reused(proposal: Proposal, name: str) -> Proposal:
    """Let the user bring a mapping that was saved from a table of the same kind."""
    file = st.file_uploader(
        _("Mapping saved before"), ["json"], key=f"saved-{name}-{state.upload_number()}", max_upload_size=1
    )
    if file is None:
        return proposal
    try:
        return proposal.reuse(Proposal.from_json(file.getvalue()))
    except TruthError as fault:
        st.error(said(fault))
        return proposal


def _edited(proposal: Proposal, name: str, *, parts: bool) -> list[dict[str, Any]]:
    digest = hashlib.sha256(proposal.to_json().encode()).hexdigest()[:12]  # another mapping, another editor
    config = st.column_config
    roles, eyes = _roles(), {"right": _("Right"), "left": _("Left")}
    holds = _parts()
    words = {"part": config.SelectboxColumn(_("Holds"), options=list(holds), required=True, format_func=holds.get)}
    edited = st.data_editor(
        [_row(column, parts=parts) for column in proposal.columns],
        hide_index=True,
        disabled=["heading", "confidence", "reason"],
        column_config={
            "heading": config.TextColumn(_("Column")),
            "role": config.SelectboxColumn(
                _("Is"),
                options=[role for role in truth.ROLES if parts or role != truth.MODEL],
                required=True,
                format_func=lambda role: roles.get(role, role),
                width="medium",
            ),
            **(words if parts else {}),
            "unit": config.SelectboxColumn(_("Unit in the file"), options=_units(), required=True),
            "coding": config.TextColumn(
                _("Codes"),
                help=_("For example: 1 = male, 2 = female; 1 = right, 2 = left; 1 = yes, 2 = no"),
                width="medium",
            ),
            "eye": config.SelectboxColumn(
                _("Eye"), options=[NONE, "right", "left"], required=True, format_func=lambda eye: eyes.get(eye, eye)
            ),
            "confidence": config.ProgressColumn(_("How sure"), min_value=0, max_value=1, format="percent"),
            "confirmed": config.CheckboxColumn(_("Confirmed")),
            "reason": config.TextColumn(_("Why"), width="large"),
        },
        key=f"mapping-{name}-{digest}-{state.upload_number()}",
    )
    return list(edited)


def _units() -> list[str]:
    """What can be chosen; a unit that does not fit the column's role is refused with those that do."""
    return list(dict.fromkeys([NONE, *(unit.name for of in truth.UNITS.values() for unit in of if unit.name)]))


def _roles() -> dict[str, str]:
    return {
        "photograph": _("photograph"),
        "patient_id": _("patient"),
        "eye": _("eye"),
        **{name: _target(name) for name in TARGETS},
        "visit": _("visit"),
        "model": _("model that predicted"),
        "blood_pressure": _("blood pressure (120/80)"),
        "height": _("height"),
        "weight": _("weight"),
        "birth_date": _("date of birth"),
        "exam_date": _("date of examination"),
        "covariate": _("other, kept for grouping"),
        "personal": _("personal, not kept"),
        "ignored": _("not kept"),
    }


def _parts() -> dict[str, str]:
    """Return what a column may hold of its target, in words."""
    return {
        NONE: _("measured values"),
        "predicted": _("predictions"),
        "low": _("lower end of the interval"),
        "high": _("upper end of the interval"),
        "sd": _("standard deviation"),
    }


def _target(name: str) -> str:
    target = TARGETS[name]
    return _(target.short) if target.binary else _(target.name)


def _summary(proposal: Proposal) -> str:
    mapped = [_target(column.role) for column in proposal.columns if column.role in TARGETS]
    words = _("Columns: {targets}").format(targets=", ".join(dict.fromkeys(mapped)) or _("no target found"))
    return words


def _row(column: Column, *, parts: bool) -> dict[str, Any]:
    return {
        "heading": safe(column.heading),
        "role": column.role,
        **({"part": column.part or NONE} if parts else {}),
        "confirmed": not column.needs_confirmation,
        "unit": column.unit or NONE,
        "coding": column.coded,
        "eye": column.eye.value or NONE,
        "confidence": column.confidence,
        "reason": said(column.reason),
    }


def _changed(proposal: Proposal, rows: list[dict[str, Any]]) -> Proposal:
    for column, row in zip(proposal.columns, rows, strict=True):
        changes = _changes(column, row)
        if changes:
            proposal = proposal.change(column.heading, **changes)
        elif row["confirmed"] and column.needs_confirmation:
            proposal = proposal.confirm(column.heading)
    return proposal


def _changes(column: Column, row: dict[str, Any]) -> dict[str, Any]:
    """Return what the user changed about a column; with another role, a unit that was left as it was is dropped."""
    changes: dict[str, Any] = {}
    if (row["coding"] or "").strip() != column.coded:
        changes["coding"] = truth.coding_from(row["coding"]) if (row["coding"] or "").strip() else {}
    eye, unit = (str(row[name] or NONE).replace(NONE, "") for name in ("eye", "unit"))
    if eye != column.eye.value:
        changes["eye"] = Eye(eye)
    if unit != column.unit:
        changes["unit"] = unit
    part = str(row.get("part") or column.part).replace(NONE, "")
    if part != column.part:
        changes["part"] = part
    if row["role"] != column.role:
        changes = {"unit": "", **changes, "role": row["role"]}
    return changes


_KINDS = 6
"""Kinds of faults that are said; the fold has all."""
_ROWS = 5
_SHOWN = 1000
"""Cells on the page; the download has all of them."""
_ASKED = "Not used until you confirm it."
"""Begins what the mapping asks for itself."""


def faults_to_mend(faults: Sequence[Fault]) -> None:
    """Say what in the table a person must look at, a line for each kind; the fold has every_fault cell."""
    kinds: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        if getattr(fault.what_to_do, "code", "").startswith(_ASKED):
            continue
        kinds.setdefault((fault.column, getattr(fault.what_to_do, "code", fault.what_to_do)), []).append(fault)
    lines = [_need(alike) for alike in kinds.values()]
    if lines:
        st.warning("  \n".join(lines[:_KINDS] + ["…"] * (len(lines) > _KINDS)), icon=":material/rule:")


def _need(alike: Sequence[Fault]) -> str:
    """Return what a person must do about cells that have the same fault."""
    fault, n = alike[0], len(alike)
    where = ", ".join([literal(str(each.row or each.value)) for each in alike[:_ROWS]] + ["…"] * (n > _ROWS))
    column, told = f"**{literal(fault.column)}**: " if fault.column else "", ""
    if fault.row:
        told = worded(" ({n:,} {n:row|rows}: {rows})", n=n, rows=where)
    elif fault.fault == "unmatched_photograph":
        told = worded(" ({n:,} {n:photograph|photographs}: {names})", n=n, names=where)
    return f"{column}{literal(said(fault.what_to_do))}{told}"


def every_fault(faults: Sequence[Fault]) -> None:
    """Show every_fault cell of a table that is at fault."""
    if not faults:
        return
    with st.expander(_("To look at in the table: {n}").format(n=count(len(faults)))):
        grid([_fault(fault) for fault in faults[:_SHOWN]], placeholder="–")
        display.download(_("All as CSV"), "faults.csv", lambda: truth.as_csv(faults))


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        _("Row"): str(fault.row or "–"),
        _("Column"): fault.column,
        _("Value"): fault.value,
        _("What to do"): said(fault.what_to_do),
    }
