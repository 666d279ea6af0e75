"""Keras files from strangers: everything that could run code, or reach for another file, is found before loading.

Keras' own safe mode is kept on as well, but it ignored ``.h5`` files (CVE-2025-9905) and let names of functions
through (CVE-2025-9906): what is allowed is therefore listed here, and the description read as plain JSON.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import h5py

from fundus_core.errors import CardError

LAYERS = frozenset(
    """InputLayer Functional Model Sequential Rescaling Normalization Resizing CenterCrop Permute Reshape Flatten
    ZeroPadding2D Cropping2D UpSampling2D Conv2D DepthwiseConv2D SeparableConv2D Conv2DTranspose Dense EinsumDense
    BatchNormalization SyncBatchNormalization LayerNormalization GroupNormalization UnitNormalization
    SpectralNormalization Activation ReLU LeakyReLU PReLU ELU Softmax Identity Dropout SpatialDropout2D AlphaDropout
    GaussianDropout GaussianNoise ActivityRegularization GlobalAveragePooling2D GlobalMaxPooling2D AveragePooling2D
    MaxPooling2D AdaptiveAveragePooling2D AdaptiveMaxPooling2D Add Subtract Multiply Average Maximum Minimum
    Concatenate Dot MultiHeadAttention GroupQueryAttention Attention RandomFlip RandomRotation RandomZoom
    RandomTranslation RandomContrast RandomBrightness RandomCrop RandomSaturation RandomHue RandomGrayscale
    RandomSharpness RandomColorJitter""".split()
)
"""Layers of Keras that compute and do nothing else."""

MODULES = (
    "keras.layers", "keras.src.layers", "keras.initializers", "keras.src.initializers", "keras.regularizers",
    "keras.src.regularizers", "keras.constraints", "keras.src.constraints", "keras.activations",
    "keras.src.activations", "keras.dtype_policies", "keras.src.dtype_policies", "keras.models", "keras.src.models",
    "keras.src.ops.numpy", "keras.src.ops.nn", "keras.engine", "keras.src.engine", "keras.mixed_precision",
    "keras.src.mixed_precision",
)  # fmt: skip
"""Parts of Keras whose objects a description may name."""

_WHY = {
    "Lambda": "a Lambda layer, which is Python code",
    "TFOpLambda": "a TFOpLambda layer, a TensorFlow function that only TensorFlow can call",
    "SlicingOpLambda": "a SlicingOpLambda layer, a TensorFlow function that only TensorFlow can call",
    "TFSMLayer": "a TFSMLayer, which loads another program",
    "TorchModuleWrapper": "a TorchModuleWrapper, which holds pickled Python objects",
    "JaxLayer": "a JaxLayer, which is a program of its own",
    "FlaxLayer": "a FlaxLayer, which is a program of its own",
    "__lambda__": "a Python lambda",
}
_MEMBERS = ("config.json", "metadata.json", "model.weights.h5")
_LARGEST = 8 * 2**30


def check_description(description: Mapping[str, object], name: str) -> None:
    """Refuse a description that names anything but layers and values of Keras.

    Args:
        description: As the file holds it. What a training left in it (``compile_config``) is never loaded and not
            looked at.
        name: Of the file, for messages.

    Raises:
        CardError: With what was found and what to export instead.
    """
    for entry in _objects({key: value for key, value in description.items() if "compile" not in key}):
        _check_object(entry, name)


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    """Every table that names a class, at any depth, without recursion: a file may nest as deep as it likes."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if "class_name" in one:
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _check_object(entry: Mapping[str, object], name: str) -> None:
    kind, module, registered = (entry.get(key) for key in ("class_name", "module", "registered_name"))
    if not isinstance(kind, str) or kind in _WHY:
        _refuse(name, _WHY.get(str(kind), f"an object without a name ({kind!r})"))
    if isinstance(registered, str) and ">" in registered and not registered.startswith("keras>"):
        _refuse(name, f"the custom object '{registered}', whose code is not in the file and would have to be run")
    if isinstance(module, str) and not _allowed(module, kind):
        _refuse(name, f"'{module}.{kind}', which is no part of Keras that computes a network")
    if "inbound_nodes" in entry and kind not in LAYERS and not str(module).startswith("keras.src.ops."):
        _refuse(name, f"the layer '{kind}', which is custom or no plain layer of Keras")


def _allowed(module: str, kind: str) -> bool:
    module = module.removeprefix("tf_")  # Keras 2 as a package of its own
    if module == "keras":
        return kind in LAYERS or kind in {"DTypePolicy", "Variable"}
    if module == "builtins":  # activations of a Keras function are named so; anything else has another module
        return kind == "function" or kind.startswith("__")
    return any(module == allowed or module.startswith(allowed + ".") for allowed in MODULES)


def _refuse(name: str, what: str) -> NoReturn:
    message = (
        f"'{name}' holds {what}, and was not loaded, since loading could execute code of whoever wrote it. Ask for the "
        "model as plain Keras layers, as ONNX or as a SavedModel, or for its weights with the network's name."
    )
    raise CardError(message)


def check_archive(path: Path) -> None:
    """Refuse a ``.keras`` archive with anything but its three members.

    Raises:
        CardError: A member is unknown, outside the archive, or too large.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename not in (*_MEMBERS, "assets/"):
                message = (
                    f"'{path.name}' holds the member '{member.filename}', and was not loaded; a Keras archive of a "
                    f"network holds {', '.join(_MEMBERS)} alone. Export it again."
                )
                raise CardError(message)
        if sum(member.file_size for member in archive.infolist()) > _LARGEST:
            message = f"'{path.name}' unpacks to more than {_LARGEST >> 30} GiB, and was not loaded."
            raise CardError(message)


def check_hdf5(file: h5py.File, name: str) -> None:
    """Refuse an HDF5 file that reaches for other files (external links, external storage, virtual datasets).

    Raises:
        CardError: It does.
    """
    waiting = [file]
    while waiting:
        group = waiting.pop()
        for key in group:
            link = group.get(key, getlink=True)
            item = group.get(key) if isinstance(link, h5py.HardLink) else None
            outside = isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
            if item is None or outside:
                message = (
                    f"'{name}' takes '{key}' from elsewhere (a link, or storage in another file), and was not "
                    "loaded; export the model into one file."
                )
                raise CardError(message)
            if isinstance(item, h5py.Group):
                waiting.append(item)
