"""Keras itself, with torch underneath; the one place that starts it, since it takes seconds and reads a variable."""

import json
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from fundus_core.errors import CardError
from fundus_core.models.importing import keras_old
from fundus_core.models.importing.formats import Format
from fundus_core.records import Floats

_FAULTS = (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError, OSError, NotImplementedError)
"""What Keras raises for files that it cannot rebuild a network from."""


def keras() -> Any:
    """Return Keras, running on torch; a ``CardError`` where it runs on something else in this process."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras as library

    if library.backend.backend() != "torch":
        raise CardError(
            "Keras runs on '{backend}' here; set KERAS_BACKEND=torch and start the program again.",
            backend=library.backend.backend(),
        )
    return library


def load(path: Path, kind: Format, content: Mapping[str, object]) -> Any:
    """Return the Keras model of a file, whose description was checked.

    Raises:
        CardError: Keras cannot rebuild it.
    """
    library = keras()
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras against newer numpy: nothing that a user could act on
            ready = _ready(path, kind, content, Path(folder))
            return library.saving.load_model(ready, compile=False, safe_mode=True)
    except _FAULTS as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)[:300]
        raise CardError(
            "Keras {version} cannot rebuild the network in '{name}': {first}",
            version=library.__version__,
            name=path.name,
            first=first,
        ) from error


def _ready(path: Path, kind: Format, content: Mapping[str, object], folder: Path) -> Path:
    """The file under an ending that Keras goes by; a copy in the words of Keras 3 where Keras 2 wrote it."""
    ready = folder / ("model.keras" if kind is Format.KERAS else "model.h5")
    if not keras_old.is_old(content):
        shutil.copyfile(path, ready)
        return ready
    text = json.dumps(keras_old.upgrade_config(content))
    if kind is Format.KERAS:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(ready, "w") as new:
            for name in old.namelist():
                new.writestr(name, text if name == "config.json" else old.read(name))
        return ready
    shutil.copyfile(path, ready)
    with h5py.File(ready, "r+") as file:
        file.attrs["model_config"] = text
    return ready


def output_names(model: Any) -> tuple[str, ...]:
    """Return what a Keras model calls its outputs: their layers, or the keys under which it gives them."""
    given = getattr(model, "_outputs_struct", None)
    return tuple(map(str, sorted(given))) if isinstance(given, dict) else tuple(getattr(model, "output_names", ()))


class Joined(torch.nn.Module):
    """A Keras model whose outputs, however many, are the columns of one tensor."""

    def __init__(self, model: Any) -> None:
        """Keep the model."""
        super().__init__()
        self.model = model

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return n x outputs."""
        answer = self.model(values, training=False)
        if isinstance(answer, dict):
            answer = [answer[name] for name in sorted(answer)]  # as Keras lists them in ``model.outputs``
        parts = answer if isinstance(answer, list | tuple) else [answer]
        return torch.cat([torch.flatten(part, 1) if part.ndim > 1 else part[:, None] for part in parts], dim=1)

    def run(self, values: NDArray[np.float32]) -> Floats:
        """Return n x outputs of n x S x S x 3 values."""
        with torch.no_grad():
            return np.asarray(self(torch.from_numpy(values)).cpu().numpy(), dtype=np.float64)
