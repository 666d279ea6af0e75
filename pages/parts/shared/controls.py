"""What pages let the user choose or ask: cohort, model, target, level. All of it is in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from fundus_core import pipeline
from fundus_core.analyses import Study
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.shared import studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, home, menu, sample, state
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, literal, said


def ask_about_fitted(views: Sequence[View], title: str = "") -> None:
    """Ask what becomes of people that a view's model was fitted to, and keep the answer; stop until it is there.

    Where the page has drawn no title yet, the question stands under this one.
    """
    head = st.empty()
    if all([_answered(view) for view in views]):
        return
    if title:
        with head:
            menu.title(title)
    st.stop()


def _answered(view: View) -> bool:
    """Draw the question, or what was answered; return whether the cohort may be looked at."""
    found = studies.fitted(view)
    if found is None:
        return True
    sentence = said(found.sentence(view.model))
    if studies.testable(view):
        left = pipeline.answer_of(home.store(), view.cohort.id, view.model) == pipeline.LEAVE_OUT
        told = _("They are left out.") if left else _("You said that they are different people.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/group_off: {sentence} {told}", width="content")
            _answer_button(view, _("Change"), "")
        return True
    with st.container(border=True):
        more = _("Choose another cohort or model.") if found.rows.all() else ""
        st.markdown(
            f"**{literal(view.title)}**  \n{sentence} " + _("A test on them would flatter the model.") + f" {more}"
        )
        with st.container(horizontal=True):
            if not found.rows.all():
                _answer_button(view, _("Leave them out"), pipeline.LEAVE_OUT)
            if not found.photographs:
                _answer_button(view, _("Different people"), pipeline.DIFFERENT)
    return False


def _answer_button(view: View, label: str, answer: str) -> None:
    if st.button(label, key=f"fitted-{answer}-{view.cohort.key}-{view.model}"):
        pipeline.keep_answer(home.store(), view.cohort.id, view.model, answer)
        st.rerun()


def view() -> View | None:
    """Let the user choose a cohort and, where it was read by several, a model; ``None`` in an empty store.

    Raises:
        GoneError: The address or the tab names a cohort or a model that is not there.
    """
    known = {cohort.key: cohort for cohort in home.store().cohorts()}
    before = state.recall("cohort")
    followed = _followed(known)
    if not known:
        return None
    own = [cohort for cohort in known.values() if not cohort.selected_from] or list(known.values())
    latest = max(own, key=lambda cohort: cohort.created_at).key  # a selection is nobody's default
    words = {key: sample.called(cohort.name) for key, cohort in known.items()}
    with menu.choices():
        key = address.pick(
            st.selectbox, _("Cohort"), list(known), key="cohort", default=latest, words=words, always=True
        )
        if key != before:
            _leave(known[key], followed=followed)
        state.remember("cohort_name", words[key])
        return View(known[key], _model(known[key]))


def find(told: str, known: Mapping[str, Cohort]) -> Cohort | None:
    """Return the cohort that a link names, by its key or, in older links, by exactly its name."""
    return known.get(told) or next((cohort for cohort in known.values() if cohort.name == told), None)


def _followed(known: Mapping[str, Cohort]) -> bool:
    """Whether a link to a cohort was followed; it has the key in the address from then on."""
    told = address.told("cohort")
    picked = address.told("selection")
    if not told and picked and (selection := home.store().selection(picked)):
        told = next(key for key, cohort in known.items() if cohort.id == selection.cohort)
    if told and (cohort := find(told, known)):
        st.query_params["cohort"] = cohort.key
    try:
        address.check(_("Cohort"), "cohort", known, memory=True)
    except GoneError as gone:
        name = state.recall("cohort_name", gone.told) if gone.told == state.recall("cohort") else gone.told
        raise GoneError(gone.what, name, keys=["cohort", "model", "photograph", "page", "selection"]) from None
    return bool(address.told("cohort"))


def _leave(cohort: Cohort, *, followed: bool) -> None:
    """Forget what belonged to the cohort that was shown before; what a link to this one names is looked up."""
    if not followed:
        address.forget("photograph", "page")
    if not address.told("selection"):
        address.forget("selection")
    if state.recall("model") in _models(cohort):
        return
    if followed:
        state.remember("model", "")
    else:
        address.forget("model")


def _models(cohort: Cohort) -> list[str]:
    return [version.model for version in home.store().models(cohort.id)]


def _model(cohort: Cohort) -> str:
    models = _models(cohort)
    address.check(_("Model"), "model", models, memory=True)
    if len(models) < 2:
        return models[0] if models else ""
    words = {name: cards.title(name) for name in models}
    return address.pick(st.selectbox, _("Model"), models, key="model", words=words, always=True)


def require_view(title: str = "") -> View:
    """As ``view``; an empty store stops the page, under its title where that is not drawn yet, with what to do."""
    chosen = view()
    if chosen is None:
        if title:
            menu.title(title)
        st.info(_("There is no cohort yet. Bring photographs and a table of measured values to begin."))
        st.page_link(menu.path("new_cohort"), label=_("New cohort"), icon=":material/add_photo_alternate:")
        if not sample.is_loading(home.store(), home.folder()):
            offer_sample(())
        st.stop()
    ask_about_fitted([chosen], title)
    return chosen


def target(ids: Sequence[str]) -> str:
    """Let the user choose one of these targets."""
    return one_of(_("Target"), {name: short(name) for name in ids}, "target")


def level(usual: str) -> str:
    """Let the user choose what one observation is.

    Args:
        usual: What it is where nobody chose; at ``visit`` people have several, one of which may stand for a person.
    """
    words = {"patient": _("People"), "eye": _("Eyes"), "photograph": _("Photographs")}
    tip = _("Two eyes of one person are not two observations: people are the default.")
    if usual == "visit":
        people = {
            "patient": _("People, first visit"),
            "patient_last": _("People, last visit"),
            "patient_nearest": _("People, visit nearest to its measurement"),
        }
        words = {"visit": _("Visits"), **people, "eye": _("Eyes of a visit"), "photograph": _("Photographs")}
        tip = _("Some people have several visits. Intervals draw people with all their visits, whatever the unit.")
    return address.pick(st.selectbox, _("Unit of analysis"), list(words), key="level", words=words, help=tip)


def grouping(columns: Sequence[str]) -> str:
    """Let the user colour observations by a column; empty without one."""
    address.check(_("Colour by"), "by", ["-", *columns])
    if not columns:
        return ""
    words = {"-": _("one colour"), **column_words()}
    chosen = address.pick(st.selectbox, _("Colour by"), ["-", *columns], key="by", words=words)
    return "" if chosen == "-" else chosen


def column_words() -> dict[str, str]:
    """Return what the columns are called that every cohort has; those of its own table keep their names."""
    return {
        "age": _("age"),
        "sex": _("sex"),
        "eye": _("eye"),
        "quality": _("quality"),
        "out_of_distribution": _("distance"),
    }


def one_of(label: str, words: Mapping[str, str], key: str) -> str:
    """Let the user choose one of a few things, shown as words, kept under short names in the address."""
    return address.pick(
        st.segmented_control,
        label,
        list(words),
        key=key,
        words=words,
        required=True,
        wrap=True,
        label_visibility="collapsed",
    )


def short(target_id: str) -> str:
    """Return a target's short name in the reader's language."""
    return _(TARGETS[target_id].short)


def offer_sample(cohorts: Sequence[Cohort]) -> None:
    """Offer the sample cohort to a store that does not hold it."""
    if any(cohort.name == sample.NAME for cohort in cohorts):
        return
    if st.button(_("Bring the sample cohort"), icon=":material/science:"):
        sample.again(home.store(), home.folder())
        st.rerun()


def beyond(study: Study) -> Study:
    """Let the user name columns that are known without the photograph, beside age and sex."""
    columns = list(study.outline.brought)
    if not columns:
        return study
    asked = st.multiselect(_("Known without the photograph, beside age and sex"), columns, key="beyond_columns")
    return replace(study, settings=replace(study.settings, beyond=tuple(asked)))


def gap(study: Study) -> Study:
    """Let the user name what the gap is held against: columns, or a time and its event."""
    there = study.choices
    if not there.columns:
        return study
    tip = _(
        "The gap is predicted minus measured, freed of the measured value and of age. Numbers: linear regression; two "
        "answers: logistic; a time and its event: Cox. Adjusted for age, age squared, sex, site, and the columns above."
    )
    with st.container(horizontal=True):
        columns = st.multiselect(_("Hold the gap against"), there.columns, key="gap_columns", help=tip)
        timed = there.times and there.events
        time = st.selectbox(_("Time to an event"), there.times, None, key="gap_time") if timed else None
        event = st.selectbox(_("Event"), there.events, None, key="gap_event") if timed else None
    both = [f"{time},{event}"] if time and event else []
    return replace(study, settings=replace(study.settings, gap_with=(*columns, *both)))


def reliable(study: Study, target_id: str) -> Study:
    """Let the user say how reliable one measurement of the target is: a number, or a column that repeats it."""
    if TARGETS[target_id].binary:
        return study
    again = study.choices.numbers
    with st.container(horizontal=True):
        tip = _("Intraclass correlation of repeated measurements; leave it empty where nobody knows.")
        label = f"{_('Reliability of one measurement (ICC)')}: {_(TARGETS[target_id].short)}"
        icc = st.number_input(label, 0.05, 1.0, None, 0.05, key=f"icc_{target_id}", help=tip)
        column = st.selectbox(_("or a second measurement"), again, None, key=f"again_{target_id}") if again else None
    said = column or (f"{icc:g}" if icc else "")
    reliability = (f"{target_id}={said}",) if said else ()
    asked = (*study.settings.reliability, *reliability)
    return replace(study, settings=replace(study.settings, reliability=asked))
