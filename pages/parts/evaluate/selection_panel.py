"""The eyes behind a point: photographs, values, where the model looks, and whom it reads alike."""

import math
from collections.abc import Sequence
from concurrent.futures import Future

import streamlit as st

from fundus_core import figures
from fundus_core.analyses import nearest
from fundus_core.explain import Explanation, overlay
from fundus_core.figures import number
from fundus_core.records import Eye
from fundus_core.store import Item, Where
from fundus_core.targets import TARGETS
from pages.parts.shared import photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, home, menu, state
from pages.parts.shell.language import _, count, literal, said

NEIGHBOURS = 6
_OPENED = "opened-eye"


def chosen(view: View, level: str, clicked: Sequence[str], otherwise: str) -> tuple[str, bool]:
    """Return whom to show: the one chosen last, here or on another page; and whether anybody was.

    Args:
        view: What the page looks at.
        level: What one observation is.
        clicked: Names of the points that are chosen in the figure.
        otherwise: Whom to show as long as nobody was clicked.
    """
    place = _place(view, level)
    then, name, before, known = state.recall(_OPENED, ((), "", "", ""))
    now, item = clicked[0] if clicked else "", photo_panel.selected(view)
    there = item.name if item else ""
    if now and (then != place or now != before):
        name = now
    elif then != place or there != known:
        item = (photo_panel.addressed(view) if then != place else None) or item
        name = studies.observation(view, item, level) if item else ""
    state.remember(_OPENED, (place, name, now or before if then == place else now, there))
    return name or otherwise, bool(name)


def _open(view: View, level: str, name: str) -> None:
    _then, _name, before, _known = state.recall(_OPENED, ((), "", "", ""))
    if not name:
        photo_panel.select(view, "")
    there = photo_panel.selected(view)
    state.remember(_OPENED, (_place(view, level), name, before, there.name if there else ""))


def _place(view: View, level: str) -> tuple[str, str, str]:
    """Where somebody was chosen; outlives what a run adds to the cohort."""
    return view.cohort.key, view.model, level


def panel(view: View, name: str, target_id: str, level: str, *, was_chosen: bool) -> tuple[Item, ...]:
    """Draw the photographs behind an observation with what was measured and predicted; return them."""
    larger, smaller = studies.study(view, level).beside_by_error(target_id, name)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader(_("Selected") if was_chosen else _("Largest error"), anchor=False, width="content")
            with st.container(horizontal=True, width="content", gap="xsmall"):
                _step(menu.LARGER, _("Larger error"), view, level, larger)
                _step(menu.SMALLER, _("Smaller error"), view, level, smaller)
                if was_chosen:
                    tip = _("Back to the largest error")
                    st.button(
                        "", icon=":material/close:", type="tertiary", help=tip, on_click=_open, args=(view, level, ""),
                        key="forget-eye",
                    )  # fmt: skip
        items = tuple(
            sorted(photo_panel.items_of(view, name, level, target_id), key=lambda item: item.eye is not Eye.RIGHT)
        )
        address.write("photograph", items[0].key if items and was_chosen else "")
        if not items:
            lost = _("“{name}”, which was selected here, is not in this cohort any more.").format(name=literal(name))
            st.caption(lost if was_chosen else _("Click a point to see its photographs."))
            return ()
        if view.cohort.files:
            _pictures(view, items, target_id)
        if was_chosen:
            photo_panel.select(view, items[0].name)
        photo_panel.values(items, target_id, name)
        photo_panel.course(view, items[0], target_id)
        if view.cohort.files:
            _links(view, items[0])
        else:
            st.caption(_("No photographs came with these predictions."))
    return items


def _step(key: str, tip: str, view: View, level: str, to: str) -> None:
    """Draw a button that a key presses too."""
    icon = ":material/chevron_left:" if key == menu.LARGER else ":material/chevron_right:"
    st.button(
        "", icon=icon, type="tertiary", help=tip, shortcut=key, disabled=not to, on_click=_open,
        args=(view, level, to), key=f"eye-{key}",
    )  # fmt: skip


