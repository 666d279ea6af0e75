"""What whoever reads numbers must know of the card behind them: lines that nobody confirmed, or that were changed."""

import streamlit as st

from fundus_core.models.card import Card
from fundus_core.store import Cohort
from pages.parts.shell import asking, cards, home, menu, sample
from pages.parts.shell.language import _, literal, said

_NAMED = 5
"""Lines that are named beside a card; the table of lines says it of each."""


def open_lines(card: Card) -> None:
    """Say which lines nobody has confirmed, in sight whatever is folded."""
    if card.unverified:
        keys = ", ".join(map(literal, card.unverified[:_NAMED]))
        if (more := len(card.unverified) - _NAMED) > 0:
            keys = _("{keys} and {n} more").format(keys=keys, n=more)
        words = _("Unverified: {keys}. Nobody has confirmed these; check them before use.")
        st.caption(f":material/help: {words.format(keys=keys)}")


def of_numbers(cohort: Cohort, model: str) -> None:
    """Say beside the numbers of a cohort what is open in the card of the model that read it, and what to do."""
    card = cards.known().get(model)
    version = next((one for one in home.store().models(cohort.id) if one.model == model), None)
    if card is None or version is None or version.origin or changed(cohort, card):
        return
    open_lines(card)
    if card.unverified and card.ready and asking.keeps_models():
        st.page_link(menu.path("models"), label=_("Measure the card"), icon=":material/straighten:")


def changed(cohort: Cohort, card: Card) -> bool:
    """Say where a card was changed since it read a cohort, and lead to where it reads it again; return whether."""
    if not any(one.model == card.id and cards.changed(one) for one in home.store().models(cohort.id)):
        return False
    words = _("The card of {model} was changed since {name} was read: these numbers are those of the earlier card.")
    st.warning(words.format(model=said(card.title), name=sample.typed(cohort.name)))
    link = {"to": cohort.key, "add": "model"}
    st.page_link(menu.path("new_cohort"), label=_("Run a model"), icon=":material/play_arrow:", query_params=link)
    return True
