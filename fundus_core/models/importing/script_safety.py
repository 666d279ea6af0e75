"""TorchScript from strangers: its program must consist of listed operators alone, in its text and in torch's own graph.

The text is judged first, since loading can run parts of it: Python's parser reads it after everything is refused that
another parser could read otherwise. What torch made of it is judged again before it is asked anything.
"""

import ast
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from fundus_core.errors import CardError, say
from fundus_core.models.importing.operators import TORCH

_MEMBER = re.compile(
    r"[^/]+/(code/(\w+/)*\w+\.py(\.debug_pkl)?|data\.pkl|constants\.pkl|(data|constants)/\d+|version|byteorder|"
    r"traced_inputs(\.pkl|/\d+)|\.(format_version|storage_alignment|data/(serialization_id|version))|extra/[\w.-]+)"
)
_LARGEST_TEXT, _MOST_TURNS = 16 * 2**20, 1000
_OWN_METHODS = ("__setstate__", "__getstate__", "__init__", "__del__")
"""Of a class: what loading would run."""
_BUILT_IN = frozenset(
    ("annotate", "unchecked_cast", "uninitialized", "getattr", "isinstance", "int", "float", "bool", "str", "range")
)
_WORDS = frozenset(
    """torch ops __torch__ CONSTANTS self Module Tensor List Optional Dict Tuple NoneType NamedTuple Final Any Union
    Device Layout Enum __annotations__ number inf nan infj nanj""".split()
)
"""Names that stand in every program without being bound in it."""
_SYNTAX = (
    ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AnnAssign, ast.If,
    ast.For, ast.Expr, ast.Pass, ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.keyword, ast.Constant, ast.List,
    ast.Tuple, ast.Dict, ast.IfExp, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator, ast.Compare, ast.cmpop,
    ast.BoolOp, ast.boolop, ast.expr_context, ast.Slice,
)  # fmt: skip


def check_archive(path: Path) -> None:
    """Refuse an archive whose program holds anything but listed operators, by its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            trees = [_tree(path, name, text) for name, text in _texts(path, archive)]
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise CardError(
            "The TorchScript file '{name}' is damaged ({error}); export it again.", name=path.name, error=error
        ) from error
    nodes = [node for tree in trees for node in ast.walk(tree)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | _BUILT_IN | _WORDS
    for node in nodes:
        _check_node(path, node, own)
        if isinstance(node, ast.Name) and node.id not in bound:
            _refuse(path, say("'{name}'", name=node.id))


def _texts(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len({name.lower() for name in names}) < len(names):
        _refuse(path, "two parts of one name")
    for name in names:
        if not _MEMBER.fullmatch(name) or ".." in name:
            _refuse(path, say("the part '{name}', which no export of torch writes", name=name))
    code = [member for member in members if "/code/" in member.filename and member.filename.endswith(".py")]
    if sum(member.file_size for member in code) > _LARGEST_TEXT:
        _refuse(path, say("a program of more than {largest_text} MiB", largest_text=_LARGEST_TEXT >> 20))
    for member in code:
        yield member.filename, archive.read(member)


def _tree(path: Path, name: str, text: bytes) -> ast.Module:
    """The syntax of a text that every parser cuts alike: lines end one way, nothing joins them, nothing is hidden."""
    if re.search(rb"[^\x20-\x7e\n]|\\\n", text):
        _refuse(path, say("letters in '{name}' that no export of torch writes", name=name))
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        _refuse(path, say("'{name}', which cannot be read ({name_2})", name=name, name_2=type(error).__name__))


def _check_node(path: Path, node: ast.AST, own: set[str]) -> None:
    if not isinstance(node, _SYNTAX):
        _refuse(path, say("'{lower}', which no network needs", lower=type(node).__name__.lower()))
    if isinstance(node, ast.FunctionDef) and (node.name in _OWN_METHODS or node.decorator_list):
        _refuse(path, say("'{name}', which would run when the file is loaded", name=node.name))
    if isinstance(node, ast.For) and not _short(node.iter):
        _refuse(path, say("a loop whose turns are not fixed, or more than {most_turns}", most_turns=_MOST_TURNS))
    if isinstance(node, ast.Attribute) or (isinstance(node, ast.Call) and not isinstance(node.func, ast.Name)):
        name = _called(node.func if isinstance(node, ast.Call) else node)
        if "torch.classes" in name or not (_listed(name, own) or (isinstance(node, ast.Attribute) and _value(name))):
            _refuse(path, say("'{name}'", name=name) if name else "a call of something without a name")


def _short(turns: ast.expr) -> bool:
    """Whether a loop goes over a few numbers, or as often as a list is long."""
    if not isinstance(turns, ast.Call) or _called(turns.func) != "range" or len(turns.args) != 1:
        return False
    count = turns.args[0]
    if isinstance(count, ast.Call) and _called(count.func) == "torch.sub" and count.args:
        count = count.args[0]
    if isinstance(count, ast.Call):
        return _called(count.func) == "torch.len"
    return isinstance(count, ast.Constant) and isinstance(count.value, int) and count.value <= _MOST_TURNS


def _called(function: ast.expr) -> str:
    """The dotted name that is called; ``.name`` for a method of a value, empty for anything else."""
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    if isinstance(function, ast.Name):
        return ".".join([function.id, *reversed(parts)])
    return f".{parts[0]}" if parts else ""


def _listed(name: str, own: set[str]) -> bool:
    first, *rest = name.split(".")
    if first == "torch":
        return len(rest) == 1 and rest[0] in TORCH
    if first == "ops":
        return len(rest) == 2 and rest[0] in ("aten", "prim") and rest[1] in TORCH
    return bool(rest) and rest[-1] in own  # a method or function of the file itself, which is judged like the rest


def _value(name: str) -> bool:
    """Whether a dotted name that is not called is a value or a type of the file's own, or the way to an operator."""
    return name.split(".")[0] not in ("torch", "ops") or name in ("ops.aten", "ops.prim")


def check_graph(path: Path, module: Any) -> None:
    """Refuse a loaded module in whose graph, everything inlined, torch sees another operator than those listed."""
    whole = module.inlined_graph  # kept, as its nodes go when it goes
    waiting = [whole]
    while waiting:
        for node in waiting.pop().nodes():
            space, _, name = str(node.kind()).partition("::")
            turns = next(iter(node.inputs()), None)
            short = name == "Loop" and turns is not None and _short_in_graph(turns)
            if space not in ("aten", "prim") or not (name in TORCH or short):
                _refuse(path, say("'{name}'", name=node.kind()))
            waiting += list(node.blocks())


def _short_in_graph(turns: Any) -> bool:
    node = turns.node()
    if node.kind() == "aten::sub":
        node = next(iter(node.inputs())).node()
    number = turns.toIValue()
    return node.kind() == "aten::len" or (isinstance(number, int) and number <= _MOST_TURNS)


def _refuse(path: Path, what: str) -> NoReturn:
    raise CardError(
        "The TorchScript file '{name}' holds {what}, and was not loaded: only operators that compute "
        "a network are read. Export the network alone, best as ONNX, or save its state dict.",
        name=path.name,
        what=say(what),
    )
