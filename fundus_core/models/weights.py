"""Weights from a file and into one, without ever executing what a file holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fundus_core.errors import CardError, say
from fundus_core.models import checkpoints, exported_programs, torch_archives
from fundus_core.models.checkpoints import Module
from fundus_core.models.pickles import damaged
from fundus_core.models.registry import sha256


def read(path: Path, *, safetensors: bool | None = None, choice: str = "") -> dict[str, Tensor]:
    """Read the tensors of a safetensors or torch file, by name; the format by the file's ending where nobody says.

    Raises:
        CardError: The file is missing, damaged, holds no tensors, or several sets between which nobody chose.
    """
    return {name.removeprefix("module."): t for name, t in opened(path, safetensors, choice).tensors.items()}


@dataclass(frozen=True, slots=True)
class Opened:
    """One set of weights out of a file."""

    tensors: Mapping[str, Tensor]
    """By name, in the file's order."""
    modules: tuple[Module, ...]
    """Of a network that was saved whole; empty where the file holds names and tensors."""
    where: str
    """Which set it is."""
    others: Mapping[str, Mapping[str, Tensor]]
    """The sets of the same shape that were not taken, by their place in the file."""
    said: Mapping[str, object] = field(default_factory=dict)
    """What the file says beside its weights, by dotted place: text, numbers, and lists of them."""


def opened(path: Path, safetensors: bool | None = None, choice: str = "") -> Opened:  # noqa: FBT001
    """Read the set of weights of a file that is meant, and those that it could be taken for; ``CardError`` as ``read``.

    Where several sets of one shape lie in it (averaged and plain ones), ``choice`` is the place of one in the file,
    ``ema`` for the averaged or teacher's, ``plain`` for the other; empty for the averaged.
    """
    if not path.is_file():
        raise CardError("The weights '{name}' are not there; obtain them and put them beside the card.", name=path.name)
    if path.suffix == ".safetensors" if safetensors is None else safetensors:
        try:
            content: object = load_file(path)
        except (SafetensorError, OSError) as error:
            raise damaged(path.name, error) from error
        return _opened(path, content, lambda tensor: tensor, choice)
    if exported_programs.is_exported(path):
        return _opened(path, exported_programs.exported(path), lambda tensor: tensor, choice)
    archive = torch_archives.read(path)
    return _opened(path, archive.content, archive.tensor, choice)


def _opened(path: Path, content: object, tensor: Callable[[Any], Tensor], choice: str) -> Opened:
    found = checkpoints.choices(content)
    if not found:
        raise CardError(
            "The weights '{name}' hold no tensors that could be a network's (Python objects in them "
            "would execute code to load, and were not made); name the file that the training wrote, or "
            "export the state dict.",
            name=path.name,
        )
    taken = _chosen(found, choice, path)
    place = checkpoints.unwrapped

    def plain(one: checkpoints.Weights) -> dict[str, Tensor]:
        made = {str(key): value if isinstance(value, Tensor) else tensor(value) for key, value in one.tensors.items()}
        for key, value in made.items():
            _check_tensor(key, value, path)
        return {place(key): value for key, value in made.items()} if len(set(map(place, made))) == len(made) else made

    others = {one.where: plain(one) for one in found if one is not taken}
    modules = tuple(replace(module, place=place(module.place)) for module in taken.modules)
    return Opened(plain(taken), modules, taken.where, others, dict(_said(content, tensor)))


def _said(content: object, tensor: Callable[[Any], Tensor]) -> Iterator[tuple[str, object]]:
    for place, value in checkpoints.metadata(content).items():
        if isinstance(value, str | int | float | list):
            yield place, value
            continue
        try:
            made = value if isinstance(value, Tensor) else tensor(value)
        except CardError:
            continue  # beside the weights nothing need be readable
        yield place, made.flatten().tolist()


def _chosen(found: Sequence[checkpoints.Weights], choice: str, path: Path) -> checkpoints.Weights:
    """The set that a user names, else the only averaged one, which is what trainings that keep one evaluate."""
    averaged = [one for one in found if one.averaged]
    plain = [one for one in found if not one.averaged]
    words = {"": averaged if len(found) > 1 else found, "ema": averaged, "teacher": averaged, "plain": plain}
    fitting = [one for one in found if one.where == choice and choice] or words.get(choice.lower(), [])
    if len(fitting) == 1:
        return fitting[0]
    message = say(
        "The weights '{name}' hold {found} sets of weights ({where}){choice}; say which with "
        "--weights, as in --weights {where_2}.",
        name=path.name,
        found=len(found),
        where=[repr(one.where) for one in found],
        choice=say(", of which {choice} is none", choice=repr(choice)) if choice else "",
        where_2=found[0].where or "plain",
    )
    raise CardError(message)


def _check_tensor(name: str, tensor: Tensor, path: Path) -> None:
    """Refuse what is no plain array of finite numbers, or claims more of them than the file holds."""
    plain = tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_complex()
    if plain and tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        plain = False
    if not plain or (tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())):
        raise CardError(
            "The tensor '{name}' in '{name_2}' is no plain array of finite numbers; save the state dict "
            "of a trained network.",
            name=name[:80],
            name_2=path.name,
        )


def write(network: nn.Module, path: Path) -> str:
    """Write a network's weights as safetensors and return the file's hash."""
    save_file({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}, path)
    return sha256(path)


def load(network: nn.Module, weights: Mapping[str, Tensor], name: str) -> None:
    """Load weights by name that must fit exactly.

    Raises:
        CardError: Names or shapes differ; the message gives the first ones.
    """
    own = network.state_dict()
    wrong = [key for key in own if key not in weights or weights[key].shape != own[key].shape]
    extra = [key for key in weights if key not in own]
    if wrong or extra:
        raise CardError(
            (
                "The weights '{name}' do not fit the card's network: {wrong} {wrong:tensor|tensors} missing "
                "or of another shape (first {wrong_2}), {extra} unknown (first {extra_2}). Correct "
                "'backbone' or outputs."
            ),
            name=name,
            wrong=len(wrong),
            wrong_2=wrong[:2],
            extra=len(extra),
            extra_2=extra[:2],
        )
    network.load_state_dict(dict(weights))
