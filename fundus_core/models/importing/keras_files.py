"""Keras files, whole models and weights alone: an EfficientNet becomes timm's, anything else a graph."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import CardError, say
from fundus_core.models.importing import efficientnet, keras_loader, keras_safety, keras_weights
from fundus_core.models.importing.efficientnet import Dense
from fundus_core.models.importing.formats import Format
from fundus_core.models.importing.import_graph import convert_module, pick
from fundus_core.models.importing.imported import NOTHING, Affine, Found, Original
from fundus_core.records import Floats

HIDDEN = ("linear", "relu", "silu", "gelu", "elu", "selu", "tanh", "sigmoid")
"""Activations that a hidden layer of a mapped network may have."""
_ENDS = {"linear": "linear", "sigmoid": "sigmoid", "exponential": "exp"}
_SILENT = ("InputLayer", "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity")


def read(path: Path, kind: Format, *, size: int | None, hidden: Sequence[str], whole: bool = False) -> Found:
    """Read a Keras file.

    Args:
        path: The file.
        kind: Whether an archive or HDF5.
        size: Of the input where the file takes any; ``None`` where the card does not say either.
        hidden: Activations of hidden layers, for files that hold weights alone.
        whole: Keep the network as a graph even where it could be mapped onto timm's.

    Raises:
        CardError: The file is damaged, would execute code, or lacks what must be known.
    """
    content = keras_safety.description(path, kind)
    if content is None:
        return keras_weights.read(path, hidden)
    model = keras_loader.load(path, kind, content)
    if len(model.inputs) != 1:
        raise CardError(
            "The network in '{name}' takes {inputs} inputs; one that takes a photograph fits.",
            name=path.name,
            inputs=len(model.inputs),
        )
    layout, own = _shape(model, path)
    found = None if whole or layout == "nchw" else _mapped(model, own, kind)
    return keras_weights.fed_small(found or _graph(model, own or size, layout, kind))


def _shape(model: Any, path: Path) -> tuple[str, int | None]:
    """Layout and side of the input."""
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4 or 3 not in (shape[1], shape[3]) or shape[2] not in (shape[1], shape[3]):
        raise CardError(
            "The network in '{name}' takes an input of {shape}; n x S x S x 3 fits. Export a model that "
            "takes square colour photographs.",
            name=path.name,
            shape=shape,
        )
    return ("nhwc", shape[1]) if shape[3] == 3 else ("nchw", shape[2])


def leaves(model: Any) -> Iterator[Any]:
    """Layers in their order, those of models within the model in place."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


# Mapped onto timm -----------------------------------------------------------------------------------------------


def _mapped(model: Any, size: int | None, kind: Format) -> Found | None:
    """Return an EfficientNet as timm's; ``None`` where anything about the network is not understood."""
    every = list(leaves(model))
    layers = {layer.name: [_numpy(value) for value in layer.weights] for layer in every}
    number, names = efficientnet.number_of(layers), [layer.name for layer in every]
    if number is None or "top_activation" not in names or not _swish(every):
        return None
    before, after = every[: names.index("stem_conv")], every[names.index("top_activation") + 1 :]
    inside, head = _inside(before), _head(after, model, layers["top_conv"][0].shape[-1])
    if inside is None or head is None:
        return None
    hidden, outputs, ends = head
    return Found(
        format=str(kind),
        runtime="timm",
        backbone=f"tf_efficientnet_b{number}",
        outputs=len(ends),
        activations=ends,
        size=size,
        options=efficientnet.hidden_options(hidden),
        inside=None if inside is NOTHING else inside,
        folded=inside is not NOTHING,
        names=keras_loader.output_names(model),
        tensors=efficientnet.tensors(layers, [*hidden, outputs]),
        original=_original(model, "nhwc"),
        by=say("Keras {version} on torch", version=keras_loader.keras().__version__),
    )


def _numpy(value: Any) -> NDArray[np.float32]:
    tensor = getattr(value, "value", value)  # of a Keras variable the torch tensor
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float32)


def _swish(every: Sequence[Any]) -> bool:
    wanted = [layer for layer in every if layer.name in ("stem_activation", "top_activation")]
    return all(_activation(layer) == "silu" for layer in wanted)


def _activation(layer: Any) -> str:
    name = str(getattr(layer.activation, "__name__", layer.activation))
    return "silu" if name == "swish" else name


def _inside(before: Sequence[Any]) -> Affine | None:
    """Input arithmetic as one multiplication and addition; ``None`` where there is more than that."""
    whole = NOTHING
    for layer in before:
        kind = type(layer).__name__
        if kind == "Rescaling":
            whole = whole.then(np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64))
        elif kind == "Normalization":
            mean, variance = (np.ravel(_numpy(value)).astype(np.float64) for value in (layer.mean, layer.variance))
            spread = np.maximum(np.sqrt(variance), 1e-7)
            whole = whole.then(1 / spread, -mean / spread)
        elif kind not in _SILENT and not kind.startswith("Random") and layer.name != "stem_conv_pad":
            return None
    return whole if whole is NOTHING or (whole.factor > 0).all() else None


