"""Clinical criteria that follow from the targets: prevalence, ROC, decision curve."""

import streamlit as st

from pages.parts import choose, criteria_of, deeper, show
from pages.parts.language import _

view = choose.require_view(_("Criteria"))
buttons = show.title(
    _("Criteria"),
    _("What measured and predicted values say about hypertension, hyperglycaemia, waist and the metabolic syndrome."),
    view=view,
)
st.caption(_("For reading research data; not a diagnosis."))
found = deeper.criteria(view)
if not found:
    show.empty(
        _("No criterion can be told: blood pressures, glucose or waist must be both measured and predicted."),
        "new_cohort",
        _("New cohort"),
        "add_photo_alternate",
    )
    st.stop()
with buttons:
    show.download("CSV", "criteria.csv", lambda: show.csv_text([row for one in found for row in one.rows()], view))
chosen = criteria_of.choose(found)
criteria_of.definition(chosen)
criteria_of.shares(chosen)
if chosen.judged is not None:
    criteria_of.curves(view, chosen, chosen.judged)
criteria_of.everything(view, found)
