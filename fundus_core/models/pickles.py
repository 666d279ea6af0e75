"""Pickles read without Python's unpickler: a small machine that builds plain values and inert stand-ins, calls nothing.

What a pickle would import is a ``Name``, what it would call or make is a ``Made`` that remembers with which arguments;
neither can do anything. Sizes, depth, memo and count are limited. What each operation means is told in Python's
``pickletools``, whose reader of operations is used.
"""

import io
import pickletools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from fundus_core.errors import CardError, say

_MOST_OPERATIONS, _MOST_STACKED, _LONGEST_NUMBER, _LARGEST = 8_000_000, 2**20, 1024, 256 * 2**20
_HARMFUL = re.compile(
    r"(os|posix|nt|subprocess|pty|socket|runpy|ctypes|webbrowser|importlib|shutil|sys)(\..*)?|"
    r"(builtins|__builtin__)\.(eval|exec|execfile|compile|open|__import__|input|breakpoint)|io\.open|_io\.open"
)
"""What no network's file names; it would stay inert, and says that the file was made to do harm."""


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that a pickle names; the thing itself is never looked for."""

    full: str
    """Module and name, with a dot between."""


@dataclass(eq=False, slots=True)
class Made:
    """What a pickle would have made by calling something."""

    kind: str
    """Full name of what would have been called."""
    arguments: tuple[Any, ...] = ()
    """It would have been called with these."""
    state: object = None
    """What would have been set then."""
    items: list[Any] = field(default_factory=list)
    """What would have been appended."""
    table: dict[Any, Any] = field(default_factory=dict)
    """What would have been set by key."""


class _Mark:
    """Divides the stack."""


_MARK = _Mark()
_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


def read(file: BinaryIO, name: str) -> object:
    """Return what one pickle holds, as plain values, ``Name`` and ``Made``; the file is left behind it.

    A storage that torch names by ``persistent_id`` is ``Made`` with the kind ``storage``.

    Raises:
        CardError: It is damaged, holds more than a network needs, or names what only a file that does harm names.
    """
    machine = _Machine(name)
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if count > _MOST_OPERATIONS or len(machine.stack) > _MOST_STACKED:
                raise _much(name)
            if operation.name == "STOP":
                return machine.stack.pop()
            machine.step(operation.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, EOFError, OverflowError, UnicodeDecodeError) as why:
        raise damaged(name, why) from why
    raise _much(name)


def read_bytes(content: bytes, name: str) -> object:
    """Return what a pickle holds; see ``read``."""
    if len(content) > _LARGEST:
        raise _much(name)
    return read(io.BytesIO(content), name)


def damaged(name: str, why: Exception) -> CardError:
    """Return the error about weights that cannot be read as what they are."""
    named = isinstance(why, OSError) and why.strerror
    said = why if named else (str(why).splitlines() or [""])[0][:300] or type(why).__name__
    return CardError("The weights '{name}' are damaged ({why}); obtain them again.", name=name, why=said)


def _much(name: str) -> CardError:
    return CardError(
        "The weights '{name}' hold more objects than a network is made of; save the state dict alone.", name=name
    )


@dataclass(slots=True)
class _Machine:
    """The stack and memo of one pickle."""

    name: str
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def step(self, operation: str, argument: Any) -> None:
        if operation in _STEPS:
            _STEPS[operation](self, argument)
        elif operation in _VALUES:
            if isinstance(argument, int) and argument.bit_length() > 8 * _LONGEST_NUMBER:
                raise _much(self.name)
            self.stack.append(argument)
        elif operation not in ("PROTO", "FRAME"):
            raise ValueError(say("the operation {operation}", operation=operation))

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark for a value")
        return value

    def marked(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        place = next((k for k in range(len(self.stack) - 1, -1, -1) if self.stack[k] is _MARK), None)
        if place is None:
            raise ValueError
        above = self.stack[place + 1 :]
        del self.stack[place:]
        return above

    def put(self, key: int) -> None:
        self.memo[key] = self.stack[-1]

    def named(self, full: str) -> Name:
        if _HARMFUL.fullmatch(full):
            raise CardError(
                "The weights '{name}' would execute code to load ({full}), as no network's file does, and "
                "were not read; do not open this file with torch. Ask for safetensors.",
                name=self.name,
                full=full[:80],
            )
        return Name(full)

    def made(self, called: Any, arguments: Any) -> Any:
        """Stand for a call; a dictionary, a set and text in bytes are what they would have been."""
        given = tuple(arguments) if isinstance(arguments, tuple | list) else (arguments,)
        kind = called.full if isinstance(called, Name) else f"{getattr(called, 'kind', '?')}()"
        if kind in ("collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict"):
            return dict(_pairs(given))
        if kind in ("builtins.set", "__builtin__.set", "builtins.frozenset"):
            return list(given[0]) if given and isinstance(given[0], list | tuple) else []
        if kind == "_codecs.encode" and len(given) == 2 and isinstance(given[0], str) and given[1] == "latin1":
            return given[0].encode("latin1")
        return Made(kind, given)


def _pairs(given: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """Pairs of a key and a value among the arguments of a dictionary."""
    for one in given:
        if isinstance(one, list | tuple):
            yield from ((_key(pair[0]), pair[1]) for pair in one if isinstance(pair, list | tuple) and len(pair) == 2)


def _key(value: Any) -> Any:
    """A key that can be looked up without a stranger's say."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, tuple) and len(value) < 8 and all(type(one) in _PLAIN for one in value):
        return value
    return f"<{getattr(value, 'kind', type(value).__name__)} {id(value)}>"


