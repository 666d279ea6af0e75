"""What is no file of weights is called by what it is, with what its holder can do."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from fundus_core.errors import CardError
from fundus_core.models.importing.formats import detect


def zipped(**members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(f"folder/{name}", member)
    return content.getvalue()


def tarred():
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("folder/model.safetensors"))
    return content.getvalue()


def arrays():
    content = io.BytesIO()
    np.savez(content, weight=np.ones(3))
    return content.getvalue()


FILES = {
    "a page": ("weights.pth", b"<!DOCTYPE html><html><title>Sign in</title>", "is text .*Sign in"),
    "an error of a server": ("weights.pth", b'{"error": "Access denied"}', "is text .*Access denied"),
    "code": ("model.py", b"import torch\n", "is text"),
    "nothing": ("weights.pth", b"", "is empty"),
    "a pointer": ("m.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
    "a zip": ("model.zip", zipped(**{"weights.pth": "x", "notes.txt": "y"}), "unpack it"),
    "a tar": ("model.tar", tarred(), "unpack it"),
    "gzip": ("model.tar.gz", gzip.compress(tarred()), "unpack it"),
    "arrays": ("weights.npz", arrays(), r"safetensors\.numpy\.save_file"),
    "MATLAB": ("net.mat", b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(128), "exportONNXNetwork"),
    "Flax": ("flax_model.msgpack", b"\x81\xa6params\x80", "JAX / Flax"),
    "a frozen graph": ("frozen.pb", b"\n\x1f\n\x05input\x12\x0bPlaceholder", "tf2onnx"),
    "a forest": ("rf.pkl", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x10sklearn.ensemble", "skl2onnx"),
}


@pytest.mark.parametrize(("name", "content", "told"), FILES.values(), ids=FILES)
def test_a_file_of_another_kind_is_called_by_what_it_is(name, content, told, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CardError, match=told):
        detect(path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("_METADATA", "d"), "JAX / Flax"),
        (("checkpoint", "m.index"), "TensorFlow"),
        (("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"), "holds 2 files of weights"),
        ((), "what can be imported"),
    ],
    ids=["orbax", "a checkpoint", "parts", "empty"],
)
def test_a_folder_of_another_kind_is_called_by_what_it_is(names, told, tmp_path):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CardError, match=told):
        detect(tmp_path)
