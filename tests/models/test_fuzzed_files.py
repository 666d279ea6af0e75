"""Readers of strangers' bytes: whatever comes, a file is read or refused with a sentence, never anything else."""

import contextlib
import functools
import io
import pickle
import zipfile

import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from fundus_core.errors import FundusError
from fundus_core.models import networks, pickles, torch_archives, weights
from fundus_core.models.importing import formats, graph_safety, torch_files
from fundus_core.models.importing.imported import Wanted
from tests.models import files

NOISE = st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=12))
"""Where in a file, as a share of its length, other bytes stand."""
OPERATIONS = b"().012}]abceghijlopqrstuQRVXIFKMNJLGBC\x80\x81\x85\x86\x87\x88\x89\x8c\x8f\x90\x91\x92\x93\x94\x95"


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest")
    state = {"conv1.weight": torch.ones(2, 3, 3, 3), "fc.weight": torch.ones(2, 2), "fc.bias": torch.zeros(2)}
    save_file(state, folder / "w.safetensors")
    torch.save({"state_dict": state, "epoch": 3}, folder / "w.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)
    ends = [onnx.helper.make_tensor_value_info(name, 1, ["n", 3, 8, 8]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    (folder / "g.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return folder


def spoilt(path, changes):
    data = bytearray(path.read_bytes())
    for share, noise in changes:
        place = int(share * len(data))
        data[place : place + len(noise)] = noise
    other = path.with_name(f"spoilt{path.suffix}")
    other.write_bytes(bytes(data))
    return other


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(OPERATIONS), max_size=40), st.binary(max_size=20))
def test_a_pickle_of_any_operations_is_read_or_refused(operations, rest):
    with contextlib.suppress(FundusError):
        pickles.read_bytes(b"\x80\x02" + bytes(operations) + rest + b".", "w.pt")


@settings(max_examples=60, deadline=None)
@given(st.lists(NOISE, min_size=1, max_size=3))
def test_a_pickle_with_a_few_other_bytes_is_read_or_refused(changes):
    content = bytearray(pickle.dumps({"a": [1, (2.5, "x"), {b"k": None}], "b": {3, 4}, "c": complex(1, 2)}))
    for share, noise in changes:
        content[int(share * len(content)) : int(share * len(content)) + len(noise)] = noise
    with contextlib.suppress(FundusError):
        pickles.read(io.BytesIO(bytes(content)), "w.pt")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "old.pt"])
@settings(max_examples=40, deadline=None)
@given(changes=st.lists(NOISE, min_size=1, max_size=3))
def test_a_file_of_tensors_with_a_few_other_bytes_is_read_or_refused(name, honest, changes):
    path = spoilt(honest / name, changes)
    with contextlib.suppress(FundusError):
        kind = formats.detect(path)
        if kind in (formats.Format.SAFETENSORS, formats.Format.STATE_DICT):
            found = weights.opened(path, kind is formats.Format.SAFETENSORS)
            assert all(torch.isfinite(tensor).all() for tensor in found.tensors.values())


@settings(max_examples=40, deadline=None)
@given(header=st.binary(max_size=60), length=st.integers(0, 2**64 - 1))
def test_a_safetensors_header_of_any_bytes_is_refused_or_read(honest, header, length):
    path = honest / "header.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{" + header)
    with contextlib.suppress(FundusError):
        weights.opened(path, safetensors=True)


@settings(max_examples=40, deadline=None)
@given(changes=st.lists(NOISE, min_size=1, max_size=3))
def test_an_onnx_file_with_a_few_other_bytes_is_passed_or_refused(honest, changes):
    with contextlib.suppress(FundusError):
        graph_safety.check_onnx(spoilt(honest / "g.onnx", changes))


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=80), name=st.sampled_from(["archive/data.pkl", "a/code/x.py", "saved_model.pb"]))
def test_an_archive_of_any_content_is_named_and_read_or_refused(honest, content, name):
    path = honest / "any.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    with contextlib.suppress(FundusError):
        if formats.detect(path) is formats.Format.STATE_DICT:
            torch_archives.read(path)


def test_the_files_that_are_spoilt_are_read_as_they_are(honest):
    assert len(weights.opened(honest / "w.safetensors", safetensors=True).tensors) == 3
    assert len(weights.opened(honest / "old.pt", safetensors=False).tensors) == 3
    graph_safety.check_onnx(honest / "g.onnx")
    assert formats.detect(files.DATA / "saved_model.zip") is formats.Format.SAVED_MODEL


# Names: a good checkpoint whose tensors were renamed, moved, dropped or doubled ---------------------------------------

TINY = {"channels": [8, 8, 16, 16], "stem_width": 8}
KINDS = st.sampled_from(["rename", "move", "drop", "double", "prefix"])
CHANGES = st.lists(st.tuples(KINDS, st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=4)


@functools.cache
def checkpoint():
    torch.manual_seed(0)
    state = networks.body("resnet10t", 2, TINY).state_dict()
    return {name: torch.randn_like(value) if value.is_floating_point() else value for name, value in state.items()}


@settings(max_examples=60, deadline=None)
@given(CHANGES)
def test_a_checkpoint_whose_names_were_spoilt_is_read_right_or_refused(changes):
    """A tensor may lose its name or its place, not both in silence: wrong and plausible is worse than refused."""
    items = list(checkpoint().items())
    for what, one, other in changes:
        k, to = one % len(items), other % len(items)
        name, tensor = items[k]
        if what == "move":
            items.insert(to, items.pop(k))
        elif what == "drop":
            del items[k]
        elif what == "double":
            items.insert(to, (f"twice.{name}.{other}", tensor))
        else:
            renamed = f"part{other}.{name.rsplit('.', 1)[-1]}" if what == "rename" else f"old.{name}"
            items[k] = (renamed, tensor)
    state = dict(items)
    wanted = Wanted(
        "resnet10t",
        sure=True,
        options=TINY,
        targets=["sbp", "dbp"],
        binary=dict.fromkeys(("sbp", "dbp"), False),
        size=32,
    )
    with contextlib.suppress(FundusError):
        found = torch_files.fitted(state, weights.Opened(state, (), "", {}), wanted, "spoilt.pt")
        for name, value in checkpoint().items():
            if not name.endswith("num_batches_tracked"):
                assert torch.equal(found.tensors[name], value), name
