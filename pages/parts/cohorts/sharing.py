"""Sharing a cohort of one's own, and selections of it, by name."""

import streamlit as st

from fundus_core.errors import UsageError
from fundus_core.store import Cohort
from pages.parts.shell import asking, home, people, sample
from pages.parts.shell.language import _, literal, said


def is_mine(cohort: Cohort) -> bool:
    """Return whether a cohort is one's own; on one's own machine all are."""
    return not people.shared() or cohort.owner == asking.asker().id


@st.dialog(" ", width="medium")
def share(cohort: Cohort) -> None:
    """Show whom a cohort is shared with, and let its owner change that."""
    st.header(_("Share {name}").format(name=sample.typed(cohort.name)), anchor=False)
    st.caption(_("Readers see everything of it and change nothing; export, copy and delete stay yours."))
    names = {"": _("The cohort"), **{one.key: one.name for one in home.store().selections(cohort.id)}}
    rights = {"read": _("read"), "write": _("read and change")}
    for one in home.store().shares(cohort.id):
        with st.container(horizontal=True, vertical_alignment="center"):
            what = names.get(one.selection, _("a selection"))
            st.markdown(f"**{literal(one.who)}** · {rights[one.right]} · {literal(what)}")
            if st.button(_("Take back"), key=f"unshare-{one.who}-{one.selection}"):
                _do(cohort, one.who, "", one.selection)
    who = st.text_input(_("With whom"), placeholder="name@hospital.example, group:retina, *", key="share_with")
    right = st.segmented_control(
        _("What they may do"), list(rights), format_func=rights.get, default="read", required=True, key="share_right"
    )
    what = st.selectbox(_("What"), list(names), format_func=names.get, key="share_what")
    if st.button(_("Share"), icon=":material/group_add:", type="primary", disabled=not who.strip()):
        _do(cohort, who, str(right), str(what or ""))


def _do(cohort: Cohort, who: str, right: str, selection: str) -> None:
    try:
        home.store().share(cohort.id, who, right, selection=selection)
    except UsageError as fault:
        st.error(said(fault))
    else:
        st.rerun(scope="fragment")
