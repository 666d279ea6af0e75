"""Tables as a manuscript takes them, in Word and LaTeX: three rules, units in headings, footnotes below."""

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from fundus_core.analyses import Laid
from fundus_core.report.paper import Paper, Titled

_LETTER = re.compile(r"^([a-z]|\d+): ")
_SPECIAL = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{sign: f"{{{sign}}}" for sign in "[]*"},  # behind the end of a row they would be its options
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
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
_EMOJI = re.compile("([\U0001f000-\U0001faff])[\U0001f3fb-\U0001f3ff\ufe0f\u200d]*")
_LIGATURES = re.compile("(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)|(?<=[`!?])(?=`)")
_LATIN = re.compile("[\x00-\x7e\xa0-\xff‐–—‘’‚“”„†‡•…€™]*")
"""What pdfLaTeX prints without further packages."""
_FONTS = {True: "\\usepackage[T1]{fontenc}\n\\usepackage{lmodern}", False: "\\usepackage{luatexja-fontspec}"}
_PAGES = {False: (100, 42), True: (150, 26)}
"""Upright and broad: letters of 9 points side by side, lines that a page holds."""
_END = r" \tabularnewline"


def as_latex(tables: Sequence[Titled], *, paper: Paper | None = None) -> str:
    """Return tables as LaTeX to be put into a manuscript; with a paper, a document that compiles as it stands.

    Nothing that a stranger wrote is left with a meaning of its own: every special sign is written as itself. The first
    line names the engine; a table longer than a page goes on overleaf, and a column of sentences wraps.
    """
    body = "\n".join((*_sections(paper), *map(_latex_table, tables)))
    body = body.replace("\\end{landscape}\n\n\\begin{landscape}\n", "\n")  # several on one turned page
    latin = _LATIN.fullmatch(body) is not None
    first = f"% {'pdfLaTeX' if latin else 'LuaLaTeX with luatexja'}"
    if paper is None:
        return f"{first}; needs \\usepackage{{array,booktabs,longtable,pdflscape}}\n\n{body}"
    named = "" if paper.table == "Table" else f"\\renewcommand{{\\tablename}}{{{paper.table}}}\n"
    uses = f"{_FONTS[latin]}\n\\usepackage[margin=20mm]{{geometry}}\n\\usepackage{{array,booktabs,longtable,pdflscape}}"
    return (
        f"{first}\n\\documentclass[a4paper]{{article}}\n{uses}\n\\begin{{document}}\n{named}{body}\\end{{document}}\n"
    )


def _is_broad(tables: Sequence[Titled]) -> bool:
    return max((len(each.table.head) for each in tables), default=0) > 6


def _sections(paper: Paper | None) -> Iterator[str]:
    if paper:
        yield f"\\section*{{{_tex(paper.title)}}}\n\\textit{{{_tex(paper.notice)}}}\n"
        for head, text in paper.sections:
            yield f"\\subsection*{{{_tex(head)}}}\n{_tex(text)}\n"


def _latex_table(one: Titled) -> str:
    """Return a table that floats, or goes on overleaf where it is longer than a page; a broad one on a turned page."""
    broad, head, body = _is_broad([one]), _head(one.table), list(_marked(one.table))
    room, most = _PAGES[broad]
    widths = _widths([head, *(cells for cells, _letters in body)], room)
    columns = "".join(
        f">{{\\raggedright\\arraybackslash}}p{{{wide / room:.3f}\\linewidth}}" if wide else "l" for wide in widths
    )
    top = f"\\toprule\n{' & '.join(map(_tex, head))}{_END}\n\\midrule\n"
    rows = "".join(f"{' & '.join(_row(cells, letters))}{_END}\n" for cells, letters in body)
    notes = "".join(f"{_raised(letter)} {_tex(text)}\\par\n".lstrip() for letter, text in _notes(one))
    below = f"\\par\\smallskip\\footnotesize\\raggedright\n{notes}" if notes else ""
    caption = f"\\caption{{{_tex(one.unnumbered)}}}"
    if _lines(body, widths) > most:
        made = (
            f"\\begingroup\\small\n\\begin{{longtable}}{{{columns}}}\n{caption}{_END}\n{top}\\endfirsthead\n{top}"
            f"\\endhead\n\\bottomrule\n\\endfoot\n{rows}\\end{{longtable}}\n{below}\\endgroup\n"
        )
    else:
        made = (
            f"\\begin{{table}}[htbp]\n\\centering\\small\n{caption}\n\\begin{{tabular}}{{{columns}}}\n{top}{rows}"
            f"\\bottomrule\n\\end{{tabular}}\n{below}\\end{{table}}\n"
        )
    return f"\\begin{{landscape}}\n{made}\\end{{landscape}}\n" if broad else made


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[float]:
    """Return the letters that each column gets; 0 for a column that needs no more than its share and does not wrap."""
    needed = [max(map(_letters, column)) for column in zip(*rows, strict=True)]
    left, widths = float(room - 2 * len(needed)), [0.0] * len(needed)
    for rank, at in enumerate(sorted(range(len(needed)), key=needed.__getitem__)):
        share = left / (len(needed) - rank)
        widths[at] = share if needed[at] > share else 0.0
        left -= widths[at] or needed[at]
    return widths


