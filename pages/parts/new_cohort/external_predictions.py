"""Predictions made elsewhere on their way in: a table or two, what they mean, and a cohort without photographs."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath

import streamlit as st

from fundus_core import pipeline
from fundus_core.errors import FundusError
from fundus_core.pipeline import Asked, PredictionsFile, external_predictions
from fundus_core.targets import TARGETS
from fundus_core.truth import Match, Proposal, Table
from pages.parts.new_cohort import analysis_plan, column_mapping, ingest, reference_table
from pages.parts.new_cohort.reference_table import KINDS, Sides, UploadedTable
from pages.parts.shared import changes_since, controls, display
from pages.parts.shell import cards, home, menu, state
from pages.parts.shell.language import _, said, worded


def form() -> None:
    """Draw the whole way from a stranger's table to a cohort."""
    uploads = (f"{kind}{state.upload_number()}" for kind in ("predictions", "measured"))
    analysis_plan.before(truth_is_there=any(st.session_state.get(key) is not None for key in uploads))
    st.subheader(_("1 · Predictions"), anchor=False)
    label = _("Table of predictions (CSV or Excel)")
    file = st.file_uploader(label, KINDS, key=f"predictions{state.upload_number()}", max_upload_size=100)
    given = None if file is None else UploadedTable(file.name, file.getvalue())
    if given is None:
        st.caption(
            _(
                "Predicted and measured values stand in one table or in two, of one model or several. "
                "No photographs are needed."
            )
        )
        return
    try:
        read = reference_table.opened(given)
        measured = _measured_elsewhere()
        made = _understood(read, beside=measured is not None)
        if made is None:
            return
        made = ingest.rows_with_visits_of_names(made)
        matched = _matched(made, measured) if measured is not None else None
        if measured is None or matched is not None:
            _finish(made, matched, PurePath(given.name).stem)
    except FundusError as fault:
        st.error(said(fault))


def _measured_elsewhere() -> UploadedTable | None:
    with st.expander(_("The measured values are in a table of their own")):
        return reference_table.brought("measured")


def _understood(read: Table, *, beside: bool) -> Mapping[str, PredictionsFile] | None:
    """Let the user say what the columns are; ``None`` as long as something must be said first."""
    asked = Asked(beside=beside)
    proposal = pipeline.proposed(read, asked)
    if any(column.part and column.role == "ignored" for column in proposal.unconfirmed):
        wanted = st.selectbox(_("What was predicted?"), list(TARGETS), index=None, format_func=controls.short)
        proposal = pipeline.proposed(read, Asked(beside=beside, target=wanted or ""))
    proposal = column_mapping.confirmed(read, proposal)
    roles = {column.role for column in proposal.columns}
    nobody = not roles & {"photograph", "patient_id"}
    alone = nobody and st.checkbox(_("No column names a photograph or a patient: each row is another person"))
    if _lacking(proposal, named=not nobody or alone):
        return None
    return external_predictions.of_every_model(read, proposal, Asked(beside=beside, rows_are_people=alone))


def _lacking(proposal: Proposal, *, named: bool) -> bool:
    """Say what must be said before the table can be used."""
    if any(column.part for column in proposal.unconfirmed):
        return True  # the mapping says so itself
    if not any(column.part == "predicted" and column.role in TARGETS for column in proposal.columns):
        st.warning(
            _(
                "No column is said to be predicted. Choose “predictions” under Holds, or bring the measured values in "
                "a table of their own."
            )
        )
        return True
    if not named:
        st.warning(_("Choose the column that names the photograph or the patient."))
    return not named


def _matched(made: Mapping[str, PredictionsFile], measured: UploadedTable) -> Match | None:
    st.subheader(_("2 · Measured values"), anchor=False)
    rows = external_predictions.rows_of(made)
    sides = Sides(*(list(map(str, words)) for words in (rows.photograph, rows.patient_id, rows.eye, rows.visit)))
    return reference_table.matched(measured, sides)


def _finish(made: Mapping[str, PredictionsFile], matched: Match | None, stem: str) -> None:
    """Ask for the names, with what is known of the model; make the cohort when the button is pressed."""
    for note in dict.fromkeys(note for file in made.values() for note in file.notes):
        st.caption(said(note))
    lines = next((file.lines for file in made.values() if file.lines), None)
    if lines is not None:
        with st.expander(_("What became of each column")):
            changes_since.receipt(lines.receipt, lines.name)
    rows = external_predictions.rows_of(made)
    if not set(matched.truth.values if matched else rows.truth) & {t for f in made.values() for t in f.table.predicted}:
        st.info(_("Nothing that is predicted is measured as well: there will be predictions, and no errors."))
    st.subheader(_("Name and model"), anchor=False)
    store = home.store()
    wish = ingest.free_name([one.name for one in store.cohorts()], stem or f"{datetime.now():%Y-%m-%d}")
    left, right = st.columns(2)
    name = left.text_input(_("Name of the cohort"), wish, max_chars=120, key=f"name{state.upload_number()}")
    names = _names(made, right, stem)
    version = left.text_input(_("Version of the model, if known"), max_chars=60)
    citation = right.text_input(_("Citation of the model, if there is one"), max_chars=300)
    label = worded("Evaluate {n:,} {n:row|rows}", n=len(rows))
    if display.act(label, "query_stats", possible=bool(name.strip() and all(names))):
        titles = dict(zip(made, names, strict=True))
        kept = {titles[model]: file for model, file in made.items()}
        with st.spinner(_("Putting the values away")):
            cohort = external_predictions.keep(
                store,
                name,
                kept,
                matched,
                note=" ".join(filter(None, (version, citation))),
                plan=analysis_plan.stated(),
            )
        state.forget_upload()
        st.switch_page(menu.path("evaluate"), query_params={"cohort": cohort.key})


def _names(made: Mapping[str, PredictionsFile], place: st.delta_generator.DeltaGenerator, stem: str) -> list[str]:
    """Return what each model is called: as the table has it; one that the table does not name as the user says."""
    unnamed = _("Name of the model")
    said_ = "" if all(made) else place.text_input(unnamed, stem, max_chars=80, key=f"model{state.upload_number()}")
    if all(made):
        place.text_input(unnamed, ", ".join(made), disabled=True)
    names = [model or said_.strip() for model in made]
    ours = cards.known()
    return [_("{name} (made elsewhere)").format(name=name) if name in ours else name for name in names]
