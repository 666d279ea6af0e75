"""Slides as a PowerPoint file: native text, tables and shapes; figures as pictures of 288 dots an inch."""

import io
from dataclasses import dataclass, replace
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_LINE_DASH_STYLE
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.oxml.xmlchemy import OxmlElement
from pptx.util import Emu, Pt

from fundus_core.figures import Palette
from fundus_core.figures.printing import png
from fundus_core.report.slides.layouts import foot
from fundus_core.report.slides.slide import (
    HEIGHT,
    WIDTH,
    Box,
    Deck,
    Drawing,
    Page,
    Part,
    Photo,
    Place,
    Rule,
    Table,
    Tone,
    Words,
    colour,
)
from fundus_core.report.slides.text_fit import LINE

PIXEL = 9525
"""English Metric Units: 914,400 an inch, 96 pixels an inch."""
_POINTS = 0.75
"""Points a pixel."""
_ALIGN = {"left": PP_ALIGN.LEFT, "center": PP_ALIGN.CENTER, "right": PP_ALIGN.RIGHT}
_LATIN, _EAST_ASIAN = "Calibri", "Yu Gothic"
"""Fonts that come with PowerPoint; other programs put theirs in their place."""
_TITLE_ONLY = 5
"""The layout of a heading and nothing else in the bundled template."""


