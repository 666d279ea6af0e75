"""Inference: the same answers as the network itself, row by row, and nothing kept between calls."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from fundus_core import inference
from fundus_core.errors import CardError, UsageError
from fundus_core.inference import gpu, processor
from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, out_of_distribution, registry, weights

SIDE = 32
CROPS = np.random.default_rng(0).integers(0, 256, (21, SIDE, SIDE, 3), dtype=np.uint8)
SMALL = {"channels": [8, 8, 16, 16], "stem_width": 8}


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    body = networks.body("resnet10t", 2, SMALL)
    digest = weights.write(body, folder / "weights.safetensors")
    base = card_files.read(registry.BUNDLED / "joir-metabolic-b7.toml")
    outputs = (
        replace(base.outputs[0], scale=20.0, offset=120.0, interval=(-17.0, 19.0), growth=0.01),
        replace(base.outputs[1], scale=0.1, offset=4.0, link="exp"),
    )
    made = replace(
        base,
        backbone="resnet10t",
        backbone_options=SMALL,
        input=replace(base.input, size=SIDE, channels="bgr", value_range=(-1.0, 1.0)),
        outputs=outputs,
        weights=cards.WeightsFile("weights.safetensors", digest, ""),
        features="features.safetensors",
        folder=folder,
    )
    pooled = eager(made)[1]
    out_of_distribution.write(out_of_distribution.measure(pooled, pooled), folder / "features.safetensors")
    return made


@torch.no_grad()
def eager(card, crops=CROPS):
    values, pooled = networks.build(card)(torch.from_numpy(crops))
    return values.double().numpy(), pooled.double().numpy()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def predictor(card, compiled):
    return inference.open_predictor(card, device="cpu", cache=compiled)


def test_it_answers_as_the_network_does(card, predictor):
    said = predictor.predict(CROPS)
    values, pooled = eager(card)
    for column, target in enumerate(card.targets):
        np.testing.assert_allclose(said.values[target], values[:, column], rtol=1e-5, atol=1e-4)
    statistics = out_of_distribution.read(card.folder / card.features)
    np.testing.assert_allclose(said.distance, statistics.distance(pooled), rtol=1e-3)
    assert said.precision == "float32"


def test_the_order_of_rows_and_their_company_change_nothing(predictor):
    whole = predictor.predict(CROPS).values["sbp"]
    order = np.random.default_rng(1).permutation(len(CROPS))
    np.testing.assert_array_equal(predictor.predict(CROPS[order]).values["sbp"], whole[order])
    alone = [predictor.predict(CROPS[k : k + 1]).values["sbp"][0] for k in range(3)]
    np.testing.assert_array_equal(alone, whole[:3])


def test_intervals_are_those_of_the_card(predictor):
    said = predictor.predict(CROPS)
    wider = 1 + 0.01 * (said.values["sbp"] - 120)
    np.testing.assert_allclose(said.low["sbp"], said.values["sbp"] - 17 * wider)
    np.testing.assert_allclose(said.high["sbp"], said.values["sbp"] + 19 * wider)
    assert np.isnan(said.low["dbp"]).all()


def test_no_photographs_no_predictions(predictor):
    said = predictor.predict(CROPS[:0])
    assert said.values["sbp"].shape == said.distance.shape == (0,)


@pytest.mark.parametrize("crops", [CROPS[:, :16], CROPS[0], CROPS.astype(np.float32), CROPS[..., :1]])
def test_crops_that_do_not_fit_the_card_are_refused(predictor, crops):
    with pytest.raises(UsageError, match=f"wants crops of n x {SIDE} x {SIDE} x 3 bytes"):
        predictor.predict(crops)


def test_opened_again_the_network_is_not_converted_again(card, compiled, predictor, monkeypatch):
    monkeypatch.setattr(processor, "_convert", lambda card, kept: pytest.fail("converted again"))
    again = inference.open_predictor(card, device="cpu", cache=compiled)
    np.testing.assert_array_equal(again.predict(CROPS).values["dbp"], predictor.predict(CROPS).values["dbp"])


def test_a_changed_card_is_another_network(card, compiled):
    moved = replace(card, outputs=(replace(card.outputs[0], offset=0.0), card.outputs[1]))
    said = inference.open_predictor(moved, device="cpu", cache=compiled).predict(CROPS)
    np.testing.assert_allclose(said.values["sbp"], eager(card)[0][:, 0] - 120, atol=1e-3)


def test_reduced_precision_is_used_only_where_the_card_allows_it_and_is_recorded(card, compiled):
    forced = inference.open_predictor(card, device="cpu", precision="bf16", cache=compiled).predict(CROPS)
    assert forced.precision == "bf16"
    allowed = replace(card, precision=cards.Precision("bf16", 0.002))
    assert inference.open_predictor(allowed, device="cpu", cache=compiled).precision in ("bf16", "float32")
    assert inference.open_predictor(card, device="cpu", cache=compiled).precision == "float32"


def test_what_cannot_be_opened_says_why(card, tmp_path):
    with pytest.raises(CardError, match="has no weights here"):
        inference.open_predictor(replace(card, folder=tmp_path), device="cpu", cache=tmp_path)
    with pytest.raises(UsageError, match="one of auto, cpu, cuda"):
        inference.open_predictor(card, device="tpu")


def test_where_torch_is_not_loaded_another_process_converts(card, tmp_path):
    card_files.write(card, card.folder / "card.toml")
    script = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from fundus_core.inference import open_predictor; from fundus_core.models import card_files\n"
        "card = card_files.read(Path(sys.argv[1]))\n"
        "predictor = open_predictor(card, device='cpu', cache=Path(sys.argv[2]))\n"
        "said = predictor.predict(np.zeros((1, 32, 32, 3), np.uint8))\n"
        "print(float(said.values['sbp'][0]), 'torch' in sys.modules)"
    )
    told = [sys.executable, "-c", script, str(card.folder / "card.toml"), str(tmp_path)]
    value, loaded = subprocess.run(told, check=True, capture_output=True, text=True).stdout.split()
    here = inference.open_predictor(card, device="cpu", cache=tmp_path / "here").predict(
        np.zeros((1, 32, 32, 3), np.uint8)
    )
    assert float(value) == pytest.approx(here.values["sbp"][0], rel=1e-5)
    assert loaded == "False"


class TestOnAGpu:
    """There is none in most places; the same code on a processor must give the same answers."""

    def engine(self, card):
        made = gpu.Torch(card, "float32", "cpu")
        assert made.batch in gpu.BATCHES
        made.batch = 8
        return made

    def answers_as_the_network_does(self, engine, card):
        said = engine(CROPS)
        for found, expected in zip(said, eager(card), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)

    def test_it_answers_as_the_network_does(self, card):
        self.answers_as_the_network_does(self.engine(card), card)

    def test_a_long_run_is_compiled(self, card, monkeypatch):
        real = torch.compile
        monkeypatch.setattr(gpu, "COMPILE_AFTER", 1)
        monkeypatch.setattr(torch, "compile", lambda network, **how: real(network, backend="eager", **how))
        engine = self.engine(card)
        before = engine.reader
        self.answers_as_the_network_does(engine, card)
        assert engine.reader is not before

    def test_where_nothing_compiles_it_is_slower_and_not_wrong(self, card, monkeypatch):
        def none(_):
            message = "no compiler"
            raise RuntimeError(message)

        monkeypatch.setattr(gpu, "COMPILE_AFTER", 1)
        monkeypatch.setattr(torch, "compile", lambda network, **how: none)
        engine = self.engine(card)
        before = engine.reader
        self.answers_as_the_network_does(engine, card)
        assert engine.reader is before

    def test_what_does_not_fit_goes_in_halves(self, card, monkeypatch):
        engine = self.engine(card)
        ask = engine._ask

        def small(batch):
            if len(batch) > 3:
                message = "out of memory"
                raise torch.cuda.OutOfMemoryError(message)
            return ask(batch)

        monkeypatch.setattr(engine, "_ask", small)
        self.answers_as_the_network_does(engine, card)
        assert engine.batch == 2