def _set_items(machine: _Machine, pairs: list[Any]) -> None:
    into = machine.stack[-1]
    table = into if isinstance(into, dict) else into.table if isinstance(into, Made) else {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        table[_key(key)] = value


def _append(machine: _Machine, values: list[Any]) -> None:
    into = machine.stack[-1]
    if isinstance(into, list | Made):
        (into if isinstance(into, list) else into.items).extend(values)


def _build(machine: _Machine, _: Any) -> None:
    state = machine.pop()
    into = machine.stack[-1]
    if isinstance(into, Made):
        into.state = state


def _new(machine: _Machine, _: Any) -> None:
    arguments, called = machine.pop(), machine.pop()
    machine.stack.append(machine.made(called, arguments))


def _new_with_keywords(machine: _Machine, _: Any) -> None:
    machine.pop()
    _new(machine, _)


def _object(machine: _Machine, _: Any) -> None:
    kind, *arguments = machine.marked()
    machine.stack.append(machine.made(kind, arguments))


def _instance(machine: _Machine, argument: Any) -> None:
    arguments = machine.marked()
    machine.stack.append(machine.made(machine.named(str(argument).replace(" ", ".", 1)), arguments))


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.pop(), machine.pop()
    if not isinstance(name, str) or not isinstance(module, str):  # written out, nested things grow without an end
        raise ValueError
    machine.stack.append(machine.named(f"{module}.{name}"))


def _tuple(count: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        values = tuple(machine.pop() for _ in range(count))[::-1]
        machine.stack.append(values)

    return step


def _dict(machine: _Machine, _: Any) -> None:
    pairs = machine.marked()
    machine.stack.append({})
    _set_items(machine, pairs)


def _persistent(machine: _Machine, _: Any) -> None:
    """``("storage", type, key, place, count)`` as torch writes it, or the class of a module in its old files."""
    said = machine.pop()
    values = said if isinstance(said, tuple) else ()
    if values[:1] == ("module",) and len(values) > 1:
        machine.stack.append(values[1])
        return
    machine.stack.append(Made("storage", values))


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


_VALUES = frozenset(
    """NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING
    SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8
    BYTEARRAY8""".split()
)
_STEPS: Mapping[str, Callable[[_Machine, Any], object]] = {
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "MARK": lambda m, _: m.stack.append(_MARK),
    "POP": lambda m, _: m.stack.pop(),
    "POP_MARK": lambda m, _: m.marked(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append([]),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.marked())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "LIST": lambda m, _: m.stack.append(m.marked()),
    "FROZENSET": lambda m, _: m.stack.append(m.marked()),
    "DICT": _dict,
    "APPEND": lambda m, _: _append(m, [m.pop()]),
    "APPENDS": lambda m, _: _append(m, m.marked()),
    "ADDITEMS": lambda m, _: _append(m, m.marked()),
    "SETITEM": _set_item,
    "SETITEMS": lambda m, _: _set_items(m, m.marked()),
    "GET": lambda m, a: m.stack.append(m.memo[int(a)]),
    "BINGET": lambda m, a: m.stack.append(m.memo[a]),
    "LONG_BINGET": lambda m, a: m.stack.append(m.memo[a]),
    "PUT": lambda m, a: m.put(int(a)),
    "BINPUT": lambda m, a: m.put(a),
    "LONG_BINPUT": lambda m, a: m.put(a),
    "MEMOIZE": lambda m, _: m.put(len(m.memo)),
    "GLOBAL": lambda m, a: m.stack.append(m.named(str(a).replace(" ", ".", 1))),
    "STACK_GLOBAL": _stack_global,
    "INST": _instance,
    "OBJ": _object,
    "NEWOBJ": _new,
    "NEWOBJ_EX": _new_with_keywords,
    "REDUCE": _new,
    "BUILD": _build,
    "BINPERSID": _persistent,
}
"""What each operation does to the stack; any other one is refused."""
