"""Weights that a training begins with: opened in a confined process, and taken from it as tensors alone."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fundus_core import confined
from fundus_core.confined import StoppedError
from fundus_core.errors import CardError
from fundus_core.models.importing.imported_files import TENSORS
from fundus_core.models.importing.importer import limits_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

_BY_ORDER = tuple(f"tf_efficientnet_{name}" for name in ("lite0", "lite1", "lite2", "lite3", "lite4"))
"""Networks that are looked for where another library's names hide which one it is."""


def load(network: nn.Module, given: Mapping[str, Tensor], name: str) -> str:
    """Load a backbone whole, its outputs left to be learnt, and return a sentence on how its tensors were told.

    Args:
        network: Of timm.
        given: By timm's names, or another library's in the order of the network.
        name: Of the file, for messages.

    Raises:
        CardError: A tensor of the backbone is missing or of another shape; says of which network they are, if known.
    """
    from fundus_core.models.importing import torch_files

    given = dict(sorted(given.items(), key=torch_files.natural))
    try:
        trunk, _left, prefix = torch_files.located(network, given, name)
    except CardError as error:
        known = backbone_of(given)
        if not known:
            raise
        raise CardError("{error} They fit {known}: give --backbone {known}.", error=error, known=known) from error
    network.load_state_dict({**network.state_dict(), **trunk})
    return torch_files.BY_NAME if prefix is not None else torch_files.BY_ORDER


def backbone_of(given: Mapping[str, Tensor]) -> str:
    """Return the network of timm's to which tensors belong, by names and shapes, or their order; empty if none."""
    from fundus_core.models import networks
    from fundus_core.models.importing import architectures, torch_files

    given = dict(sorted(given.items(), key=torch_files.natural))
    # lite ones have names, channels and blocks of B0 to B4, without what squeezes: only the fit tells them apart
    for backbone in (torch_files.efficientnet(given), architectures.name_of(given), *_BY_ORDER):
        with contextlib.suppress(CardError):
            if backbone and torch_files.located(networks.body(backbone, 1), given, ""):
                return backbone
    return ""


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
