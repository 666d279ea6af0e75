"""Descriptions that Keras 2 wrote, put into the words of Keras 3; the arithmetic they describe is the same."""

from collections.abc import Mapping
from typing import Any

_GONE: Mapping[str, tuple[str, ...]] = {
    "DepthwiseConv2D": ("groups", "filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "BatchNormalization": ("fused", "renorm", "renorm_clipping", "renorm_momentum", "virtual_batch_size", "adjustment"),
    "InputLayer": ("ragged",),
}
"""Keywords that Keras 2 wrote, at no effect, and Keras 3 does not take."""


_MODELS = {"Functional": "keras.src.models.functional", "Sequential": "keras", "Model": "keras"}
"""Where Keras 3 keeps what holds layers."""


def is_old(description: Mapping[str, object]) -> bool:
    """Whether Keras 2 wrote a description: its inputs have a ``batch_input_shape`` (Keras 3: ``batch_shape``)."""
    waiting: list[object] = [description]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if one.get("class_name") == "InputLayer":
                config = one.get("config")
                return isinstance(config, Mapping) and "batch_input_shape" in config
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def upgrade_config(value: object) -> object:
    """Return a description of Keras 2 in the words of Keras 3, a new one."""
    if isinstance(value, list):
        return [upgrade_config(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    table: dict[str, Any] = {key: upgrade_config(one) for key, one in value.items() if key != "build_config"}
    kind, config = table.get("class_name"), table.get("config")
    if isinstance(kind, str) and isinstance(config, dict):
        if kind in _MODELS:
            table |= {"module": _MODELS[kind], "registered_name": kind}
        table["config"] = _config(kind, config)
        if isinstance(config.get("layers"), list):
            _recount(table["config"])
    return table


def _recount(config: dict[str, Any]) -> None:
    """Count calls of a model within a model from 0: Keras 2 counted its making as the first."""
    inner = {str(layer["config"].get("name")): layer["class_name"] for layer in config["layers"] if _is_model(layer)}
    for layer in config["layers"]:
        if inner and isinstance(layer, dict) and "inbound_nodes" in layer:
            layer["inbound_nodes"] = _renumbered(layer["inbound_nodes"], frozenset(inner))
    # Of these Keras 3 knows that a functional model starts with a call, and of a sequential one that it does not.
    flat = frozenset(name for name, kind in inner.items() if kind == "Sequential")
    if "output_layers" in config:
        config["output_layers"] = _renumbered(config["output_layers"], flat)


def _is_model(layer: object) -> bool:
    config = layer.get("config") if isinstance(layer, Mapping) else None
    return isinstance(layer, Mapping) and layer.get("class_name") in _MODELS and isinstance(config, Mapping)


def _renumbered(nodes: object, models: frozenset[str]) -> object:
    if not isinstance(nodes, list):
        return nodes
    if len(nodes) > 2 and nodes[0] in tuple(models) and isinstance(nodes[1], int):
        return [nodes[0], max(nodes[1] - 1, 0), *nodes[2:]]
    return [_renumbered(node, models) for node in nodes]


def _config(kind: str, config: dict[str, object]) -> dict[str, object]:
    kept = {key: value for key, value in config.items() if key not in _GONE.get(kind, ())}
    if kind == "BatchNormalization" and isinstance(kept.get("axis"), list):
        axes = kept["axis"]
        kept["axis"] = axes[0] if isinstance(axes, list) and len(axes) == 1 else axes
    if "batch_input_shape" in kept:
        shape = kept.pop("batch_input_shape")
        if kind == "InputLayer":
            kept["batch_shape"] = shape
    for key in ("input_layers", "output_layers"):
        ends = kept.get(key)
        if isinstance(ends, list) and len(ends) == 1:  # a list of one would come back as a list of one tensor
            kept[key] = ends[0]
    return kept
