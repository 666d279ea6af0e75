"""The tables below the figure: the plan, every estimate, models side by side, recalibration, and sharing."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from fundus_core import __version__, evaluation, pipeline
from fundus_core.analyses import (
    Analysis,
    Canvas,
    Study,
    beyond_in_words,
    forest_of,
    layout,
    main_score,
    one_cohort,
    plan_results,
    shown,
    side_by_side,
)
from fundus_core.errors import FundusError, UsageError
from fundus_core.evaluation import Shared
from fundus_core.models.recalibrated import lines_in_words, provenance
from fundus_core.targets import TARGETS
from pages.parts.shared import controls, display, studies
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home, menu
from pages.parts.shell.language import _, count, said, tell


def tables(view: View, target_id: str, level: str) -> None:
    """Draw what the numbers answer, models side by side, and a fold with every table that a report has of a target."""
    study, target = studies.study(view, level), TARGETS[target_id]
    st.markdown(f"**{beyond_in_words(study, target_id, tell)}**")
    if decided := one_cohort.DECIDED.sentences(study, target_id, tell):
        st.markdown(decided)
    models(view, target_id, level)

    def offered() -> list[Analysis[Any]]:
        return [
            one_cohort.SCORES,
            *(each for each in one_cohort.SECTIONS if each.needs(target) and each.offered(study)),
        ]

    display.analyses(offered, lambda analysis: _show(view, target_id, study, analysis))


def _show(view: View, target_id: str, study: Study, analysis: Analysis[Any]) -> bool:
    """Draw an analysis with what can be asked of it; return whether it had anything to say."""
    st.caption(_(analysis.asked(target_id)))
    if ask := _ASKED.get(analysis.id):
        study = ask(study, target_id)
    answers = beyond_in_words if analysis is one_cohort.BEYOND else analysis.sentences
    if answer := answers(study, target_id, tell):
        st.markdown(answer)
    _figure(view, study, target_id, analysis)
    made = shown(study, analysis, target_id, tell, tell)
    if made.body:
        display.table(made, display.titled(analysis, target_id))
    return bool(made.body)


_ASKED: Mapping[str, Callable[[Study, str], Study]] = {
    one_cohort.BEYOND.id: lambda study, _target: controls.beyond(study),
    one_cohort.GAP.id: lambda study, _target: controls.gap(controls.beyond(study)),
    one_cohort.GAP_CHECKS.id: lambda study, _target: controls.gap(controls.beyond(study)),
    one_cohort.REFERENCE_ERROR.id: controls.reliable,
}
"""What the user can say of an analysis before it is made."""


def _figure(view: View, study: Study, target_id: str, analysis: Analysis[Any]) -> None:
    """Draw what is not offered above."""
    if analysis in one_cohort.FIGURES:
        return
    figure = analysis.draw(study, target_id, Canvas(display.figure_look(view), place=view.place))
    if figure is not None:
        display.chart(figure, f"{analysis.id}-{target_id}", name=f"{target_id}-{analysis.id}", view=view)


def plan(view: View, level: str) -> None:
    """Draw the plan's results, success and deviations; nothing where no plan was stated."""
    study = studies.study(view, level)
    if study.plan is None:
        return
    stated = study.plan
    with st.expander(_("Planned analyses"), expanded=True):
        if words := plan_results.success_in_words(study, tell):
            st.markdown(f"**{words}**")
        head = _("“{title}”, stated by {who} on {at}; SHA-256 {hash}.")
        at = {"title": stated.plan.title, "who": stated.plan.written_by, "at": stated.stated_at}
        st.markdown(head.format(**at, hash=stated.plan.sha256))
        st.caption(said(stated.order))
        for analysis in plan_results.TABLES:
            made = shown(study, analysis, "", tell, tell)
            if made.body:
                st.subheader(_(analysis.title), anchor=False)
                display.table(made)
                st.caption(_(analysis.question))
        st.code(stated.plan.text, language="toml")
        st.caption(_("All else on this page is exploratory, but for the tests that name a planned family."))


