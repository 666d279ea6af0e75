"""TorchScript (a program in a language of torch's own), turned into a graph that can only compute."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fundus_core.errors import CardError
from fundus_core.models.importing import script_safety
from fundus_core.models.importing.formats import Format
from fundus_core.models.importing.import_graph import convert_module, from_graph
from fundus_core.models.importing.imported import Found, Original
from fundus_core.records import Floats


def read(path: Path, *, size: int | None) -> Found:
    """Read a TorchScript program of listed operators and turn it into a graph, so that it never runs again.

    The file does not say the ``size`` of its input.

    Raises:
        CardError: It is damaged, holds an operator that is not listed, or cannot be converted.
    """
    if size is None:
        raise CardError("A TorchScript file does not say the size of its input; add 'input.size' (pixels) to the card.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch says of TorchScript that it will go some day
            module = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise CardError(
            "The TorchScript file '{name}' is damaged ({splitlines}); export it again.",
            name=path.name,
            splitlines=str(error).splitlines()[0][:200],
        ) from error
    script_safety.check_graph(path, module)
    if any(one.dtype in (torch.float16, torch.bfloat16) for one in module.parameters()):
        module = module.float()
    layout = _layout(module, size)
    shape = [1, 3, size, size] if layout == "nchw" else [1, size, size, 3]
    graph = convert_module(module, shape)
    graph.reshape([-1, *shape[1:]])
    found = from_graph(graph, Format.TORCHSCRIPT, size)
    note = (
        "TorchScript is a program: all its operators are among those that compute a network; it was run to compare, "
        "and kept as a graph that can only compute."
    )
    return replace(found, original=_running(module, layout, found), by=f"torch {torch.__version__}").noting(note)


def _layout(module: torch.jit.ScriptModule, size: int) -> str:
    """Channels first as torch does, unless only the other order runs."""
    for layout, shape in (("nchw", (1, 3, size, size)), ("nhwc", (1, size, size, 3))):
        try:
            with torch.no_grad():
                module(torch.zeros(shape))
        except (RuntimeError, ValueError):
            continue
        return layout
    raise CardError(
        "The TorchScript network takes no colour photographs of {size} x {size} pixels; correct 'input.size'.",
        size=size,
    )


def _running(module: torch.jit.ScriptModule, layout: str, found: Found) -> Original:
    def run(values: NDArray[np.float32]) -> Floats:
        fed = values if layout == "nhwc" else np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        with torch.no_grad():
            answer = module(torch.from_numpy(fed))
        if isinstance(answer, dict):
            answer = tuple(answer.values())
        parts = answer if isinstance(answer, list | tuple) else [answer]
        whole = np.concatenate([part.reshape(len(fed), -1).double().numpy() for part in parts], axis=1)
        return whole[:, 1:] if found.activations == ("softmax",) else whole

    return run
