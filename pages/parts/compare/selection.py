"""Which cohorts are compared, and under which model each: all of it is in the address."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from fundus_core.analyses import different_models
from fundus_core.evaluation import Shared
from fundus_core.store import Cohort
from pages.parts.shared import controls, current_selection, display, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, home, menu, sample, state
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, count, said, worded

MOST = 5
"""Cohorts side by side: more pairs than a table holds, and more colours than a reader tells apart."""
_BUTTONS = 12
"""More cohorts than this are searched in a list."""
_LETTERS = 44
"""Of a name on a button; its figures show all of it."""
_KEY = "compared"
LATEST = "latest"
"""Stands in the address for: each cohort under its own latest model."""


def views(left: Any, right: Any, *, beside: bool = False) -> list[View]:
    """Let the user choose cohorts on the left and a model on the right; return those that a model has read.

    Of one cohort alone, without other results beside it, its parts are returned.
    """
    with left:
        chosen = _chosen()
    models = {each.cohort.id: [version.model for version in home.store().models(each.cohort.id)] for each in chosen}
    for cohort in {each.cohort.id: each.cohort for each in chosen}.values():
        if not models[cohort.id]:
            _unread(cohort)
    with right:
        model = _model(models)
    found = [replace(each, model=model if model in of else of[0]) for each in chosen if (of := models[each.cohort.id])]
    controls.ask_about_fitted(found)
    for each in found:
        if each.cohort.photographs >= studies.MANY:  # of fewer its job is none of this page's
            studies.read(each.whole)
    if len(found) != 1 or found[0].part or beside:
        st.query_params.pop("split", None)
        return found
    with right:
        return _split(found[0])


def _split(view: View) -> list[View]:
    """Let the user choose the column by which one cohort is split; return its parts, the cohort where it has none."""
    known = studies.splits(view)
    if not known:
        return [view]
    column = address.pick(
        st.selectbox, _("Split by"), list(known), key="split", words=controls.column_words(), always=True
    )
    for remark in known[column].remarks:
        st.caption(":material/info: " + said(remark))
    return studies.parts(view, known[column])


def _unread(cohort: Cohort) -> None:
    words = _("No model has read {name} yet: left out here.").format(name=sample.typed(cohort.name))
    st.caption(f":material/info: {words}")
    link = {"to": cohort.key, "add": "model"}
    st.page_link(menu.path("new_cohort"), label=_("Run a model"), icon=":material/play_arrow:", query_params=link)


def _chosen() -> list[View]:
    """Draw the choice of cohorts and selections.

    Raises:
        GoneError: The address or the tab names one that is not there.
    """
    known = _known()
    words = {key: view.title for key, view in known.items()}
    _take(known)
    if len(known) > _BUTTONS:
        chosen = st.multiselect(
            _("Cohorts"),
            list(known),
            format_func=lambda key: words[key],
            key=_KEY,
            persist_state="session",
            max_selections=MOST,
        )
    else:
        chosen = st.pills(
            _("Cohorts"),
            list(known),
            selection_mode="multi",
            format_func=lambda key: _short(words[key]),
            key=_KEY,
            persist_state="session",
            wrap=True,
        )
    st.query_params["cohorts"] = chosen
    state.remember("cohorts", list(chosen))
    state.remember("cohorts_names", state.recall("cohorts_names", {}) | {key: words[key] for key in chosen})
    if len(chosen) > MOST:
        st.caption(":material/info: " + _("At most {n} cohorts stand side by side: the first ones.").format(n=MOST))
    return _coloured([view for key, view in known.items() if key in chosen][:MOST])


def _known() -> dict[str, View]:
    """Return cohorts, their named selections, and those that a link or the tab names, by their keys."""
    store = home.store()
    cohorts = {cohort.id: View(cohort, "") for cohort in store.cohorts()}
    known = {view.cohort.key: view for view in cohorts.values()}
    known |= {each.key: current_selection.applied(cohorts[each.cohort], each) for each in store.selections()}
    for told in (*st.query_params.get_all("cohorts"), *st.session_state.get(_KEY, ())):
        if told not in known and (found := current_selection.find(told)):
            known[told] = current_selection.applied(cohorts[found.cohort], found)
    return known


def _coloured(views: Sequence[View]) -> list[View]:
    """Give selections colours that no other has."""
    taken = {view.place for view in views if not view.part}
    free = (place for place in itertools.count() if place not in taken)
    return [replace(view, part=replace(view.part, place=next(free))) if view.part else view for view in views]


def _take(known: Mapping[str, View]) -> None:
    """Put what a link names, or what the tab remembers, into the widget; else the two largest."""
    told = list(dict.fromkeys(st.query_params.get_all("cohorts")))
    followed = bool(told) and told != state.recall("cohorts")
    wanted = told if followed or _KEY not in st.session_state else list(st.session_state[_KEY])
    cohorts = {view.cohort.key: view.cohort for view in known.values()}
    named = {name: found.key for name in wanted if (found := controls.find(name, cohorts))}
    keys = {name: key for name in wanted if (key := name if name in known else named.get(name))}
    lost = [name for name in wanted if name not in keys]
    if lost:
        names = state.recall("cohorts_names", {})
        said = ", ".join(names.get(name, name) for name in lost)
        raise GoneError(_("Cohort"), said, keys=["cohorts"], widgets=[_KEY])
    if not wanted and _KEY not in st.session_state:
        keys = {key: key for key in _first(cohorts.values())}
    if st.session_state.get(_KEY) != list(keys.values()):
        st.session_state[_KEY] = list(keys.values())


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


def _first(found: Iterable[Cohort]) -> list[str]:
    """The two largest: a comparison of a few people says little."""
    largest = sorted(found, key=lambda cohort: cohort.photographs, reverse=True)[:2]
    return [cohort.key for cohort in sorted(largest, key=lambda cohort: cohort.name)]


def _model(models: Mapping[int, Sequence[str]]) -> str:
    """Let the user choose one model for all cohorts, where there is a choice; the one that read most is the default."""
    every = list(dict.fromkeys(model for each in models.values() for model in each))
    address.check(_("Model"), "compared_model", [*every, LATEST])
    if len(every) < 2:
        return every[0] if every else ""
    most = max(every, key=lambda model: sum(model in each for each in models.values()))
    words = {name: cards.title(name) for name in every} | {LATEST: _("The latest of each cohort")}
    help_ = _("A cohort that this model has not read is shown under its own latest model.")
    return address.pick(
        st.selectbox,
        _("Model"),
        [*every, LATEST],
        key="compared_model",
        default=most,
        words=words,
        always=True,
        help=help_,
    )


def caveats(chosen: Sequence[View]) -> None:
    """Say once what must stand beside these cohorts' numbers, and by which model each was read."""
    for sentence in dict.fromkeys(display.disclaimer(view) for view in chosen):
        if sentence:
            st.caption(f":material/info: {_(sentence)}")
    if several := different_models({view.title: (view.model, True) for view in chosen}, named=cards.title):
        st.warning(said(several), icon=":material/warning:")


