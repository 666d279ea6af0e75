"""A photograph large, both eyes or visits side by side: zoom, pan, the heat map over it, the crop on the original."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st
from PIL import Image

from fundus_core import images, journey
from fundus_core.errors import FundusError
from fundus_core.explain import Explanation
from fundus_core.figures import heading, number
from fundus_core.images.sources import source_at
from fundus_core.journey import Examined
from fundus_core.records import Pixels
from fundus_core.retina import CropRule
from fundus_core.store import Item, Where
from fundus_core.targets import TARGETS
from pages.parts.shared import photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell import home
from pages.parts.shell.language import _, literal, said, tell

_HERE = Path(__file__).parent
_SIDE = 1200
"""Pixels of a photograph in the viewer: more than a screen shows before it is zoomed."""
_MOST = 4
"""Photographs of one person side by side."""
_AT = "large"
"""In the tab's memory: the photograph that is open."""


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component(
        "fundus_lab_viewer",
        html='<div class="viewer"><div class="bar"></div><div class="panes"></div></div>',
        css=(_HERE / "viewer.css").read_text(encoding="utf-8"),
        js=(_HERE / "viewer.js").read_text(encoding="utf-8"),
    )


def button(view: View, item: Item) -> None:
    """Draw the button that opens a photograph large."""
    if st.button(_("Open large"), icon=":material/zoom_in:", key=f"large-{item.key}"):
        st.session_state[_AT] = item.name
        _large(view)


@st.dialog(" ", width="large")
def _large(view: View) -> None:
    """A dialog is a fragment: arrow keys draw it again and not the page below."""
    item = home.store().photograph(view.cohort.id, st.session_state[_AT], model=view.model or None)
    named = [name for name in TARGETS if name in item.predictions]
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        target = st.selectbox(
            _("By error of"), named, format_func=lambda one: heading(_(TARGETS[one].name)), key="large_target"
        ) if named else ""  # fmt: skip
    with middle:
        original = st.toggle(_("Original with the crop's circle"), key="large_original")
    with right:
        looking = photo_panel.can_look(view, item) and st.toggle(_("Where does the model look?"), key="large_map")
    found = _asked(view, item, target) if looking else None
    items = _beside(view, item)
    st.markdown(f"**{literal(photo_panel.name_of(item))}**  {_numbers(item, target)}")
    eyes = [_eye(view, each, found if each.name == item.name else None, target, original=original) for each in items]
    made = _component()(
        key="viewer",
        data={"eyes": [eye for eye in eyes if eye], "words": _words()},
        on_step_change=lambda: None,
    )
    if made.step and target:
        st.session_state[_AT] = _next(view, item, target, int(made.step))
        st.rerun(scope="fragment")


def _asked(view: View, item: Item, target: str) -> Explanation | None:
    try:
        with st.spinner(
            photo_panel.patience_of_looking(),
            show_time=True,
        ):
            return photo_panel.where_it_looks(view, item, target).result()
    except FundusError as fault:
        st.error(said(fault))
        return None


def _beside(view: View, item: Item) -> Sequence[Item]:
    """Return a photograph and others of its person: the other eye, other visits."""
    if not item.patient_id:
        return [item]
    mine = Where(patient_id=item.patient_id)
    found = home.store().photographs(view.cohort.id, mine, model=view.model or None, limit=_MOST).items
    return [item, *(other for other in found if other.id != item.id)][:_MOST]


def _next(view: View, item: Item, target: str, step: int) -> str:
    """Return the photograph with the next smaller (or larger) error of a target."""
    group = studies.groups(view, target, "photograph")[0]
    order = [str(name) for name in group.ids[np.argsort(-np.abs(group.error), kind="stable")]]
    at = order.index(item.name) if item.name in order else -step
    return order[min(max(at + step, 0), len(order) - 1)] if order else item.name


def _numbers(item: Item, target: str) -> str:
    if target not in item.predictions or target not in item.truth:
        return ""
    of, value, true = TARGETS[target], item.predictions[target].value, item.truth[target]
    words = _("true {true} · predicted {predicted}")
    return words.format(true=tell(of.said(true)) if of.binary else number(true, of), predicted=number(value, of))


def _eye(view: View, item: Item, found: Explanation | None, target: str, *, original: bool) -> dict[str, Any] | None:
    """Return what the script draws of a photograph; ``None`` where it cannot be read."""
    try:
        locator = home.store().locator(view.cohort.id, item.name)
        examined = _examined(locator, item.sha256)
    except FundusError:
        return None
    if not examined.crops:
        return None
    crop = examined.crops[0]
    scale, x, y = (1.0, 0.0, 0.0) if original else (crop.scale, crop.origin_x, crop.origin_y)
    pixels = _whole(locator, item.sha256) if original else crop.pixels
    high, wide = pixels.shape[:2]
    if original:
        scale = wide / crop.bounds.width
    words = " · ".join(filter(None, [photo_panel.eye(item.eye), item.visit, photo_panel.name_of(item)]))
    eye: dict[str, Any] = {"src": _jpeg(pixels), "alt": photo_panel.describe(item), "label": words}
    eye["aspect"] = f"{wide} / {high}"
    if original:
        of = crop.bounds
        ring = (of.cx - of.radius, of.cy - of.radius_y, 2 * of.radius, 2 * of.radius_y)
        eye["circle"] = _percent(ring, scale, (wide, high))
    if found is not None and target in found.maps:
        side = found.crop.shape[0]
        share = crop.bounds.width / examined.width  # what was decoded, of the file's own pixels
        corner = ((found.origin_x * share - x), (found.origin_y * share - y))
        length = side / (found.scale / share)
        eye["map"] = _heat(found.maps[target].map)
        eye["box"] = _percent((*corner, length, length), scale, (wide, high))
    return eye


def _percent(box: tuple[float, float, float, float], scale: float, size: tuple[int, int]) -> list[float]:
    """Return a box in per cent of a picture's width and height."""
    return [round(100 * scale * value / size[at % 2], 3) for at, value in enumerate(box)]


@st.cache_resource(max_entries=24, show_spinner=False)
def _examined(locator: str, sha256: str) -> Examined:
    return journey.examine(source_at(locator), [CropRule(_SIDE)])


@st.cache_resource(max_entries=8, show_spinner=False)
def _whole(locator: str, sha256: str) -> Pixels:
    """Return the photograph as it came, no larger than the viewer shows."""
    pixels = _read(locator)
    factor = min(1.0, _SIDE / max(pixels.shape[:2]))
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def _read(locator: str) -> Pixels:
    source = source_at(locator)
    return images.decode(source.read(), source.name, at_least=_SIDE).pixels


def _jpeg(pixels: Pixels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _heat(strength: Any) -> str:
    """Return a map as a picture: black where the model does not look, which a screen blend leaves out."""
    colours = cv2.applyColorMap(np.rint(255 * strength).astype(np.uint8), cv2.COLORMAP_INFERNO)
    made, data = cv2.imencode(".png", colours)
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}" if made else ""


def _words() -> dict[str, str]:
    return {
        "title": _("Arrow keys: next photograph by its error; + and −: zoom; 0: whole"),
        "back": _("Larger error (arrow key left)"),
        "next": _("Smaller error (arrow key right)"),
        "closer": _("Zoom in (+)"),
        "away": _("Zoom out (−)"),
        "whole": _("Whole photograph (0)"),
        "heat": _("Heat map"),
    }