def _head(after: Sequence[Any], model: Any, width: int) -> tuple[list[Dense], Dense, tuple[str, ...]] | None:
    """Hidden layers, outputs and their activations; ``None`` where the head is another kind."""
    layers = [layer for layer in after if type(layer).__name__ not in (*_SILENT, "Flatten")]
    if not layers or type(layers[0]).__name__ != "GlobalAveragePooling2D":
        return None
    kinds = {type(layer).__name__ for layer in layers[1:]}
    last = {tensor._keras_history.operation.name for tensor in model.outputs}
    if kinds != {"Dense"}:
        return None
    outs = [layer for layer in layers[1:] if layer.name in last] if len(model.outputs) > 1 else layers[-1:]
    hidden = [_dense(layer) for layer in layers[1:] if layer not in outs]
    outs = sorted(outs, key=lambda layer: _place(model, layer.name))
    return _joined(hidden, [_dense(layer) for layer in outs], width, len(model.outputs))


def _place(model: Any, name: str) -> int:
    names = [tensor._keras_history.operation.name for tensor in model.outputs]
    return names.index(name) if name in names else 0


def _dense(layer: Any) -> Dense:
    kernel = _numpy(layer.kernel)
    bias = _numpy(layer.bias) if layer.bias is not None else np.zeros(kernel.shape[1], np.float32)
    return Dense(kernel, bias, _activation(layer))


def _joined(
    hidden: list[Dense], outputs: list[Dense], width: int, count: int
) -> tuple[list[Dense], Dense, tuple[str, ...]] | None:
    for dense in hidden:
        if dense.kernel.shape[0] != width or dense.activation not in HIDDEN:
            return None
        width = dense.kernel.shape[1]
    if len(outputs) != count or any(dense.kernel.shape[0] != width for dense in outputs):
        return None
    if count == 1 and outputs[0].activation == "softmax" and outputs[0].kernel.shape[1] == 2:
        # The second of two classes has the probability sigmoid(second - first).
        one = Dense(np.diff(outputs[0].kernel, axis=1), np.diff(outputs[0].bias), "sigmoid")
        return hidden, one, ("sigmoid",)
    ends = [dense.activation for dense in outputs for _ in range(dense.kernel.shape[1])]
    if not set(ends) <= set(_ENDS):
        return None
    return hidden, efficientnet.side_by_side(outputs), tuple(_ENDS[end] for end in ends)


def _original(model: Any, layout: str) -> Original:
    joined, second = keras_loader.Joined(model), _two_classes(model)

    def run(values: NDArray[np.float32]) -> Floats:
        answer = joined.run(values if layout == "nhwc" else np.ascontiguousarray(values.transpose(0, 3, 1, 2)))
        return answer[:, 1:] if second else answer

    return run


def _two_classes(model: Any) -> bool:
    outputs = model.outputs
    return len(outputs) == 1 and outputs[0].shape[-1] == 2 and _ends(model) == ["softmax"]


def _ends(model: Any) -> list[str]:
    """What each output's last layer applies."""
    ends = []
    for tensor in model.outputs:
        layer = tensor._keras_history.operation
        while hasattr(layer, "layers"):
            layer = layer.layers[-1]
        ends.append("softmax" if type(layer).__name__ == "Softmax" else _activation_or_linear(layer))
    return ends


def _activation_or_linear(layer: Any) -> str:
    return _activation(layer) if hasattr(layer, "activation") else "linear"


# As a graph -----------------------------------------------------------------------------------------------------


def _graph(model: Any, size: int | None, layout: str, kind: Format) -> Found:
    if size is None:
        raise CardError("The file takes photographs of any size; add 'input.size' (pixels) to the card.")
    shape = [1, size, size, 3] if layout == "nhwc" else [1, 3, size, size]
    second = _two_classes(model)
    graph = convert_module(keras_loader.Joined(model).eval(), shape)
    ends = [
        _ENDS.get(end, end) for end, t in zip(_ends(model), model.outputs, strict=True) for _ in range(t.shape[-1] or 1)
    ]
    inside = _inside_of_any(model)
    found = Found(
        format=str(kind),
        runtime="openvino",
        backbone=str(model.name),
        outputs=1 if second else len(ends),
        activations=("softmax",) if second else tuple(ends),
        size=size,
        layout=layout,
        inside=inside,
        names=keras_loader.output_names(model),
        graph=pick(graph, 1 if second else None),
        original=_original(model, layout),
        by=say("Keras {version} on torch", version=keras_loader.keras().__version__),
    )
    return found


def _inside_of_any(model: Any) -> Affine | None:
    """Whether rescaling or normalisation is the first thing that happens to a photograph."""
    for layer in leaves(model):
        kind = type(layer).__name__
        if kind in ("Rescaling", "Normalization"):
            return NOTHING
        if kind not in _SILENT and not kind.startswith("Random"):
            return None
    return None
