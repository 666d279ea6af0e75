"""What can be done with a cohort, each in a dialog: edit, export, delete, merge, bring in.

Another tab may have deleted the cohort while a dialog was open: then the dialog says so, or has nothing left to do.
"""

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from fundus_core import owner_only
from fundus_core.errors import UsageError
from fundus_core.store import Cohort
from pages.parts.cohorts import whole
from pages.parts.new_cohort import ingest
from pages.parts.shared import display
from pages.parts.shell import home, people, sample
from pages.parts.shell.language import _, said, worded

_LARGE_FILE = 3_000_000
"""Bytes of an export from which on a job reads it: the rows of some twenty thousand photographs."""


@st.dialog(" ", width="medium")
def edit(cohort: Cohort) -> None:
    """Ask for another name and a note."""
    st.header(_("Edit {name}").format(name=sample.typed(cohort.name)), anchor=False)
    name = st.text_input(_("Name of the cohort"), cohort.name, max_chars=120)
    note = st.text_area(_("Note"), cohort.note)
    if st.button(_("Save"), type="primary"):

        def save() -> None:
            home.store().rename(cohort.id, name)
            home.store().annotate(cohort.id, note)

        _do(save, cohort)


@st.dialog(" ", width="medium")
def export(cohort: Cohort) -> None:
    """Offer a cohort as a file for another Fundus Lab."""
    st.header(_("Export {name}").format(name=sample.typed(cohort.name)), anchor=False)
    st.write(_("One file with photographs, truth and results, to be brought into another Fundus Lab."))
    st.caption(
        _("It holds ids and photographs as they were handed in; what may be shared is made by “De-identified export”.")
    )
    if cohort.rendered:
        st.caption(_(display.RENDERED))
    if not all_there(cohort):
        return
    photographs = st.checkbox(_("With the photographs"), value=True)
    if whole.is_large(cohort.photographs) or (photographs and people.local() and _bytes(cohort) > whole.LARGE):
        if st.button(_("Write the file"), type="primary"):
            place = whole.folder()
            told = ([] if photographs else ["--rows-only"]) + ["--", cohort.name, place / whole.FILE]
            whole.begin(place, _("Export {name}").format(name=sample.called(cohort.name)), "export", *told)
        return

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "cohort.zip"
            home.store().export(cohort.id, file, photographs=photographs)
            return file.read_bytes()

    display.download(_("Download"), f"{cohort.name}.zip", make, mime="application/zip")


def _bytes(cohort: Cohort) -> int:
    """How large the photographs are that the store keeps of a cohort."""
    shelf = home.store().shelf
    found = (shelf.find("photographs", str(sha256)) for sha256 in home.store().hashes(cohort.id))
    return sum(path.stat().st_size for path in found if path)


@st.dialog(" ", width="medium")
def delete(cohort: Cohort) -> None:
    """Ask once more, then delete."""
    st.header(_("Delete {name}?").format(name=sample.typed(cohort.name)), anchor=False)
    st.write(
        worded(
            "{n:,} {n:photograph|photographs}, with truth and results, will be gone. Files that lie elsewhere stay.",
            n=cohort.photographs,
        )
    )
    if st.button(_("Delete for good"), type="primary", icon=":material/delete:"):
        if whole.is_large(cohort.photographs) and _is_there(cohort):
            title = _("Delete {name}?").format(name=sample.called(cohort.name))
            whole.begin(whole.folder(), title, "delete", "--", cohort.name)
        with st.spinner(_("Deleting"), show_time=True), contextlib.suppress(UsageError):  # another tab was quicker
            if _is_there(cohort):
                home.store().delete(cohort.id)
        st.rerun()


@st.dialog(" ", width="medium")
def merge(cohorts: Sequence[Cohort]) -> None:
    """Let the user make one cohort of several."""
    st.header(_("Merge"), anchor=False)
    names = {cohort.key: sample.called(cohort.name) for cohort in cohorts}
    taken = [cohort.name for cohort in cohorts]
    chosen = st.multiselect(_("Cohorts"), list(names), key="merge_of", format_func=lambda key: names[key])
    name = st.text_input(_("Name of the cohort"), ingest.free_name(taken, _("Merged cohort")), key="merge_name")
    same = st.checkbox(
        _("One patient id means one person in all of them"),
        key="merge_same",
        help=_("Two clinics both have a patient 0001, who are two people: leave it off. Two visits of one clinic: on."),
    )
    if st.button(_("Merge"), disabled=len(chosen) < 2, icon=":material/merge:", type="primary", key="merge_now"):
        of = [cohort for cohort in cohorts if cohort.key in chosen]
        if whole.is_large(*(cohort.photographs for cohort in of)) and all_there(*of):
            told = (["--same-people"] if same else []) + [f"--name={name}", "--", *(cohort.name for cohort in of)]
            whole.begin(whole.folder(), f"{_('Merge')}: {name}", "merge", *told)
        _do(lambda: home.store().merge([cohort.id for cohort in of], name, same_people=same), *of)


@st.dialog(" ", width="medium")
def bring_in() -> None:
    """Let the user bring an exported cohort in."""
    st.header(_("Bring in an export"), anchor=False)
    file = st.file_uploader(_("File written by Export"), ["zip"], key="import_file")
    name = st.text_input(_("Name of the cohort"), key="import_name", placeholder=_("as in the file"), max_chars=120)
    if file is not None and st.button(_("Bring in"), icon=":material/unarchive:", type="primary"):
        if file.size > _LARGE_FILE:
            place = whole.folder()
            owner_only.write(place / "brought.zip", file.getvalue())
            told = ([f"--name={name.strip()}"] if name.strip() else []) + ["--", place / "brought.zip"]
            whole.begin(place, f"{_('Bring in')}: {file.name}", "import", *told)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cohort.zip"
            path.write_bytes(file.getvalue())
            _do(lambda: home.store().import_(path, name=name.strip() or None))


def all_there(*cohorts: Cohort) -> bool:
    """Return whether cohorts are still in the store; where one is not, say so."""
    lost = [sample.called(cohort.name) for cohort in cohorts if not _is_there(cohort)]
    if lost:
        st.info(_("Deleted meanwhile: {names}.").format(names=", ".join(lost)))
    return not lost


def _is_there(cohort: Cohort) -> bool:
    """Whether it is this very cohort: another may have its id by now."""
    return any(each.key == cohort.key for each in home.store().cohorts())


def _do(deed: Callable[[], object], *cohorts: Cohort) -> None:
    """Do it to cohorts that are there still, and draw the page anew; or say why not."""
    if not all_there(*cohorts):
        return
    try:
        deed()
    except UsageError as fault:
        st.error(said(fault))
    else:
        st.rerun()
