"""Files and cards of people who mean harm, three or more ways for each kind: none is read, each with a sentence.

They are judged here by the lists alone, without the confinement that would hold them as well: nothing may lean on it.
"""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
import torch
from onnx import helper

from fundus_core.errors import CardError
from fundus_core.models import card_limits, weights
from fundus_core.models.importing import formats, graph_safety, keras_safety, script_safety

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:Validating sparse:UserWarning"
)

# TorchScript --------------------------------------------------------------------------------------------------------


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = torch.nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lin(x.mean(dim=[2, 3]))


@pytest.fixture(scope="module")
def script():
    module = torch.jit.script(Net())
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()


def rewritten(data, path, *, line="", rename=lambda name: name, more="", extra=()):
    """The archive with a line put before the network's own return, names changed, or text added."""
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".py") and b"mean" in content:
                text = content.decode()
                place = text.rindex("    return ")
                content = (text[:place] + line + text[place:] + more).encode()
            new.writestr(rename(name), content)
        for name, content in extra:
            new.writestr(name, content)
    return path


LINES = {
    "save": '    torch.save(x, "marker")\n',
    "a comment between": '    torch.save#(\n(x, "marker")\n',
    "a joined line": '    torch.save\\\n(x, "marker")\n',
    "a carriage return": '    y = x #\r    torch.save(x, "marker")\n',
    "a form feed": '\x0c    torch.save(x, "marker")\n',
    "another name space": '    ops.aten.save(x, "marker")\n',
    "an alias": '    _9 = ops.aten.save\n    _9(x, "marker")\n',
    "an alias of torch": '    _9 = torch.save\n    _9(x, "marker")\n',
    "parts in brackets": '    (torch).save(x, "marker")\n',
    "a file mapped": '    y = torch.from_file("marker", True, 100, dtype=6)\n',
    "a file mapped by ops": '    y = ops.aten.from_file("marker", True, 100)\n',
    "a class of someone": "    y = __torch__.torch.classes.mine.Loader()\n",
    "a library of someone": "    y = ops.mine.load(x)\n",
    "another thread": "    y = fork(x)\n",
    "an endless loop": "    while True:\n      x = torch.add(x, 1)\n",
    "a long loop": "    for i in range(9223372036854775807):\n      x = torch.add(x, 1)\n",
    "a loop that it works out": "    for i in range(torch.mul(torch.len([x]), 10000000)):\n      pass\n",
    "a print": '    print("x")\n',
    "random numbers": "    x = torch.rand_like(x)\n",
    "a call of what was called": '    y = (torch.add(x, 1))(x, "marker")\n',
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_torchscript_program_with_a_line_that_no_network_needs(line, script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CardError, match="was not loaded"):
        script_safety.check_archive(rewritten(script, tmp_path / "bad.pt", line=line))
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("method", ["__setstate__", "__getstate__", "__init__"])
def test_a_torchscript_class_that_runs_when_loaded(method, script, tmp_path):
    more = f"  def {method}(self: __torch__.Net, x: Tensor) -> NoneType:\n    return None\n"
    with pytest.raises(CardError, match="would run when the file is loaded"):
        script_safety.check_archive(rewritten(script, tmp_path / "bad.pt", more=more))


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("/code/", "/CODE/"),
        lambda name: name[:-3] + ".PY" if name.endswith(".py") else name,
        lambda name: name.replace("/code/", "/code//"),
        lambda name: name.replace("/code/", "/./code/"),
    ],
    ids=["folder", "ending", "two slashes", "a dot"],
)
def test_a_torchscript_program_under_a_name_that_torch_reads_and_others_overlook(rename, script, tmp_path):
    with pytest.raises(CardError, match="no export of torch writes"):
        script_safety.check_archive(rewritten(script, tmp_path / "bad.pt", rename=rename))


def test_a_torchscript_part_that_stands_twice(script, tmp_path):
    with zipfile.ZipFile(io.BytesIO(script)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".py"))
    other = name.rsplit("/", 1)[0] + "/" + name.rsplit("/", 1)[1].upper()[:-3] + ".py"
    with pytest.raises(CardError, match="was not loaded"):
        script_safety.check_archive(rewritten(script, tmp_path / "bad.pt", extra=[(other, b"x")]))


