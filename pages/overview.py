"""What this is, the sample cohort's result at a glance, and where to begin."""

import streamlit as st

from fundus_core.targets import TARGETS
from pages.parts import overview
from pages.parts.shared import controls, display
from pages.parts.shell import menu
from pages.parts.shell.language import _, worded
from pages.parts.shell.sample import NAME

display.title("Fundus Lab")
st.markdown(
    worded(
        "Check a model that reads values of a person ({names}) from fundus photographs: "
        "bring photographs and measured values, see predicted against true with honest errors, "
        "and look at every eye behind a point.",
        names=[controls.short(target) for target in TARGETS],
    )
)
with st.container(horizontal=True, vertical_alignment="center"):
    if st.button(_("Try it with your photographs"), type="primary", icon=":material/add_photo_alternate:"):
        st.switch_page(menu.path("new_cohort"))
    if overview.offers_sample():
        st.page_link(
            menu.path("evaluate"),
            label=_("Evaluate the sample"),
            icon=":material/query_stats:",
            query_params={"cohort": NAME},
        )

overview.sample()
overview.cohorts()
