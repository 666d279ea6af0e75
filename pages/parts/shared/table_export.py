"""What can be taken away from a table: CSV, and as a manuscript takes it, Word and LaTeX."""

import re
from collections.abc import Sequence

import streamlit as st

from fundus_core.analyses import Laid
from fundus_core.report import Paper, Titled
from fundus_core.tables import records_as_csv
from pages.parts.shell.language import _, bound

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
"""Media type of a file of Word."""
TEX = "text/x-tex"
"""Media type of a file of LaTeX."""


def downloads(laid: Laid, title: str, note: str) -> None:
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
            _button("Word", f"{name}.docx", WORD, lambda: docx(one), key)
            _button("LaTeX", f"{name}.tex", TEX, lambda: latex(one), key)
            _button("CSV", f"{name}.csv", "text/csv", lambda: _csv(laid), key)
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


def _button(label: str, file: str, mime: str, make: object, key: str) -> None:
    st.download_button(label, bound(make), file, mime, key=f"{label}-{key}", on_click="ignore")  # type: ignore[arg-type]
