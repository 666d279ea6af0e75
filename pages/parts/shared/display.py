"""What pages show alike: titles, cards, charts, empty states, and the sentence about rendered eyes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from fundus_core.analyses import Analysis, Laid, labels, main_score
from fundus_core.evaluation import Evaluation
from fundus_core.figures import Figure, Look, heading
from fundus_core.figures.screen import Drawn
from fundus_core.tables import records_as_csv
from fundus_core.targets import TARGETS
from pages.parts.shared import exports, studies
from pages.parts.shared.exports import grid
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, menu, rights
from pages.parts.shell.language import _, bound, literal, tell

POWERPOINT = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
"""Media type of a file of slides."""

RENDERED = "Rendered photographs; the model was trained on rendered eyes: these numbers say nothing about real eyes."
RENDERED_MODEL = "The model was trained on rendered eyes: on photographs of real eyes its numbers have no meaning."
RESEARCH = "Research use only. Not a medical device."


def figure_look(view: View | None = None, **more: Any) -> Look:
    """Return how figures are drawn on this page: its theme, its language, and the stamp of rendered eyes."""
    rendered = view is not None and bool(disclaimer(view))
    return Look(dark=st.context.theme.type == "dark", say=tell, rendered=rendered, **more)


def disclaimer(view: View) -> str:
    """Return the English sentence that must stand beside this view's numbers; empty for real eyes."""
    if view.cohort.rendered:
        return RENDERED
    return RENDERED_MODEL if cards.reads_rendered_eyes(view.model) else ""


def footer(views: Sequence[View], title: str) -> str:
    """Return the line at the foot of every slide: what a photograph of it must say first."""
    words = [_(RESEARCH)]
    marked = [view for view in views if disclaimer(view)]
    if marked:
        rendered = any(view.cohort.rendered for view in marked)
        words.insert(0, _("Rendered eyes.") if rendered else _("Model of rendered eyes."))
    return " · ".join([*words, title])


def title(text: str, caption: str = "", *, view: View | None = None) -> Any:
    """Draw the title row; return the place for buttons at its right end."""
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    with row:
        menu.title(text)
        place = st.container(horizontal=True, width="content")
    sentences = [disclaimer(view) if view is not None else "", RESEARCH]
    state = ":material/info: " + " ".join(_(sentence) for sentence in sentences if sentence)
    st.caption(f"{caption}  \n{state}" if caption else state)
    return place


def _as_high_as_the_window() -> Any:
    """Return a place for the page's own figure: it ends where the window does, on a projector as on a large screen."""
    return st.container(key="page_figure", height=420, border=False)


def act(label: str, icon: str, *, possible: bool = True, words: str = "") -> bool:
    """Draw the button that a form leads to, always in sight, with words beside it; return whether it was pressed."""
    with st.bottom.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        if words:
            st.caption(words)
        return st.button(label, type="primary", icon=f":material/{icon}:", disabled=not possible, key="act")


LASSO_POINTS = 20_000
"""Up to here a box and a lasso are offered: every point inside travels back to the server."""


def above(figure: Figure, place: Any = st) -> None:
    """Write a figure's title as a heading, at its place, and what it is held against below."""
    if figure.title:
        place.subheader(literal(figure.title), anchor=False)
    if figure.head:
        st.caption(
            " · ".join(f"**{literal(line.words)}**" if line.bold else literal(line.words) for line in figure.head)
        )


def chart(
    figure: Figure,
    key: str,
    *,
    select: int = 0,
    name: str = "",
    view: View | None = None,
    marked: Collection[str] = (),
    at: str = "",
    headed: bool = True,
) -> list[str]:
    """Draw a figure and, where it has a name, what can be taken away from it; return the points chosen in it.

    ``select`` is how many points can be selected. The name is of the files that it is saved as; empty for a small one
    that stands beside its own numbers. The view is for the note in its CSV. Marked are names of points that stand out,
    ``at`` is the one that is looked at; what is returned are names of points and ends of bars.
    Headed: with what stands above it.
    """
    config = {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["autoScale2d", "toImage", *([] if select else ["select2d", "lasso2d"])],
        "scrollZoom": False,
    }
    if headed:
        above(figure)
    place = st.container(key=f"figure-{key}") if headed else _as_high_as_the_window()
    event = place.plotly_chart(
        Drawn(figure, marked, at),
        height="content" if headed else "stretch",
        theme=None,
        key=key,
        config=config,
        alt=figure.alt,
        on_select="rerun" if select else "ignore",
        selection_mode=("points", "box", "lasso") if select <= LASSO_POINTS else "points",
    )
    if name:
        remark = " · ".join([*([] if view is None else [view.title, cards.title(view.model)]), _(RESEARCH)])
        exports.of_figure(figure, key, name, lambda rows: csv_text(rows, view), remark)
    return _names(event) if select else []


def clicked(key: str) -> list[str]:
    """Return the points that are chosen in a figure which is drawn only now."""
    return _names(st.session_state[key]) if key in st.session_state else []


