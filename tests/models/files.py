"""Makers of files that the tests of importing read: cards, Keras models, and files of people who mean harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")

DATA = Path(__file__).parent / "data"
UNIT = "value_range = [0.0, 1.0]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]"


def write_card(folder, targets, *, top="", fed=""):
    """A card for import that leaves out whatever may be left out."""
    outputs = "".join(f'[[outputs]]\ntarget = "{target}"\n' for target in targets)
    path = folder / "wanted.toml"
    path.write_text(f'id = "brought"\n{top}\n[input]\n{fed}\n{outputs}')
    return path


def crops(side, count=3):
    return np.random.default_rng(7).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def randomise(model, seed=0):
    """Weights under which every layer matters; freshly made networks nearly ignore their input."""
    generator = np.random.default_rng(seed)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if type(layer).__name__ == "Normalization":
            mean, variance = np.array([0.4, 0.3, 0.2]), np.array([0.05, 0.06, 0.04])
            layer.set_weights(
                [mean.reshape(layer.adapt_mean.shape), variance.reshape(layer.adapt_mean.shape), np.array(0)]
            )
            layer.finalize_state()
        elif type(layer).__name__ != "Functional" and layer.weights:
            layer.set_weights([drawn(generator, weight.path, tuple(weight.shape)) for weight in layer.weights])
    return model


def drawn(generator, name, shape):
    if "kernel" in name:
        fan = np.prod(shape[:2]) if len(shape) == 4 and shape[3] == 1 else np.prod(shape[:-1])
        return generator.normal(0, np.sqrt(2 / fan), shape)
    if "variance" in name:
        return generator.uniform(0.5, 1.5, shape)
    return generator.normal(1.0 if "gamma" in name else 0.0, 0.1, shape)


def efficientnet(side, head):
    """A Keras EfficientNet-B0 whose pooled features go into ``head``; its layers before that are everybody's."""
    import keras

    base = _pooled_b0(side)
    return randomise(keras.Model(base.input, head(base.output)))


@cache
def _pooled_b0(side):
    """Its 240 layers take a second to make, and whoever makes a model of them draws the same weights."""
    import keras

    return keras.applications.EfficientNetB0(
        weights=None, include_top=False, pooling="avg", input_shape=(side, side, 3)
    )


def answer(model, values):
    """What a Keras model says, its outputs side by side."""
    import torch

    with torch.no_grad():
        said = model(torch.from_numpy(values.astype(np.float32)), training=False)
    parts = said if isinstance(said, list) else [said]
    return np.concatenate([part.cpu().numpy() for part in parts], axis=1).astype(float)


# Files of people who mean harm: each would create the file ``marker`` if it were loaded trustingly --------------------


class Bomb:
    """Unpickling creates a file."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return (open, (self.marker, "w"))


def rewritten(path, out, change):
    """A copy of a ``.keras`` archive whose description was changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                description = json.loads(content)
                change(description)
                content = json.dumps(description).encode()
            new.writestr(name, content)
    return out


def torch_archive(path, bomb):
    """A torch file, well formed in every other way, that holds an object."""
    buffer = io.BytesIO()
    pickle.dump({"conv_stem.weight": bomb}, buffer, protocol=2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
        archive.writestr("archive/version", "3\n")
    return path
