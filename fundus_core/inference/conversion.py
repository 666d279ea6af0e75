"""From a torch module to the graph that OpenVINO runs: ``python -m fundus_core.inference.conversion CARD GRAPH``."""

import sys
import tempfile
import warnings
from pathlib import Path

import openvino as ov
import torch

from fundus_core import owner_only
from fundus_core.errors import FundusError
from fundus_core.models import card_files
from fundus_core.models.card import Card
from fundus_core.models.networks import build


def convert(card: Card, kept: Path) -> None:
    """Write a card's network as a graph (.xml, its .bin beside it); a ``CardError`` where the weights do not fit."""
    _keep(_graph(card, torch.uint8), kept)


def for_numbers(card: Card) -> ov.CompiledModel:
    """Compile a card's network for crops (n x S x S x 3) of any numbers, in float32; ``CardError`` as ``convert``."""
    return ov.Core().compile_model(_graph(card, torch.float32), "CPU", {"INFERENCE_PRECISION_HINT": ov.Type.f32})


def _graph(card: Card, kind: torch.dtype) -> ov.Model:
    example = torch.zeros((1, card.input.size, card.input.size, 3), dtype=kind)
    with torch.no_grad(), warnings.catch_warnings():
        # OpenVINO traces; torch says of tracing that it will go some day, which is OpenVINO's to mend.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return ov.convert_model(build(card), example_input=example, input=[-1, *example.shape[1:]])


def _keep(model: ov.Model, path: Path) -> None:
    """Write the graph so that another process never reads half of it."""
    owner_only.folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        ov.save_model(model, part, compress_to_fp16=False)
        for made in (part, part.with_suffix(".bin")):
            owner_only.close(made)
        part.with_suffix(".bin").replace(path.with_suffix(".bin"))
        part.replace(path)


if __name__ == "__main__":
    try:
        convert(card_files.read(Path(sys.argv[1])), Path(sys.argv[2]))
    except FundusError as error:
        sys.exit(str(error))
