"""One photograph as an HTML file: the eye, what a model reads from it, and how good the picture is."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fundus_core import __version__
from fundus_core.analyses import Laid
from fundus_core.errors import say
from fundus_core.figures import heading, number
from fundus_core.records import QualityCheck
from fundus_core.report.html import environment
from fundus_core.store import Item
from fundus_core.targets import TARGETS


@dataclass(frozen=True, slots=True)
class Single:
    """What a report of one photograph is about."""

    title: str
    """Name of the photograph."""
    cohort: str
    """Name of its cohort."""
    model: str
    """Title of the model."""
    item: Item
    """What the store knows of it."""
    picture: bytes
    """The crop as JPEG; empty where none may be shown."""
    checks: Sequence[QualityCheck]
    """Of its quality; empty where nobody looked."""
    notice: str
    """What must stand beside every number."""


def render_photograph(single: Single) -> str:
    """Return the report of one photograph as one HTML file, without any reference to another file or machine."""
    item = single.item
    measured = {"quality": item.quality, "distance": item.out_of_distribution}
    found = [f"{name} {value:.2f}" for name, value in measured.items() if math.isfinite(value)]
    return (
        environment()
        .get_template("photograph.html.jinja")
        .render(
            single=single,
            picture=base64.b64encode(single.picture).decode(),
            facts=" · ".join([single.cohort, single.model, f"{item.eye.value} eye", *found]),
            reason=str(item.reason),
            values=_values(item),
            checks=_checks(single.checks),
            version=__version__,
        )
    )


def _values(item: Item) -> Laid:
    head = ("Target", "Predicted", "90 % prediction interval", "Measured", "Predicted − measured")
    return Laid(head, tuple(_value(item, name) for name in TARGETS if name in item.predictions), ())


def _value(item: Item, name: str) -> tuple[str, ...]:
    target, made, true = TARGETS[name], item.predictions[name], item.truth.get(name)
    around = [number(end, target) for end in (made.low, made.high)]
    inside = say("{low} to {high}", low=around[0], high=around[1]) if math.isfinite(made.low) else "–"
    told = "–" if true is None else target.said(true) if target.binary else number(true, target)
    off = "–" if true is None or target.binary else number(made.value - true, target, signed=True)
    unit = f" ({target.unit})" if target.unit else ""
    return f"{heading(target.name)}{unit}", number(made.value, target), str(inside), told, off


def _checks(found: Sequence[QualityCheck]) -> Laid:
    body = (
        (each.code.replace("_", " "), f"{each.value:.3g}", f"{each.limit:.3g}", "kept" if each.passed else "not kept")
        for each in found
    )
    return Laid(("Check", "Measured", "Limit", ""), tuple(body), ())
