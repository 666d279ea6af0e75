"""More for a cohort that is there: measured values, another model, photographs; nothing runs before a button."""

import re

import streamlit as st

from fundus_core import pipeline, runs, truth
from fundus_core.deidentify import Pseudonyms
from fundus_core.errors import FundusError
from fundus_core.records import CohortTable
from fundus_core.store import Cohort
from fundus_core.truth import Match
from pages.parts.new_cohort import (
    analysis_plan,
    column_mapping,
    deidentify,
    quality_limits,
    reference_table,
    start_run,
    upload,
)
from pages.parts.new_cohort.ingest import Found, Plan
from pages.parts.new_cohort.reference_table import Sides
from pages.parts.shared import changes_since, controls, display
from pages.parts.shared.exports import grid
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, home, menu, sample, state
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, count, said, worded

_PSEUDONYM = re.compile(r"F-[0-9A-HJKMNP-TV-Z]{12}(?: \(\d+\))?")
_SHOWN = 200


def cohort() -> Cohort | None:
    """Return the cohort that the address adds to; ``None`` where a new one is to be made.

    Raises:
        GoneError: It is not there.
    """
    told = st.query_params.get("to", "")
    if not told:
        return None
    found = controls.find(told, {each.key: each for each in home.store().cohorts()})
    if found is None:
        raise GoneError(_("Cohort"), told, keys=["to"])
    return found


def page(to: Cohort) -> None:
    """Let the user choose what to add, and add it."""
    words = {"values": _("Measured values"), "model": _("Another model"), "photographs": _("Photographs")}
    what = address.pick(st.segmented_control, _("What you add"), list(words), key="add", words=words, required=True)
    try:
        {"values": _values, "model": _model, "photographs": _photographs}[what](to)
    except FundusError as fault:
        st.error(said(fault))


def _values(to: Cohort) -> None:
    table = home.store().table(to.id)
    analysis_plan.draw(to, measured=bool(table.truth))
    made = _pseudonyms(table)
    given = reference_table.brought("later")
    if given is None:
        have = ", ".join(controls.short(name) for name in table.truth) or _("none yet")
        st.caption(_("Measured values that are there: {names}.").format(names=have))
        return
    read = reference_table.opened(given)
    lines = truth.apply(read, column_mapping.confirmed(read))
    if made is not None:
        found = pipeline.match_originals(home.store(), to.id, lines, (), made)
        st.caption(said(found.reason))
    else:
        found = reference_table.matched_lines(lines, _sides(table))
    _put(to, table, found)


def _sides(table: CohortTable) -> Sides:
    alone = table.patient_id == table.photograph
    patients = ["" if own else str(who) for who, own in zip(table.patient_id, alone, strict=True)]
    return Sides(
        [str(name) for name in table.photograph], patients, [str(eye) for eye in table.eye], list(map(str, table.visit))
    )


def _hidden(table: CohortTable) -> bool:
    """Whether a cohort was de-identified at the door: no name of a file came through."""
    return bool(len(table)) and all(_PSEUDONYM.fullmatch(str(name)) for name in table.photograph)


def _pseudonyms(table: CohortTable) -> Pseudonyms | None:
    """Ask for the key where a cohort was de-identified at the door: its table names people as they were before."""
    if not _hidden(table):
        return None
    st.caption(_("This cohort was de-identified at the door: your table is matched under the same key."))
    made = deidentify.pseudonyms("later")
    if made is None:
        st.stop()
    return made


def _put(to: Cohort, table: CohortTable, found: Match) -> None:
    """Say what the table would change, and change it when the button is pressed."""
    change = pipeline.difference(table, found)
    with st.grid(min_column_width=160):
        for label, number in {
            _("New values"): change.new,
            _("Values that change"): change.changed,
            _("Values as before"): change.same,
            _("Values that the table lacks"): change.lacking,
        }.items():
            st.metric(label, count(number), border=True, height="stretch")
    st.caption(_("Counted for each photograph. What was computed of the old values is computed anew."))
    words = {"keep": _("Stay"), "replace": _("Go")}
    kept = "keep"
    if change.lacking:
        label = _("Values that are there and the table lacks")
        kept = address.pick(st.segmented_control, label, list(words), key="old_values", words=words, required=True)
    nothing = not (change.new or change.changed or (change.lacking and kept == "replace"))
    if display.act(_("Put the values in"), "edit_note", possible=not nothing):
        if table.truth and (model := _latest(to)):
            changes_since.keep(View(to, model))
        pipeline.set_truth(home.store(), to.id, found, keep=kept == "keep")
        deidentify.clear("later")
        state.forget_upload()
        st.switch_page(menu.path("evaluate"), query_params={"cohort": to.key})


