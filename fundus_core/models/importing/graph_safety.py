"""Graphs from strangers: archives, SavedModels, ONNX files and OpenVINO's own are looked through before they are read.

What may be there is listed (``operators``); whatever is not is refused by name.
"""

import functools
import graphlib
import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from fundus_core.errors import CardError, say
from fundus_core.models.importing import operators

_LARGEST, _MOST_MEMBERS, _DENSEST = 4 * 2**30, 10_000, 50
"""Bytes of an unpacked archive, its files, and how many times its own size it may grow."""
_SMALL = 64 * 2**20
_MOST_VALUES = 2**29
"""Values of the largest array in a graph, for one photograph."""


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive; a member that would leave the folder, or is a link, is refused, and so is a bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members:
                _check_member(path, member)
            size = sum(member.file_size for member in members)
            if len(members) > _MOST_MEMBERS or size > min(_LARGEST, max(_SMALL, _DENSEST * path.stat().st_size)):
                raise CardError(
                    "'{name}' unpacks to {members} files of {size} MiB, and was not unpacked.",
                    name=path.name,
                    members=len(members),
                    size=size >> 20,
                )
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        raise CardError(
            "The archive '{name}' is damaged ({error}); obtain it again.", name=path.name, error=error
        ) from error


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    parts = member.filename.replace("\\", "/").split("/")
    link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if link or ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
        raise CardError(
            "'{name}' holds '{filename}', which leads out of the archive, and was not unpacked.",
            name=path.name,
            filename=member.filename,
        )


def _refuse(where: str, what: str) -> NoReturn:
    raise CardError(
        "{where} holds {what}, and was not loaded, since that could execute code of whoever wrote "
        "it, or never end. Export the network alone, for example as ONNX with plain operations.",
        where=say(where),
        what=say(what),
    )


# TensorFlow -------------------------------------------------------------------------------------------------------


def check_saved_model(folder: Path) -> None:
    """Refuse links, and operations that are neither listed nor the file's own functions, by their names."""
    for place in folder.rglob("*"):
        if place.is_symlink():
            raise CardError(
                "The SavedModel holds the link '{name}', and was not loaded; export it again.", name=place.name
            )
    from google.protobuf.message import DecodeError

    try:
        content = _saved_model().FromString((folder / "saved_model.pb").read_bytes())
    except (DecodeError, RecursionError) as error:
        raise CardError("The SavedModel's saved_model.pb is damaged; export it again.") from error
    for meta in content.meta_graphs:
        functions = meta.graph_def.library.function
        own = {function.signature.name for function in functions if function.signature.name.startswith(b"__")}
        calls = {f.signature.name: {node.op for node in f.node_def} & own for f in functions}
        _check_acyclic("The SavedModel", calls)
        nodes = [*meta.graph_def.node, *(node for function in functions for node in function.node_def)]
        _check_listed("The SavedModel", (node.op for node in nodes), operators.TENSORFLOW | own)


@functools.cache
def _saved_model() -> Any:
    """What of TensorFlow's messages is needed: the operation of every node, by the numbers of their fields."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds: dict[str, dict[str, tuple[int, str]]] = {
        "Node": {"op": (2, "")},
        "Signature": {"name": (1, "")},
        "Function": {"signature": (1, "Signature"), "node_def": (3, "*Node")},
        "Library": {"function": (1, "*Function")},
        "Graph": {"node": (1, "*Node"), "library": (2, "Library")},
        "Meta": {"graph_def": (2, "Graph")},
        "SavedModel": {"meta_graphs": (2, "*Meta")},
    }
    file = descriptor_pb2.FileDescriptorProto(name="saved_model", package="looked_at", syntax="proto3")
    for name, fields in kinds.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            made = message.field.add(name=field, number=number, label=3 if kind.startswith("*") else 1)
            made.type = 11 if kind else 12
            if kind:
                made.type_name = f".looked_at.{kind.removeprefix('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("looked_at.SavedModel"))


def _check_listed(where: str, found: Iterable[str | bytes], listed: Iterable[str | bytes]) -> None:
    def text(name: str | bytes) -> str:
        return name.decode(errors="replace") if isinstance(name, bytes) else name

    if odd := sorted({text(name) for name in found} - {text(name) for name in listed}):
        _refuse(where, say("the operation '{odd}'", odd=odd[0][:80]))


def _check_acyclic(where: str, calls: dict[Any, set[Any]]) -> None:
    try:
        graphlib.TopologicalSorter(calls).prepare()
    except graphlib.CycleError:
        _refuse(where, "a function that calls itself")


# ONNX -------------------------------------------------------------------------------------------------------------


def check_onnx(path: Path) -> None:
    """Refuse operators that are not listed, of any maker, and weights kept anywhere but beside the file."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(path), format="protobuf", load_external_data=False)
    except (DecodeError, ValueError, OSError, RecursionError) as error:
        raise CardError("'{name}' is no ONNX file, or damaged; obtain it again.", name=path.name) from error
    own = {(function.domain, function.name) for function in model.functions}
    calls = {(f.domain, f.name): {(n.domain, n.op_type) for n in _nodes(f.node)} & own for f in model.functions}
    _check_acyclic(say("'{name}'", name=path.name), calls)
    nodes = [*_nodes(model.graph.node), *(node for function in model.functions for node in _nodes(function.node))]
    standard = {(domain, name) for domain in ("", "ai.onnx") for name in operators.ONNX}
    if odd := sorted(
        {(node.domain, node.op_type) for node in nodes} - standard - own, key=str
    ):  # damaged names are bytes
        maker, name = odd[0]
        _refuse(
            say("'{name}'", name=path.name),
            say("the operation '{name}' of '{maker}'", name=name, maker=maker)
            if maker
            else say("the operation '{name}'", name=name),
        )
    for tensor in _tensors(model, nodes):
        _check_tensor(path, tensor)


