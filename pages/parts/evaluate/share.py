"""A result that may leave the house: all that is in it is shown before it is written."""

import streamlit as st

from fundus_core import __version__, evaluation
from fundus_core.analyses import layout
from fundus_core.errors import UsageError
from fundus_core.evaluation import Shared
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home
from pages.parts.shell.language import _, said, tell


def draw(view: View, level: str) -> None:
    """Draw what can be shared of this cohort, and the button that fetches the file."""
    with st.expander(_("Share this result without its people")):
        st.caption(
            _(
                "One file of aggregates for Compare at another site: no id, no row, nothing of fewer than ten people. "
                "Do not share a cohort again with a person more or less: the difference is that person."
            )
        )
        name = st.text_input(_("Name of the site in the file"), "site", max_chars=40, key="share_name")
        if not st.toggle(_("Show all that is in it"), key="share_shown"):
            return
        try:
            found = _shared(view, level, name)
        except UsageError as error:
            st.error(said(str(error)))
            return
        _contents(found)
        text = evaluation.as_text(found) + "\n"
        display.download(_("Shared result (JSON)"), "shared.json", lambda: text, mime="application/json")


def _shared(view: View, level: str, name: str) -> Shared:
    study = studies.study(view, level)
    versions = [one for one in home.store().models(view.cohort.id) if one.model == view.model]
    identity = evaluation.identity_of(
        study.table,
        name,
        view.model,
        versions[0].weights_sha256 if versions else "",
        card=view.model in cards.known(),
        rendered=bool(display.disclaimer(view)),
        software=__version__,
    )
    return evaluation.share(study.table, identity, study.level)


def _contents(found: Shared) -> None:
    """Draw the estimates as a table, and the whole file as it is written."""
    display.table(layout(found.rows, tell), whole=False)
    if found.withheld:
        names = ", ".join(tell(name) for name in found.withheld)
        st.caption(_("Left out, of fewer than {n} people: {names}").format(n=found.least, names=names))
    st.code(evaluation.as_text(found), "json", height=320)