def _model(to: Cohort) -> None:
    store, models = home.store(), cards.ready()
    if not to.files:
        st.info(_("This cohort came as a table of predictions: a model needs its photographs. Add them first."))
        return
    if not models:
        st.warning(_("No model has its weights here yet. The page Models says how to bring them."))
        return
    versions = store.models(to.id)
    before = [version.model for version in versions]
    again = [version.model for version in versions if cards.changed(version)]
    unread = again or [model for model in models if model not in before]
    chosen = st.pills(
        _("Models"), models, selection_mode="multi", default=unread[:1], format_func=cards.title, key="later_models"
    )
    st.caption(_("What a model has read already is not read again."))
    if display.act(_("Run"), "play_arrow", possible=bool(chosen)):
        limits = quality_limits.limits(View(to, before[0] if before else ""))
        run = runs.submit(store, to.id, chosen, limits=limits)
        runs.ensure_worker(store)
        state.watch(start_run.key_of(run))
        st.rerun()


def _photographs(to: Cohort) -> None:
    found = upload.photographs()
    if found is None:
        return
    st.caption(worded("{n:,} {n:photograph|photographs}", n=len(found.sources)))
    table = home.store().table(to.id)
    if pipeline.by_rows(home.store(), to.id):
        rows = _rows(to, found)
        only = pipeline.made_elsewhere(home.store(), to.id)
        fitting = int((rows.line >= 0).sum()) if only else len(found.sources)
        _add(to, Plan(to.name, found, None, to=to.id, rows=rows), _models(to), fitting=fitting)
        return
    _names_taken(table, found)
    chosen, hidden = _models(to), _hidden(table)
    wanted = deidentify.at_intake(found, None, default=hidden)
    if hidden and wanted.pseudonyms is None and wanted.possible:
        st.warning(_("The photographs of this cohort are de-identified; these would not be."))
    plan = Plan(to.name, found, None, to.rendered, wanted.pseudonyms, (), wanted.writing, to=to.id)
    _add(to, plan, chosen, fitting=len(found.sources) if wanted.possible and chosen else 0)


def _add(to: Cohort, plan: Plan, models: list[str], *, fitting: int) -> None:
    label = worded("Add {n:,} {n:photograph|photographs}", n=fitting)
    if display.act(label, "add_photo_alternate", possible=bool(fitting)):
        start_run.start(plan, models, limits=quality_limits.limits(View(to, _latest(to))))


def _latest(to: Cohort) -> str:
    return next((version.model for version in home.store().models(to.id)), "")


def _models(to: Cohort) -> list[str]:
    """Let the user choose who reads the new photographs; whoever read the others is chosen already."""
    models = cards.ready()
    before = {version.model for version in home.store().models(to.id)}
    label = _("Models that read the new photographs")
    default = [model for model in models if model in before]
    return list(
        st.pills(label, models, selection_mode="multi", default=default, format_func=cards.title, key="later_reads")
    )


def _names_taken(table: CohortTable, found: Found) -> None:
    known = set(table.photograph.tolist())
    taken = sum(name in known for name in found.names)
    if taken:
        words = _(
            "{n} of them have names that are there already: the same photograph is passed over, another one gets a "
            "number behind its name."
        )
        st.caption(words.format(n=count(taken)))


def _rows(to: Cohort, found: Found) -> Match:
    """Show which row each photograph belongs to, those that fit none first."""
    rows = pipeline.match_photographs(home.store(), to.id, found.sources)
    taken = {"n": int((rows.line >= 0).sum()), "total": len(rows.line), "name": sample.typed(to.name)}
    if pipeline.made_elsewhere(home.store(), to.id):
        words = worded(
            "{n:,} of {total:,} {total:photograph|photographs} {n:belongs|belong} to a row of {name}; the others are "
            "not taken.",
            **taken,
        )
    else:
        words = worded(
            "{n:,} of {total:,} {total:photograph|photographs} {n:belongs|belong} to a row of {name}; the others are "
            "added as rows of their own.",
            **taken,
        )
    st.markdown(words)
    with st.expander(_("Which row belongs to which photograph")):
        order = sorted(range(len(rows.line)), key=lambda at: bool(rows.line[at] >= 0))[:_SHOWN]
        names = [str(rows.truth.photograph[rows.line[at]]) if rows.line[at] >= 0 else "–" for at in order]
        grid([{_("File"): found.names[at], _("Row"): name} for at, name in zip(order, names, strict=True)])
        display.download(_("All as CSV"), "match.csv", rows.as_csv)
    return rows
