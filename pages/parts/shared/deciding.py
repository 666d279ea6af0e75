"""A person decides in the end: refused photographs accepted, others withdrawn, and whose photographs are refused."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fundus_core.analyses import Canvas, one_cohort, shown
from fundus_core.errors import FundusError
from fundus_core.store import Decided, Decision, Item
from pages.parts.shared import controls, display, studies
from pages.parts.shared.exports import grid
from pages.parts.shared.studies import View
from pages.parts.shell import home
from pages.parts.shell.language import _, count, said, tell, worded


def refusals(view: View) -> None:
    """Draw whose photographs are refused, what was decided, and a form to decide about all of one reason."""
    store, whole = home.store(), view.whole
    made = store.decisions(whole.cohort.id)
    if not made and not store.refused(whole.cohort.id):
        return

    def draw() -> None:
        _by_group(view)
        if reasons := store.refusals(whole.cohort.id):
            _by_reason(whole, reasons)
        _log(made)

    display.fold(_("Refused photographs: by group, and decisions about them"), "refused", draw, icon=":material/gavel:")


def one(view: View, item: Item) -> None:
    """Draw what was decided about a photograph, and a form to decide anew."""
    made = home.store().decisions(view.cohort.id, item.name)
    refused = item.status == "refused"
    if item.status not in ("predicted", "refused"):
        return

    def draw() -> None:
        if refused:
            st.caption(_("Then its prediction counts, and every result is shown with and without it."))
        else:
            st.caption(_("Then its prediction does not count, and every result is shown with and without it."))
        _form(view, f"decide-{item.id}", "accept" if refused else "withdraw", names=(item.name,))
        _log(made)

    label = _("Accept it all the same") if refused else _("Withdraw it")
    display.fold(label, f"decide-{item.id}", draw, icon=":material/gavel:")


def _by_group(view: View) -> None:
    study, of = studies.study(view), one_cohort.REFUSED
    columns = [by for by in study.columns if study.plain_rows(of, "", by)]
    if not columns:
        return
    st.caption(_(of.question))
    st.markdown(f"**{of.sentences(study, '', tell)}**")
    names = controls.column_words()
    label = _("By")
    by = st.selectbox(label, columns, format_func=lambda each: names.get(each, each), key="refused_by")
    figure = of.draw(study, "", Canvas(display.figure_look(view), by=by, place=view.place))
    if figure is not None:
        display.chart(figure, f"refused-{by}", name=f"refused-{by}", view=view)
    with st.popover(_("As a table")):
        display.table(shown(study, of, "", tell, tell))


def _by_reason(view: View, reasons: dict[str, int]) -> None:
    words = {code: f"{said(code.replace('_', ' '))} ({count(n)})" for code, n in reasons.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        code = st.selectbox(
            _("All that were refused for"), list(words), format_func=words.__getitem__, key="decide_for"
        )
        verdicts = {"accept": _("accept"), "withdraw": _("take the acceptance back")}
        verdict = st.segmented_control(
            _("Decision"), list(verdicts), format_func=verdicts.__getitem__, default="accept", required=True
        )
    _form(view, "decide-all", verdict, code=code)


def _form(view: View, key: str, verdict: str, *, names: Sequence[str] = (), code: str = "") -> None:
    with st.form(key, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            who = st.text_input(_("Name or initials"), key=f"{key}-who", max_chars=60)
            why = st.text_input(
                _("Reason of the decision"),
                key=f"{key}-why",
                max_chars=400,
                help=_("Never a patient's name: it is kept."),
            )
        asked = st.form_submit_button(_("Decide"))
    if not asked:
        return
    try:
        made = home.store().decide(view.cohort.id, verdict, who=who, why=why, names=names, code=code)
    except FundusError as error:
        st.error(said(error))
        return
    st.toast(_told(made))
    if made.changed:
        st.rerun()


def _told(made: Decided) -> str:
    parts = [worded("{n:,} {n:photograph|photographs} decided.", n=made.changed)]
    if made.without_prediction:
        words = _(
            "{n} without a prediction stay refused under this model: it gave none, or has to run again (Cohorts > Add)."
        )
        parts.append(words.format(n=count(made.without_prediction)))
    if made.unchanged:
        parts.append(worded("{n:,} {n:was|were} so already.", n=made.unchanged))
    parts += [_("{n} not decided: {why}").format(n=count(n), why=said(why)) for why, n in made.left.items()]
    return "  \n".join(parts)


def _log(made: Sequence[Decision]) -> None:
    """Draw every decision, the latest first; nothing is ever taken out of this list."""
    verdicts = {
        "accept": _("accepted after all"),
        "withdraw": _("withdrawn"),
        "lapsed": _("lapsed: the file was replaced"),
    }
    rows = [
        {
            _("When"): each.day,
            _("Decision"): verdicts[each.verdict],
            _("Photographs"): len(each.photographs),
            _("Refused for"): said(each.code.replace("_", " ")) or "–",
            _("Who"): each.who or "–",
            _("Why"): each.why or "–",
        }
        for each in reversed(made)
    ]
    if rows:
        st.caption(_("Decisions so far; the latest about a photograph counts."))
        grid(rows)