def same_people(views: Sequence[View], others: Mapping[str, Shared]) -> None:
    """Ask whether ids that two cohorts have in common are the same people, and keep the answer; stop until it is there.

    Taken for strangers, people would be counted twice and a difference tested as if they were others.
    """
    asked = studies.questions(views, others)
    cohorts = {view.cohort.name: view.cohort for view in views}
    for (one, other), n in asked.items():
        with st.container(border=True):
            words = _("{one} and {other} have {n} patient ids in common, and no photograph. Are they the same people?")
            names = {"one": sample.typed(one), "other": sample.typed(other)}
            st.markdown(words.format(**names, n=count(n)))
            with st.container(horizontal=True):
                for label, same in ((_("The same people"), True), (_("Different people"), False)):
                    if st.button(label, key=f"same-{same}-{cohorts[one].key}-{cohorts[other].key}"):
                        home.store().keep_document(cohorts[one].id, "same_people", cohorts[other].key, {"same": same})
                        st.rerun()
    if asked:
        st.stop()


def shared(views: Sequence[View], in_both: Mapping[tuple[str, str], int]) -> None:
    """Say which cohorts share people: differences between them are tested as paired, by the same draws."""
    titles = {view.name: view.title for view in views}
    for (first, second), people in in_both.items():
        if people:
            st.caption(
                ":material/group: "
                + worded(
                    "{first} and {second} share {n:,} {n:person|people}; each is drawn once and counts in both.",
                    first=titles[first],
                    second=titles[second],
                    n=people,
                )
            )


def too_few(chosen: Sequence[View]) -> None:
    """Say what to do where there are not two cohorts to compare."""
    cohorts = home.store().cohorts()
    if len(cohorts) > 1:
        if len(chosen) == 1:
            st.info(_("Choose two cohorts or more: no column splits this one in two parts of 20 people."))
        else:
            st.info(_("Choose two cohorts or more that a model has read."))
        return
    words = _("There is no cohort yet. Bring photographs and a table of measured values to begin.")
    if cohorts:
        words = _(
            "There is one cohort only, {name}, and no column splits it in two parts of 20 people: bring a second."
        )
        words = words.format(name=cohorts[0].name)
    display.empty_state(words, "new_cohort", _("New cohort"), "add_photo_alternate")
    controls.offer_sample(cohorts)
