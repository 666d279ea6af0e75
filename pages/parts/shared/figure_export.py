"""What can be taken away from a figure: its table, and the figure as PNG, SVG and CSV."""

from collections.abc import Callable, Iterable

import streamlit as st

from fundus_core.figures import COLUMNS, Figure, printing
from pages.parts.shared.grid import grid
from pages.parts.shell import asking
from pages.parts.shell.language import _, bound

Note = Callable[[list[dict[str, object]]], str]
"""Writes rows as CSV text with whatever must stand beside them."""

ROWS = 2_000
"""Rows of a table that a page shows; the file holds all."""
_LETTERS = 12
"""Letters that the sentence about a missing font names."""


def downloads(figure: Figure, key: str, name: str, write: Note, remark: str) -> None:
    """Draw what can be taken away from a figure, beneath it; ``write`` turns the table into CSV text.

    The name is of the files, without an ending; the remark is written into every picture, in the reader's language.
    """
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"):
        shown = st.toggle(_("Table"), key=f"table-{key}", help=_("The numbers that the figure was drawn from."))
        with st.popover(_("Save figure"), icon=":material/download:", type="tertiary"):
            _files(figure, key, name, write, remark)
    say_lacking([figure], remark)
    if shown:
        rows = figure.table(_)
        grid(rows[:ROWS], height="content" if len(rows) < 10 else 320)


def _files(figure: Figure, key: str, name: str, write: Note, remark: str) -> None:
    """Draw the files: the figure as a journal takes it, and its numbers."""
    words = {"single": _("One column (84 mm)"), "double": _("Two columns (174 mm)")}
    chosen = st.segmented_control(
        _("Width on paper"),
        list(words),
        default="single",
        format_func=words.__getitem__,
        key=f"wide-{key}",
        required=True,
    )
    width = COLUMNS[chosen]

    def paper() -> Figure:
        return figure.to_go(remark, chosen)

    with st.container(horizontal=True, gap="xsmall"):
        _button("PNG", f"{name}.png", "image/png", lambda: printing.png(paper(), width=width, scale=3), key)
        _button("SVG", f"{name}.svg", "image/svg+xml", lambda: printing.svg(paper(), width=width), key)
        _button("PDF", f"{name}.pdf", "application/pdf", lambda: printing.pdf(paper(), width=width), key)
        _button("CSV", f"{name}.csv", "text/csv", lambda: write(figure.table(_)), key)
    st.caption(_("Black on white, letters of 8 points; PNG with 300 dots an inch."))


def say_lacking(figures: Iterable[Figure], remark: str = "") -> None:
    """Say which letters a picture of a figure lacks on this machine, where there are any."""
    letters = printing.lacking(figures, remark)
    if letters:
        shown = f"{letters[:_LETTERS]}…" if len(letters) > _LETTERS else letters
        st.caption(
            _(
                "This machine has no font with {letters}: a PNG and the pictures of a PowerPoint file show ? instead. "
                "SVG and HTML keep the letters. To mend it, install a font that has them (Japanese: "
                "pip install matplotlib-fontja) and start again."
            ).format(letters=shown)
        )


def _button(label: str, file: str, mime: str, make: Callable[[], str | bytes], key: str) -> None:
    st.download_button(
        label,
        asking.bound(bound(make)),
        file,
        mime,
        key=f"{label}-{key}",
        on_click="ignore",
        help=_("Save the figure as {kind}.").format(kind=label),
    )
