"""Keras files from strangers: everything that could run code, or reach for another file, is found before loading.

Keras' own safe mode is kept on as well, but it ignored ``.h5`` files (CVE-2025-9905) and let names of functions
through (CVE-2025-9906): what is allowed is therefore listed here, and the description read as plain JSON.
"""

import math
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import h5py

from fundus_core.errors import CardError, say
from fundus_core.models.importing.formats import Format, json_of

LAYERS = frozenset(
    """InputLayer Functional Model Sequential Rescaling Normalization Resizing CenterCrop Permute Reshape Flatten
    ZeroPadding2D Cropping2D UpSampling2D Conv2D DepthwiseConv2D SeparableConv2D Conv2DTranspose Dense EinsumDense
    BatchNormalization SyncBatchNormalization LayerNormalization GroupNormalization UnitNormalization
    SpectralNormalization Activation ReLU LeakyReLU PReLU ELU Softmax Identity Dropout SpatialDropout2D AlphaDropout
    GaussianDropout GaussianNoise ActivityRegularization GlobalAveragePooling2D GlobalMaxPooling2D AveragePooling2D
    MaxPooling2D AdaptiveAveragePooling2D AdaptiveMaxPooling2D Add Subtract Multiply Average Maximum Minimum
    Concatenate Dot MultiHeadAttention GroupQueryAttention Attention RandomFlip RandomRotation RandomZoom
    RandomTranslation RandomContrast RandomBrightness RandomCrop RandomSaturation RandomHue RandomGrayscale
    RandomSharpness RandomColorJitter LayerScale StochasticDepth CustomScaleLayer""".split()
)
"""Layers of Keras that compute and do nothing else."""

VALUES = frozenset(
    """GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal Zeros Ones Constant VarianceScaling
    RandomNormal RandomUniform TruncatedNormal Orthogonal OrthogonalInitializer IdentityInitializer L1 L2 L1L2
    OrthogonalRegularizer MaxNorm NonNeg UnitNorm MinMaxNorm DTypePolicy FloatDTypePolicy Policy Variable function
    __keras_tensor__ __tensor__ __numpy__ __tuple__ __ellipsis__ slice TensorShape""".split()
)
"""What else a description names: values that shape layers."""

ACTIVATIONS = frozenset(
    """relu relu6 silu swish gelu sigmoid hard_sigmoid hard_silu hard_swish hard_tanh tanh softmax log_softmax softplus
    softsign selu elu celu glu leaky_relu linear exponential mish squareplus soft_shrink hard_shrink tanh_shrink
    sparse_plus sparse_sigmoid sparsemax threshold""".split()
)
"""Functions that may be named as such."""

MODULES = (
    "keras.layers", "keras.src.layers", "keras.initializers", "keras.src.initializers", "keras.regularizers",
    "keras.src.regularizers", "keras.constraints", "keras.src.constraints", "keras.activations",
    "keras.src.activations", "keras.dtype_policies", "keras.src.dtype_policies", "keras.models", "keras.src.models",
    "keras.src.ops.numpy", "keras.src.ops.nn", "keras.engine", "keras.src.engine", "keras.mixed_precision",
    "keras.src.mixed_precision",
)  # fmt: skip
"""Parts of Keras whose objects a description may name."""
_OF_APPLICATIONS = {
    "LayerScale": "keras.src.applications.convnext",
    "StochasticDepth": "keras.src.applications.convnext",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
}
"""Layers that compute as well, and of their module nothing else."""

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
_SMALL, _DENSEST, _LARGEST_TEXT = 64 * 2**20, 50, 32 * 2**20
"""Bytes that any archive may unpack to, how many times its own size it may grow, and bytes of its description."""
_MOST_PARTS = 100_000
_FILTERS = frozenset({1, 2, 3})
"""Of HDF5: deflate, shuffle and checksum, which come with it; any other would be loaded from a library."""


def description(path: Path, kind: Format) -> dict[str, object] | None:
    """Return the checked description of the network in a file; ``None`` where it holds weights alone.

    Raises:
        CardError: The file is damaged, would execute code, or reaches for other files.
    """
    if kind is Format.KERAS:
        return _from_archive(path)
    try:
        with h5py.File(path, "r") as file:
            check_hdf5(file, path.name)
            text = file.attrs.get("model_config")
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise CardError(
            "The HDF5 file '{name}' is damaged ({error}); obtain it again.", name=path.name, error=error
        ) from error
    if text is None:
        return None
    content = json_of(text, path.name)
    check_description(content, path.name)
    return content


def _from_archive(path: Path) -> dict[str, object]:
    check_archive(path)
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            content = json_of(archive.read("config.json"), path.name)
            # Unpacked first: HDF5 jumps about, and a jump back in a compressed member reads it all again.
            with h5py.File(archive.extract("model.weights.h5", folder), "r") as file:
                check_hdf5(file, path.name)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, KeyError, ValueError, NotImplementedError) as error:
        raise CardError(
            "The Keras archive '{name}' is damaged ({error}); obtain it again.", name=path.name, error=error
        ) from error
    check_description(content, path.name)
    return content


