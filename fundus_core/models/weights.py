"""Weights from a file and into one, without ever executing what a file holds."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fundus_core.errors import CardError
from fundus_core.models import pickles
from fundus_core.models.custody import sha256


def read(path: Path, *, safetensors: bool | None = None) -> dict[str, Tensor]:
    """Read a state dict from safetensors or from a torch file that holds tensors alone.

    Args:
        path: The file.
        safetensors: Whether it is in that format; by the file's ending where ``None``.

    Raises:
        CardError: The file is missing, damaged, or would execute code to load.
    """
    if not path.is_file():
        raise CardError("The weights '{name}' are not there; obtain them and put them beside the card.", name=path.name)
    if path.suffix == ".safetensors" if safetensors is None else safetensors:
        try:
            return _tensors(load_file(path), path)
        except (SafetensorError, OSError) as error:
            raise _damaged(path, error) from error
    return _tensors(_unpickled(path), path)


def _unpickled(path: Path) -> object:
    """What a torch file holds, if that is tensors and plain values alone."""
    pickles.check(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CardError(
            "The weights '{name}' hold Python objects that would execute code to load, and were not "
            "loaded; export the state dict, best as safetensors.",
            name=path.name,
        ) from error
    except (RuntimeError, OSError, EOFError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> CardError:
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return CardError("The weights '{name}' are damaged ({why}); obtain them again.", name=path.name, why=why)


def _tensors(content: object, path: Path) -> dict[str, Tensor]:
    _check_single(content, path)
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CardError("The weights '{name}' hold no state dict (names and tensors); export one.", name=path.name)
    for key, value in content.items():
        _check_tensor(str(key), value, path)
    return {str(key).removeprefix("module."): value for key, value in content.items()}


def _check_single(content: object, path: Path) -> None:
    """Refuse a checkpoint with two sets of weights, as averaged ones beside the plain: which to use is not ours."""
    sets = dict(_sets(content, "", 3))
    largest = max((len(one) for one in sets.values()), default=0)
    several = [name for name, one in sets.items() if 2 * len(one) > largest]
    if len(several) > 1:
        raise CardError(
            "The weights '{name}' hold {several} sets of weights ({several_2}); save the one that is to "
            "be used (often the averaged one, EMA) as a file of its own.",
            name=path.name,
            several=len(several),
            several_2=", ".join(several)[:200],
        )


def _sets(content: object, where: str, deep: int) -> Iterator[tuple[str, Mapping[object, object]]]:
    """Dictionaries of tensors alone, with their dotted keys."""
    if not isinstance(content, Mapping) or not content or deep < 0:
        return
    if all(isinstance(value, Tensor) for value in content.values()):
        yield where, content
        return
    for key, value in content.items():
        if key != "optimizer":
            yield from _sets(value, f"{where}.{key}".lstrip("."), deep - 1)


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
    """Load weights that must fit exactly.

    Args:
        network: Receives them.
        weights: By name.
        name: Of the file, for the message.

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


def load_backbone(network: nn.Module, weights: Mapping[str, Tensor], name: str) -> None:
    """Load everything but the outputs, which a new training learns anew.

    Args:
        network: Receives them.
        weights: By name.
        name: Of the file, for the message.

    Raises:
        CardError: Too little of it fits.
    """
    own = network.state_dict()
    fitting = {key: value for key, value in weights.items() if key in own and own[key].shape == value.shape}
    if len(fitting) < 0.8 * len(own):
        raise CardError(
            "Only {fitting} of the network's {own} tensors are in '{name}'; it belongs to another "
            "backbone. Name the backbone it was trained with.",
            fitting=len(fitting),
            own=len(own),
            name=name,
        )
    network.load_state_dict(own | fitting)