def test_the_graph_is_judged_as_well(tmp_path):
    class Writes(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch.save(x, "marker")
            return x

    module = torch.jit.script(Writes())
    with pytest.raises(CardError, match="'aten::save'"):
        script_safety.check_graph(tmp_path / "bad.pt", module)


def test_a_program_of_listed_operators_passes(script, tmp_path):
    (tmp_path / "good.pt").write_bytes(script)
    script_safety.check_archive(tmp_path / "good.pt")


# ONNX ---------------------------------------------------------------------------------------------------------------


def onnx_of(path, nodes, functions=(), initializer=()):
    ends = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [1, 3, 8, 8]), ("y", [1, 1]))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer)
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=9, functions=list(functions))
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("kind", "domain"),
    [("Loop", ""), ("Scan", ""), ("RandomNormal", ""), ("SequenceMap", ""), ("StringConcat", ""), ("ImageDecoder", ""),
     ("Conv", "com.microsoft"), ("MatMul", "mine"), ("ReadFile", "ai.onnx.ml")],
)  # fmt: skip
def test_an_onnx_operation_that_is_not_listed(kind, domain, tmp_path):
    path = onnx_of(tmp_path / "bad.onnx", [helper.make_node(kind, ["x"], ["y"], domain=domain)])
    with pytest.raises(CardError, match=kind):
        graph_safety.check_onnx(path)


def test_an_onnx_operation_hidden_in_a_branch_and_in_a_function(tmp_path):
    inner = helper.make_graph([helper.make_node("Loop", ["x"], ["y"])], "inner", [], [])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    with pytest.raises(CardError, match="'Loop'"):
        graph_safety.check_onnx(onnx_of(tmp_path / "branch.onnx", [branch]))
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    function = helper.make_function("mine", "f", ["x"], ["y"], [helper.make_node("Scan", ["x"], ["y"])], sets)
    call = helper.make_node("f", ["x"], ["y"], domain="mine")
    with pytest.raises(CardError, match="'Scan'"):
        graph_safety.check_onnx(onnx_of(tmp_path / "function.onnx", [call], [function]))


def test_an_onnx_function_that_calls_itself(tmp_path):
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    again = helper.make_node("f", ["x"], ["y"], domain="mine")
    function = helper.make_function("mine", "f", ["x"], ["y"], [again], sets)
    with pytest.raises(CardError, match="calls itself"):
        graph_safety.check_onnx(onnx_of(tmp_path / "bad.onnx", [again], [function]))


def test_an_onnx_array_of_more_values_than_any_network_has(tmp_path):
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[2**20, 2**20])
    with pytest.raises(CardError, match="1048576 x 1048576"):
        graph_safety.check_onnx(onnx_of(tmp_path / "bad.onnx", [], initializer=[tensor]))


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "sub/secret.bin", "link.bin"])
def test_onnx_weights_outside_the_file_or_behind_a_link(location, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "secret.bin").write_bytes(bytes(4))
    (tmp_path / "link.bin").symlink_to(tmp_path / "sub" / "secret.bin")
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=1)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    with pytest.raises(CardError, match="outside its own folder"):
        graph_safety.check_onnx(onnx_of(tmp_path / "bad.onnx", [], initializer=[tensor]))


# SavedModel ---------------------------------------------------------------------------------------------------------


def saved_model(folder, operations, functions=()):
    content = graph_safety._saved_model()()
    meta = content.meta_graphs.add()
    for operation in operations:
        meta.graph_def.node.add(op=operation.encode())
    for name, inner in functions:
        function = meta.graph_def.library.function.add()
        function.signature.name = name.encode()
        for operation in inner:
            function.node_def.add(op=operation.encode())
    (folder / "saved_model.pb").write_bytes(content.SerializeToString())
    return folder


@pytest.mark.parametrize(
    "kind", ["PyFunc", "ReadFile", "WriteFile", "While", "XlaCallModule", "LookupTableImport", "X"]
)
def test_an_operation_of_tensorflow_that_is_not_listed(kind, tmp_path):
    with pytest.raises(CardError, match=kind):
        graph_safety.check_saved_model(saved_model(tmp_path, ["Conv2D", kind]))
    with pytest.raises(CardError, match=kind):
        graph_safety.check_saved_model(saved_model(tmp_path, ["__f"], [("__f", ["Relu", kind])]))
    with pytest.raises(CardError, match=kind):  # a function of that name does not make it one of the file's own
        graph_safety.check_saved_model(saved_model(tmp_path, [kind], [(kind, ["Relu"])]))


