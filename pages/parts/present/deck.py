"""Slides on the screen and as one file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.present.slides import Slide
from pages.parts.shell.language import _, current

_HERE = Path(__file__).parent


def _css() -> str:
    return (_HERE / "slides.css").read_text(encoding="utf-8")


def _js() -> str:
    return (_HERE / "slides.js").read_text(encoding="utf-8")


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    starting = """
export default function (component) {
  return present(component.parentElement.querySelector(".root"), component.data);
}
"""
    html = '<div class="holder"><div class="root"></div></div>'
    return st.components.v2.component("fundus_lab_slides", html=html, css=_css(), js=_js() + starting)


def show(slides: Sequence[Slide], footer: str, title: str, *, dark: bool) -> None:
    """Draw the slides on the page."""
    _component()(key="slides", data=_data(slides, footer, title, dark=dark))


def _data(slides: Sequence[Slide], footer: str, title: str, *, dark: bool) -> dict[str, Any]:
    pages = [{"html": _page(slide, footer, place, len(slides))} for place, slide in enumerate(slides, start=1)]
    words = {"back": _("Back"), "next": _("Next"), "full": _("Full screen")}
    return {"slides": pages, "words": words, "title": title, "dark": dark}


def _page(slide: Slide, footer: str, place: int, total: int) -> str:
    foot = f"<div class='foot'><span>{escape(footer)}</span><span>{place} / {total}</span></div>"
    return f"<section class='slide'><h2>{escape(slide.title)}</h2>{slide.body}{foot}</section>"


def as_file(slides: Sequence[Slide], footer: str, title: str, *, dark: bool) -> str:
    """Return the slides as one HTML file: nothing is loaded from anywhere."""
    data = json.dumps(_data(slides, footer, title, dark=dark)).replace("</", "<\\/")
    ground = "#111820" if dark else "#FFFFFF"
    return (
        f'<!doctype html><html lang="{current()}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>body{{margin:0;background:{ground}}}{_css()}</style></head>"
        f"<body><div><div id='root'></div></div><script>{_js()}\n"
        f"present(document.getElementById('root'), {data});</script></body></html>"
    )


def as_powerpoint(slides: Sequence[Slide], footer: str, *, dark: bool) -> bytes:
    """Return the slides as a PowerPoint file."""
    from fundus_core.report.powerpoint import as_pptx  # takes a second to import; only who asks for the file waits

    return as_pptx([slide.printed for slide in slides], footer, dark=dark)
