"""The proof of de-identification, run beside the page, with its result as a file."""

import json
import tempfile
from pathlib import Path

import streamlit as st

from pages.parts.shared import display, subprocess_cli
from pages.parts.shell import state
from pages.parts.shell.language import _, count

_KNOWN = "deidentification-proof"


def draw() -> None:
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
