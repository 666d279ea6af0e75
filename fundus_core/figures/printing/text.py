"""Plotly's words and colours as matplotlib reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DASHES: Mapping[str, str] = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
"""Kinds of lines."""


def plain(text: str) -> str:
    """Return text without Plotly's HTML subset.

    >>> plain("<b>MAE 10.3</b> <span style='color:#555'>mmHg</span>")
    'MAE 10.3 mmHg'
    >>> plain("age: 0 to <30  <span>n = 3</span>")
    'age: 0 to <30  n = 3'
    """
    return re.sub(r"</?[a-zA-Z][^>]*>", "", text.replace("<br>", "\n")).replace("$", r"\$")


def words(figure: Any) -> str:
    """Return all that is written in a printed figure, one word after another."""
    layout = figure.layout
    found = [axis.title.text for axis in (layout.xaxis, layout.yaxis)]
    found += [*(layout.yaxis.categoryarray or ()), *(layout.yaxis.ticktext or ())]
    found += [note.text for note in layout.annotations]
    for trace in figure.data:
        found += [trace.name, *(trace.y if trace.type == "box" else ())]
    return plain(" ".join(str(word) for word in found if word is not None))


def colour(text: str) -> Any:
    """Return a colour as matplotlib reads it.

    >>> colour("rgba(255,0,0,0.5)")
    (1.0, 0.0, 0.0, 0.5)
    """
    found = re.fullmatch(r"rgba?\(([^)]*)\)", text.strip())
    if not found:
        return text
    parts = [float(part) for part in found.group(1).split(",")]
    return (*(part / 255 for part in parts[:3]), *parts[3:4])


def escape(text: str) -> str:
    """Return text as the value of an attribute."""
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
