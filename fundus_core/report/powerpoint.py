"""Slides as a PowerPoint file: native text and tables, figures as pictures of high resolution."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import PP_ALIGN
from pptx.util import Inches, Length, Pt

from fundus_core.figures import DARK, LIGHT, Palette, alt_text
from fundus_core.figures.printing import png
from fundus_core.report.slides import Picture, Slide

WIDE, HIGH = Inches(13.333), Inches(7.5)
_LEFT, _TOP, _WIDTH = Inches(0.75), Inches(1.55), Inches(11.83)


def as_pptx(slides: Sequence[Slide], footer: str, *, dark: bool = False) -> bytes:
    """Return a PowerPoint file (16:9).

    Args:
        slides: In their order.
        footer: At the foot of every slide, with the slide's number.
        dark: Light text on a dark ground.
    """
    deck = Presentation()
    deck.slide_width, deck.slide_height = WIDE, HIGH
    painter = _Painter(DARK if dark else LIGHT)
    for number, slide in enumerate(slides, start=1):
        page = deck.slides.add_slide(deck.slide_layouts[5])
        painter.ground(page)
        painter.title(page, slide.title)
        painter.body(page, slide)
        painter.foot(page, footer, f"{number} / {len(slides)}")
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class _Painter:
    """Puts parts on a page in one palette."""

    palette: Palette

    def ground(self, page: Any) -> None:
        page.background.fill.solid()
        page.background.fill.fore_color.rgb = _rgb(self.palette.paper)

    def title(self, page: Any, text: str) -> None:
        shape = page.shapes.title
        shape.left, shape.top, shape.width, shape.height = _LEFT, Inches(0.45), _WIDTH, Inches(0.95)
        self._write(shape.text_frame, [text], size=34, bold=True)

    def body(self, page: Any, slide: Slide) -> None:
        below: Length = _TOP
        if slide.pictures:
            below = self._pictures(page, slide.pictures)
        elif slide.figure is not None:
            self._figure(page, slide.figure)
            if slide.table:
                self._table(page, slide, Inches(6.6), Inches(5.98))
            below = Inches(6.3)
        elif slide.table:
            below = self._table(page, slide, _LEFT, _WIDTH)
        if slide.lines:
            box = page.shapes.add_textbox(_LEFT, below, _WIDTH, Inches(0.6 * len(slide.lines)))
            self._write(box.text_frame, slide.lines, size=22 if below == _TOP else 16)

    def foot(self, page: Any, footer: str, number: str) -> None:
        box = page.shapes.add_textbox(_LEFT, Inches(6.95), Inches(10.6), Inches(0.4))
        self._write(box.text_frame, [footer], size=12, quiet=True)
        box = page.shapes.add_textbox(Inches(11.5), Inches(6.95), Inches(1.08), Inches(0.4))
        self._write(box.text_frame, [number], size=12, quiet=True, right=True)

    def _figure(self, page: Any, figure: go.Figure) -> None:
        drawn = io.BytesIO(png(figure, width=620, scale=3.0))
        shape = page.shapes.add_picture(drawn, _LEFT, _TOP, width=Inches(5.6))
        _describe(shape, alt_text(figure))

    def _pictures(self, page: Any, pictures: Sequence[Picture]) -> Length:
        side, gap = Inches(3.7), Inches(0.36)
        for place, picture in enumerate(pictures[:3]):
            left = Length(_LEFT + place * (side + gap))
            shape = page.shapes.add_picture(io.BytesIO(picture.data), left, _TOP, height=side)
            _describe(shape, picture.caption)
            box = page.shapes.add_textbox(left, Length(_TOP + side), side, Inches(0.8))
            self._write(box.text_frame, [picture.caption], size=16)
        return Length(_TOP + side + Inches(0.9))

    def _table(self, page: Any, slide: Slide, left: Length, width: Length) -> Length:
        rows, columns = len(slide.table), len(slide.table[0])
        height = Inches(0.5)
        frame = page.shapes.add_table(rows, columns, left, _TOP, width, Length(height * rows))
        table = frame.table
        table.first_row, table.horz_banding = slide.headed, False
        for row, cells in enumerate(slide.table):
            for column, text in enumerate(cells):
                cell = table.cell(row, column)
                cell.fill.solid()
                cell.fill.fore_color.rgb = _rgb(self.palette.paper)
                strong = (slide.headed and row == 0) or (not slide.headed and column == 1)
                self._write(cell.text_frame, [text], size=16, bold=strong, right=column > 0)
        return Length(_TOP + height * rows + Inches(0.2))

    def _write(
        self,
        frame: Any,
        lines: Sequence[str],
        *,
        size: int,
        bold: bool = False,
        quiet: bool = False,
        right: bool = False,
    ) -> None:
        frame.word_wrap = True
        for number, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
            paragraph.space_after = Pt(6)
            run = paragraph.add_run()
            run.text = line
            run.font.size, run.font.bold = Pt(size), bold
            run.font.color.rgb = _rgb(self.palette.quiet if quiet else self.palette.ink)


def _rgb(colour: str) -> RGBColor:
    return RGBColor(*bytes.fromhex(colour.lstrip("#")))  # type: ignore[no-untyped-call]


def _describe(shape: Any, text: str) -> None:
    """Give a picture its alternative text."""
    shape._element.nvPicPr.cNvPr.set("descr", text)
