"""Files that would execute code, or reach for other files, are refused with a sentence, and nothing happens."""

import contextlib
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core.errors import CardError, FundusError, UsageError
from fundus_core.models.importing import formats, import_model, keras_safety
from tests.models import files

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
SIDE = 32


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "home"))
    return tmp_path


def refused(file, place, words):
    """The file is refused in these words; nothing was executed and nothing kept."""
    with pytest.raises(CardError, match=words):
        import_model(file, files.write_card(place, ["sbp"], fed=files.UNIT + "\nsize = 32"))
    assert not (place / "marker").exists()
    assert not (place / "home" / "models" / "brought").exists()


def small(*extra):
    layers = [keras.Input((SIDE, SIDE, 3)), *extra, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
    return keras.Sequential(layers)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_layer(ending, place):
    marker = str(place / "marker")
    model = small(
        keras.layers.Lambda(
            lambda x: x + Path(marker).write_text("ran", encoding="utf-8"), output_shape=(SIDE, SIDE, 3)
        )
    )
    (place / "marker").unlink(missing_ok=True)  # building the model runs the function once
    model.save(place / f"model.{ending}")
    refused(place / f"model.{ending}", place, "Lambda layer, which is Python code")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"class_name": "TorchModuleWrapper", "module": "keras.layers"}, "pickled Python objects"),
        ({"class_name": "TFSMLayer", "module": "keras.layers"}, "loads another program"),
        ({"class_name": "Mine", "module": "somewhere", "registered_name": "mine>Mine"}, "custom object"),
        ({"class_name": "system", "module": "os"}, "no part of Keras"),
        ({"class_name": "get_file", "module": "keras.utils"}, "no part of Keras"),
        ({"class_name": "load_model", "module": "keras.src.saving.saving_api"}, "no part of Keras"),
        ({"class_name": "Mine", "module": None, "registered_name": None}, "custom or no plain layer"),
    ],
)
def test_an_object_that_is_no_layer_of_keras(change, words, place):
    small().save(place / "good.keras")

    def put(description):
        description["config"]["layers"][1] |= {**change, "inbound_nodes": []}

    refused(files.rewritten(place / "good.keras", place / "bad.keras", put), place, words)


def test_a_function_hidden_deep_in_a_layer(place):
    small().save(place / "good.keras")
    code = {"class_name": "__lambda__", "config": {"code": "", "defaults": None, "closure": None}}

    def put(description):
        description["config"]["layers"][-1]["config"]["activation"] = code

    refused(files.rewritten(place / "good.keras", place / "bad.keras", put), place, "Python lambda")


def test_what_a_training_left_in_the_file_does_not_stand_in_the_way(place):
    small().save(place / "good.keras")

    def put(description):
        description["compile_config"] = {"loss": {"class_name": "function", "module": "mine", "config": "my_loss"}}

    file = files.rewritten(place / "good.keras", place / "trained.keras", put)
    card, _ = import_model(file, files.write_card(place, ["sbp"], fed=files.UNIT))
    assert card.ready


def test_an_archive_with_more_in_it_than_a_network(place):
    small().save(place / "model.keras")
    with zipfile.ZipFile(place / "model.keras", "a") as archive:
        archive.writestr("../marker", "out")
    refused(place / "model.keras", place, r"'\.\./marker'")


def test_an_hdf5_file_that_takes_its_weights_from_another(place):
    small().save(place / "model.h5")
    (place / "secret.h5").write_bytes((place / "model.h5").read_bytes())
    with h5py.File(place / "model.h5", "a") as file:
        file["stolen"] = h5py.ExternalLink("secret.h5", "/model_weights")
    refused(place / "model.h5", place, "takes 'stolen' from elsewhere")


def test_an_hdf5_file_whose_data_lie_in_another(place):
    small().save(place / "model.h5")
    with h5py.File(place / "model.h5", "a") as file:
        file.create_dataset("stolen", (4,), dtype="u1", external=[(str(place / "wanted.toml"), 0, 4)])
    refused(place / "model.h5", place, "takes 'stolen' from elsewhere")


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.pth"])
def test_a_pickle_in_a_torch_archive(name, place):
    refused(files.torch_archive(place / name, files.Bomb(place / "marker")), place, "execute code to load")


def test_a_plain_pickle(place):
    (place / "weights.pt").write_bytes(pickle.dumps(files.Bomb(place / "marker")))
    refused(place / "weights.pt", place, "execute code to load")