def _nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """Nodes at every depth."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                waiting.extend(inner.node)


def _tensors(model: Any, nodes: Iterable[Any]) -> Iterator[Any]:
    yield from model.graph.initializer
    for sparse in model.graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
            for inner in [attribute.g, *attribute.graphs]:
                yield from inner.initializer


def _check_tensor(path: Path, tensor: Any) -> None:
    if math.prod(tensor.dims) > _MOST_VALUES or any(side < 0 for side in tensor.dims):
        _refuse(say("'{name}'", name=path.name), say("an array of {shape:x} values", shape=tensor.dims))
    for entry in tensor.external_data:
        if entry.key == "location":
            _check_location(path, entry.value)


def _check_location(path: Path, location: str) -> None:
    target = path.parent / location
    if location != Path(location).name or "\\" in location or target.is_symlink():
        raise CardError(
            "'{name}' wants weights from '{location}', outside its own folder, and was not loaded.",
            name=path.name,
            location=location,
        )
    if not target.is_file():
        raise CardError(
            "'{name}' keeps weights in '{location}', which is not there; put that file beside it.",
            name=path.name,
            location=location,
        )


# OpenVINO ---------------------------------------------------------------------------------------------------------


def check_xml(path: Path) -> None:
    """Refuse a graph of OpenVINO's that is no plain XML, or holds operations that are not listed, by their names."""
    found: set[str] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "layer":
            found.add(attributes.get("type", ""))
            if not attributes.get("version", "opset1").startswith("opset"):
                _refuse(
                    say("'{name}'", name=path.name),
                    say("an operation of '{attributes}'", attributes=attributes["version"][:40]),
                )

    def doctype(*_: object) -> None:
        _refuse(say("'{name}'", name=path.name), "definitions of its own")

    reader = expat.ParserCreate()
    reader.StartElementHandler, reader.StartDoctypeDeclHandler = start, doctype
    try:
        with path.open("rb") as file:
            reader.ParseFile(file)
    except (expat.ExpatError, OSError, ValueError) as error:
        raise CardError(
            "The graph '{name}' is damaged ({error}); obtain it again.", name=path.name, error=error
        ) from error
    _check_listed(say("'{name}'", name=path.name), found, operators.OPENVINO)


def check_graph(graph: Any) -> None:
    """Refuse a graph, however it was made, by operations that are not listed or arrays beyond any photograph's."""
    nodes = graph.get_ordered_ops()
    _check_listed("The graph", (node.get_type_name() for node in nodes), operators.OPENVINO)
    for node in nodes:
        if not str(node.get_type_info().version_id).startswith("opset"):
            _refuse(
                "The graph", say("the operation '{get_type_name}' of another maker", get_type_name=node.get_type_name())
            )
        for output in node.outputs():
            shape = output.get_partial_shape()
            known = [] if shape.rank.is_dynamic else [side.get_length() for side in shape if side.is_static]
            if math.prod(known) > _MOST_VALUES:
                _refuse("The graph", say("an array of {shape:x} values", shape=shape))
