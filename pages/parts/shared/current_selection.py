"""A selection of the cohort that a page looks at: in the address, with its numbers, named, compared, saved."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from fundus_core import evaluation
from fundus_core.analyses import labels, main_score, one_cohort, side_by_side, table_one
from fundus_core.errors import UsageError, say
from fundus_core.records import Rule
from fundus_core.store import Selection, Where
from fundus_core.targets import TARGETS
from pages.parts.shared import display, photo_panel, studies
from pages.parts.shared.studies import Part, View
from pages.parts.shell import address, home, menu, state
from pages.parts.shell.language import _, literal, said, tell, worded

KEY = "selection"
REST = "-rest"
"""Behind a selection's key in an address: everybody else of its cohort."""
PICTURES = 4
_NONE = "-"
_HEARD = "heard-from-figure"
_LET_GO = "times-let-go"
_CHOSEN = "selection-chosen"


def current(view: View) -> Selection | None:
    """Let the user choose among the cohort's selections, where it has any; the address and the tab remember it.

    Raises:
        GoneError: The address or the tab names one that is not there, or is another cohort's.
    """
    if chosen := state.recall(_CHOSEN, ""):
        st.query_params[KEY] = chosen
        state.remember(_CHOSEN, "")
    known = {each.key: each for each in home.store().selections(view.cohort.id)}
    for key in (address.told(KEY), str(state.recall(KEY, ""))):
        found = home.store().selection(key)
        if found is not None and found.cohort == view.cohort.id:
            known.setdefault(key, found)
    address.check(_("Selection"), KEY, [_NONE, *known], memory=True)
    if not known:
        return None
    names = {_NONE: _("none"), **{key: each.name or _("without a name") for key, each in known.items()}}
    with menu.choices():
        chosen = address.pick(st.selectbox, _("Selection"), [_NONE, *known], key=KEY, words=names)
    return known.get(chosen)


def choose(view: View, rule: Rule | None) -> None:
    """Select what a rule says, or nobody; the address says so from the next run on.

    It is not written here: a message that is on its way from the browser would bring the old address back.
    """
    if rule is None:
        state.remember(_CHOSEN, _NONE)
        return
    rule = replace(rule, names=tuple(sorted(set(rule.names))))  # one key however it was drawn
    state.remember(_CHOSEN, home.store().keep_selection(view.cohort.id, rule).key)
    address.forget("show")  # Explore begins with the selection alone


def let_go() -> None:
    """Select nobody; figures are drawn anew, without what was lassoed in them."""
    address.forget(KEY)
    state.remember(_LET_GO, times_let_go() + 1)


def times_let_go() -> int:
    """Return how often this tab let go of a selection: part of the keys of figures."""
    return int(state.recall(_LET_GO, 0))


def find(told: str) -> Selection | None:
    """Return the selection that an address names, turned round where it names the rest."""
    found = home.store().selection(told.removesuffix(REST))
    if found is None or not told.endswith(REST):
        return found
    name = _("the rest of {name}").format(name=_called(found))
    return replace(found, key=told, name=name, rule=replace(found.rule, rest=not found.rule.rest))


def _called(chosen: Selection) -> str:
    return chosen.name or _("selection {key}").format(key=chosen.key[:4])


def applied(view: View, chosen: Selection | None) -> View:
    """Return the selection as pages look at a cohort; the cohort itself where there is none."""
    if chosen is None:
        return view
    title = f"{view.title}: {_called(chosen)}"
    return replace(view, part=Part(f"{title} ({chosen.key[:8]})", title, chosen.rule, view.place + 1))


def marked(view: View, chosen: Selection | None, level: str) -> Sequence[str]:
    """Return the names of the observations that a selection holds a photograph of."""
    if chosen is None:
        return ()
    table = studies.study(applied(view, chosen)).table
    return [str(name) for name in np.unique(evaluation.unit_names(table, evaluation.check_level(level)))]


def heard(key: str, clicked: Sequence[str]) -> bool:
    """Whether something was chosen in a figure just now: a widget says it again in each run.

    A figure that is drawn anew says that nothing is chosen, which is nobody's wish.

    Args:
        key: Of the figure's widget.
        clicked: Names of what is chosen in it.
    """
    before, now = state.recall(_HEARD, ("", ())), (key, tuple(clicked))
    state.remember(_HEARD, now)
    return before != now and bool(clicked)


