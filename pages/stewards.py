"""What a steward sees of a shared server: how much everybody keeps, and who did what; of no patient anything."""

import streamlit as st

from pages.parts.shared import display
from pages.parts.shared.exports import grid
from pages.parts.shell import home, people
from pages.parts.shell.language import _, count

_SHOWN = 200


def sizes() -> None:
    """Draw how much each person keeps."""
    st.subheader(_("Sizes"), anchor=False)
    rows = [
        {
            _("Owner"): size.owner or _("nobody (made before, or by the command line)"),
            _("Cohorts"): count(size.cohorts),
            _("Photographs"): count(size.photographs),
            "GB": f"{size.bytes / 1e9:.2f}",
        }
        for size in home.store().sizes()
    ]
    if rows:
        grid(rows)
    else:
        st.caption(_("There is no cohort yet."))


def log() -> None:
    """Draw the latest lines of the log, and whether all of them follow from each other."""
    st.subheader(_("Log"), anchor=False)
    found = home.store().actions(_SHOWN)
    if found.fault:
        words = _("Line {n} does not follow from the one before: the log was changed, or a crash cut a line off.")
        st.error(words.format(n=count(found.fault)))
    else:
        words = _("All {n} lines follow from each other; the last hash is {head}.")
        st.caption(words.format(n=count(found.entries), head=f"`{found.head[:16]}`"))
    words = {"at": _("When (UTC)"), "who": _("Person"), "address": _("From"), "what": _("What"), "about": _("Of")}
    rows = [{word: str(line.get(name, "")) for name, word in words.items()} for line in found.lines]
    if rows:
        grid(rows)


display.title(_("Stewards"), _("How much everybody keeps here, and who did what. What cohorts hold is not shown."))
if people.shared():
    sizes()
    log()
else:
    st.info(_("This server is used by one person on their own machine: there is nothing to look after."))
