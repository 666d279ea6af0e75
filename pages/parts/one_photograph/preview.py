"""The photograph itself: its crop, its quality, and which model read it."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fundus_core import journey
from fundus_core.errors import FundusError, joined
from fundus_core.images.sources import source_at
from fundus_core.quality import Limits
from fundus_core.records import Pixels, QualityCheck, QualityReport, Status
from fundus_core.report import Single, render_photograph
from fundus_core.retina import CropRule
from fundus_core.store import Item
from pages.parts.new_cohort import quality_limits
from pages.parts.shared import display, exports, photo_panel
from pages.parts.shared.grid import grid
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home, menu
from pages.parts.shell.language import _, current, literal, tell

_CROP_PX = 640
"""Side of the crop on the page, where the worker has not made one."""


def picture(view: View, item: Item) -> None:
    """Draw the crop, which model read it, and every quality check."""
    seen = _seen(view, item)
    crop = None if home.store().crop(item.sha256) else seen.crop
    st.image(photo_panel.picture(item) if crop is None else crop, width="stretch", alt=photo_panel.describe(item))
    st.markdown(f"**{literal(photo_panel.name_of(item))}**")
    st.caption(" · ".join(filter(None, [photo_panel.eye(item.eye), photo_panel.details(item)])))
    if item.status != "predicted" and item.status != "queued":
        st.warning(photo_panel.reason(item))
    elif remark := photo_panel.note(item):
        st.caption(f":material/info: {remark}")
    if view.model:
        tip = _("What this model is, what was published about it, and on which terms it may be used.")
        st.page_link(
            menu.path("models"), label=literal(cards.title(view.model)), icon=":material/deployed_code:", help=tip
        )
    if seen.quality is not None:
        with st.expander(_("Quality checks"), expanded=not seen.quality.gradable):
            grid([_check(check) for check in seen.quality.checks])


@dataclass(frozen=True, slots=True)
class Measured:
    """What a look at the photograph itself gives, beside what the store knows of it."""

    quality: QualityReport | None = None
    """Its checks; ``None`` where it could not be read."""
    crop: Pixels | None = None
    """H x W x 3, uint8, RGB: the field of view, black outside; ``None`` where there is none."""


def _seen(view: View, item: Item) -> Measured:
    try:
        locator = home.store().locator(view.cohort.id, item.name)
    except FundusError:
        return Measured()
    return _look(locator, item.sha256, quality_limits.limits(view))


@st.cache_resource(max_entries=24, show_spinner=False)
def _look(locator: str, sha256: str, limits: Limits) -> Measured:
    """Known by where the photograph lies and what it holds: a click elsewhere on the page must not read it again."""
    try:
        found = journey.examine(source_at(locator), [CropRule(_CROP_PX)], limits=limits)
    except FundusError:
        return Measured()
    if found.status is Status.FAILED or found.quality is None:
        return Measured()
    return Measured(found.quality, found.crops[0].pixels if found.crops else None)


def report(view: View, item: Item) -> None:
    """Draw the button that fetches what this page says of a photograph as one HTML file."""
    name = photo_panel.name_of(item)

    def made() -> str:
        path, seen = photo_panel.picture(item), _seen(view, item)
        data = b"" if path == photo_panel.MISSING else Path(path).read_bytes()
        model = cards.known()[view.model].title if view.model in cards.known() else view.model
        notice = joined((display.disclaimer(view), display.RESEARCH))
        checks = seen.quality.checks if seen.quality else ()
        return render_photograph(Single(name, view.title, tell(model), item, data, checks, notice), tell, current())

    display.download(_("Report (HTML)"), f"{exports.file_name(name)}.html", made, mime="text/html")


def _check(check: QualityCheck) -> dict[str, object]:
    return {
        _("Check"): _(check.code.replace("_", " ")),
        _("Measured"): f"{check.value:.3g}",
        _("Limit"): f"{check.limit:.3g}",
        _("Kept"): check.passed,
    }