def as_pptx(deck: Deck) -> bytes:
    """Return a PowerPoint file (16:9) with speaker's notes."""
    file = Presentation()
    file.slide_width, file.slide_height = Emu(WIDTH * PIXEL), Emu(HEIGHT * PIXEL)
    file.core_properties.title, file.core_properties.author = deck.title, "Fundus Lab"
    painter = _Painter(deck.palette, "ja-JP" if deck.language == "ja" else "en-US")
    for number, page in enumerate(deck.pages, start=1):
        slide = file.slides.add_slide(file.slide_layouts[_TITLE_ONLY])
        painter.page(slide, page)
        for part in foot(deck.footer, f"{number} / {len(deck.pages)}"):
            painter.part(slide, part)
    stream = io.BytesIO()
    file.save(stream)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class _Painter:
    """Puts parts on slides in one palette."""

    palette: Palette
    language: str

    def page(self, slide: Any, page: Page) -> None:
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = self._rgb("paper")
        title = slide.shapes.title
        title.left, title.top, title.width, title.height = _box(page.title.place)
        self._write(title.text_frame, page.title, anchor=MSO_ANCHOR.BOTTOM)
        for part in page.parts:
            self.part(slide, part)
        if page.notes:
            slide.notes_slide.notes_text_frame.text = page.notes

    def part(self, slide: Any, part: Part) -> None:
        match part:
            case Words():
                frame = slide.shapes.add_textbox(*_box(part.place)).text_frame
                self._write(frame, part)
            case Box():
                self._box(slide, part)
            case Rule():
                self._rule(slide, part)
            case Photo():
                shape = slide.shapes.add_picture(io.BytesIO(part.data), *_box(part.place))
                if part.round:
                    shape.auto_shape_type = MSO_SHAPE.OVAL
                _describe(shape, part.alt)
            case Drawing():
                figure = replace(part.figure, height=round(part.place.h))
                drawn = io.BytesIO(png(figure, width=round(part.place.w), scale=3.0))
                _describe(slide.shapes.add_picture(drawn, *_box(part.place)), figure.alt)
            case Table():
                self._table(slide, part)

    def _box(self, slide: Any, part: Box) -> None:
        kind = MSO_SHAPE.ROUNDED_RECTANGLE if part.corner else MSO_SHAPE.RECTANGLE
        shape = slide.shapes.add_shape(kind, *_box(part.place))
        if part.corner:
            shape.adjustments[0] = min(0.5, part.corner / min(part.place.w, part.place.h))
        _plain(shape)
        shape.fill.solid()
        shape.fill.fore_color.rgb = self._rgb(part.fill)
        shape.line.color.rgb = self._rgb(part.edge)
        shape.line.width = Pt(_POINTS)

    def _rule(self, slide: Any, part: Rule) -> None:
        ends = [Emu(round(at * PIXEL)) for at in (part.x0, part.y0, part.x1, part.y1)]
        connector = slide.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, *ends)
        _plain(connector)
        line = connector.line
        line.color.rgb = self._rgb(part.tone)
        line.width = Pt(part.width * _POINTS)
        if part.dashed:
            line.dash_style = MSO_LINE_DASH_STYLE.DASH
        if part.arrow:
            _add(line._get_or_add_ln(), "a:tailEnd", type="arrow")  # python-pptx knows no heads of lines

    def _table(self, slide: Any, part: Table) -> None:
        frame = slide.shapes.add_table(len(part.rows), len(part.widths), *_box(part.place))
        table = frame.table
        table.first_row, table.horz_banding = part.headed, False
        for column, wide in zip(table.columns, part.widths, strict=True):
            column.width = Emu(round(wide * PIXEL))
        for at, cells in enumerate(part.rows):
            table.rows[at].height = Emu(round(part.row_height * PIXEL))
            for column, text in enumerate(cells):
                self._cell(table.cell(at, column), part, at, column, text)

    def _cell(self, cell: Any, table: Table, row: int, column: int, text: str) -> None:
        head = table.headed and row == 0
        cell.fill.background()
        cell.vertical_anchor = MSO_ANCHOR.MIDDLE
        cell.margin_left = cell.margin_right = cell.margin_top = cell.margin_bottom = Emu(0)
        words = Words(
            table.place,
            (text,),
            table.size,
            bold=head or column == table.strong,
            tone="quiet" if head else "ink",
            align="left" if column == 0 else "right",
        )
        self._write(cell.text_frame, words)
        _line_below(cell, colour("edge", self.palette), 2 if head else 1)

    def _write(self, frame: Any, words: Words, *, anchor: Any = None) -> None:
        """Write text whose room was measured: nothing may grow, shrink or stand apart from the edge."""
        frame.word_wrap = True
        frame.auto_size = MSO_AUTO_SIZE.NONE
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Emu(0)
        if anchor is not None:
            frame.vertical_anchor = anchor
        for number, line in enumerate(words.lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            self._paragraph(paragraph, words, line)

    def _paragraph(self, paragraph: Any, words: Words, line: str) -> None:
        paragraph.alignment = _ALIGN[words.align]
        paragraph.line_spacing = Pt(words.size * LINE * _POINTS)
        paragraph.space_before = Pt(0)
        paragraph.space_after = Pt(words.size * 0.35 * _POINTS) if len(words.lines) > 1 else Pt(0)
        if words.bulleted:
            _bullet(paragraph)
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold = Pt(round(words.size * _POINTS * 2) / 2), words.bold
        run.font.color.rgb = self._rgb(words.tone)
        run.font.name = _LATIN
        properties = run._r.get_or_add_rPr()
        properties.set("lang", self.language)
        _add(properties, "a:ea", typeface=_EAST_ASIAN)

    def _rgb(self, tone: Tone) -> RGBColor:
        return RGBColor(*bytes.fromhex(colour(tone, self.palette).lstrip("#")))  # type: ignore[no-untyped-call]


def _box(place: Place) -> tuple[Emu, Emu, Emu, Emu]:
    return tuple(Emu(round(value * PIXEL)) for value in (place.x, place.y, place.w, place.h))  # type: ignore[return-value]


def _plain(shape: Any) -> None:
    """Take the template's style off a shape: its shadow."""
    style = shape._element.find(qn("p:style"))
    if style is not None:
        shape._element.remove(style)


def _bullet(paragraph: Any) -> None:
    properties = paragraph._p.get_or_add_pPr()  # python-pptx knows no bullets
    properties.set("marL", str(24 * PIXEL))
    properties.set("indent", str(-24 * PIXEL))
    _add(properties, "a:buFont", typeface="Arial")
    _add(properties, "a:buChar", char="•")


def _line_below(cell: Any, ink: str, width: float) -> None:
    """Draw the line under a cell and no other, whatever style the table has."""
    properties = cell._tc.get_or_add_tcPr()  # python-pptx knows no edges of cells
    sides = ("a:lnL", "a:lnR", "a:lnT", "a:lnB")
    for place, name in enumerate(sides):
        line = OxmlElement(name)
        line.set("w", str(round(width * PIXEL)) if name == "a:lnB" else "0")
        if name == "a:lnB":
            _add(_add(line, "a:solidFill"), "a:srgbClr", val=ink.lstrip("#"))
        else:
            _add(line, "a:noFill")
        properties.insert(place, line)


def _add(parent: Any, name: str, **attributes: str) -> Any:
    """Add an element to the file's own XML, where python-pptx has no word for it."""
    made = OxmlElement(name)
    for key, value in attributes.items():
        made.set(key, value)
    parent.append(made)
    return made


def _describe(shape: Any, text: str) -> None:
    """Give a picture its alternative text."""
    shape._element.nvPicPr.cNvPr.set("descr", text)
