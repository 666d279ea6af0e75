"""Clinical criteria that follow from the targets: prevalence, ROC, decision curve."""

import streamlit as st

from pages.parts import criteria
from pages.parts.shared import controls, display, studies
from pages.parts.shell.language import _

view = controls.require_view(_("Criteria"))
buttons = display.title(
    _("Criteria"),
    _(
        "What measured and predicted values say about hypertension, hyperglycaemia, waist and the metabolic syndrome; "
        "not a diagnosis."
    ),
    view=view,
)
studies.read(view)
able = studies.study(view).criteria
if not able:
    display.incomplete(
        view, _("No criterion can be told: blood pressures, glucose or waist must be both measured and predicted.")
    )
    st.stop()
if studies.computed(view):
    with buttons:
        display.download("CSV", "criteria.csv", lambda: display.csv_text(criteria.rows(view), view))
chosen = criteria.choose(view, able)
criteria.definition(chosen)
criteria.shares(chosen)
if chosen.judged is not None:
    criteria.curves(view, chosen, chosen.judged)
criteria.tables(view, chosen)
