"""Slides as a web page: a part per element, in its place; one file that loads nothing from anywhere."""

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from importlib import resources
from typing import Any

from fundus_core.figures import Palette
from fundus_core.figures.printing import svg
from fundus_core.report.slides.layouts import foot
from fundus_core.report.slides.slide import (
    Box,
    Deck,
    Drawing,
    Page,
    Part,
    Photo,
    Place,
    Rule,
    Table,
    Words,
    colour,
)
from fundus_core.report.slides.text_fit import LINE


@cache
def asset(name: str) -> str:
    """Return the style sheet or the script of the slides."""
    return resources.files("fundus_core.report.slides").joinpath(name).read_text(encoding="utf-8")


def pictured(deck: Deck) -> Deck:
    """Return the slides with the pictures of their figures; those that are drawn already stay."""
    return replace(deck, pages=tuple(replace(page, parts=tuple(map(_pictured, page.parts))) for page in deck.pages))


def _pictured(part: Part) -> Part:
    return replace(part, svg=drawn(part)) if isinstance(part, Drawing) and not part.svg else part


def data_of(deck: Deck, words: Mapping[str, str]) -> dict[str, Any]:
    """Return what the script shows; words are ``back``, ``next`` and ``full`` in the reader's language.

    The place of a figure that is not drawn yet stays empty.
    """
    total = len(deck.pages)
    pages = [_page(page, deck, f"{place} / {total}") for place, page in enumerate(deck.pages, start=1)]
    notes = [page.notes for page in deck.pages]
    return {"slides": pages, "notes": notes, "words": dict(words), "title": deck.title, "dark": deck.dark}


def as_file(deck: Deck, words: Mapping[str, str]) -> str:
    """Return the slides as one HTML file: it shows, prints and moves by arrow keys without any other file."""
    data = json.dumps(data_of(pictured(deck), words), ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<!doctype html>\n<html lang="{deck.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; img-src data:\">"
        f"<title>{escape(deck.title)}</title>"
        f"<style>html,body{{margin:0;height:100%;background:{deck.palette.paper}}}{asset('slides.css')}</style></head>"
        f'<body class="alone"><div class="holder"><div id="root"></div></div><script>{asset("slides.js")}\n'
        f"present(document.getElementById('root'), {data});</script></body></html>"
    )


def _page(page: Page, deck: Deck, number: str) -> str:
    title = page.title
    heading = f"<h2 style='{_at(title.place)}{_letters(title, deck.palette)}'>{escape(' '.join(title.lines))}</h2>"
    parts: Sequence[Part] = (*page.parts, *foot(deck.footer, number))
    return f"<section class='slide'>{heading}{''.join(_part(part, deck.palette) for part in parts)}</section>"


def _at(place: Place) -> str:
    return f"left:{place.x:g}px;top:{place.y:g}px;width:{place.w:g}px;height:{place.h:g}px;"


def _letters(words: Words, palette: Palette) -> str:
    weight = 700 if words.bold else 400
    return (
        f"font-size:{words.size:g}px;line-height:{LINE};font-weight:{weight};"
        f"color:{colour(words.tone, palette)};text-align:{words.align};"
    )


def _part(part: Part, palette: Palette) -> str:
    match part:
        case Words():
            return _words(part, palette)
        case Box():
            edge = colour(part.edge, palette)
            ground = f"background:{colour(part.fill, palette)};border:1px solid {edge};border-radius:{part.corner:g}px;"
            return f"<div class='part' style='{_at(part.place)}{ground}'></div>"
        case Rule():
            return _rule(part, palette)
        case Photo():
            source = base64.b64encode(part.data).decode()
            shape = "border-radius:50%;" if part.round else "border-radius:12px;"
            alt = escape(part.alt, quote=True)
            return (
                f"<img class='part' style='{_at(part.place)}{shape}' src='data:image/jpeg;base64,{source}' alt='{alt}'>"
            )
        case Drawing():
            return f"<div class='part drawing' style='{_at(part.place)}'>{part.svg}</div>"
        case Table():
            return _table(part, palette)


def _words(words: Words, palette: Palette) -> str:
    style = _at(words.place) + _letters(words, palette)
    if words.bulleted:
        items = "".join(f"<li>{escape(line)}</li>" for line in words.lines)
        return f"<ul class='part' style='{style}'>{items}</ul>"
    lines = "".join(f"<p>{escape(line)}</p>" for line in words.lines)
    return f"<div class='part' style='{style}'>{lines}</div>"


def _rule(rule: Rule, palette: Palette) -> str:
    ink, pad = colour(rule.tone, palette), 10.0
    place = Place(
        min(rule.x0, rule.x1) - pad,
        min(rule.y0, rule.y1) - pad,
        abs(rule.x1 - rule.x0) + 2 * pad,
        abs(rule.y1 - rule.y0) + 2 * pad,
    )
    x0, y0, x1, y1 = rule.x0 - place.x, rule.y0 - place.y, rule.x1 - place.x, rule.y1 - place.y
    head = f"<path d='M{x1 - 11:g} {y1 - 8:g}L{x1:g} {y1:g}L{x1 - 11:g} {y1 + 8:g}' fill='none'/>" if rule.arrow else ""
    dash = " stroke-dasharray='6 5'" if rule.dashed else ""
    return (
        f"<svg class='part' aria-hidden='true' style='{_at(place)}' viewBox='0 0 {place.w:g} {place.h:g}' "
        f"stroke='{ink}' stroke-width='{rule.width:g}'{dash}><path d='M{x0:g} {y0:g}L{x1:g} {y1:g}'/>{head}</svg>"
    )


def drawn(part: Drawing) -> str:
    """Return a figure as an SVG element, laid out at its place's size.

    Its names are its own: browsers do not clip by a path of the same name within a slide that is hidden.
    """
    text = svg(replace(part.figure, height=round(part.place.h)), width=round(part.place.w))
    own = f"f{zlib.crc32(text.encode()):08x}-"
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{own}", text)


def _table(table: Table, palette: Palette) -> str:
    columns = "".join(f"<col style='width:{wide:g}px'>" for wide in table.widths)
    rows = "".join(_row(table, at, palette) for at in range(len(table.rows)))
    style = f"{_at(table.place)}font-size:{table.size:g}px;color:{palette.ink};"
    return f"<table class='part' style='{style}'><colgroup>{columns}</colgroup>{rows}</table>"


def _row(table: Table, at: int, palette: Palette) -> str:
    kind = "th" if table.headed and at == 0 else "td"
    cells = []
    for column, text in enumerate(table.rows[at]):
        style = f"text-align:{'left' if column == 0 else 'right'};"
        style += f"color:{palette.quiet};" if kind == "th" else ""
        style += "font-weight:700;" if column == table.strong and kind == "td" else ""
        cells.append(f"<{kind} style='{style}'>{escape(text)}</{kind}>")
    return f"<tr style='height:{table.row_height:g}px'>{''.join(cells)}</tr>"