def _names(event: Any) -> list[str]:
    return [str(point["customdata"]) for point in event["selection"]["points"] if "customdata" in point]


def table(laid: Laid, title: str = "", *, whole: bool = True) -> None:
    """Draw a table as reports lay it out, or its first rows above the others; a heading that needs it is explained.

    With a title, that of its files, it can be saved.
    """
    rows = [dict(zip(laid.head, cells, strict=True)) for cells in laid.body]
    columns = {name: st.column_config.Column(help=text) for name, text in laid.says.items()}
    height: Any = "content" if whole and len(rows) <= 40 else "auto"  # all estimates of a target at once
    grid(rows, column_config=columns, height=height)
    if laid.notes:
        st.caption("  \n".join(laid.notes))
    if title:
        exports.of_table(laid, title, _(RESEARCH))


def titled(analysis: Analysis[Any], target_id: str) -> str:
    """Return what the table of an analysis is called where it is saved."""
    return f"{heading(_(TARGETS[target_id].name))}: {_(analysis.title)}" if target_id else _(analysis.title)


def errors(found: Evaluation, ids: Sequence[str]) -> dict[str, str]:
    """Return each target's short name with its error, by its id: its MAE, or the accuracy of a yes/no target."""
    named = {}
    for name in ids:
        score = main_score(TARGETS[name])
        value = labels.written(found.targets[name].estimates[score].value, labels.word(score).kind)
        named[name] = f"{_(TARGETS[name].short)} {labels.name(score, None, tell)} **{value}**"
    return named


def no_photographs(view: View) -> bool:
    """Say that a cohort has no photographs, where it has none; return whether it has none."""
    if view.cohort.files or not view.cohort.photographs:
        return False
    st.info(_("This cohort came as a table of predictions made elsewhere: it has no photographs to show."))
    st.page_link(menu.path("evaluate"), label=_("Evaluate"), icon=":material/query_stats:")
    return True


def incomplete(view: View, sentence: str) -> None:
    """Say what a cohort lacks, and lead to where that cohort gets it."""
    st.info(sentence)
    ways = {"values": (_("Add measured values"), "edit_note"), "photographs": (_("Add photographs"), "add_a_photo")}
    if view.cohort.files:
        ways["model"] = (_("Run a model"), "play_arrow")
    for add, (label, icon) in ways.items():
        link = {"to": view.cohort.key, "add": add}
        st.page_link(menu.path("new_cohort"), label=label, icon=f":material/{icon}:", query_params=link)


def empty_state(sentence: str, page: str, label: str, icon: str) -> None:
    """Say that there is nothing yet, and where to go."""
    st.info(sentence)
    st.page_link(menu.path(page), label=label, icon=f":material/{icon}:")


def csv_text(rows: Sequence[Mapping[str, Any]], view: View | None = None) -> str:
    """Return rows as CSV text; a column ``note`` carries the sentence about rendered eyes."""
    sentence = (disclaimer(view) or RESEARCH) if view is not None else ""
    written = [{**row, "note": " ".join(filter(None, [str(row.get("note") or ""), sentence]))} for row in rows]
    return records_as_csv(written)


def fold(label: str, key: str, draw: Callable[[], None], *, icon: str | None = None, opened: bool = False) -> None:
    """Draw a fold that makes what stands in it once it is opened: a click on the page does not pay for closed ones.

    A fragment, so that to open it costs what is in it and not the page. ``opened`` opens it now; the user may close it.
    """
    widget = f"fold_{key}"
    if opened:
        st.session_state[widget] = True

    @st.fragment
    def folded() -> None:
        box = st.expander(label, key=widget, icon=icon, on_change="rerun")
        if box.open:
            with box, studies.as_it_comes():
                draw()

    folded()


def download(label: str, name: str, make: Callable[[], str | bytes], *, mime: str = "text/csv") -> None:
    """Draw a download button; the file is made when it is clicked."""
    st.download_button(
        label, rights.bound(bound(make)), name, mime, on_click="ignore", icon=":material/download:", key=f"get_{name}"
    )


def analyses(offered: Callable[[], Sequence[Analysis[Any]]], show: Callable[[Analysis[Any]], bool]) -> None:
    """Draw the fold; an address that names an analysis opens it.

    Args:
        offered: Returns those to choose from, at least one; asked once the fold is open.
        show: Draws an analysis, and returns whether it had anything to say.
    """

    def choose() -> None:
        known = {each.id: each for each in offered()}
        words = {name: _(each.title) for name, each in known.items()}
        name = address.pick(st.selectbox, _("Analysis"), list(known), key="analysis", words=words, lenient=True)
        if not show(known[name]):
            st.info(_("Nothing to show: the cohort holds too little for this, or nothing was asked of it above."))

    label = _("All numbers, and further analyses")
    fold(label, "analyses", choose, opened=bool(address.told("analysis")))
