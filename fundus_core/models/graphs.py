"""Graphs of other tools: the card's links put behind their outputs."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from fundus_core.errors import CardError
from fundus_core.models.card import Card


def with_links(model: ov.Model, card: Card) -> ov.Model:
    """Return the graph with one output, n x outputs, in the targets' units.

    A graph may have one output with a column per target, or one output per target in the card's order.

    Raises:
        CardError: The graph has another number of outputs than the card.
    """
    columns = [ops.reshape(_source(output), np.array([0, -1]), special_zero=True) for output in model.outputs]
    raw = columns[0] if len(columns) == 1 else ops.concat(columns, axis=1)
    width = raw.get_output_partial_shape(0)[1]
    if width.is_dynamic or width.get_length() != len(card.outputs):
        message = (
            f"'{card.weights.file}' gives {width} numbers, the card of '{card.id}' names {len(card.outputs)} outputs; "
            "declare every output, in the network's order."
        )
        raise CardError(message)
    scale = np.array([[output.scale for output in card.outputs]], np.float32)
    offset = np.array([[output.offset for output in card.outputs]], np.float32)
    linear = ops.add(ops.multiply(raw, scale), offset)
    parts = ops.split(linear, 1, len(card.outputs)).outputs()
    linked = [_LINKS[output.link](part) for output, part in zip(card.outputs, parts, strict=True)]
    return ov.Model([ops.concat(linked, axis=1)], model.get_parameters(), card.id)


def _source(output: ov.Output) -> ov.Output:
    """What feeds a graph's result node."""
    return output.get_node().input_value(0)


def _same(part: ov.Output) -> ov.Output:
    return part


_LINKS = {"identity": _same, "exp": ops.exp, "sigmoid": ops.sigmoid}
