"""Tables as a manuscript takes them, in Word and LaTeX: three rules, units in headings, footnotes below."""

import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from fundus_core.analyses import Laid
from fundus_core.report.paper import Paper, Titled

_LETTER = re.compile(r"^([a-z]|\d+): ")
_SPECIAL = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": r"$-$",
    "±": r"$\pm$",
    "²": r"$^2$",
    "÷": r"$\div$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "×": r"$\times$",
}


def as_latex(tables: Sequence[Titled], *, paper: Paper | None = None) -> str:
    """Return tables as LaTeX for ``booktabs`` and ``threeparttable``; with a paper, its paragraphs before them.

    Nothing that a stranger wrote is left with a meaning of its own: every special sign is written as itself.
    """
    packages = "% needs \\usepackage{booktabs,threeparttable}; Japanese: LuaLaTeX with luatexja, or XeLaTeX\n"
    return "\n".join((packages, *_sections(paper), *map(_latex_table, tables)))


def _sections(paper: Paper | None) -> Iterator[str]:
    if paper:
        yield f"% {' '.join(paper.notice.split())}\n"
        for head, text in (("Methods", paper.methods), ("Results", paper.results)):
            yield f"\\section*{{{head}}}\n{_tex(text)}\n"


def _latex_table(one: Titled) -> str:
    table, columns = one.table, "l" * len(_head(one.table))
    rows = [" & ".join(_row(cells, letters)) + r" \\" for cells, letters in _marked(table)]
    head, body = " & ".join(map(_tex, _head(table))) + r" \\", "\n".join(rows)
    notes = "\n".join(f"\\item[{_tex(letter)}] {_tex(text)}" for letter, text in _notes(one))
    below = f"\\begin{{tablenotes}}\\footnotesize\n{notes}\n\\end{{tablenotes}}\n" if notes else ""
    return (
        f"\\begin{{table}}\n\\centering\n\\begin{{threeparttable}}\n\\caption{{{_tex(one.title)}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head}\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n{below}"
        "\\end{threeparttable}\n\\end{table}\n"
    )


def _row(cells: Sequence[str], letters: str) -> list[str]:
    first, *rest = map(_tex, cells)
    return [f"{first}\\tnote{{{_tex(letters)}}}" if letters else first, *rest]


def _tex(text: str) -> str:
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(_clean(text).split()))


def _head(table: Laid) -> Sequence[str]:
    return table.head[:-1] if _lettered(table) else table.head


def _lettered(table: Laid) -> bool:
    """Whether the last column names footnotes by letters."""
    return bool(table.notes) and all(_LETTER.match(note) for note in table.notes)


def _marked(table: Laid) -> Iterator[tuple[Sequence[str], str]]:
    """Yield rows, each with the letters of its footnotes."""
    for cells in table.body:
        yield (cells[:-1], cells[-1].replace(" ", ",")) if _lettered(table) else (cells, "")


def _notes(one: Titled) -> Iterator[tuple[str, str]]:
    """Yield footnotes: letter and text; no letter for what concerns the whole table."""
    if one.note:
        yield "", one.note
    for note in one.table.notes:
        found = _LETTER.match(note) if _lettered(one.table) else None
        yield (found[1], note[found.end() :]) if found else ("", note)


def as_docx(tables: Sequence[Titled], *, paper: Paper | None = None) -> bytes:
    """Return tables as a Word file; with a paper, its title and paragraphs before them."""
    from docx import Document  # a second to import; only who asks for the file waits
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm, Pt, RGBColor

    made = Document()
    made.core_properties.author, made.core_properties.comments = "", ""
    normal, page = made.styles["Normal"], made.sections[0]
    normal.font.name, normal.font.size = "Times New Roman", Pt(10)
    page.page_width, page.page_height = Mm(210), Mm(297)
    for style in ("Title", "Heading 1"):
        made.styles[style].font.color.rgb = RGBColor(0, 0, 0)
    if max((len(each.table.head) for each in tables), default=0) > 6:
        page.orientation, page.page_width, page.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    page.left_margin = page.right_margin = Mm(20)
    if paper:
        made.add_heading(_clean(paper.title), 0)
        for head, text in (("Methods", paper.methods), ("Results", paper.results)):
            if text:
                made.add_heading(head, 1)
                made.add_paragraph(_clean(text))
        made.add_paragraph(_clean(paper.notice)).runs[0].italic = True
    for each in tables:
        _docx_table(made, each)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def _docx_table(made: Any, one: Titled) -> None:
    from docx.shared import Pt

    title = made.add_paragraph()
    title.paragraph_format.space_before, title.paragraph_format.keep_with_next = Pt(14), True
    title.add_run(_clean(one.title)).bold = True
    head, body = _head(one.table), list(_marked(one.table))
    table = made.add_table(len(body) + 1, max(len(head), 1))
    for at, (cells, letters) in enumerate(chain([(head, "")], body)):
        for place, (cell, text) in enumerate(zip(table.rows[at].cells, cells, strict=True)):
            _write(cell.paragraphs[0], text, "" if place else letters, bold=at == 0)
    for row, edges in ((0, ("top", "bottom")), (len(body), ("bottom",))):
        for cell in table.rows[row].cells:
            _rule(cell, edges)
    _repeat(table.rows[0])
    for letter, text in _notes(one):
        below = made.add_paragraph()
        below.paragraph_format.space_after = Pt(2)
        if letter:
            below.add_run(letter).font.superscript = True
        below.add_run(_clean(f" {text}" if letter else text)).font.size = Pt(8)


def _write(paragraph: Any, text: str, letters: str, *, bold: bool) -> None:
    from docx.shared import Pt

    paragraph.paragraph_format.space_after = Pt(1)
    run = paragraph.add_run(_clean(text))
    run.bold, run.font.size = bold, Pt(9)
    if letters:
        paragraph.add_run(letters).font.superscript = True


def _rule(cell: Any, edges: Sequence[str]) -> None:
    """Draw lines of half a point above or below a cell."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tcBorders")
    for edge in edges:
        line = OxmlElement(f"w:{edge}")
        for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _repeat(row: Any) -> None:
    """Repeat the heading on every page."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _clean(text: str) -> str:
    """Return text without what XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
