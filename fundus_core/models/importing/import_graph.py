"""Graphs of other tools, read by OpenVINO: ONNX, TensorFlow's SavedModel, torch modules."""

import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import frontend, preprocess
from openvino import opset13 as ops

from fundus_core.errors import CardError, say
from fundus_core.models.importing import graph_safety
from fundus_core.models.importing.beside import target_of
from fundus_core.models.importing.formats import Format
from fundus_core.models.importing.imported import ANOTHER_ORDER, NOTHING, Found, Original
from fundus_core.records import Floats
from fundus_core.targets import TARGETS

_FAULTS = (
    RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError, frontend.GeneralFailure,
    frontend.InitializationFailure, frontend.NotImplementedFailure, frontend.OpConversionFailure,
    frontend.OpValidationFailure,
)  # fmt: skip
"""What OpenVINO and its readers raise for graphs that they cannot take."""
_ENDS = {"Sigmoid": "sigmoid", "Exp": "exp", "SoftMax": "softmax", "Softmax": "softmax"}


def read(path: Path, kind: Format, *, size: int | None) -> Found:
    """Read a graph: a file or, of a SavedModel, a folder; ``size`` is of the input where the graph takes any.

    Raises:
        CardError: It is damaged, or its input is no photograph.
    """
    if kind is Format.SAVED_MODEL:
        return from_graph(_saved_model(path), kind, size)
    ending = _ENDINGS.get(kind, path.suffix)
    if path.suffix == ending:
        return _of_any_type(_converted(path), kind, size)
    with tempfile.TemporaryDirectory() as folder:  # OpenVINO goes by the ending
        copy = Path(folder) / f"graph{ending}"
        shutil.copyfile(path, copy)
        return _of_any_type(_converted(copy), kind, size)


_ENDINGS = {Format.ONNX: ".onnx", Format.TFLITE: ".tflite", Format.OPENVINO: ".xml"}


def _of_any_type(graph: ov.Model, kind: Format, size: int | None) -> Found:
    """A graph that takes or gives half, double or whole numbers, with those conversions put into it."""
    if kind is Format.TFLITE and _in_eight_bits(graph):
        raise CardError(
            "This TensorFlow Lite file computes in eight bits, with roundings that are TensorFlow Lite's own; its "
            "answers would differ here. Have TensorFlow Lite read the photographs and bring what it says as a table of "
            "predictions, or import the network that the file was made from."
        )
    whole = bool(graph.inputs) and graph.inputs[0].get_element_type() == ov.Type.u8
    types = {port.get_element_type() for port in [*graph.inputs, *graph.outputs]}
    if types != {ov.Type.f32} and len(graph.inputs) == 1:
        steps = preprocess.PrePostProcessor(graph)
        steps.input().tensor().set_element_type(ov.Type.f32)
        for place in range(len(graph.outputs)):
            steps.output(place).tensor().set_element_type(ov.Type.f32)
        graph = steps.build()
    found = from_graph(graph, kind, size)
    # what takes bytes wants them as they are
    return replace(found, inside=NOTHING, takes_bytes=True) if whole else found


def _in_eight_bits(graph: ov.Model) -> bool:
    """Whether weights or what lies between layers are whole numbers of eight bits."""
    eight = (ov.Type.i8, ov.Type.u8)
    return any(
        one.get_type_name() == "FakeQuantize"
        or (one.get_type_name() == "Constant" and one.get_element_type() in eight and one.data.size > 1)
        for one in graph.get_ops()
    )


def _converted(path: Path) -> ov.Model:
    try:
        known = path.suffix in (".onnx", ".xml", ".tflite")
        return ov.Core().read_model(path) if known else ov.convert_model(path)
    except _FAULTS as error:
        raise CardError(
            "OpenVINO cannot read '{name}': {error}; export it with plain operations.",
            name=path.name,
            error=_first(error),
        ) from error


