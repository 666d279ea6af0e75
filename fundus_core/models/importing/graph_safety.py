"""Graphs from strangers: archives, SavedModels and ONNX files are looked through before anything reads them whole."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import NoReturn

import onnx
from google.protobuf.message import DecodeError

from fundus_core.errors import CardError

_PROGRAMS = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "ReadFile", "WriteFile", "LoadLibrary", "XlaCallModule")
"""Operations of TensorFlow that call Python or touch files."""
_LARGEST = 8 * 2**30


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive; a member that would leave the folder, or is a link, is refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members:
                _check_member(path, member)
            if sum(member.file_size for member in members) > _LARGEST:
                message = f"'{path.name}' unpacks to more than {_LARGEST >> 30} GiB, and was not unpacked."
                raise CardError(message)
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        message = f"The archive '{path.name}' is damaged ({error}); obtain it again."
        raise CardError(message) from error


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    parts = member.filename.replace("\\", "/").split("/")
    link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if link or ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
        message = f"'{path.name}' holds '{member.filename}', which leads out of the archive, and was not unpacked."
        raise CardError(message)


def check_saved_model(folder: Path) -> None:
    """Refuse operations that call Python or touch files; nothing is executed to find them.

    In a protocol buffer the operation of a node is field 2, a byte of length, and the name.
    """
    for place in folder.rglob("*"):
        if place.is_symlink():
            message = f"The SavedModel holds the link '{place.name}', and was not loaded; export it again."
            raise CardError(message)
    content = (folder / "saved_model.pb").read_bytes()
    for name in _PROGRAMS:
        if b"\x12" + bytes([len(name)]) + name.encode() in content:
            _refuse("The SavedModel", f"the operation {name}, which calls a program or touches files")


def _refuse(where: str, what: str) -> NoReturn:
    message = (
        f"{where} holds {what}, and was not loaded, since that could execute code of whoever wrote it. Export the "
        "network alone, for example as ONNX with plain operations."
    )
    raise CardError(message)


def check_onnx(path: Path) -> None:
    """Refuse operations of unknown makers and weights that lie outside the model's folder."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        message = f"'{path.name}' is no ONNX file, or damaged; obtain it again."
        raise CardError(message) from error
    makers = {node.domain for node in _nodes(model.graph)} | {node.domain for f in model.functions for node in f.node}
    own = {function.domain for function in model.functions}
    if odd := sorted(makers - own - {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "org.openvinotoolkit"}):
        _refuse(f"'{path.name}'", f"operations of '{odd[0]}', which only a program of theirs can run")
    for tensor in _tensors(model):
        for entry in tensor.external_data:
            if entry.key == "location":
                _check_location(path, entry.value)


def _nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Nodes at every depth."""
    nodes, waiting = [], [graph]
    while waiting:
        for node in waiting.pop().node:
            nodes.append(node)
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += list(attribute.graphs)
    return nodes


def _tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    tensors = list(model.graph.initializer)
    for node in [*_nodes(model.graph), *(node for function in model.functions for node in function.node)]:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for inner in [attribute.g, *attribute.graphs]:
                tensors += list(inner.initializer)
    return tensors


def _check_location(path: Path, location: str) -> None:
    folder = path.resolve().parent
    target = (folder / location).resolve()
    if Path(location).is_absolute() or folder not in target.parents:
        message = f"'{path.name}' wants weights from '{location}', outside its own folder, and was not loaded."
        raise CardError(message)
    if not target.is_file():
        message = f"'{path.name}' keeps weights in '{location}', which is not there; put that file beside it."
        raise CardError(message)
