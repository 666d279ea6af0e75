"""The overview's parts: the sample cohort as small multiples, and the cohorts of this store."""

import streamlit as st

from fundus_core import figures, runs
from fundus_core.analyses import labels
from fundus_core.evaluation import TargetResult
from fundus_core.figures import error
from fundus_core.targets import TARGETS
from pages.parts.shared import display, display_names, progress, studies
from pages.parts.shared.studies import View
from pages.parts.shell import home, menu, paths
from pages.parts.shell.language import _, worded
from pages.parts.shell.sample import NAME, is_loading


def offers_sample() -> bool:
    """Return whether the sample cohort is there or on its way, so that a link can lead to it."""
    store = home.store()
    return is_loading(store, paths.folder()) or any(cohort.name == NAME for cohort in store.cohorts())


def sample() -> None:
    """Draw the sample cohort's targets as small multiples, without Plotly."""
    store = home.store()
    if is_loading(store, paths.folder()):
        _arriving()
        return
    cohort = next((cohort for cohort in store.cohorts() if cohort.name == NAME), None)
    if cohort is None:
        return
    models = store.models(cohort.id)
    views = [View(cohort, version.model) for version in models]
    view = next(filter(studies.testable, views), View(cohort, ""))
    st.subheader(_("The sample cohort"), anchor=False)
    st.caption(f":material/info: {_(display.RENDERED)}")
    going = [run for run in runs.runs_of(store, cohort.id) if not run.ended]
    if going:
        progress.watch(going[0].run)
    elif view.model or not models:
        _small_multiples(view)


@st.fragment(run_every=0.5)
def _arriving() -> None:
    """On a fresh start the page is quicker than the sample cohort: say so, and draw it as soon as it is there."""
    if not is_loading(home.store(), paths.folder()):
        st.rerun()
    st.caption(_("The sample cohort is being put in place."))


def _small_multiples(view: View) -> None:
    found = studies.scores(view)
    shown = studies.targets(found)
    if not shown:
        st.caption(_("Its photographs have not been read yet."))
        return
    with st.container(key="multiples"), st.grid(min_column_width=200):
        for name in shown:
            with st.container(border=True):
                _one(view, found.targets[name])
    st.caption(
        _("MAE: mean absolute error. Dashed: predicted equals true. Grey: within one MAE."),
        help=_(
            "Under each figure stands what its MAE must be held against: always predicting the median and using age "
            "and sex only, which need no photograph, and what was published for other people."
        ),
    )


def _one(view: View, result: TargetResult) -> None:
    target = TARGETS[result.target]
    groups = studies.groups(view, target.id)
    st.markdown(f"**{figures.heading(_(target.name))}**")
    st.image(
        figures.small_scatter(target, groups, result.estimates, display.figure_look(view)),
        width="stretch",
        alt=(_("Predicted {name} by true class.") if target.binary else _("Predicted against true {name}.")).format(
            name=_(target.name)
        ),
    )
    st.caption(yardsticks(result))


def yardsticks(result: TargetResult) -> str:
    """Return what the error must be held against, a line each, so that all cards are of one height."""
    target, estimates = TARGETS[result.target], result.estimates
    if target.binary:
        shares = {
            _("always the more frequent answer"): estimates["accuracy_majority"].value,
            _("published (JOIR)"): target.published_accuracy,
        }
        lines = [f"{words} **{labels.written(share, labels.Kind.SHARE)}**" for words, share in shares.items()]
        auc = labels.written(estimates["auc"].value, labels.word("auc").kind)
        return "  \n".join([*lines, f"AUC **{auc}**"])
    known = {
        _("predicting the median"): result.estimates["mae_median"].value,
        _("age and sex only"): result.estimates["mae_age_sex"].value,
        _("published (JOIR)"): TARGETS[result.target].published_mae,
    }
    return "  \n".join(f"{words} **{error(value)}**" for words, value in known.items())


def cohorts() -> None:
    """List the store's cohorts with a link to each one's evaluation."""
    found = [cohort for cohort in home.store().cohorts() if cohort.name != NAME]
    if not found:
        return
    st.subheader(_("Your cohorts"), anchor=False)
    for cohort in found:
        photographs = worded("{n:,} {n:photograph|photographs}", n=cohort.photographs)
        st.page_link(
            menu.path("evaluate"),
            label=f"{display_names.typed(cohort.name)} · {photographs}",
            icon=":material/query_stats:",
            query_params={"cohort": cohort.key},
        )
