"""Weights that a training begins with: opened in a confined process, and taken from it as tensors alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fundus_core import confined
from fundus_core.confined import StoppedError
from fundus_core.errors import CardError
from fundus_core.models.importing.imported_files import TENSORS
from fundus_core.models.importing.importer import limits_for

if TYPE_CHECKING:
    from torch import Tensor


def tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: safetensors, a torch state dict, or a Keras EfficientNet, by timm's names.

    Raises:
        UsageError: There is no such file.
        CardError: It is damaged, would execute code, or keeps its tensors within a graph.
    """
    limits = limits_for(file)
    with tempfile.TemporaryDirectory() as place:
        room, copy = Path(place) / "room", Path(place) / TENSORS
        (room / "made").mkdir(parents=True)
        arguments = {"file": str(file.resolve()), "folder": str(room / "made")}
        try:
            confined.run(
                "fundus_core.models.importing.importing_process:begin",
                arguments,
                folder=room,
                readable=[file],
                limits=limits,
            )
        except StoppedError as error:
            raise CardError(
                "'{name}' was not read. {error} Begin with another file, best safetensors.", name=file.name, error=error
            ) from error
        if not confined.taken(room / "made", TENSORS, copy, most=limits.disk):
            raise CardError(
                "'{name}' was not read: nothing came of it. Begin with another file, best safetensors.", name=file.name
            )
        from fundus_core.models import weights

        return weights.read(copy)