def _first(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Exception from")]
    return (lines[-1] if lines else type(error).__name__)[:300]


# SavedModel ---------------------------------------------------------------------------------------------------------


def _saved_model(path: Path) -> ov.Model:
    if path.is_dir():
        graph_safety.check_saved_model(path)
        return _converted(path)
    with tempfile.TemporaryDirectory() as folder:
        graph_safety.unpack(path, Path(folder))
        root = next(Path(folder).rglob("saved_model.pb")).parent
        graph_safety.check_saved_model(root)
        # Read, written and read again, so that nothing points into the folder that goes away.
        return _standing_alone(_converted(root))


def _standing_alone(graph: ov.Model) -> ov.Model:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "graph.xml"
        ov.save_model(graph, place, compress_to_fp16=False)
        weights = np.fromfile(place.with_suffix(".bin"), dtype=np.uint8)
        return ov.Core().read_model(place.read_bytes(), ov.Tensor(weights) if weights.size else b"")


# Any graph ------------------------------------------------------------------------------------------------------


def convert_module(module: Any, shape: list[int]) -> ov.Model:
    """Return a torch module of one input (1 x S x S x 3 or 1 x 3 x S x S) as a graph for any number of photographs.

    Raises:
        CardError: OpenVINO cannot convert it.
    """
    import torch

    try:
        with torch.no_grad(), warnings.catch_warnings():
            # OpenVINO traces; what torch says of tracing is OpenVINO's to mend, and the outputs are compared after.
            warnings.simplefilter("ignore")
            return ov.convert_model(
                module, example_input=torch.rand(shape) * 255, input=[-1, *shape[1:]], extension=_second_names()
            )
    except _FAULTS as error:
        raise CardError(
            "OpenVINO cannot convert the network: {error}; export it as ONNX with plain operations.",
            error=_first(error),
        ) from error


def _second_names() -> list[Any]:
    """Operations that torch has under two names, of which OpenVINO knows one (Keras uses the other)."""
    from openvino.frontend.pytorch import ConversionExtension

    def under(operation: Callable[..., ov.Node]) -> Callable[[Any], list[ov.Output]]:
        def convert(context: Any) -> list[ov.Output]:
            first, second = context.get_input(0), context.get_input(1)
            return list(operation(first, ops.convert_like(second, first)).outputs())

        return convert

    known = {"subtract": ops.subtract, "multiply": ops.multiply, "divide": ops.divide, "true_divide": ops.divide}
    return [ConversionExtension(f"aten::{name}", under(operation)) for name, operation in known.items()]


def pick(graph: ov.Model, column: int | None) -> ov.Model:
    """Return the graph with one output of n x outputs, of one column where one is picked."""
    sources = [output.get_node().input_value(0) for output in graph.outputs]
    columns = [ops.reshape(source, np.array([0, -1]), special_zero=True) for source in sources]
    joined = columns[0] if len(columns) == 1 else ops.concat(columns, axis=1)
    if column is not None:
        joined = ops.gather(joined, np.array([column]), np.array(1))
    return ov.Model([joined], graph.get_parameters(), "imported")


def from_graph(graph: ov.Model, kind: Format, size: int | None) -> Found:
    """Return what a graph with one input says of itself; ``size`` is of the input where it takes any.

    Raises:
        CardError: Its input is no photograph, or its outputs are no row of numbers.
    """
    graph_safety.check_graph(graph)
    graph = _numbered(graph)
    layout, own = _input(graph, size)
    names = tuple(_name(output) for output in graph.outputs)
    ends = [output.get_node().input_value(0).get_node().get_type_name() for output in graph.outputs]
    _free(graph, layout, own)
    widths = [_width(output) for output in graph.outputs]
    second = widths == [2] and _ENDS.get(ends[0]) == "softmax"
    single = pick(graph, 1 if second else None)
    named = all(target_of(name, list(TARGETS)) for name in names)
    activations = [_ENDS.get(end, "linear") for end, width in zip(ends, widths, strict=True) for _ in range(width)]
    return Found(
        format=str(kind),
        runtime="openvino",
        backbone="",
        outputs=1 if second else len(activations),
        activations=("softmax",) if second else tuple(activations),
        size=own,
        layout=layout,
        names=names,
        graph=single,
        original=_running(graph, layout, second=second),
        twins=() if len(names) == 1 or named else (ANOTHER_ORDER,),
        by=say("OpenVINO {version}, from the file itself", version=ov.__version__.split("-")[0]),
    )


def _numbered(graph: ov.Model) -> ov.Model:
    """Put outputs that TensorFlow numbered (``StatefulPartitionedCall:1``) in the order of their numbers."""
    found = [re.search(r":(\d+)$", _name(output)) for output in graph.outputs]
    numbers = [int(one[1]) for one in found if one]
    if len(numbers) < len(found) or numbers == sorted(numbers):
        return graph
    sources = [graph.outputs[place].get_node().input_value(0) for place in np.argsort(numbers)]
    return ov.Model(sources, graph.get_parameters(), "imported")


def _name(output: ov.Output) -> str:
    return min(output.get_names(), key=len, default="")


def _input(graph: ov.Model, size: int | None) -> tuple[str, int]:
    """Layout and side of the one input."""
    if len(graph.inputs) != 1:
        raise CardError("The graph takes {inputs} inputs; one that takes a photograph fits.", inputs=len(graph.inputs))
    shape = graph.inputs[0].get_partial_shape()
    if shape.rank.is_dynamic or shape.rank.get_length() != 4:
        raise CardError("The graph takes an input of {shape}; n x S x S x 3 or n x 3 x S x S fits.", shape=shape)
    sides = [shape[k].get_length() if shape[k].is_static else None for k in range(4)]
    if 3 not in (sides[1], sides[3]):
        raise CardError(
            "The graph takes an input of {shape}; one of three colours fits, n x S x S x 3 or n x 3 x S x S.",
            shape=shape,
        )
    layout = "nchw" if sides[1] == 3 else "nhwc"
    pair = sides[2:] if layout == "nchw" else sides[1:3]
    own = pair[0] if pair[0] is not None else pair[1]
    if own is not None and pair[1] not in (own, None):
        raise CardError(
            "The graph takes photographs of {pair} x {pair_2} pixels; square ones fit.", pair=pair[0], pair_2=pair[1]
        )
    if own is None and size is None:
        raise CardError("The file takes photographs of any size; add 'input.size' (pixels) to the card.")
    return layout, own or size or 0


def _free(graph: ov.Model, layout: str, size: int) -> None:
    """Let the graph take any number of photographs where it can."""
    shape = [size, size, 3] if layout == "nhwc" else [3, size, size]
    before = graph.inputs[0].get_partial_shape()
    try:
        graph.reshape([-1, *shape])
        if all(output.get_partial_shape()[0].is_dynamic for output in graph.outputs):
            return
    except RuntimeError:
        pass  # a number of photographs is built in: kept, and inference asks for as many at a time
    graph.reshape([before[0].get_length() if before[0].is_static else 1, *shape])


def _width(output: ov.Output) -> int:
    shape = output.get_partial_shape()
    rest = [shape[k] for k in range(1, shape.rank.get_length())]
    if any(side.is_dynamic for side in rest):
        raise CardError("An output of the graph has the shape {shape}; n x outputs of fixed number fit.", shape=shape)
    return int(np.prod([side.get_length() for side in rest])) if rest else 1


def _running(graph: ov.Model, layout: str, *, second: bool) -> Original:
    compiled = ov.Core().compile_model(graph.clone(), "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.f32})

    def run(values: NDArray[np.float32]) -> Floats:
        fed = values if layout == "nhwc" else np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        answers = [one(compiled, fed[k : k + 1]) for k in range(len(fed))]
        whole = np.concatenate(answers).astype(np.float64)
        return whole[:, 1:] if second else whole

    def one(network: ov.CompiledModel, photograph: NDArray[np.float32]) -> NDArray[np.float32]:
        answer = network(photograph)
        return np.concatenate([np.reshape(answer[output], (1, -1)) for output in network.outputs], axis=1)

    return run
