"""What holds a page still while it is drawn: styles from the first moment, and Streamlit's elements fetched with it."""

import re
from functools import cache
from pathlib import Path

import streamlit as st

STYLES = Path(__file__).parents[1] / "static" / "page.css"
_CHUNKS = Path(st.__file__).parent / "static" / "static" / "js"
_ELEMENTS = (
    "Button", "ButtonGroup", "Checkbox", "DataFrame", "DownloadButton", "FileUploader", "Html", "ImageList", "Metric",
    "Multiselect",
    "NumberInput", "PageLink", "Pagination", "Progress", "Selectbox", "Slider", "Spinner",
    "StreamlitMarkdown", "TextInput",
)  # fmt: skip
"""Elements of our pages. Streamlit asks for the code of each once it is to be drawn, and keeps a place of another
height for it meanwhile; those of figures are too large to be fetched before they are wanted."""


@cache
def head() -> bytes:
    """Return what the page that opens the application has in its head."""
    chunks = _chunks()
    links = "".join(f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in chunks)
    run = "".join(f'import("./static/js/{name}");' for name in chunks[: len(_ELEMENTS)])
    opening = Path(__file__).with_name("opening.js").read_text(encoding="utf-8")
    scripts = f'<script type="module">{run}</script><script>{opening}</script>'
    return f"<style>{STYLES.read_text('utf-8')}</style>{links}{scripts}".encode()


def _chunks() -> list[str]:
    """Return the files of the elements and of what these import."""
    wanted = [file.name for name in _ELEMENTS for file in _CHUNKS.glob(f"{name}.*.js")]
    for name in wanted:  # grows while it is read
        code = (_CHUNKS / name).read_text(encoding="utf-8")
        wanted += set(re.findall(r'from"\./([\w.-]+\.js)"', code)) - set(wanted)
    return wanted
