"""Three telling eyes: the smallest, the middle and the largest error."""

from pathlib import Path

import numpy as np

from fundus_core.figures import number
from fundus_core.report.slides import Page, layouts
from fundus_core.store import Item
from fundus_core.targets import TARGETS
from pages.parts.shared import photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell import home
from pages.parts.shell.language import _


def page(view: View, target_id: str) -> Page:
    """Return the slide."""
    words = (_("The smallest error"), _("The middle error"), _("The largest error"))
    told = [_eye(item, target_id, word) for item, word in zip(_items(view, target_id), words, strict=False)]
    title = _("Three eyes: {name}").format(name=_(TARGETS[target_id].name))
    remark = _("One photograph each, chosen by its error and by nothing else.")
    return layouts.eyes(title, told, remark, remark)


def cover(view: View, target_id: str) -> layouts.Eye | None:
    """Return the eye on the first slide; none where no picture may be shown."""
    for item in _items(view, target_id):
        if (told := _eye(item, target_id, "")).data:
            return told
    return None


def _items(view: View, target_id: str) -> list[Item]:
    group = studies.groups(view, target_id, "photograph")[0]
    order = np.argsort(np.abs(group.predicted - group.truth), kind="stable")
    places = dict.fromkeys([int(order[0]), int(order[len(order) // 2]), int(order[-1])] if len(order) else [])
    store, model = home.store(), view.model or None
    return [store.photograph(view.cohort.id, str(group.ids[at]), model=model) for at in places]


def _eye(item: Item, target_id: str, word: str) -> layouts.Eye:
    target = TARGETS[target_id]
    measured, predicted = item.truth[target_id], item.predictions[target_id].value
    numbers = _("true {true} · predicted {predicted}").format(
        true=number(measured, target), predicted=number(predicted, target)
    )
    off = _("error {error} {unit}").format(error=number(predicted - measured, target, signed=True), unit=_(target.unit))
    path = photo_panel.picture(item)
    data = b"" if path == photo_panel.MISSING else Path(path).read_bytes()
    alt = photo_panel.describe(item) if data else _("This photograph is not shown: it may hold a name.")
    return layouts.Eye(data, word, (numbers, off), alt)
