"""A cohort as a file for a registry without what identifies anybody, and the proof of it."""

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from fundus_core import pipeline
from fundus_core.deidentify import Pseudonyms
from fundus_core.errors import FundusError
from fundus_core.pipeline import Counts, Writing
from fundus_core.store import Cohort
from fundus_core.tables import records_from_csv
from pages.parts.cohorts import dialogs
from pages.parts.new_cohort import deidentify
from pages.parts.shared import display, subprocess_cli
from pages.parts.shared.exports import grid
from pages.parts.shell import home, sample, state
from pages.parts.shell.language import _, count, said, worded

_KNOWN = "deidentification-proof"


def prove() -> None:
    """Offer the proof, run it when asked, and show how it ended."""
    with st.expander(_("Prove it on this machine")):
        st.caption(
            _(
                "Invented names are planted in rendered photographs and a table, in tags, file names and pixels; the "
                "verbs are run on them, and all that was written is searched. This takes some minutes."
            )
        )
        if st.button(_("Run the proof"), icon=":material/fact_check:", key="prove"):
            with st.spinner(_("Planting names, running, searching"), show_time=True):
                state.remember(_KNOWN, _run())
        known: tuple[str, str] | None = state.recall(_KNOWN)
        if known is not None:
            _tell(*known)


def _run() -> tuple[str, str]:
    """Return the result as a record and as a page to file; both empty where it did not end."""
    with tempfile.TemporaryDirectory(prefix="fundus-proof-") as folder:
        subprocess_cli.run("deidentify", "--prove", "--out", folder)
        files = [Path(folder) / name for name in ("proof.json", "proof.txt")]
        record, page = (file.read_text(encoding="utf-8") if file.is_file() else "" for file in files)
    return record, page


def _tell(record: str, page: str) -> None:
    if not record:
        st.error(_("The proof did not run to its end, so nothing is proved."))
        return
    found = json.loads(record)
    if found["passed"]:
        st.success(_("Passed: no planted name was found in {n} files.").format(n=count(found["files"])))
    else:
        st.error(_("Not passed: the file says where a name was found, or what did not run."))
    display.download(_("Result as a file"), "deidentification_proof.txt", lambda: page, mime="text/plain")


_OLD_S = 86_400.0
"""A file that was made and never fetched is removed after this time."""


@st.dialog(" ", width="medium")
def export(cohort: Cohort) -> None:
    """Open the dialog."""
    draw(cohort)


def draw(cohort: Cohort) -> None:
    """Ask for key and columns, write the file, and offer it."""
    if not dialogs.all_there(cohort):
        return
    st.header(_("{name}: de-identified export").format(name=sample.typed(cohort.name)), anchor=False)
    st.write(
        _(
            "Names and ids become pseudonyms, everything outside the retina is blacked out, no tag is kept. "
            "What must not leave is left behind and listed."
        )
    )
    if cohort.rendered:
        st.caption(_(display.RENDERED))
    made = deidentify.pseudonyms(f"registry{cohort.key}")
    covariates = deidentify.covariates(tuple(home.store().table(cohort.id).covariates), f"registry{cohort.key}")
    marked = deidentify.writing(f"registry{cohort.key}")
    if st.button(_("Write the file"), type="primary", icon=":material/shield_person:", disabled=made is None):
        _forget(cohort)
        if made is not None:
            _write(cohort, made, covariates, marked)
    _offer(cohort)
    prove()


def _write(cohort: Cohort, made: Pseudonyms, covariates: list[str], marked: Writing) -> None:
    bar = st.progress(0.0, text=_("Taking names, tags and surround away"))

    def tell(done: int) -> None:
        share = min(done / max(cohort.photographs, 1), 1.0)
        words = _("{done} of {total}").format(done=count(done), total=count(cohort.photographs))
        bar.progress(share, text=words)

    file = _place(cohort)
    try:
        counts = pipeline.export_cohort(
            home.store(), cohort.id, file, made, covariates=covariates, writing=marked, progress=tell
        )
    except FundusError as fault:
        st.error(said(fault))
        return
    bar.empty()
    deidentify.clear(f"registry{cohort.key}")
    state.remember(f"registry{cohort.key}", (str(file), counts))


def _offer(cohort: Cohort) -> None:
    known: tuple[str, Counts] | None = state.recall(f"registry{cohort.key}")
    if known is None or not Path(known[0]).is_file():
        return
    file, counts = Path(known[0]), known[1]
    left = counts.refused + counts.failed
    st.success(
        worded(
            "{n:,} {n:photograph is|photographs are} in it; {left:,} {left:was|were} left behind.",
            n=counts.done,
            left=left,
        )
    )
    display.download(_("Download"), f"{cohort.name} registry.zip", file.read_bytes, mime="application/zip")
    _listing(_("Left behind, with the reason"), _behind(file), ("photograph", "reason"))
    found = pipeline.writing_of(file)
    if found.is_file():
        named = len({row["photograph"] for row in _rows(found)})
        label = worded("Writing over the retina: {n:,} {n:photograph|photographs}", n=named)
        _listing(label, found, ("photograph", "x_px", "y_px", "width_px", "height_px", "outcome"))


def _listing(label: str, file: Path, columns: Sequence[str]) -> None:
    """Draw what an export wrote into a table beside it."""
    if not file.is_file():
        return
    words = {
        "photograph": _("Photograph"),
        "reason": _("Why"),
        "x_px": _("Left edge, px"),
        "y_px": _("Top edge, px"),
        "width_px": _("Width, px"),
        "height_px": _("Height, px"),
        "outcome": _("What became of it"),
    }
    became = {"left_behind": _("left behind"), "blacked_out": _("blacked out"), "kept": _("kept")}
    with st.expander(label):
        kept = [{name: became.get(row[name]) or said(row[name]) for name in columns} for row in _rows(file)]
        grid([{words[name]: cell for name, cell in row.items()} for row in kept])
        display.download(_("All as CSV"), f"{file.stem.removeprefix('registry_')}.csv", file.read_bytes)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return records_from_csv(stream)[1]


def _folder() -> Path:
    return home.folder() / "outbox"


def _place(cohort: Cohort) -> Path:
    """A fresh place; what others made and never fetched goes after a day."""
    for old in _folder().glob("*"):
        if old.stat().st_mtime < time.time() - _OLD_S:
            shutil.rmtree(old, ignore_errors=True)
    folder = _folder() / f"{cohort.id}-{time.time_ns()}"
    folder.mkdir(parents=True)
    return folder / "registry.zip"


def _behind(file: Path) -> Path:
    return file.with_name(f"{file.stem}_left_behind.csv")


def _forget(cohort: Cohort) -> None:
    known = state.recall(f"registry{cohort.key}")
    if known is not None:
        shutil.rmtree(Path(known[0]).parent, ignore_errors=True)
        state.remember(f"registry{cohort.key}", None)
