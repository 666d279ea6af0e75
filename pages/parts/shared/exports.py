"""What can be taken away: of a figure pictures and its table; of a table CSV, and Word and LaTeX for manuscripts."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from fundus_core.analyses import Laid
from fundus_core.figures import COLUMNS, Figure, printing
from fundus_core.processes import apart
from fundus_core.report import Paper, Titled
from fundus_core.tables import harmless, records_as_csv
from pages.parts.shell import rights
from pages.parts.shell.language import _, bound

_NUMBER_FIRST = re.compile(r"[+-]\d[\d.,]*(?: (?:[^=+@|!]|\+\d)*)?")
"""A signed number and what stands behind it (a unit, a percent sign, an interval) is left as it is."""


def grid(rows: Sequence[Mapping[str, Any]], **options: Any) -> None:
    """Draw rows (cells by heading) as a table, with options of ``st.dataframe``.

    The table's own button saves what it shows as CSV, in the browser, past our writer: names of files and cells of a
    stranger's table are therefore shown as the writer would write them.
    """
    st.dataframe([{safe(name): safe(cell) for name, cell in row.items()} for row in rows], hide_index=True, **options)


def safe(cell: Any) -> Any:
    """Return a cell as it may be saved; numbers, and text that begins with one, as they are.

    >>> safe("=1+1"), safe("+2.7 mmHg"), safe(-5.2), safe("-1+cmd|' /C calc'!A0")
    ("'=1+1", '+2.7 mmHg', -5.2, "'-1+cmd|' /C calc'!A0")
    """
    return harmless(cell) if isinstance(cell, str) and not _NUMBER_FIRST.fullmatch(cell) else cell


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
"""Media type of a file of Word."""
TEX = "text/x-tex"
"""Media type of a file of LaTeX."""
Note = Callable[[list[dict[str, object]]], str]
"""Writes rows as CSV text with whatever must stand beside them."""

ROWS = 2_000
"""Rows of a table that a page shows; the file holds all."""
_LETTERS = 12
"""Letters that the sentence about a missing font names."""


def of_figure(figure: Figure, key: str, name: str, write: Note, remark: str) -> None:
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
        return figure.to_go(remark, chosen).settled

    with st.container(horizontal=True, gap="xsmall"):
        picture = partial(_button, key=key, figure=True)
        picture("PNG", f"{name}.png", "image/png", lambda: apart(printing.png, paper(), width=width, scale=3))
        picture("SVG", f"{name}.svg", "image/svg+xml", lambda: apart(printing.svg, paper(), width=width))
        picture("PDF", f"{name}.pdf", "application/pdf", lambda: apart(printing.pdf, paper(), width=width))
        picture("CSV", f"{name}.csv", "text/csv", lambda: write(figure.table(_)))
    st.caption(_("Black on white, letters of 8 points; PNG with 300 dots an inch."))


def say_lacking(figures: Iterable[Figure], remark: str = "") -> None:
    """Say which letters a picture of a figure lacks on this machine, where there are any."""
    letters = printing.lacking(" ".join([remark, *(figure.words for figure in figures)]))
    if letters:
        shown = f"{letters[:_LETTERS]}…" if len(letters) > _LETTERS else letters
        st.caption(
            _(
                "This machine has no font with {letters}: a PNG and the pictures of a PowerPoint file show ? instead. "
                "SVG and HTML keep the letters. To mend it, install a font that has them (Japanese: "
                "pip install matplotlib-fontja) and start again."
            ).format(letters=shown)
        )


def of_table(laid: Laid, title: str, note: str) -> None:
    """Draw what can be taken away from a table, beneath it; the note stands below it in Word and LaTeX."""
    if not laid.body:
        return
    one = [Titled(title, laid, note)]
    with (
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover(_("Save table"), icon=":material/download:", type="tertiary"),
    ):
        with st.container(horizontal=True, gap="xsmall"):
            name, key = file_name(title), f"{title}-{laid.head}-{laid.body[0]}"
            _button("Word", f"{name}.docx", WORD, lambda: docx(one), key, figure=False)
            _button("LaTeX", f"{name}.tex", TEX, lambda: latex(one), key, figure=False)
            _button("CSV", f"{name}.csv", "text/csv", lambda: _csv(laid), key, figure=False)
        st.caption(_("Three rules, units in headings, footnotes below: as journals print a table."))


def docx(tables: Sequence[Titled], paper: Paper | None = None) -> bytes:
    """Return tables as a file of Word; with a paper, its paragraphs before them."""
    from fundus_core.report.manuscript import as_docx  # a second to import; only who asks for it waits

    return as_docx(tables, paper=paper)


def latex(tables: Sequence[Titled], paper: Paper | None = None) -> str:
    """Return tables as LaTeX; with a paper, its paragraphs before them."""
    from fundus_core.report.manuscript import as_latex

    return as_latex(tables, paper=paper)


def file_name(title: str) -> str:
    """Return a title as a file may be called.

    >>> file_name("Characteristics (Table 1)"), file_name("a/b: c")
    ('Characteristics-Table-1', 'a-b-c')
    """
    return re.sub(r"[^\w]+", "-", title).strip("-") or "table"


def _csv(laid: Laid) -> str:
    return records_as_csv([dict(zip(laid.head, cells, strict=True)) for cells in laid.body])


def _button(label: str, file: str, mime: str, make: Callable[[], str | bytes], key: str, *, figure: bool) -> None:
    words = _("Save the figure as {kind}.").format(kind=label) if figure else None
    made = rights.bound(bound(make))
    st.download_button(label, made, file, mime, key=f"{label}-{key}", on_click="ignore", help=words)