def _lines(body: Sequence[tuple[Sequence[str], str]], widths: Sequence[float]) -> int:
    """Return how many lines the rows of a table take."""
    each = (zip(cells, widths, strict=True) for cells, _letters_of in body)
    return sum(max(-(-_letters(cell) // int(wide)) if wide >= 1 else 1 for cell, wide in row) for row in each)


def _letters(text: str) -> int:
    """Return how many Latin letters are as wide as a text."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _row(cells: Sequence[str], letters: str) -> list[str]:
    first, *rest = map(_tex, cells)
    return [f"{first}{_raised(letters)}", *rest]


def _raised(letters: str) -> str:
    return f"\\textsuperscript{{{_tex(letters)}}}" if letters else ""


def _tex(text: str) -> str:
    parts = _LIGATURES.split(" ".join(_EMOJI.sub(_named, _clean(text)).split()))
    return r"{\kern0pt}".join("".join(_SPECIAL.get(sign, sign) for sign in part) for part in parts)


def _named(emoji: re.Match[str]) -> str:
    """Return what a picture sign is called: no font of TeX's has it, and none gets lost in silence."""
    return f"({unicodedata.name(emoji[1], 'sign').lower()})"


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
    """Return tables as a Word file; with a paper, its title and paragraphs before them, and its tables counted."""
    from docx import Document  # a second to import; only who asks for the file waits

    made = Document()
    _plain(made)
    _page(made.sections[0], broad=_is_broad(tables) and paper is None)
    if paper:
        made.add_heading(_clean(paper.title), 0)
        for head, text in paper.sections:
            made.add_heading(head, 1)
            made.add_paragraph(_clean(text))
        made.add_paragraph(_clean(paper.notice)).runs[0].italic = True
    for count, each in enumerate(tables, start=1):
        if paper:
            _turn(made, broad=_is_broad([each]))
        _docx_table(made, each, f"{paper.table} {count}. {each.unnumbered}" if paper else each.title)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def _plain(made: Any) -> None:
    """Take the template's author, colours and second copy of the styles out of a file; write as journals do."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    made.core_properties.author, made.core_properties.comments = "", ""
    for name, part in list(made.part.rels.items()):
        if part.reltype.endswith("/stylesWithEffects"):  # of Word 2010; ours would not be in it
            del made.part.rels[name]
    normal = made.styles["Normal"]
    normal.font.name, normal.font.size = "Times New Roman", Pt(10)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "Yu Mincho")
    for lang in made.styles.element.iter(qn("w:lang")):
        lang.set(qn("w:eastAsia"), "ja-JP")  # else Chinese letters and stops stand in Japanese text
    for style in ("Title", "Heading 1"):
        made.styles[style].font.color.rgb = RGBColor(0, 0, 0)


def _page(section: Any, *, broad: bool) -> None:
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    section.orientation = WD_ORIENT.LANDSCAPE if broad else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(297), Mm(210)) if broad else (Mm(210), Mm(297))
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(20)


def _turn(made: Any, *, broad: bool) -> None:
    """Go on on a page of the other orientation, where it is not that already."""
    now = made.sections[-1]
    if broad != (now.page_width > now.page_height):
        _page(made.add_section(), broad=broad)


def _docx_table(made: Any, one: Titled, caption: str) -> None:
    from docx.shared import Pt

    title = made.add_paragraph()
    title.paragraph_format.space_before, title.paragraph_format.keep_with_next = Pt(14), True
    title.add_run(_clean(caption)).bold = True
    head, body = _head(one.table), list(_marked(one.table))
    table = made.add_table(len(body) + 1, max(len(head), 1))
    _set_widths(table, [head, *(cells for cells, _letters_of in body)], made.sections[-1])
    for at, (cells, letters) in enumerate(chain([(head, "")], body)):
        for place, (cell, text) in enumerate(zip(table.rows[at].cells, cells, strict=True)):
            _write(cell.paragraphs[0], text, "" if place else letters, bold=at == 0)
            cell.paragraphs[0].paragraph_format.keep_with_next = len(body) < _TOGETHER  # on one page with its notes
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


def _set_widths(table: Any, rows: Sequence[Sequence[str]], section: Any) -> None:
    """Make columns as wide as what they hold, the whole no wider than the page."""
    wide = [min(max(map(_letters, column)), 40) + 3 for column in zip(*rows, strict=True)]
    room = section.page_width - section.left_margin - section.right_margin
    for column, share in zip(table.columns, wide, strict=True):
        for cell in column.cells:
            cell.width = round(share / max(sum(wide), 60) * room)


_TOGETHER = 30
"""Rows of a table that is not parted between pages."""


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
