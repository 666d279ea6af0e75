"""Sharing a model of one's own by name."""

import streamlit as st

from fundus_core.errors import UsageError
from fundus_core.models import ownership
from fundus_core.models.card import Card
from pages.parts.shell import asking, people
from pages.parts.shell.language import _, said


def offer(card: Card) -> None:
    """Let a model's owner say who else may use it; nothing for anybody else, and on one's own machine."""
    found = ownership.owner_of(card) if people.shared() else None
    if found is None or found.owner != asking.asker().id:
        return
    with st.popover(_("Share"), icon=":material/group:"):
        names = st.text_input(_("With whom"), ", ".join(found.shared), key=f"share-model-{card.id}")
        if st.button(_("Save"), key=f"save-model-{card.id}"):
            try:
                ownership.share(card, asking.asker().id, names.split(","))
                asking.asker().note("shared", f"model {card.id} {names}")
            except UsageError as fault:
                st.error(said(fault))