def check_description(description: Mapping[str, object], name: str) -> None:
    """Refuse a description that names anything but layers and values of Keras.

    What a training left in it (``compile_config``) is never loaded and not looked at.

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
        _refuse(name, _WHY.get(str(kind), say("an object without a name ({kind})", kind=repr(kind))))
    if isinstance(registered, str) and ">" in registered and not registered.startswith("keras>"):
        _refuse(
            name,
            say(
                "the custom object '{registered}', whose code is not in the file and would have to be run",
                registered=registered,
            ),
        )
    if isinstance(module, str) and not _allowed(module, kind):
        _refuse(
            name, say("'{module}.{kind}', which is no part of Keras that computes a network", module=module, kind=kind)
        )
    if kind not in LAYERS | VALUES and not str(module).startswith("keras.src.ops."):
        _refuse(name, say("'{kind}', which is custom or no plain layer of Keras", kind=kind))
    if kind == "function" and entry.get("config") not in ACTIVATIONS:
        _refuse(
            name, say("the function '{entry}', which is no activation of Keras", entry=str(entry.get("config"))[:80])
        )


def _allowed(module: str, kind: str) -> bool:
    module = module.removeprefix("tf_")  # Keras 2 as a package of its own
    if module == "keras":
        return kind in LAYERS | VALUES
    if module == "builtins":  # activations of a Keras function are named so; anything else has another module
        return kind == "function" or kind.startswith("__")
    if module == _OF_APPLICATIONS.get(str(kind)):
        return True
    return any(module == allowed or module.startswith(allowed + ".") for allowed in MODULES)


def _refuse(name: str, what: str) -> NoReturn:
    raise CardError(
        "'{name}' holds {what}, and was not loaded, since loading could execute code of whoever "
        "wrote it. Ask for the model as plain Keras layers, as ONNX or as a SavedModel, or for its "
        "weights with the network's name.",
        name=name,
        what=say(what),
    )


def check_archive(path: Path) -> None:
    """Refuse a ``.keras`` archive with anything but its three members, or one that is too large."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename not in (*_MEMBERS, "assets/"):
                raise CardError(
                    "'{name}' holds the member '{filename}', and was not loaded; a Keras archive of a network "
                    "holds {members} alone. Export it again.",
                    name=path.name,
                    filename=member.filename,
                    members=_MEMBERS,
                )
        size = sum(member.file_size for member in archive.infolist())
        texts = sum(member.file_size for member in archive.infolist() if member.filename.endswith(".json"))
        names = [member.filename for member in archive.infolist()]
        if size > max(_SMALL, _DENSEST * path.stat().st_size) or texts > _LARGEST_TEXT or len(set(names)) < len(names):
            raise CardError(
                "'{name}' unpacks to {size} MiB, more than any network of its size, and was not loaded.",
                name=path.name,
                size=size >> 20,
            )


def check_hdf5(file: h5py.File, name: str) -> None:
    """Refuse an HDF5 file that reaches for other files, goes in circles, or claims more than it holds."""
    seen: set[int] = set()
    waiting, claimed = [file], 0
    while waiting:
        group = waiting.pop()
        for key in group:
            item = _inside(group, key, name)
            place = h5py.h5o.get_info(item.id).addr
            if place in seen or len(seen) > _MOST_PARTS:
                raise CardError(
                    "'{name}' holds '{key}' twice, or too many parts, and was not loaded; export it again.",
                    name=name,
                    key=key,
                )
            seen.add(place)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                claimed += _claimed(item)
    if claimed > max(_SMALL, 8 * file.id.get_filesize()):
        raise CardError(
            "'{name}' claims {claimed} MiB of arrays that it does not hold, and was not loaded.",
            name=name,
            claimed=claimed >> 20,
        )


def _inside(group: h5py.Group, key: str, name: str) -> h5py.HLObject:
    link = group.get(key, getlink=True)
    item = group.get(key) if isinstance(link, h5py.HardLink) else None
    data = isinstance(item, h5py.Dataset)
    if item is None or (data and (item.external or item.is_virtual)):
        raise CardError(
            "'{name}' takes '{key}' from elsewhere (a link, or storage in another file), and was not "
            "loaded; export the model into one file.",
            name=name,
            key=key,
        )
    steps = item.id.get_create_plist() if data else None
    if steps and not {steps.get_filter(k)[0] for k in range(steps.get_nfilters())} <= _FILTERS:
        raise CardError(
            "'{name}' packs '{key}' in a way that only another library could read; export it unpacked.",
            name=name,
            key=key,
        )
    return item


def _claimed(item: h5py.Dataset) -> int:
    return math.prod(item.shape or ()) * int(item.dtype.itemsize)