def test_a_function_of_tensorflow_that_calls_itself(tmp_path):
    with pytest.raises(CardError, match="calls itself"):
        graph_safety.check_saved_model(saved_model(tmp_path, [], [("__f", ["__g"]), ("__g", ["__f"])]))


def test_an_archive_that_unpacks_to_far_more_than_it_is(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("saved_model.pb", bytes(80 * 2**20))
    with pytest.raises(CardError, match="was not unpacked"):
        graph_safety.unpack(tmp_path / "bomb.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# OpenVINO -----------------------------------------------------------------------------------------------------------

XML = '<net name="g"><layers><layer id="0" name="a" type="{}" version="{}"/></layers></net>'


@pytest.mark.parametrize(
    "text",
    [
        XML.format("Loop", "opset1"),
        XML.format("TensorIterator", "opset1"),
        XML.format("Relu", "extension"),
        '<!DOCTYPE a [<!ENTITY b "c">]>' + XML.format("Relu", "opset1"),
        XML.format("Relu", "opset1")[:-6],
        "<net>" * 10_000,
    ],
    ids=["a loop", "another loop", "an extension", "definitions", "cut", "deep"],
)
def test_a_graph_of_openvino_with_more_than_arithmetic(text, tmp_path):
    (tmp_path / "graph.xml").write_text(text)
    with pytest.raises(CardError, match=r"graph\.xml"):
        graph_safety.check_xml(tmp_path / "graph.xml")


# Keras --------------------------------------------------------------------------------------------------------------


FUNCTION = {"class_name": "function", "module": "builtins"}


def sequential(layer):
    return {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {}}, layer]}}


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "Mine", "config": {}},
        {"class_name": "Lambda", "config": {}},
        {"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"class_name": "TextVectorization", "module": "keras.layers", "config": {}},
        {"class_name": "Dense", "config": {"activation": {**FUNCTION, "config": "exec"}}},
        {"class_name": "SpectralNormalization", "config": {"layer": {"class_name": "Mine", "config": {}}}},
        {"class_name": "Dense", "config": {"kernel_initializer": {"class_name": "Mine", "config": {}}}},
        {"class_name": "get_file", "module": "keras.layers", "config": {}},
    ],
)  # fmt: skip
def test_every_name_of_a_sequential_model_is_listed(layer):
    with pytest.raises(CardError, match="was not loaded"):
        keras_safety.check_description(sequential(layer), "model")


def hdf5(path, make):
    with h5py.File(path, "w") as file:
        make(file)
    with h5py.File(path, "r") as file, pytest.raises(CardError) as caught:
        keras_safety.check_hdf5(file, path.name)
    return str(caught.value)


def test_hdf5_that_goes_in_circles_claims_much_or_needs_a_library(tmp_path):
    def circle(file):
        group = file.create_group("a").create_group("b")
        group["back"] = file["a"]

    def itself(file):
        file.create_group("a")["self"] = file["/"]

    def giant(file):
        file.create_dataset("w", (2**20, 2**20), "f4", chunks=(64, 64))

    def many(file):
        for number in range(40):
            file.create_dataset(f"w{number}", (2**20,), "f4", chunks=(2**10,))

    def packed(file):
        file.create_dataset("w", data=np.zeros(100), compression="lzf")

    assert "twice" in hdf5(tmp_path / "a.h5", circle)
    assert "twice" in hdf5(tmp_path / "b.h5", itself)
    assert "does not hold" in hdf5(tmp_path / "c.h5", giant)
    assert "does not hold" in hdf5(tmp_path / "d.h5", many)
    assert "another library" in hdf5(tmp_path / "e.h5", packed)


def test_a_keras_archive_with_a_description_of_hundreds_of_megabytes(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (40 * 2**20))
        archive.writestr("model.weights.h5", b"")
    assert (tmp_path / "model.keras").stat().st_size < 2**20
    with pytest.raises(CardError, match="more than any network"):
        keras_safety.check_archive(tmp_path / "model.keras")
    with pytest.raises(CardError, match="longer than any"):
        formats.json_of(" " * (33 * 2**20), "model")