def models(view: View, target_id: str, level: str) -> None:
    """Draw model against model; nothing where only one reads the target."""
    views = studies.under_models(view, target_id)
    if len(views) < 2:
        return
    with st.expander(_("Model against model"), expanded=True):
        study = studies.models(views, target_id, level)
        if study is None:
            return
        found = study.get(side_by_side.MODELS, target_id)
        figure = forest_of(found.results, main_score(TARGETS[target_id]), display.figure_look(view), names=cards.title)
        display.chart(figure, f"models-{target_id}", name=f"{target_id}-models", view=view)
        made = shown(study, side_by_side.MODELS, target_id, tell, cards.title)
        display.table(made, display.titled(side_by_side.MODELS, target_id))
        left = ", ".join(f"{cards.title(name)} {count(n)}" for name, n in found.left_out.items() if n)
        remark = _(side_by_side.MODELS.question)
        more = _(" Left out because another model did not predict them: {list}.").format(list=left) if left else ""
        st.caption(remark + more)


def share(view: View, level: str) -> None:
    """Draw what can be shared of this cohort, and the button that fetches the file."""
    display.fold(_("Share this result without its people"), "share", lambda: _share(view, level))


def _share(view: View, level: str) -> None:
    st.caption(
        _(
            "One file of aggregates for Compare at another site: no id, no row, nothing of fewer than ten people. "
            "Do not share a cohort again with a person more or less: the difference is that person."
        )
    )
    name = st.text_input(_("Name of the site in the file"), "site", max_chars=40, key="share_name")
    try:
        found = _shared(view, level, name)
    except UsageError as error:
        st.error(said(str(error)))
        return
    _contents(found)
    text = evaluation.as_text(found) + "\n"
    display.download(_("Shared result (JSON)"), "shared.json", lambda: text, mime="application/json")


def _shared(view: View, level: str, name: str) -> Shared:
    study = studies.study(view, level)
    versions = [one for one in home.store().models(view.cohort.id) if one.model == view.model]
    identity = evaluation.identity_of(
        study.table,
        name,
        view.model,
        versions[0].weights_sha256 if versions else "",
        card=view.model in cards.known(),
        rendered=bool(display.disclaimer(view)),
        software=__version__,
    )
    return evaluation.share(study.table, identity, study.level)


def _contents(found: Shared) -> None:
    """Draw the estimates as a table, and the whole file as it is written."""
    display.table(layout(found.rows, tell), whole=False)
    if found.withheld:
        names = ", ".join(tell(name) for name in found.withheld)
        st.caption(_("Left out, of fewer than {n} people: {names}").format(n=found.least, names=names))
    st.code(evaluation.as_text(found), "json", height=320)


def recalibration(view: View) -> None:
    """Draw the offer; nothing where the model has no card here."""
    if view.model not in cards.known():
        return
    display.fold(_("Recalibrate on this cohort"), "recalibrate", lambda: _offer(view))


def _offer(view: View) -> None:
    words = _(
        "An intercept and a slope of each target, fitted to this cohort, become a model of its own with the same "
        "weights. It is tested on other people: those of this cohort are remembered by salted hashes."
    )
    st.caption(words)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(_("Id of the new model"), _proposed(view), max_chars=60, key="recalibrated_id")
        pressed = st.button(_("Fit and keep"), icon=":material/tune:", disabled=not name.strip())
    if pressed:
        _keep(view, name.strip())


def _proposed(view: View) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", view.cohort.name).strip("-").lower()
    return f"{view.model}-{words or view.cohort.id}"[:60]


def _keep(view: View, name: str) -> None:
    try:
        made = pipeline.recalibrate_cohort(home.store(), view.cohort.id, view.model, name)
    except FundusError as error:
        st.error(said(str(error)))
        return
    lines = "  \n".join(said(words) for words in lines_in_words(made.card.recalibrated[-1]))
    st.success(f"{said(provenance(made.card)[-1])}  \n{lines}", icon=":material/check:")
    for words in made.left:
        st.caption(_("Not recalibrated: {why}").format(why=said(words)))
    st.page_link(menu.path("models"), label=_("Models"), icon=":material/model_training:")
