"""The overview's parts: what the newest cohort says as small multiples, the next steps, and the store's cohorts."""

import streamlit as st

from fundus_core import figures, runs
from fundus_core.analyses import labels, main_score
from fundus_core.evaluation import TargetResult
from fundus_core.figures import error
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.shared import display, progress, studies
from pages.parts.shared.studies import View
from pages.parts.shell import home, menu, sample
from pages.parts.shell.language import _, current, literal, tell, worded
from pages.parts.shell.sample import NAME, is_loading

_LOOKED_AT = 3
"""Of the newest cohorts, for one that has predictions beside measured values; then the sample is shown."""


def newest() -> View | None:
    """Return the newest cohort that has results, the sample where no other has; ``None`` where there is none."""
    mine = sorted(home.store().cohorts(), key=lambda cohort: cohort.created_at, reverse=True)
    others = [cohort for cohort in mine if cohort.name != NAME]
    for cohort in [*others[:_LOOKED_AT], *[cohort for cohort in mine if cohort.name == NAME]]:
        view = next(filter(studies.testable, _views(cohort)), None)
        if view and studies.targets(studies.point_estimates(view)):
            return view
    return None


def caption(view: View | None, says: str) -> str:
    """Return what this program does and whose numbers stand below."""
    return f"{says}  \n**{sample.typed(view.cohort.name)}** · {literal(view.model)}" if view else says


def runs_in_progress() -> None:
    """Show how far the newest run is while there is one, and that the sample is on its way."""
    if is_loading(home.store(), home.folder()):
        _arriving()
    for run in runs.runs_of(home.store(), going=True)[:1]:
        progress.watch(run.run)


def _views(cohort: Cohort) -> list[View]:
    """Return a cohort under each model; none of one that takes long to read."""
    models = home.store().models(cohort.id) if cohort.photographs < studies.MANY else []
    return [View(cohort, version.model) for version in models]


@st.fragment(run_every=0.5)
def _arriving() -> None:
    """On a fresh start the page is quicker than the sample cohort: say so, and draw it as soon as it is there."""
    if not is_loading(home.store(), home.folder()):
        st.rerun()
    st.caption(_("The sample cohort is being put in place."))


def multiples(view: View) -> None:
    """Draw every target of a cohort as a card, without Plotly, and the next steps beside them."""
    found = studies.scores(view)
    with st.container(key="multiples"):
        grid = st.grid(min_column_width=158)
    for name in studies.targets(found):
        with grid, st.container(border=True, height="stretch"):
            _one(view, found.targets[name])
    with grid.cell(column_span=3):
        _step("evaluate", _("Look at the eyes behind the largest errors"), "query_stats", cohort=view.cohort.key)
        _step("compare", _("Compare sites, cameras or models"), "compare_arrows", cohorts=view.cohort.key)
        _step("present", _("Present it as slides"), "present_to_all", cohort=view.cohort.key)
        st.caption(
            _("MAE: mean absolute error, with its 95 % interval. Dashed: predicted equals true. Grey: within one MAE."),
            help=_(
                "Under each figure stands what its MAE must be held against: always predicting the median and using "
                "age and sex only, which need no photograph, and what was published for other people."
            ),
        )


def _step(page: str, label: str, icon: str, **query: str) -> None:
    st.page_link(menu.path(page), label=label, icon=f":material/{icon}:", query_params=query)


def _one(view: View, result: TargetResult) -> None:
    target = TARGETS[result.target]
    score = main_score(target)
    found, word = result.estimates[score], labels.word(score)
    unit = f" {_(target.unit)}" if word.kind is labels.Kind.UNIT else ""
    value = f"{labels.name(score, None, tell)} {labels.written(found.value, word.kind)}{unit}"
    st.markdown(f"{figures.heading(_(target.name))}  \n**{value}**")
    st.caption(labels.interval(found.low, found.high, word, tell) or tell(found.note))
    look = display.figure_look(view)
    st.image(
        studies.study(view).memory.kept(
            ("small", target.id, look.dark, look.rendered, current()),
            None,
            lambda: figures.small_scatter(target, studies.groups(view, target.id), result.estimates, look),
        ),
        width="stretch",
        alt=(_("Predicted {name} by true class.") if target.binary else _("Predicted against true {name}.")).format(
            name=_(target.name)
        ),
    )
    st.caption(yardsticks(result))


def yardsticks(result: TargetResult) -> str:
    """Return what the error must be held against, a line each; what nobody knows has none."""
    target, estimates = TARGETS[result.target], result.estimates
    if target.binary:
        shares = {
            _("always the majority"): estimates["accuracy_majority"].value,
            _("published (JOIR)"): target.published_accuracy,
        }
        lines = [f"{words} **{labels.written(share, labels.Kind.SHARE)}**" for words, share in shares.items()]
        auc = labels.written(estimates["auc"].value, labels.word("auc").kind)
        return "  \n".join([*lines, f"AUC **{auc}**"])
    known: dict[str, float | None] = {
        _("predicting the median"): result.estimates["mae_median"].value,
        _("age and sex only"): result.estimates["mae_age_sex"].value,
        _("published (JOIR)"): TARGETS[result.target].published_mae,
    }
    return "  \n".join(f"{words} **{error(value)}**" for words, value in known.items() if value is not None)


def cohorts(besides: View | None) -> None:
    """List the store's other cohorts with a link to each one's evaluation."""
    found = [cohort for cohort in home.store().cohorts() if besides is None or cohort.id != besides.cohort.id]
    if not found:
        return
    st.subheader(_("Other cohorts") if besides else _("Your cohorts"), anchor=False)
    for cohort in found:
        photographs = worded("{n:,} {n:photograph|photographs}", n=cohort.photographs)
        st.page_link(
            menu.path("evaluate"),
            label=f"{sample.typed(cohort.name)} · {photographs}",
            icon=":material/query_stats:",
            query_params={"cohort": cohort.key},
        )