def _pictures(view: View, items: Sequence[Item], target_id: str) -> None:
    """Both eyes of a person; of one eye alone, the other one beside it, small."""
    asked = photo_panel.can_look(view, items[0]) and st.session_state.get("heat", False)
    with st.grid(2, min_column_width=80, gap="small"):
        for item in items[:2]:
            st.image(
                photo_panel.picture(item),
                width="stretch",
                alt=photo_panel.describe(item),
                caption=photo_panel.eye(item.eye),
            )
    if len(items) == 1:
        _other_eye(view, items[0])
    if photo_panel.can_look(view, items[0]):
        photo_panel.warm_up_to_look(view)
        st.toggle(
            _("Where does the model look?"),
            key="heat",
            help=photo_panel.patience_of_looking(),
        )
    if asked:
        _heat(photo_panel.where_it_looks(view, items[0], target_id), target_id)


def _other_eye(view: View, item: Item) -> None:
    if not item.patient_id:
        return
    of_person = home.store().photographs(view.cohort.id, Where(patient_id=item.patient_id), model=view.model or None)
    others = [each for each in of_person.items if each.name != item.name]
    if others:
        st.image(
            photo_panel.picture(others[0]),
            width=96,
            alt=photo_panel.describe(others[0]),
            caption=_("same person · {eye}").format(eye=photo_panel.eye(others[0].eye)),
        )


def _heat(answer: Future[Explanation], target_id: str) -> None:
    if not answer.done():
        _wait(answer)
        return
    fault = answer.exception()
    if fault is not None:
        st.error(said(fault))
        return
    found = answer.result()
    if target_id not in found.maps:
        st.caption(_("There is no map for this target."))
        return
    one = found.maps[target_id]
    title = figures.heading(_(TARGETS[target_id].name))
    words = _("better than chance") if one.deletion.meaningful else _("no better than chance")
    alt = _("Where the model looks for {name}.").format(name=_(TARGETS[target_id].name))
    st.image(overlay(found.crop, one.map), width="stretch", caption=f"{title} · {words}", alt=alt)


@st.fragment(run_every=1.0)
def _wait(answer: Future[Explanation]) -> None:
    if answer.done():
        st.rerun()
    st.caption(f":material/hourglass_top: {_('The model is looking; go on working meanwhile.')}")


def _links(view: View, item: Item) -> None:
    st.page_link(
        menu.path("one_photograph"),
        label=_("Open this photograph"),
        icon=":material/visibility:",
        query_params=view.link(item),
    )


def neighbours(view: View, item: Item, target_id: str, level: str) -> None:
    """Draw the photographs of other people that the model reads most like one; a click opens one."""
    names, distances, targets = nearest(studies.study(view), item.name, NEIGHBOURS)
    if not names:
        return
    found = home.store().photographs(view.cohort.id, Where(names=tuple(names)), model=view.model or None).items
    by_name = {each.name: each for each in found}
    with st.container(border=True, gap="small"):
        st.subheader(_("Most similar predictions"), anchor=False)
        st.caption(
            _(
                "Other people's photographs whose predictions differ least from those of {name}, over all {n} targets "
                "together, each in its own standard deviation (SD); click one to open it."
            ).format(name=literal(item.name.rsplit("/", 1)[-1]), n=count(targets))
        )
        with st.container(key="thumbs-alike"), st.grid(NEIGHBOURS, min_column_width=100, gap="small"):
            for name, distance in zip(names, distances, strict=True):
                if name in by_name:
                    _neighbour(view, by_name[name], distance, target_id, level)


def _neighbour(view: View, item: Item, distance: float, target_id: str, level: str) -> None:
    with st.container(gap="xxsmall"):
        st.image(photo_panel.picture(item, large=False), width="stretch", alt=photo_panel.describe(item))
        label = literal(studies.observation(view, item, level).rsplit("/", 1)[-1])
        st.button(
            label,
            key=f"alike-{item.id}",
            type="tertiary",
            help=item.name,
            on_click=_open,
            args=(view, level, studies.observation(view, item, level)),
        )
        st.caption(f"{_line(item, target_id)}  \n{_('{n} SD apart').format(n=f'{distance:.2f}')}")


def _line(item: Item, target_id: str) -> str:
    """Prediction, and truth where it is known, in one line."""
    target, prediction = TARGETS[target_id], item.predictions.get(target_id)
    if prediction is None:
        return "–"
    shown = f"{prediction.value:.2f}" if target.binary else number(prediction.value, target)
    truth = item.truth.get(target_id, math.nan)
    if target.binary or not math.isfinite(truth):
        return _("predicted {predicted}").format(predicted=shown)
    return _("true {true} · predicted {predicted}").format(true=number(truth, target), predicted=shown)
