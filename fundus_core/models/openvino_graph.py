"""Graphs of other tools: the card's input put before them, its links behind their outputs."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from openvino import preprocess

from fundus_core.errors import CardError
from fundus_core.models.card import Card


def declared(core: ov.Core, card: Card) -> ov.Model:
    """Read a card's graph (ONNX, OpenVINO's own) as one from uint8 crops (n x S x S x 3, RGB) to values in units.

    Raises:
        CardError: OpenVINO cannot read it, or its outputs are others than the card's.
    """
    path = card.weights_path
    try:
        model = core.read_model(path) if path.suffix in (".onnx", ".xml") else ov.convert_model(path)
    except RuntimeError as error:
        raise CardError(
            "OpenVINO cannot read '{name}': {splitlines}", name=path.name, splitlines=str(error).splitlines()[0]
        ) from error
    given = card.input
    low, high = given.value_range
    steps = preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().tensor().set_color_format(preprocess.ColorFormat.RGB)
    work = steps.input().preprocess().convert_element_type(ov.Type.f32)
    if given.channels == "bgr":
        work = work.convert_color(preprocess.ColorFormat.BGR)
    factor = 255 / (high - low)
    work.mean([(m - low) * factor for m in given.mean]).scale([s * factor for s in given.std])
    steps.input().model().set_layout(ov.Layout(given.layout.upper()))
    return with_links(steps.build(), card)


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
        raise CardError(
            (
                "'{file}' gives {width} {width:number|numbers}, the card of '{id}' names {outputs} "
                "{outputs:output|outputs}; declare every output, in the network's order."
            ),
            file=card.weights.file,
            width=width,
            id=card.id,
            outputs=len(card.outputs),
        )
    scale = np.array([[output.scale for output in card.outputs]], np.float32)
    offset = np.array([[output.offset for output in card.outputs]], np.float32)
    linear = ops.add(ops.multiply(raw, scale), offset)
    parts = ops.split(linear, 1, len(card.outputs)).outputs()
    linked = [_LINKS[output.link](part) for output, part in zip(card.outputs, parts, strict=True)]
    return ov.Model([ops.concat(linked, axis=1)], model.get_parameters(), card.id)


def _source(output: ov.Output) -> ov.Output:
    """What feeds a graph's result node."""
    return output.get_node().input_value(0)


_LINKS = {"identity": lambda part: part, "exp": ops.exp, "sigmoid": ops.sigmoid}