# torch --------------------------------------------------------------------------------------------------------------


def test_tensors_that_claim_more_than_the_file_holds_or_are_no_numbers(tmp_path):
    for name, tensor in {
        "giant": torch.zeros(1).expand(2**20, 2**20),
        "nan": torch.tensor([1.0, float("nan")]),
        "sparse": torch.zeros(3, 3).to_sparse(),
        "complex": torch.zeros(3, dtype=torch.complex64),
    }.items():
        torch.save({"w": tensor}, tmp_path / f"{name}.pt")
        with pytest.raises(CardError, match=r"no plain array|would execute code"):
            weights.read(tmp_path / f"{name}.pt")


def test_a_torch_archive_that_is_packed(tmp_path):
    torch.save({"w": torch.zeros(2**22)}, tmp_path / "plain.pt")
    with (
        zipfile.ZipFile(tmp_path / "plain.pt") as old,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(CardError, match="unpack to"):
        weights.read(tmp_path / "bomb.pt")


# Cards --------------------------------------------------------------------------------------------------------------

CARDS = {
    "a path of the server": "[backbone_options]\ncheckpoint_path = '/etc/passwd'",
    "a place for downloads": "[backbone_options]\ncache_dir = '/tmp/x'",
    "weights from the web": "[backbone_options]\npretrained_cfg_overlay = { url = 'http://a/b' }",
    "a program": "[backbone_options]\nact_layer = 'torch.nn.ReLU; import os'",
    "8 TB of a hidden layer": "[backbone_options]\nhidden = [[4000000000, 'relu']]",
    "many hidden layers": "[backbone_options]\nhidden = [" + "[8, 'relu'], " * 9 + "]",
    "a negative layer": "[backbone_options]\nhidden = [[-5, 'relu']]",
    "a wide network": "[backbone_options]\nchannels = [100000, 8]",
    "weights elsewhere": "[weights]\nfile = '../../secret.safetensors'",
    "weights at a path": "[weights]\nfile = '/etc/passwd'",
    "weights on a drive": "[weights]\nfile = 'C:\\\\secret'",
    "an example elsewhere": "[golden]\nfile = '../other.png'",
    "features elsewhere": "features = '/etc/passwd'",
    "a script for an address": "[weights]\npage = 'javascript:alert(1)'",
    "a giant photograph": "[input]\nsize = 1000000",
    "no photograph": "[input]\nsize = 0",
    "a range of nothing": "[input]\nvalue_range = [1.0, 1.0]",
    "not a number": "[input]\nmean = [nan, 0.0, 0.0]",
    "endless": "[[outputs]]\ntarget = 'sbp'\nscale = inf",
    "beyond arithmetic": "[[outputs]]\ntarget = 'sbp'\nscale = 1e300",
    "everything is reproduced": "[golden]\ntolerance = 1e9",
    "many outputs": "[[outputs]]\ntarget = 'sbp'\n" * 500,
    "a date": "title = 2020-01-01",
    "long": f"title = '{'x' * 30_000}'",
    "deep": "title = " + "[" * 50 + "]" * 50,
    "deeper": "title = " + "[" * 20_000 + "]" * 20_000,
    "a number of many digits": "seed = " + "9" * 10_000,
    "longer than any card": "# " + "x" * 300_000,
    "not text": "title = '\udcff'",
}


@pytest.mark.parametrize("text", CARDS.values(), ids=CARDS)
def test_a_card_that_no_honest_person_writes(text, tmp_path):
    from fundus_core.models.importing import partial_card

    path = tmp_path / "card.toml"
    path.write_bytes(f"id = 'a'\n{text}\n".encode(errors="surrogateescape"))
    with pytest.raises(CardError, match=r"card\.toml") as caught:
        partial_card.open_draft(path)
    assert len(str(caught.value)) < 1000


def test_the_cards_of_this_project_stay_within_bounds():
    from fundus_core.models import card_files, registry

    for path in [registry.SAMPLE, *registry.BUNDLED.glob("*.toml")]:
        card_limits.check(card_files.toml(Path(path)), path.name)
