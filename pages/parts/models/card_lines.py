"""The lines of a card: what stands there, what it means, and whether somebody confirmed or measured it."""

from collections.abc import Iterator

import streamlit as st

from fundus_core.models.card import Card
from pages.parts.shared import controls
from pages.parts.shared.exports import grid
from pages.parts.shell.language import _, said


def table(card: Card) -> None:
    """Draw the lines, and below them what was measured, on what and when."""
    rows = [
        {_("Line"): key, _("Value"): value, _("Meaning"): meaning, _("State"): _state(card, key)}
        for key, value, meaning in _lines(card)
    ]
    grid(rows, height="content")
    for each in card.measured:
        words = _("Measured on {when}: {keys}, on {on}. Before: {before}. After: {after}.")
        keys, on = ", ".join(each.keys), said(each.on)
        st.caption(words.format(when=each.when, keys=keys, on=on, before=said(each.before), after=said(each.after)))


def _lines(card: Card) -> Iterator[tuple[str, str, str]]:
    """Key, value and meaning of each line that decides what the model says of a photograph."""
    fed, options = card.input, card.backbone_options
    yield (
        "backbone",
        card.backbone,
        _("The network. Some of the same shapes compute differently: padding, epsilon."),
    )
    told = ", ".join(f"{name} = {value}" for name, value in options.items()) or "–"
    yield "backbone_options", told, _("How it differs from the usual one of its name: pooling, hidden layers.")
    yield "input.size", f"{fed.size} px", _("Side of the square to which a photograph is cut.")
    yield "input.resample", fed.resample, _("How pixels are put together when a photograph is made smaller.")
    yield "input.margin", f"{fed.margin:g}", _("Black rim around the field, as a share of its diameter.")
    yield "input.channels", fed.channels, _("Order of the colours in which they are fed.")
    low, high = fed.value_range
    yield "input.value_range", f"{low:g} … {high:g}", _("What the darkest and the brightest pixel become.")
    yield "input.mean", _row(fed.mean), _("Is subtracted from each colour then.")
    yield "input.std", _row(fed.std), _("Each colour is divided by it then.")
    for place, one in enumerate(card.outputs, 1):
        line = f"{one.scale:.4g} × y{place} {one.offset:+.4g}"
        value = line if one.link == "identity" else f"{one.link}({line})"
        meaning = _("Output {place} is {target}; this turns it into {unit}.")
        unit = _(one.unit) or _("a probability")
        yield f"outputs.{one.target}", value, meaning.format(place=place, target=controls.short(one.target), unit=unit)


def _row(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _state(card: Card, key: str) -> str:
    """Whether a line was measured, or is confirmed by nobody; a key that names a whole table stands for its lines."""
    asked = {key, key.split(".")[0]}
    for one in reversed(card.measured):
        if any(told in asked or told.startswith(f"{key}.") for told in one.keys):
            return _("measured {when}").format(when=one.when)
    lines = ("target", "link", "scale", "offset") if key.startswith("outputs.") else ()
    general = {f"outputs.{line}" for line in lines}
    doubted = any(told in asked | general or told.startswith(f"{key}.") for told in card.unverified)
    return _("Unverified") if doubted else ""