def test_a_whole_torch_module_that_is_no_network_for_photographs(place):
    torch.save(torch.nn.Linear(2, 1), place / "weights.pt")
    refused(place / "weights.pt", place, "nor do they fit one of timm's")


class Writes(torch.nn.Module):
    """A TorchScript program that writes a file."""

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker = marker

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.marker)
        return x.mean(dim=(2, 3))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_program_that_writes_files(place):
    torch.jit.script(Writes(str(place / "marker"))).save(str(place / "model.pt"))
    refused(place / "model.pt", place, "holds 'torch.save'")


def test_a_saved_model_that_calls_python(place):
    refused(files.DATA / "calls_python.zip", place, "operation 'PyFunc'")


def test_a_saved_model_archive_that_leads_out_of_itself(place):
    with zipfile.ZipFile(place / "model.zip", "w") as archive:
        archive.writestr("model/saved_model.pb", b"")
        archive.writestr("../marker", b"out")
    refused(place / "model.zip", place, "leads out of the archive")


def onnx_file(path, location=None, domain=""):
    """A graph that averages; with a weight kept in another file, or an operation of another maker."""
    helper = onnx.helper
    weight = onnx.numpy_helper.from_array(np.ones((3, 1), np.float32), "w")
    if location:
        weight.ClearField("raw_data")
        weight.data_location = onnx.TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", location
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"], domain=domain),
    ]
    ends = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", ["n", 3, SIDE, SIDE]), ("y", ["n", 1]))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight])
    sets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    path.write_bytes(helper.make_model(graph, opset_imports=sets, ir_version=9).SerializeToString())
    return path


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret.bin"])
def test_an_onnx_file_that_wants_weights_from_outside(location, place):
    inside = place / "model"
    inside.mkdir()
    (place / "secret.bin").write_bytes(bytes(12))
    refused(onnx_file(inside / "model.onnx", location), place, "outside its own folder")


def test_an_onnx_file_with_weights_that_are_missing(place):
    refused(onnx_file(place / "model.onnx", "weights.bin"), place, "put that file beside it")


def test_an_onnx_operation_of_another_maker(place):
    refused(onnx_file(place / "model.onnx", domain="evil.ops"), place, "evil.ops")


@pytest.mark.parametrize(
    "name", ["model.onnx", "model.h5", "model.keras", "model.pt", "model.safetensors", "model.xml"]
)
def test_rubbish_is_refused_whatever_it_is_called(name, place):
    (place / name).write_bytes(np.random.default_rng(0).bytes(500))
    refused(place / name, place, "no ONNX file|no file of weights|damaged")


def test_a_missing_file_and_a_missing_card(place):
    with pytest.raises(UsageError, match="cannot be opened"):
        import_model(place / "none.h5", files.write_card(place, ["sbp"]))
    with pytest.raises(UsageError, match="neither a card"):
        import_model(place / "none.h5", "no-such-card")


@pytest.mark.parametrize("name", ["..", "../up", "", "a/b"])
def test_an_id_that_would_leave_the_folder(name, place):
    card = place / "wanted.toml"
    card.write_text(f'id = "{name}"\n[[outputs]]\ntarget = "sbp"\n')
    with pytest.raises(CardError, match="id"):
        import_model(files.DATA / "keras2.h5", card)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2000), st.sampled_from(["keras2.h5", "keras2.keras", "saved_model.zip"]))
def test_a_damaged_file_is_refused_or_read_but_never_breaks(tmp_path_factory, noise, start, name):
    data = bytearray((files.DATA / name).read_bytes())
    data[start : start + len(noise)] = noise
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(bytes(data))
    with contextlib.suppress(FundusError):  # anything else that is raised fails the test
        kind = formats.detect(path)
        if kind in (formats.Format.KERAS, formats.Format.HDF5):
            assert isinstance(keras_safety.description(path, kind), dict | None)


def test_a_description_of_any_depth_is_looked_through():
    deep = {"class_name": "Lambda"}
    for _ in range(50_000):
        deep = {"config": [deep]}
    with pytest.raises(CardError, match="Lambda"):
        keras_safety.check_description(deep, "deep")
    with pytest.raises(CardError, match="damaged"):
        formats.json_of('{"a":' * 100_000, "deep")
