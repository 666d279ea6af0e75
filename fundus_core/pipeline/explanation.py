"""``explain``: where a model looks in one photograph; the work itself, and asking another process for it."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from fundus_core import __version__, images, journey, processes
from fundus_core.errors import FundusError, UsageError
from fundus_core.explain import Explanation, Predict, Saliency, saliency, usual_method, write
from fundus_core.journey import Examined
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.pipeline.result_files import notice
from fundus_core.records import RetinaBounds, RetinaCrop, Status

PATIENCE_S = 900.0
"""Occlusion of a large graph takes minutes on a processor; what takes longer is given up."""


def explain(locator: str, model: str, targets: Sequence[str], out: Path, *, method: str = "auto") -> Explanation:
    """Explain a photograph (a path, or ``archive.zip::member``) in this process, which then holds torch, and write it.

    The folder gets ``explanation.json``, the crop, and a map and an overlay per target (all of the card where empty);
    for the method see :func:`fundus_core.explain.saliency`. A photograph that is refused or cannot be read is an answer
    without maps.

    Raises:
        UsageError: The photograph, the model, a target or the method does not exist; nothing was written.
        CardError: The weights are damaged or do not fit.
    """
    found = _explained(locator, model, targets, method)
    write(found, out)
    return found


def _explained(locator: str, model: str, targets: Sequence[str], method: str) -> Explanation:
    card = registry.ready(model)
    if not (Path(locator).is_file() or "::" in locator):
        raise UsageError("'{locator}' is not a file; give one photograph, or archive.zip::photograph.", locator=locator)
    examined = journey.examine(images.source_at(locator), [card.rule])
    found = _told(card, examined)
    if examined.status is Status.ACCEPTED:
        found = _looked(found, card, examined, targets, method)
    return found


def ask_explanation(locator: str, model: str, targets: Sequence[str]) -> Explanation:
    """Have another process explain a photograph, and wait: for a process that must stay free of torch.

    Nothing is left on the disk, so that deleting a photograph leaves no picture of it behind; keep the answer in
    memory. Asking for all targets at once costs far less than asking for one after the other.

    Raises:
        UsageError: What that process found at fault, in its words, or that it took too long.
    """
    registry.ready(model)
    try:
        found = _WARM.ask("explained", locator, model, tuple(targets), "auto")
    except processes.DiedError:
        raise UsageError(
            "The explanation broke off, or took more than {minutes:.0f} minutes; ask for one target.",
            minutes=PATIENCE_S / 60,
        ) from None
    if isinstance(found, FundusError):
        raise UsageError("There is no explanation: {why}", why=found)
    return cast("Explanation", found)


def warm_up(model: str) -> None:
    """Have the other process import and open what a model needs, so that the first question does not wait for it."""
    with contextlib.suppress(processes.DiedError):
        _WARM.ask("opened", model)


class _Explainer:
    """In the process that is asked."""

    def opened(self, model: str) -> None:
        """Open a model's network and, where it is small, look once at nothing: half of a first look is first use."""
        with contextlib.suppress(FundusError):
            card = registry.ready(model)
            _predict, differentiable = _opened(card)
            method = usual_method(card)
            if method == "integrated_gradients":
                _maps(card, _blank(card.input.size), card.targets[:1], draws=1)
            elif method == "grad_cam":
                differentiable()

    def explained(self, *asked: Any) -> Explanation | FundusError:
        """Return the explanation, or why there is none."""
        try:
            return _explained(*asked)
        except FundusError as error:
            return error


_WARM = processes.Warm(_Explainer, patience_s=PATIENCE_S)


def _blank(side: int) -> RetinaCrop:
    """Return a grey field of view, which nobody took."""
    bounds = RetinaBounds(side / 2, side / 2, side / 2, side, side)
    return RetinaCrop(np.full((side, side, 3), 128, np.uint8), bounds, 1.0, 0.0, 0.0)


def _told(card: Card, examined: Examined) -> Explanation:
    """Everything but the maps."""
    accepted = examined.status is Status.ACCEPTED
    return Explanation(
        photograph=examined.photograph,
        sha256=examined.sha256,
        status=(Status.PREDICTED if accepted else examined.status).value,
        reason="" if accepted else examined.reason,
        model=card.id,
        weights_sha256=card.weights.sha256,
        code_version=__version__,
        note=notice([card]),
    )


def _looked(found: Explanation, card: Card, examined: Examined, targets: Sequence[str], method: str) -> Explanation:
    crop = examined.crops[0]
    maps = _maps(card, crop, targets, method=method)
    reduced = examined.width / crop.bounds.width  # how much smaller than the file's own the photograph was decoded
    return replace(
        found,
        scale=crop.scale / reduced,
        origin_x=crop.origin_x * reduced,
        origin_y=crop.origin_y * reduced,
        maps=maps,
        crop=crop.pixels,
    )


def _maps(card: Card, crop: RetinaCrop, targets: Sequence[str], **how: Any) -> dict[str, Saliency]:
    predict, differentiable = _opened(card)
    return saliency(card, crop, targets, predict=predict, differentiable=differentiable, **how)


def _opened(card: Card) -> tuple[Predict, Callable[[], Any]]:
    """Open a network, or return the one that is open: to predict, and for gradients once these are asked for.

    A card with other weights is another card.
    """
    from fundus_core import inference  # torch: never in the process that serves pages
    from fundus_core.explain.gradients import Gradients

    known = (card.id, card.sha256, card.weights.sha256)
    if known not in _OPEN:
        _OPEN.clear()
        predictor = inference.open_predictor(card)
        _OPEN[known] = (lambda crops: predictor.predict(crops).values), functools.cache(lambda: Gradients(card))
    return _OPEN[known]


_OPEN: dict[tuple[str, str, str], tuple[Predict, Callable[[], Any]]] = {}
"""The last network that was asked, in the process that is asked."""