def card(view: View, chosen: Selection, target_id: str, level: str, *, here: str) -> None:
    """Draw how many are selected, their errors, their pictures, and what can be done with them.

    Args:
        view: The cohort.
        chosen: The selection.
        target_id: Of whose errors.
        level: What one observation is.
        here: The page that it stands on, which needs no link.
    """
    part = applied(view, chosen)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader(literal(chosen.name) or _("Selection"), anchor=False, width="content")
            st.button(
                "", icon=":material/close:", type="tertiary", help=_("Select nobody"),
                on_click=let_go, key="select-nobody",
            )  # fmt: skip
        table = studies.study(part).table
        people = len(np.unique(evaluation.person_ids(table)))
        counts = _("{people:,} {people:person|people} · {photographs:,} {photographs:photograph|photographs}")
        st.markdown(f"**{say(counts, people=people, photographs=len(table))}**")
        if people:
            _errors(part, target_id, level, people)
            if here != "explore":
                _pictures(part, target_id)
        _actions(view, chosen, here)


def _errors(part: View, target_id: str, level: str, people: int) -> None:
    """Draw the errors with their intervals, or why there are none, and of how many people they are."""
    study, target = studies.study(part, level), TARGETS[target_id]
    if target_id not in study.targets:
        return
    found = study.get(one_cohort.QUICK_SCORES, target_id)
    if not found.n:
        st.caption(_("Nobody here has both a prediction and a measured value of this target."))
        return
    scores = [name for name in (main_score(target), "auc" if target.binary else "bias") if name in found.estimates]
    for score in scores:
        estimate = found.estimates[score]
        st.markdown(
            f"{labels.name(score, target, tell)} **{labels.with_interval(estimate, labels.word(score), tell)}**"
        )
        if estimate.low is None and estimate.note:
            st.caption(said(estimate.note))
    if found.n_patients < people:
        st.caption(say(_("of {n:,} {n:person|people} with a prediction and a measured value"), n=found.n_patients))


def _pictures(part: View, target_id: str) -> None:
    """Draw the selected photographs with the largest errors, or the first ones where none has any."""
    if not part.cohort.files:
        return
    group = studies.groups(part, target_id, "photograph")[0]
    worst = group.ids[np.argsort(-np.abs(group.error), kind="stable")] if len(group) else ()
    names = [str(name) for name in (worst if len(worst) else studies.study(part).table.photograph)[:PICTURES]]
    page = home.store().photographs(part.cohort.id, Where(names=tuple(names)), model=part.model or None)
    found = {item.name: item for item in page.items}
    with st.container(key="thumbs-selection"), st.grid(PICTURES, min_column_width=60, gap="xsmall"):
        for item in (found[name] for name in names if name in found):
            st.image(photo_panel.picture(item, large=False), width="stretch", alt=photo_panel.describe(item))


def _actions(view: View, chosen: Selection, here: str) -> None:
    link = {**view.link(), KEY: chosen.key}
    pages = {"evaluate": _("Evaluate"), "explore": _("Explore"), "present": _("Present")}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _name(chosen)
        both = [("cohorts", chosen.key), ("cohorts", f"{chosen.key}{REST}")]
        st.page_link(menu.path("compare"), label=_("Compare with the rest"), query_params=both)
        for page, label in pages.items():
            if page != here:
                st.page_link(menu.path(page), label=label, query_params=link)
        _save(view, chosen)


def _name(chosen: Selection) -> None:
    with st.popover(_("Name"), icon=":material/label:"):
        name = st.text_input(_("Name of the selection"), chosen.name, max_chars=120, key=f"call-{chosen.key}")
        st.caption(_("The address of this page leads to this selection, whatever it is called."))
        if st.button(_("Save"), key=f"called-{chosen.key}", type="primary"):
            try:
                home.store().name_selection(chosen.key, name)
            except UsageError as fault:
                st.error(said(fault))
            else:
                st.rerun()


def _save(view: View, chosen: Selection) -> None:
    """Offer to save the selection as a cohort of its own, which outlives this one."""
    with st.popover(_("Save as cohort"), icon=":material/bookmark_add:"):
        name = st.text_input(_("Name of the cohort"), applied(view, chosen).title, key=f"cohort-of-{chosen.key}")
        if st.button(_("Save"), type="primary", key="save-selection"):
            names = tuple(map(str, studies.study(applied(view, chosen)).table.photograph))
            try:
                made = home.store().select(view.cohort.id, name, Where(names=names), model=view.model or None)
            except UsageError as fault:
                st.error(said(fault))
            else:
                st.success(worded("Saved: {n:,} {n:photograph|photographs}.", n=made.photographs))


def who(view: View, chosen: Selection) -> None:
    """Draw who is selected beside everybody else: Table 1."""
    part = applied(view, chosen)
    rest = replace(view, part=Part(_("the rest"), _("the rest"), replace(chosen.rule, rest=not chosen.rule.rest)))
    views = [each for each in (replace(part, part=replace(part.part, name=_("selected"))), rest) if each.part]
    if all(len(studies.study(each).table) for each in views):
        study = studies.together(views)
        st.subheader(_(side_by_side.CASE_MIX.title), anchor=False)
        made = table_one(study.get(side_by_side.CASE_MIX), tell)
        display.table(made, _(side_by_side.CASE_MIX.title), whole=False)
