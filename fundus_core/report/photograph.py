"""One photograph as an HTML file: the eye, what a model reads from it, and how good the picture is."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fundus_core import __version__
from fundus_core.analyses import Laid
from fundus_core.analyses.labels import Say
from fundus_core.errors import say
from fundus_core.figures import heading, number
from fundus_core.records import Eye, QualityCheck
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


def render_photograph(single: Single, tell: Say = str, language: str = "en") -> str:
    """Return the report of one photograph as one HTML file, in a language, without reference to another file."""
    item = single.item
    measured = {"quality": item.quality, "distance": item.out_of_distribution}
    found = [f"{tell(name)} {value:.2f}" for name, value in measured.items() if math.isfinite(value)]
    return (
        environment(tell, language)
        .get_template("photograph.html.jinja")
        .render(
            single=single,
            picture=base64.b64encode(single.picture).decode(),
            facts=" · ".join(
                [
                    single.cohort,
                    single.model,
                    tell(f"{item.eye.value} eye" if item.eye is not Eye.UNKNOWN else "eye unknown"),
                    *found,
                ]
            ),
            reason=item.reason,
            values=_values(item, tell),
            checks=_checks(single.checks, tell),
            version=__version__,
        )
    )


def _values(item: Item, tell: Say) -> Laid:
    head = (say("Target"), say("Predicted"), say("90 % prediction interval"), say("Measured"))
    named = (*map(tell, head), tell(say("Predicted − measured")))
    return Laid(named, tuple(_value(item, name, tell) for name in TARGETS if name in item.predictions), ())


def _value(item: Item, name: str, tell: Say) -> tuple[str, ...]:
    target, made, true = TARGETS[name], item.predictions[name], item.truth.get(name)
    around = [number(end, target) for end in (made.low, made.high)]
    inside = tell("{low} to {high}").format(low=around[0], high=around[1]) if math.isfinite(made.low) else "–"
    told = "–" if true is None else tell(target.said(true)) if target.binary else number(true, target)
    off = "–" if true is None or target.binary else number(made.value - true, target, signed=True)
    unit = f" ({tell(target.unit)})" if target.unit else ""
    return f"{heading(tell(target.name))}{unit}", number(made.value, target), str(inside), told, off


def _checks(found: Sequence[QualityCheck], tell: Say) -> Laid:
    body = (
        (
            tell(each.code.replace("_", " ")),
            f"{each.value:.3g}",
            f"{each.limit:.3g}",
            tell(say("kept") if each.passed else say("not kept")),
        )
        for each in found
    )
    return Laid((*map(tell, (say("Check"), say("Measured"), say("Limit"))), ""), tuple(body), ())
