"""Model cards: what each model is, what it may be used for, and whether its weights are here."""

import streamlit as st

from pages.parts.models import card_view, importing, training
from pages.parts.shared import display
from pages.parts.shell import asking, cards
from pages.parts.shell.language import _, literal, said

display.title(
    _("Models"),
    _("What each model reads, how its photographs are prepared, what was published, and on which terms."),
)
known = cards.known()
for folder, fault in cards.faults().items():
    st.error(f"{literal(folder)}: {said(fault)}")
if not known:
    st.info(_("There is no model card. Bring one below."))
for name, card in known.items():
    card_view.card(name, card)
importing.report()
if asking.keeps_models():
    importing.bring_in(known)
    training.offer(known)
