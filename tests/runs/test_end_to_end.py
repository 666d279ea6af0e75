"""A real card, a real network, the real worker process: nothing stands in for anything."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fundus_core import inference, journey, runs
from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, registry, weights
from fundus_core.records import Source
from fundus_core.store import NewPhotograph, Store
from tests.runs import fake

SMALL = {"channels": [8, 8, 16, 16], "stem_width": 8}


@pytest.fixture
def model() -> str:
    """A tiny network with weights of its own in the user's folder."""
    folder = Path(os.environ["FUNDUS_LAB_HOME"]) / "models" / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    digest = weights.write(networks.body("resnet10t", 1, SMALL), folder / "weights.safetensors")
    base = card_files.read(registry.BUNDLED / "joir-metabolic-b7.toml")
    tiny = replace(
        base,
        id="tiny",
        backbone="resnet10t",
        backbone_options=SMALL,
        input=replace(base.input, size=64),
        outputs=(replace(base.outputs[0], scale=20.0, offset=120.0, interval=(-17.0, 19.0)),),
        weights=cards.WeightsFile("weights.safetensors", digest, ""),
        results=(),
        unverified=(),
        folder=folder,
    )
    card_files.write(tiny, folder / "card.toml")
    return "tiny"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened
        runs.stop_worker(opened, wait_s=30.0)


def test_the_worker_says_what_the_network_says(store: Store, model: str) -> None:
    store.create_cohort("a")
    eyes = [fake.eye(seed) for seed in (0, 40, 90)]
    store.add_photographs("a", (NewPhotograph.of_kept(f"{i}", store.keep(eye)) for i, eye in enumerate(eyes)))
    run = runs.submit(store, "a", [model])
    assert runs.ensure_worker(store)
    since = time.monotonic()
    while not runs.progress(store, run).ended:
        assert time.monotonic() - since < 120, (store.shelf.folder / "worker.log").read_text()
        time.sleep(0.1)
    assert runs.progress(store, run).finished, runs.progress(store, run).note
    card = registry.find(model)
    predictor = inference.open_predictor(card, device="cpu")
    for i, (reading, eye) in enumerate(zip(store.readings("a", model), eyes, strict=True)):
        crop = journey.examine(Source(f"{i}", lambda eye=eye: eye), [card.rule]).crops[0]  # type: ignore[misc]
        expected = predictor.predict(crop.pixels[np.newaxis])
        found = reading.predictions["sbp"]
        assert found.value == pytest.approx(float(expected.values["sbp"][0]), rel=1e-5)
        assert (found.low, found.high) == pytest.approx((found.value - 17.0, found.value + 19.0))
        assert (reading.weights_sha256, reading.model) == (card.weights.sha256, "tiny")
