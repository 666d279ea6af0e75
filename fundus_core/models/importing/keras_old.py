"""Descriptions that Keras 2 wrote, put into the words of Keras 3; the arithmetic they describe is the same."""

from __future__ import annotations

from collections.abc import Mapping

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


def modernise(value: object) -> object:
    """Return a description of Keras 2 in the words of Keras 3, a new one."""
    if isinstance(value, list):
        return [modernise(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    table = {key: modernise(one) for key, one in value.items() if key != "build_config"}
    kind, config = table.get("class_name"), table.get("config")
    if isinstance(kind, str) and isinstance(config, dict):
        if kind in _MODELS:
            table |= {"module": _MODELS[kind], "registered_name": kind}
        table["config"] = _config(kind, config)
    return table


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
