"""The cohorts page's parts: one cohort with what can be done to it, merging, and bringing an export in."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import streamlit as st

from fundus_core.errors import UsageError
from fundus_core.store import Cohort
from pages.parts.cohorts import registry
from pages.parts.new_cohort import intake
from pages.parts.shared import cards, show
from pages.parts.shell import home, menu
from pages.parts.shell.language import _, count, moment, said


def card(cohort: Cohort) -> None:
    """Draw a cohort and what can be done with it."""
    with st.container(border=True):
        st.markdown(f"**{cohort.name}**")
        st.caption(_facts(cohort))
        if cohort.note:
            st.write(said(cohort.note))
        with st.container(horizontal=True, vertical_alignment="center"):
            link = {"cohort": cohort.name}
            st.page_link(menu.path("evaluate"), label=_("Evaluate"), icon=":material/query_stats:", query_params=link)
            st.page_link(menu.path("explore"), label=_("Explore"), icon=":material/photo_library:", query_params=link)
            if st.button(_("Edit"), icon=":material/edit:", key=f"edit{cohort.id}"):
                _edit(cohort)
            if st.button(_("Export"), icon=":material/archive:", key=f"export{cohort.id}"):
                _export(cohort)
            if st.button(_("For a registry"), icon=":material/shield_person:", key=f"registry-of-{cohort.id}"):
                registry.export(cohort)
            if st.button(_("Delete"), icon=":material/delete:", key=f"delete{cohort.id}"):
                _delete(cohort)


def _facts(cohort: Cohort) -> str:
    models = ", ".join(cards.title(version.model) for version in home.store().models(cohort.id))
    parts = [
        _("{n} photographs").format(n=count(cohort.photographs)),
        moment(datetime.fromtimestamp(cohort.created_at)),
    ]
    parts += [_("read by {models}").format(models=models)] if models else []
    parts += [_("rendered photographs")] if cohort.rendered else []
    if cohort.selected_from:
        parts.append(_("selected from {name}").format(name=cohort.selected_from))
    return " · ".join(parts)


@st.dialog(" ", width="medium")
def _edit(cohort: Cohort) -> None:
    st.subheader(_("Edit {name}").format(name=cohort.name), anchor=False)
    name = st.text_input(_("Name of the cohort"), cohort.name, max_chars=120)
    note = st.text_area(_("Note"), cohort.note)
    if st.button(_("Save"), type=show.leading()):
        try:
            home.store().rename(cohort.id, name)
            home.store().annotate(cohort.id, note)
        except UsageError as fault:
            st.error(said(fault))
        else:
            st.rerun()


@st.dialog(" ", width="medium")
def _export(cohort: Cohort) -> None:
    st.subheader(_("Export {name}").format(name=cohort.name), anchor=False)
    st.write(_("One file with photographs, truth and results, to be brought into another Fundus Lab."))
    if cohort.rendered:
        st.caption(_(show.RENDERED))
    photographs = st.checkbox(_("With the photographs"), value=True)

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "cohort.zip"
            home.store().export(cohort.id, file, photographs=photographs)
            return file.read_bytes()

    show.download(_("Download"), f"{cohort.name}.zip", make, mime="application/zip")


@st.dialog(" ", width="medium")
def _delete(cohort: Cohort) -> None:
    st.subheader(_("Delete {name}?").format(name=cohort.name), anchor=False)
    st.write(
        _("{n} photographs, their truth and their results will be gone. Files that lie elsewhere stay.").format(
            n=count(cohort.photographs)
        )
    )
    if st.button(_("Delete for good"), type=show.leading(), icon=":material/delete:"):
        home.store().delete(cohort.id)
        st.rerun()


def merge(cohorts: Sequence[Cohort]) -> None:
    """Let the user make one cohort of several."""
    if len(cohorts) < 2:
        return
    with st.container(border=True):
        st.subheader(_("Merge"), anchor=False)
        names = [cohort.name for cohort in cohorts]
        chosen = st.pills(_("Cohorts"), names, selection_mode="multi", key="merge_of")
        wish = intake.free_name(names, _("Merged cohort"))
        name = st.text_input(_("Name of the cohort"), wish, key="merge_name")
        same = st.checkbox(_("One patient id means one person in all of them"), key="merge_same")
        if st.button(_("Merge"), disabled=len(chosen) < 2, icon=":material/merge:"):
            try:
                home.store().merge(chosen, name, same_people=same)
            except UsageError as fault:
                st.error(said(fault))
            else:
                st.rerun()


def bring_in() -> None:
    """Let the user bring an exported cohort in."""
    with st.container(border=True):
        st.subheader(_("Bring in an export"), anchor=False)
        file = st.file_uploader(_("File written by Export"), ["zip"], key="import_file")
        if file is not None and st.button(_("Bring in"), icon=":material/unarchive:"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "cohort.zip"
                path.write_bytes(file.getvalue())
                try:
                    made = home.store().import_(path)
                except UsageError as fault:
                    st.error(said(fault))
                else:
                    st.success(_("{name} is here.").format(name=made.name))
