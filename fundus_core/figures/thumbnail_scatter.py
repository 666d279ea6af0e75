"""Predicted against true as a small drawing that needs no Plotly: it shows before any script has loaded."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from fundus_core.evaluation import Estimate
from fundus_core.figures.binary_target import counts_by_class
from fundus_core.figures.scatter import Observations, limits
from fundus_core.figures.theme import FONT, Look, error, with_unit
from fundus_core.records import Floats
from fundus_core.targets import Target

SIDE = 300
"""Width and height of the drawing in its own units."""
MOST = 3_000
"""Points drawn; of more, evenly chosen ones, so that the drawing stays light."""
_LEFT, _TOP, _PLOT = 56.0, 8.0, 236.0
_LETTERS = 17
"""Of all words and numbers, in the drawing's units: 9 pixels where it is drawn 160 wide."""


def small_scatter(target: Target, groups: Sequence[Observations], estimates: Mapping[str, Estimate], look: Look) -> str:
    """Return an SVG of predictions against truth, the identity line and a band of one MAE; its title says MAE and n.

    Of a yes/no target it holds the probabilities of the two true classes, above and below a line.
    """
    if target.binary:
        return _classes(target, groups, estimates, look)
    span = limits(groups)
    count = sum(len(group) for group in groups)
    palette = look.palette
    mae = error(estimates["mae"].value)
    middle = _TOP + _PLOT / 2
    upwards = _text(14, middle, look.say("predicted"), palette.quiet, anchor="middle")
    title = f"{with_unit(target, look)}: MAE {mae}, n = {count}"
    parts = [
        *_grid(span, look),
        _band(span, estimates["mae"].value, palette.band),
        _line(span, palette.identity),
        *[_dots(group, span, palette.cohort(group.colour)) for group in groups],
        _text(_LEFT + _PLOT / 2, 293, look.say("true"), palette.quiet, anchor="middle"),
        f'<g transform="rotate(-90 14 {middle})">{upwards}</g>',
    ]
    return _svg(title, parts, look)


def _svg(title: str, parts: Sequence[str], look: Look) -> str:
    """Return the parts as one drawing that says what it shows, and of whom."""
    words = look.say("rendered eyes") if look.rendered else ""
    stamp = _text(_LEFT + 6, 25, words, look.palette.quiet, anchor="start")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE * 2}" '
        f'height="{SIDE * 2}" font-family="{escape(FONT, quote=True)}" role="img"><title>{escape(title)}</title>'
    )
    return "".join([head, *parts, stamp, "</svg>"])


def _classes(target: Target, groups: Sequence[Observations], estimates: Mapping[str, Estimate], look: Look) -> str:
    """Return the drawing of a yes/no target: bars of true 1 upwards, of true 0 downwards, along the probability."""
    counts, people = counts_by_class(groups)[::-1], sum(map(len, groups))
    half, wide, palette = _PLOT / 2, _PLOT / len(counts[0]), look.palette
    tall = 0.8 * half / max(float(np.max(counts)), 1.0)
    parts = _grid((0.0, 1.0), look, upwards=False)
    for place, (value, count) in enumerate(zip((1, 0), counts, strict=True)):
        for at, number in enumerate(count):
            y = _TOP + half - (tall * number if value else 0.0)
            parts.append(
                f'<rect x="{_LEFT + at * wide:.1f}" y="{y:.1f}" width="{wide - 1:.1f}" height="{tall * number:.1f}" '
                f'fill="{palette.cohort(place)}" fill-opacity="0.7"/>'
            )
        name = look.say(target.said(value))
        low = _TOP + half + (-24 if value else 34)
        parts.append(_text(_LEFT + half, low, name, palette.quiet, anchor="middle"))
    accuracy = estimates["accuracy"].value
    share = "–" if accuracy is None else f"{100 * accuracy:.1f} %"
    parts += [
        f'<path d="M{_LEFT} {_TOP + half}h{_PLOT}" stroke="{palette.identity}"/>',
        _text(_LEFT + half, 293, look.say("predicted"), palette.quiet, anchor="middle"),
    ]
    return _svg(f"{with_unit(target, look)}: {look.say('accuracy')} {share}, n = {people}", parts, look)


def ticks(span: tuple[float, float]) -> list[float]:
    """Return two to five round values inside a range.

    >>> ticks((78.0, 161.0))
    [80.0, 100.0, 120.0, 140.0, 160.0]
    """
    low, high = span
    raw = (high - low) / 4
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= 0.85 * raw)
    return [float(value) for value in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]


def _at(values: Floats, span: tuple[float, float]) -> Floats:
    return (values - span[0]) / (span[1] - span[0]) * _PLOT


def _grid(span: tuple[float, float], look: Look, *, upwards: bool = True) -> list[str]:
    parts = []
    for tick in ticks(span):
        along = float(_at(np.array(tick), span))
        x, y = _LEFT + along, _TOP + _PLOT - along
        colour = look.palette.grid
        if upwards:
            parts.append(f'<path d="M{_LEFT} {y:.1f}h{_PLOT}" stroke="{colour}"/>')
            parts.append(_text(_LEFT - 5, y + 6, f"{tick:g}", look.palette.quiet))
        parts.append(f'<path d="M{x:.1f} {_TOP}v{_PLOT}" stroke="{colour}"/>')
        parts.append(_text(x, _TOP + _PLOT + 20, f"{tick:g}", look.palette.quiet, anchor="middle"))
    return parts


def _band(span: tuple[float, float], mae: float | None, colour: str) -> str:
    if mae is None:
        return ""
    wide = mae / (span[1] - span[0]) * _PLOT
    right, bottom = _LEFT + _PLOT, _TOP + _PLOT
    points = [
        (_LEFT, bottom - wide), (right - wide, _TOP), (right, _TOP), (right, _TOP + wide),
        (_LEFT + wide, bottom), (_LEFT, bottom),
    ]  # fmt: skip
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _line(span: tuple[float, float], colour: str) -> str:
    path = f"M{_LEFT} {_TOP + _PLOT}L{_LEFT + _PLOT} {_TOP}"
    return f'<path d="{path}" stroke="{colour}" stroke-width="1.2" stroke-dasharray="5 4"/>'


def _dots(group: Observations, span: tuple[float, float], colour: str) -> str:
    step = max(1, -(-len(group) // MOST))
    xs = _LEFT + _at(group.truth[::step], span)
    ys = _TOP + _PLOT - _at(group.predicted[::step], span)
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in zip(xs, ys, strict=True))
    return (
        f'<path d="{dots}" stroke="{colour}" stroke-opacity="0.55" stroke-width="5.5" '
        'stroke-linecap="round" fill="none"/>'
    )


def _text(x: float, y: float, text: str, colour: str, *, anchor: str = "end") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{_LETTERS}">'
        f"{escape(text)}</text>"
    )
