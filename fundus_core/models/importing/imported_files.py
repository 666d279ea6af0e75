"""What an import keeps: the names of its files, and their way out of the confined process that made them."""

from pathlib import Path

from fundus_core import confined
from fundus_core.errors import CardError
from fundus_core.models import card_files, registry
from fundus_core.models.card import Card
from fundus_core.models.importing import graph_safety

CARD, GOLDEN, TENSORS, GRAPH = "card.toml", "golden.png", "weights.safetensors", "graph.xml"
_NUMBERS = "graph.bin"
_MOST = {CARD: 2**20, GOLDEN: 2**26, GRAPH: 2**27}


def keep_imported(made: Path, place: Path, model_id: str, *, most: int) -> Card:
    """Copy what a confined process made, and nothing else, into an empty folder, and return its card.

    Its id must be ``model_id``; the weights may have ``most`` bytes.

    Raises:
        CardError: A file is missing, or is not what the card says.
    """
    for name in (CARD, GOLDEN, TENSORS, GRAPH, _NUMBERS):
        confined.taken(made, name, place / name, most=_MOST.get(name, most))
    card = card_files.read(place / CARD)
    if card.weights.file == GRAPH:
        graph_safety.check_xml(card.weights_path)
    right = card.id == model_id and card.weights.file in (TENSORS, GRAPH) and card.golden.file == GOLDEN
    whole = card.ready and (card.weights.file != GRAPH or (place / _NUMBERS).is_file())
    if not right or not whole or registry.sha256(card.weights_path) != card.weights.sha256:
        raise CardError("The import left other files than its card names, and nothing was kept; import the file again.")
    return card
